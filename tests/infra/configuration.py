"""The files of `infra/`, as they are written."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import hcl2

_AS_VALUES = hcl2.SerializationOptions(
    with_comments=False, explicit_blocks=False, strip_string_quotes=True
)
_HEAD = re.compile(r'^\s*(resource|data) "(google_\w+)" "', re.MULTILINE)


def types_in_use(folder: Path) -> tuple[set[str], set[str]]:
    """Return the types of resources, and those of data sources, that a folder's files use."""
    heads = {head for path in folder.rglob("*.tf") for head in _HEAD.findall(path.read_text())}
    resources, data_sources = (
        {name for kind, name in heads if kind == wanted} for wanted in ("resource", "data")
    )
    return resources, data_sources


@cache
def parsed(path: Path) -> dict[str, Any]:
    """Return what a file says; an expression that is no plain value is `${...}`."""
    values: dict[str, Any] = hcl2.loads(path.read_text(), serialization_options=_AS_VALUES)
    return values


def modules(infra: Path) -> list[Path]:
    """Return the folders that are modules of their own, the root first."""
    return [infra, *sorted((infra / "modules").iterdir())]


def declared(module: Path, kind: str) -> dict[str, dict[str, Any]]:
    """Return a module's variables or outputs: their bodies by their names."""
    return {
        name: body
        for path in sorted(module.glob("*.tf"))
        for block in parsed(path).get(kind, [])
        for name, body in block.items()
    }


def text_of(module: Path) -> str:
    """Return all of a module's files, without what is commented out or for people."""
    texts = (path.read_text() for path in sorted(module.glob("*.tf")))
    return re.sub(r"^\s*(#|//).*$", "", "\n".join(texts), flags=re.MULTILINE)
