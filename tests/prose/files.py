"""The files that the check reads."""

import subprocess
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import PurePosixPath

from scripts.root import ROOT
from tests.prose.python_texts import python_texts
from tests.prose.texts import (
    Extractor,
    Text,
    configuration_texts,
    javascript_texts,
    language,
    markdown_texts,
    shell_texts,
    terraform_texts,
)

EXTRACTORS: dict[str, Extractor] = {
    ".md": markdown_texts,
    ".mjs": javascript_texts,
    ".py": python_texts,
    ".sh": shell_texts,
    ".tf": terraform_texts,
    ".toml": configuration_texts,
}


def texts_of(path: str, source: str) -> Iterator[Text]:
    """Yield the prose and the names of a file, those of its path included; none if binary."""
    kind = language(path, source)
    if kind == ".py":
        yield Text(1, "module", _module(path))
    if kind in EXTRACTORS:
        yield from EXTRACTORS[kind](source)


def listed(paths: Sequence[str], exclude: Sequence[str]) -> list[str]:
    """Return the project's files at or below `paths`, all without any, relative to its root.

    Args:
        paths: relative to the root.
        exclude: patterns of `fnmatch`, whose `*` also stands for slashes.
    """
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z", "--", *paths]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(
        path
        for path in done.stdout.split("\0")
        if path
        and (ROOT / path).is_file()
        and not any(fnmatch(path, pattern) for pattern in exclude)
    )


def _module(path: str) -> str:
    name = PurePosixPath(path)
    return name.parent.name if name.stem in {"__init__", "__main__"} else name.stem
