"""A stand-in for Docker: an image is the hash of what it is built from.

If it `pushes_nowhere`, nobody lists what it has pushed.
"""

from hashlib import sha256

from tests.scripts.cloud.programs.call import Call, State


def main(state: State, call: Call) -> str:
    """Answer one call."""
    command, *arguments = call.arguments
    name = arguments[arguments.index("--tag") + 1] if command == "build" else arguments[-1]
    if command == "build":
        state.setdefault("built", {})[name] = f"sha256:{sha256(call.given).hexdigest()}"
    if command == "push" and not state.get("pushes_nowhere"):
        state.setdefault("images", {})[name] = state["built"][name]
    return ""
