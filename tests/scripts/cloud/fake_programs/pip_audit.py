"""A fake of pip-audit, which reports the `vulnerabilities` of the state."""

from tests.scripts.cloud.fake_programs.program_run import ProgramFailedError, ProgramRun, State


def main(state: State, _run: ProgramRun) -> str:
    """Handle one run."""
    if found := state.get("vulnerabilities"):
        raise ProgramFailedError("", "".join(f"{each}\n" for each in found))
    return ""
