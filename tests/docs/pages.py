"""The Markdown pages of the project, and the links in them."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_PATH = re.compile(r"`((?:docs|functions|infra|scripts|shared|tests)/[\w./-]+)`")
_VARIABLE = re.compile(r"`(_?[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)")


@dataclass(frozen=True)
class Link:
    """A relative link: a file, and the anchor of a heading in it, which may be empty."""

    file: Path
    anchor: str


@dataclass(frozen=True)
class Page:
    """A Markdown page."""

    path: Path

    @cached_property
    def _prose(self) -> str:
        return _FENCE.sub("", self.path.read_text())

    @cached_property
    def links(self) -> list[Link]:
        """The relative links of the page, in order."""
        targets = _LINK.findall(_CODE.sub("", self._prose))
        return [self._link(target) for target in targets if "://" not in target]

    @cached_property
    def anchors(self) -> set[str]:
        """The anchors of the page's headings."""
        return {slug(heading) for heading in _HEADING.findall(self._prose)}

    @cached_property
    def named_paths(self) -> list[str]:
        """The files and folders of the project that the page names in code spans."""
        return [path for path in _PATH.findall(self._prose) if "..." not in path]

    @cached_property
    def named_variables(self) -> list[str]:
        """The environment variables and constants that the page names in code spans."""
        return _VARIABLE.findall(self._prose)

    @cached_property
    def dead_links(self) -> list[Link]:
        """The links whose file or anchor does not exist."""
        return [link for link in self.links if not _leads_somewhere(link)]

    def _link(self, target: str) -> Link:
        file, _, anchor = target.partition("#")
        return Link((self.path.parent / file).resolve() if file else self.path.resolve(), anchor)


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def _leads_somewhere(link: Link) -> bool:
    if not link.file.exists():
        return False
    return not link.anchor or link.anchor in Page(link.file).anchors
