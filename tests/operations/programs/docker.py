"""A stand-in for Docker: an image is the hash of what it is built from.

If it `pushes_nowhere`, nobody lists what it has pushed.
"""

import sys
from hashlib import sha256

from tests.operations.programs.state import remembered


def main() -> int:
    """Do what the command line says."""
    command, *arguments = sys.argv[1:]
    name = arguments[arguments.index("--tag") + 1] if command == "build" else arguments[-1]
    with remembered() as state:
        state.setdefault("calls", []).append(["docker", *sys.argv[1:]])
        if command == "build":
            digest = sha256(sys.stdin.buffer.read()).hexdigest()
            state.setdefault("built", {})[name] = f"sha256:{digest}"
        if command == "push" and not state.get("pushes_nowhere"):
            state.setdefault("images", {})[name] = state["built"][name]
    return 0


if __name__ == "__main__":
    sys.exit(main())
