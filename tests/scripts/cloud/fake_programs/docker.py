"""A fake of Docker: the digest of an image is the hash of its build context.

With `registry_drops_pushes` in the state, a pushed image is not listed.
"""

from hashlib import sha256

from tests.scripts.cloud.fake_programs.program_run import ProgramRun, State


def main(state: State, run: ProgramRun) -> str:
    """Handle one run."""
    command, *arguments = run.arguments
    name = arguments[arguments.index("--tag") + 1] if command == "build" else arguments[-1]
    if command == "build":
        state.setdefault("built", {})[name] = f"sha256:{sha256(run.stdin).hexdigest()}"
    if command == "push" and not state.get("registry_drops_pushes"):
        state.setdefault("images", {})[name] = state["built"][name]
    return ""
