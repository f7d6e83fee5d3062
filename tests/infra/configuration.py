"""The source files of `infra/`, parsed."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import hcl2

Body = dict[str, Any]
"""The body of a block, as the parser returns it."""

_AS_VALUES = hcl2.SerializationOptions(
    with_comments=False, explicit_blocks=False, strip_string_quotes=True
)
_HEADER = re.compile(r'^\s*(resource|data) "(google_\w+)" "', re.MULTILINE)


def used_types(folder: Path) -> tuple[set[str], set[str]]:
    """Return the types of resources, and those of data sources, in a folder's files."""
    headers = {each for path in folder.rglob("*.tf") for each in _HEADER.findall(path.read_text())}
    resources, data_sources = (
        {name for kind, name in headers if kind == group} for group in ("resource", "data")
    )
    return resources, data_sources


@cache
def parse(path: Path) -> Body:
    """Return the content of a file. An expression that is not a literal is `${...}`."""
    values: Body = hcl2.loads(path.read_text(), serialization_options=_AS_VALUES)
    return values


def modules(infra: Path) -> list[Path]:
    """Return the folders of all modules, the root module first."""
    return [infra, *sorted((infra / "modules").iterdir())]


def declarations(module: Path, kind: str) -> dict[str, Body]:
    """Return a module's variables or outputs: their bodies by their names."""
    return {
        name: body
        for path in sorted(module.glob("*.tf"))
        for block in parse(path).get(kind, [])
        for name, body in block.items()
    }


def read_code(module: Path) -> str:
    """Return the text of a module's files without comments."""
    texts = (path.read_text() for path in sorted(module.glob("*.tf")))
    return re.sub(r"^\s*(#|//).*$", "", "\n".join(texts), flags=re.MULTILINE)
