"""Python in a process of its own, with nothing in its environment."""

import json
import subprocess
import sys
from typing import Any

from scripts.root import ROOT


def printed(program: str, *arguments: str) -> Any:
    """Run `program` with arguments; return the JSON that it prints."""
    finished = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "", "PYTHONPATH": str(ROOT)},
    )
    return json.loads(finished.stdout)
