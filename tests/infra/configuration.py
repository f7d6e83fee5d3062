"""The files of `infra/`, as they are written."""

import re
from pathlib import Path

_HEAD = re.compile(r'^\s*(resource|data) "(google_\w+)" "', re.MULTILINE)


def types_in_use(folder: Path) -> tuple[set[str], set[str]]:
    """Return the types of resources, and those of data sources, that a folder's files use."""
    heads = {head for path in folder.rglob("*.tf") for head in _HEAD.findall(path.read_text())}
    resources, data_sources = (
        {name for kind, name in heads if kind == wanted} for wanted in ("resource", "data")
    )
    return resources, data_sources
