"""`python -m tests.prose.measures`: the size of the code, its comments and its test names."""

import ast
import io
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self

from scripts.root import ROOT
from tests.prose.files import listed

SOURCE = ("functions", "shared", "scripts")
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60

MAX_MEDIAN_TEST_NAME = 45
COMMENT_PERCENT = (3, 8)
"""Least and greatest share of source lines that are comments."""

MAX_ANY_PER_1000_LINES = 6


@dataclass(frozen=True)
class Module:
    """One Python file."""

    path: str
    source: str
    nodes: tuple[ast.AST, ...]

    @classmethod
    def of(cls, path: str, source: str) -> Self:
        """Parse `source`.

        Raises:
            SyntaxError: it is not Python.
        """
        return cls(path, source, tuple(ast.walk(ast.parse(source))))

    @property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """All functions and methods."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        return [node for node in self.nodes if isinstance(node, kinds)]

    @property
    def comments(self) -> list[bool]:
        """For each comment whether it has its line to itself."""
        tokens = tokenize.generate_tokens(io.StringIO(self.source).readline)
        return [
            not token.line[: token.start[1]].strip()
            for token in tokens
            if token.type == tokenize.COMMENT
        ]

    @property
    def lines(self) -> list[str]:
        """The lines that are not blank, without indentation."""
        return [line.strip() for line in self.source.splitlines() if line.strip()]


@dataclass(frozen=True)
class Measures:
    """The measures of the whole project."""

    source_lines: int
    """Lines in `SOURCE` that are not blank."""

    comment_percent: float
    """Lines of `SOURCE` that are comments; docstrings and comments after code do not count."""

    trailing_comment_percent: float
    """Lines of `SOURCE` with a comment after code."""

    any_per_1000_lines: float
    median_test_name: float
    longest_test_name: str
    large_files: list[str]
    """Files over `MAX_FILE_LINES`, with their numbers of lines; the tests' files included."""

    large_functions: list[str]
    """Functions over `MAX_FUNCTION_LINES`, with their places and numbers of lines."""


def modules(*folders: str) -> list[Module]:
    """Read the Python files below `folders`, without those that cannot be parsed."""
    return list(_modules([path for path in listed(folders, ()) if path.endswith(".py")]))


def _modules(paths: Sequence[str]) -> Iterator[Module]:
    for path in paths:
        source = (ROOT / path).read_text()
        try:
            yield Module.of(path, source)
        except SyntaxError:
            continue


def measure(source: Sequence[Module], tests: Sequence[Module]) -> Measures:
    """Compute the measures of `source` and its `tests`."""
    comments = [is_alone for module in source for is_alone in module.comments]
    names = sorted((name for module in tests for name in _test_names(module)), key=len)
    every = [*source, *tests]
    lines = sum(len(module.lines) for module in source)
    per_line = 1 / max(1, lines)
    return Measures(
        source_lines=lines,
        comment_percent=100 * per_line * sum(comments),
        trailing_comment_percent=100 * per_line * (len(comments) - sum(comments)),
        any_per_1000_lines=1000 * per_line * sum(map(_any_count, source)),
        median_test_name=median(map(len, names)) if names else 0,
        longest_test_name=names[-1] if names else "",
        large_files=[each for module in every for each in _large_file(module)],
        large_functions=[each for module in every for each in _large_functions(module)],
    )


def _test_names(module: Module) -> Iterator[str]:
    return (each.name for each in module.functions if each.name.startswith("test_"))


def _any_count(module: Module) -> int:
    """Return how often `Any` is used; its import does not count."""
    names = (getattr(node, "id", getattr(node, "attr", None)) for node in module.nodes)
    return sum(name == "Any" for name in names)


def _large_file(module: Module) -> Iterator[str]:
    count = len(module.source.splitlines())
    if count > MAX_FILE_LINES:
        yield f"{module.path}: {count} lines"


def _large_functions(module: Module) -> Iterator[str]:
    for function in module.functions:
        count = (function.end_lineno or function.lineno) - function.lineno + 1
        if count > MAX_FUNCTION_LINES:
            yield f"{module.path}:{function.lineno}: {function.name}: {count} lines"


def project() -> Measures:
    """Compute the measures of the project as it is on the disk."""
    return measure(modules(*SOURCE), modules("tests"))


def report(measures: Measures) -> str:
    """Return the measures as lines, each with its limit."""
    least, greatest = COMMENT_PERCENT
    longest = measures.longest_test_name
    return "\n".join(
        [
            f"source lines          {measures.source_lines} that are not blank",
            f"comments              {measures.comment_percent:.1f} % ({least} to {greatest} %)",
            f"comments after code   {measures.trailing_comment_percent:.1f} %",
            f"Any per 1,000 lines   {measures.any_per_1000_lines:.1f} ({MAX_ANY_PER_1000_LINES})",
            f"test names, median    {measures.median_test_name:g} ({MAX_MEDIAN_TEST_NAME})",
            f"test names, longest   {len(longest)}: {longest}",
            f"files over {MAX_FILE_LINES} lines: {len(measures.large_files)}",
            *(f"  {each}" for each in measures.large_files),
            f"functions over {MAX_FUNCTION_LINES} lines: {len(measures.large_functions)}",
            *(f"  {each}" for each in measures.large_functions),
        ]
    )


if __name__ == "__main__":
    print(report(project()))
