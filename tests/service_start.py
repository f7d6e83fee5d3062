"""The start of a service in a separate process with an empty environment."""

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

from scripts.root import ROOT
from tests.shared_results import shared_result

_PROGRAM = """
import importlib, json, sys
from shared.settings import Settings
made, make = set(), Settings.__init__
def note(self, *args, **kwargs):
    made.add(type(self).__name__)
    make(self, *args, **kwargs)
Settings.__init__ = note
importlib.import_module(sys.argv[1])
modules = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
print(json.dumps({"settings": sorted(made), "modules": modules}))
"""


@dataclass(frozen=True)
class Start:
    """The settings and modules of a service after its start."""

    settings: list[str]
    """The names of the settings classes that it created."""

    modules: dict[str, str]
    """The files of the modules by their names; empty for modules without a file."""


@cache
def start(service: str) -> Start:
    """Start a service, once in a test run."""
    return Start(**shared_result(f"start-{service}", lambda _path: _printed(service)))


def _printed(service: str) -> Any:
    finished = subprocess.run(
        [sys.executable, "-c", _PROGRAM, f"functions.{service}.main"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "", "PYTHONPATH": str(ROOT)},
    )
    return json.loads(finished.stdout)
