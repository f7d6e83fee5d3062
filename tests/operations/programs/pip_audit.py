"""A stand-in for pip-audit: knows of the holes that the state's `holes` names."""

import sys

from tests.operations.programs.state import remembered


def main() -> int:
    """Do what the command line says."""
    with remembered() as state:
        state.setdefault("calls", []).append(["pip-audit", *sys.argv[1:]])
        holes = state.get("holes", [])
    for hole in holes:
        print(hole)
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main())
