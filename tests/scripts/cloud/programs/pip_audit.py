"""A fake of pip-audit, which finds the holes in the state's `holes`."""

from tests.scripts.cloud.programs.call import Call, RefusedError, State


def main(state: State, _call: Call) -> str:
    """Answer one call."""
    if holes := state.get("holes"):
        raise RefusedError("", "".join(f"{hole}\n" for hole in holes))
    return ""
