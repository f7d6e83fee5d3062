"""The start of a service in its own process, with an empty environment."""

import json
import subprocess
import sys
from dataclasses import dataclass

from scripts.root import ROOT

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
    """The names of the settings classes that the service created."""

    modules: dict[str, str]
    """The files of the loaded modules by module name; empty for built-in modules."""


def start(service: str) -> Start:
    """Start a service and return its settings and modules. Takes half a second."""
    finished = subprocess.run(
        [sys.executable, "-c", _PROGRAM, f"functions.{service}.main"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "", "PYTHONPATH": str(ROOT)},
    )
    return Start(**json.loads(finished.stdout))
