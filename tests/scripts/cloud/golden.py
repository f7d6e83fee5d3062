"""Files with what a command prints, whole: `REWRITE_GOLDEN=1` before a test writes them anew."""

import os
from pathlib import Path

_FOLDER = Path(__file__).parent / "golden"


def as_golden(name: str, text: str) -> None:
    """Hold `text` against the file `name`."""
    path = _FOLDER / f"{name}.txt"
    if os.environ.get("REWRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()
