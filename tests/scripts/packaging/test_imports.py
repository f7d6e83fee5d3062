"""The imports that the test helper finds: an overlooked one would be missing in production."""

import pytest

from tests.scripts.packaging.imports import Import, find_all_imports, find_imports


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a.b, c as d", {Import("a.b"), Import("c")}),
        ("from a import b, c", {Import("a", "a.b"), Import("a", "a.c")}),
        ("def f():\n    import a", {Import("a")}),
        ("try:\n    import a\nexcept ImportError:\n    import b", {Import("a"), Import("b")}),
        ("if TYPE_CHECKING:\n    import a\nelse:\n    import b", {Import("b")}),
        ("importlib.import_module('a.b')", {Import("a.b", is_by_name=True)}),
        ("to_thread(importlib.import_module, 'a.b')", {Import("a.b", is_by_name=True)}),
    ],
    ids=["plain", "from", "lazy", "try", "type checking", "by name", "by name in a thread"],
)
def test_every_kind_of_import_is_found(source: str, expected: set[Import]) -> None:
    assert find_imports(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "importlib.import_module(name)",
        "importlib.import_module('a'); importlib.import_module('a' + name)",
        "from importlib import import_module",
        "__import__('a')",
        "from . import a",
    ],
    ids=["variable", "one of two", "other name", "built-in", "relative"],
)
def test_unreadable_import_is_rejected(source: str) -> None:
    with pytest.raises(ValueError, match=r"import"):
        find_imports(source)


def test_all_imports_include_indirect_ones() -> None:
    sources = {
        "a": "import b.c",
        "b": "from d import e, f",
        "b.c": "import a, third.party",
        "d": "f = 1",
        "d.e": "",
        "unused": "import a",
    }
    assert find_all_imports("a", sources.get) == {"a", "b", "b.c", "d", "d.e"}
