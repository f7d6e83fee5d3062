"""Measures of a small project."""

from tests.prose.measures import MAX_FILE_LINES, MAX_FUNCTION_LINES, Module, measure


def module(path: str, source: str) -> Module:
    return Module.of(path, source)


def test_comments_are_a_share_of_lines_with_content() -> None:
    source = module("shared/a.py", "# Why.\n\nx = 1\ny = 2  # A reason.\n\nz = 3\n")
    measures = measure([source], [])
    assert measures.source_lines == 4
    assert measures.comment_percent == 25
    assert measures.trailing_comment_percent == 25


def test_any_is_counted_without_its_import() -> None:
    source = module("shared/a.py", "from typing import Any\nimport typing\nx: Any\ny: typing.Any\n")
    assert measure([source], []).any_per_1000_lines == 500


def test_names_of_tests_are_measured() -> None:
    tests = module(
        "tests/test_a.py", "def test_a(): ...\nasync def test_abc(): ...\ndef b(): ...\n"
    )
    measures = measure([], [tests])
    assert measures.median_test_name == 7
    assert measures.longest_test_name == "test_abc"


def test_large_files_and_functions_are_listed() -> None:
    body = "    x = 1\n" * MAX_FUNCTION_LINES
    source = module("a.py", f"def f():\n{body}" + "\n" * MAX_FILE_LINES)
    measures = measure([source], [])
    assert measures.large_functions == [f"a.py:1: f: {MAX_FUNCTION_LINES + 1} lines"]
    assert measures.large_files == [f"a.py: {MAX_FILE_LINES + MAX_FUNCTION_LINES + 1} lines"]


def test_project_without_files_has_no_measures() -> None:
    measures = measure([], [])
    assert measures.comment_percent == measures.median_test_name == 0
