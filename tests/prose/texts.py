"""Prose and names in the project's files: where each one is, and in which context.

`texts_of` finds the extractor by the file's name. Each extractor is a pure function of the source.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, get_args

Context = Literal[
    "docstring",
    "comment",
    "string",
    "test name",
    "identifier",
    "module",
    "markdown",
    "terraform",
    "shell",
]
CONTEXTS: frozenset[Context] = frozenset(get_args(Context))

NAMES: frozenset[Context] = frozenset({"test name", "identifier", "module"})
PROSE: frozenset[Context] = CONTEXTS - NAMES


@dataclass(frozen=True)
class Text:
    """One paragraph, list item, message or name.

    Its line breaks are those of the file, so that each word has a line.
    """

    line: int
    context: Context
    content: str
    is_first: bool = True
    """Whether no other paragraph of the same docstring is before it."""


Extractor = Callable[[str], Iterator[Text]]

_ITEM = re.compile(r"(?:[-*+]|\d+[.)])\s+")
_ENTRY = re.compile(r"\*{0,2}[A-Za-z_][\w.]*(?:, \w+)*:(?:\s|$)")
"""An entry of `Args:` or `Raises:`, or that heading itself."""

_PRAGMA = re.compile(
    r"(?:^|#\s*)(?:noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?|type:\s*ignore(?:\[[^\]]*\])?"
    r"|fmt:\s*\w+|pragma:\s*\w+(?: \w+)?|mypy:.*)(?:\s+-\s+)?"
)
_HASH = re.compile(r"(?:^|(?<=\s))#(?![!{])\s?(.*)$")
_ASSIGNMENT = re.compile(r"\s*\w+\s*[=(]\S*\s*$")
"""Code in a comment, such as a line of `.env.example`."""

_DESCRIBED = re.compile(
    r"\s*(?:description|error_message|display_name|title|subject|summary|page|name|msg)"
    r'\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:\s#.*)?$'
)
_HEREDOC = re.compile(r"\s*(?:description|content|documentation)\s*=\s*<<[-~]?\"?(\w+)\"?\s*$")
_INTERPOLATION = re.compile(r"\$?\{[^}]*\}|\$\([^)]*\)|\$\w+|%[-\d.]*[sd]")
_PRINTED = re.compile(r"\b(?:echo|printf|step|fail|die|say|usage|warn)\b\s+(.*)$")
_QUOTED = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"")
_FENCE = re.compile(r"\s*(?:```|~~~)")


def paragraphs(line: int, context: Context, content: str) -> Iterator[Text]:
    """Split `content`, which begins on `line`, at blank lines, list items and entries."""
    first, kept, is_first = line, list[str](), True
    for number, raw in enumerate(content.split("\n"), line):
        words = raw.strip()
        item = _ITEM.match(words)
        if kept and (not words or item or _ENTRY.match(words) or words.startswith("--")):
            yield Text(first, context, "\n".join(kept), is_first)
            kept, is_first = [], False
        if words and not kept:
            first = number
        if words:
            kept.append(words[item.end() :] if item else words)
    if kept:
        yield Text(first, context, "\n".join(kept), is_first)


def comments(lines: dict[int, tuple[str, bool]], context: Context) -> Iterator[Text]:
    """Join the comments of a file that continue each other.

    Args:
        lines: by line number, the comment without its mark, and whether it has the line to itself.
        context: of all of them.
    """
    first, kept = 0, list[str]()
    for number, (comment, is_alone) in sorted(lines.items()):
        if kept and (number != first + len(kept) or not is_alone):
            yield from paragraphs(first, context, "\n".join(kept))
            kept = []
        if not kept:
            first = number
        kept.append(without_pragma(comment))
        if not is_alone:
            yield from paragraphs(first, context, kept.pop())
    yield from paragraphs(first, context, "\n".join(kept))


def without_pragma(comment: str) -> str:
    """Return `comment` without marks for tools; a reason after the mark stays."""
    return _PRAGMA.sub("", comment)


def words_of(name: str) -> str:
    """Return the words of an identifier, in their case: `_MOST_BYTES` has `MOST BYTES`."""
    return re.sub(r"(?<=[a-z\d])(?=[A-Z])", " ", name.replace("_", " ")).strip()


def is_prose(message: str) -> bool:
    """Whether a string literal has two words at least."""
    return len(re.findall(r"[A-Za-z]{2,}", message)) > 1


def _hash_comments(source: str, context: Context) -> Iterator[Text]:
    found: dict[int, tuple[str, bool]] = {}
    for number, line in enumerate(source.splitlines(), 1):
        match = _HASH.search(line)
        if match and not _ASSIGNMENT.match(match[1]):
            found[number] = match[1], not line[: match.start()].strip()
    yield from comments(found, context)


def _described(source: str, context: Context) -> Iterator[Text]:
    for number, line in enumerate(source.splitlines(), 1):
        match = _DESCRIBED.match(line)
        if match and is_prose(match[1]):
            yield Text(number, context, _INTERPOLATION.sub("x", match[1]))


def configuration_texts(source: str) -> Iterator[Text]:
    """Yield the comments of TOML, YAML, Dockerfiles and the like, and TOML's names of things."""
    yield from _hash_comments(source, "comment")
    yield from _described(source, "string")


def javascript_texts(source: str) -> Iterator[Text]:
    """Yield the comments after `//`."""
    found: dict[int, tuple[str, bool]] = {}
    for number, line in enumerate(source.splitlines(), 1):
        if match := re.search(r"(?:^|(?<=\s))//\s?(.*)$", line):
            found[number] = match[1], not line[: match.start()].strip()
    yield from comments(found, "comment")


def terraform_texts(source: str) -> Iterator[Text]:
    """Yield comments, descriptions, error messages and display names."""
    yield from _hash_comments(source, "terraform")
    yield from _described(source, "terraform")
    lines = source.splitlines()
    for number, line in enumerate(lines, 1):
        if match := _HEREDOC.match(line):
            end = next(i for i in range(number, len(lines)) if lines[i].strip() == match[1])
            content = "\n".join(lines[number:end])
            yield from paragraphs(number + 1, "terraform", _INTERPOLATION.sub("x", content))


def shell_texts(source: str) -> Iterator[Text]:
    """Yield comments, and the strings that commands such as `echo` print."""
    yield from _hash_comments(source, "shell")
    for number, line in enumerate(source.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        for printed in _PRINTED.finditer(line):
            for single, double in _QUOTED.findall(printed[1]):
                text = _INTERPOLATION.sub("x", single or double)
                if is_prose(text):
                    yield Text(number, "shell", text)


def markdown_texts(source: str) -> Iterator[Text]:
    """Yield paragraphs, list items, headings and rows of tables, but no fenced code."""
    first, kept, is_fenced = 1, list[str](), False
    for number, line in enumerate(source.splitlines(), 1):
        is_fence = bool(_FENCE.match(line))
        stands_alone = line.lstrip().startswith(("#", "|", ">"))
        if is_fence or is_fenced or stands_alone:
            yield from paragraphs(first, "markdown", "\n".join(kept))
            first, kept = number + 1, []
            is_fenced ^= is_fence
            if stands_alone and not is_fenced and not is_fence:
                yield Text(number, "markdown", line.strip())
        else:
            kept.append(line)
    yield from paragraphs(first, "markdown", "\n".join(kept))


def language(path: str, source: str) -> str:
    """Return the suffix that stands for the file's language; empty for none that has prose."""
    name = PurePosixPath(path)
    if name.suffix in {".tf", ".tfvars"}:
        return ".tf"
    if name.suffix in {".toml", ".yaml", ".yml"} or name.name in {"Dockerfile", ".env.example"}:
        return ".toml"
    first_line = source.partition("\n")[0]
    if first_line.startswith("#!"):
        return ".py" if "python" in first_line else ".sh" if "sh" in first_line else ""
    if name.name in {".gitignore", ".dockerignore", ".gcloudignore"}:
        return ".toml"
    return name.suffix if name.suffix in {".py", ".sh", ".md", ".mjs"} else ""
