"""The extraction finds every kind of text in every language, with its line."""

from textwrap import dedent

import pytest

from tests.prose.files import listed, texts_of
from tests.prose.texts import PROSE

PYTHON = '''\
"""Module text."""

LIMIT = 3  # why it is three
"""Attribute text."""

# First line of a comment
# and its second line.
class Thing:
    """Class text.

    Args:
        size: its size, in
            bytes.
    """

    def __init__(self, size):
        self.size = size  # noqa: S311 - reason of an exception

    async def run(self):
        """Function text."""
        logger.warning("could not run %s", self, extra={"key": "value text"})
        log.info(
            "a second "
            f"message of {self}"
        )
        if self.failed:
            raise ThingError(f"{self} is broken") from None
        return DependencyUnavailable("the thing")


def test_thing_runs():
    print("printed text", end="")
    assert parser.ready, "reason of a failure"
    parser.add_argument("--size", help="bytes of a thing")
    data = "neither shown nor logged"
'''


def found(path: str, source: str) -> list[tuple[int, str, str]]:
    texts = texts_of(path, source)
    return [(text.line, text.context, text.content) for text in texts]


def prose(path: str, source: str) -> list[tuple[int, str, str]]:
    return sorted(text for text in found(path, dedent(source)) if text[1] in PROSE)


def test_python_docstrings_are_found() -> None:
    assert [text for text in prose("a.py", PYTHON) if text[1] == "docstring"] == [
        (1, "docstring", "Module text."),
        (4, "docstring", "Attribute text."),
        (9, "docstring", "Class text."),
        (11, "docstring", "Args:"),
        (12, "docstring", "size: its size, in\nbytes."),
        (20, "docstring", "Function text."),
    ]


def test_python_comments_are_joined_over_lines() -> None:
    assert [text for text in prose("a.py", PYTHON) if text[1] == "comment"] == [
        (3, "comment", "why it is three"),
        (6, "comment", "First line of a comment\nand its second line."),
        (17, "comment", "reason of an exception"),
    ]


def test_python_messages_are_found() -> None:
    assert [text for text in prose("a.py", PYTHON) if text[1] == "string"] == [
        (21, "string", "could not run %s"),
        (23, "string", "a second message of x"),
        (27, "string", "x is broken"),
        (28, "string", "the thing"),
        (32, "string", "printed text"),
        (33, "string", "reason of a failure"),
        (34, "string", "bytes of a thing"),
    ]


def test_python_names_are_found_once() -> None:
    names = [text for text in found("shared/thing.py", PYTHON) if text[1] not in PROSE]
    assert sorted(names) == [
        (1, "module", "thing"),
        (3, "identifier", "LIMIT"),
        (8, "identifier", "Thing"),
        (16, "identifier", "__init__"),
        (16, "identifier", "self"),
        (16, "identifier", "size"),
        (19, "identifier", "run"),
        (31, "test name", "test_thing_runs"),
        (35, "identifier", "data"),
    ]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("for a in x: ...", ["a"]),
        ("with x as a, y as (b, c): ...", ["a", "b", "c"]),
        ("try: ...\nexcept E as a: ...", ["a"]),
        ("[a for a in x]", ["a"]),
        ("print(a := 1)", ["a"]),
        ("a, *b = [c, d] = x", ["a", "b", "c", "d"]),
    ],
    ids=["loop", "block", "exception", "comprehension", "expression", "several"],
)
def test_every_assignment_of_a_name_is_found(code: str, names: list[str]) -> None:
    assert sorted(text[2] for text in found("a.py", code) if text[1] == "identifier") == names


def test_package_file_has_the_name_of_its_package() -> None:
    assert found("shared/things/__init__.py", "") == [(1, "module", "things")]


def test_python_that_cannot_be_parsed_has_no_prose() -> None:
    assert not prose("a.py", "def (:\n# comment\n")


def test_terraform_texts_are_found() -> None:
    source = """\
    # Why there is
    # a variable.
    variable "size" {
      description = "Size of ${var.thing} in \\"bytes\\"."  # and why
      validation {
        error_message = "Between 1 and 2 bytes."
      }
    }
    resource "alert" "a" {
      display_name = "a slow service"
      content      = <<-EOT
        First paragraph.

        Second paragraph.
      EOT
      query = "not prose here"
    }
    """
    assert prose("infra/a.tf", source) == [
        (1, "terraform", "Why there is\na variable."),
        (4, "terraform", 'Size of x in \\"bytes\\".'),
        (4, "terraform", "and why"),
        (6, "terraform", "Between 1 and 2 bytes."),
        (10, "terraform", "a slow service"),
        (12, "terraform", "First paragraph."),
        (14, "terraform", "Second paragraph."),
    ]


def test_shell_texts_are_found() -> None:
    source = """\
    #!/usr/bin/env bash
    # What the script does.
    echo "first message of $HOME" >&2  # trailing comment
    printf 'second message %s\\n' "$1"
    other "not a message at all"
    """
    assert prose("scripts/a", source) == [
        (2, "shell", "What the script does."),
        (3, "shell", "first message of x"),
        (3, "shell", "trailing comment"),
        (4, "shell", "second message x\\n"),
    ]


def test_markdown_prose_is_found_without_code() -> None:
    source = """\
    # Heading

    A paragraph
    of two lines.
    - an item
    - another
      of two lines

    | a cell | another |

    ```console
    $ not prose
    ```
    Last.
    """
    assert [(line, content) for line, _, content in prose("docs/a.md", source)] == [
        (1, "# Heading"),
        (3, "A paragraph\nof two lines."),
        (5, "an item"),
        (6, "another\nof two lines"),
        (9, "| a cell | another |"),
        (14, "Last."),
    ]


@pytest.mark.parametrize("path", ["a.toml", "a.yaml", "functions/a/Dockerfile", ".env.example"])
def test_comments_of_configuration_are_found(path: str) -> None:
    source = """\
    # A whole
    # comment.
    #NAME=value
    key = 1  # of a line
    """
    assert prose(path, source) == [
        (1, "comment", "A whole\ncomment."),
        (4, "comment", "of a line"),
    ]


def test_names_of_things_in_toml_are_found() -> None:
    source = 'name = "layers point down"\nid = "not prose here"\nname = "word"\n'
    assert prose("a.toml", source) == [(1, "string", "layers point down")]


def test_javascript_comments_are_found() -> None:
    assert prose("a.mjs", "// Whole.\nlet a = 1; // Of a line.\n") == [
        (1, "comment", "Whole."),
        (2, "comment", "Of a line."),
    ]


def test_python_without_suffix_is_found_by_its_shebang() -> None:
    assert prose("scripts/a", '#!/usr/bin/env python3\n"""Text."""\n') == [
        (2, "docstring", "Text.")
    ]


def test_data_has_no_texts() -> None:
    assert not list(texts_of("a.json", '{"a": "# no"}'))


def test_listed_files_are_below_the_path_and_not_excluded() -> None:
    files = listed(["tests/prose"], ["*/rules.toml"])
    assert "tests/prose/texts.py" in files
    assert "tests/prose/rules.toml" not in files
    assert all(path.startswith("tests/prose/") for path in files)
