"""The imports of a source text: statements at any depth, and imports by name.

Independent of the code that builds packages, so that the tests can find its errors.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

EMBEDDED = "shared.store.engines.sqlite"
"""The embedded database. Packages for Google Cloud never import it, and do not contain it."""

_IMPORTS_BY_NAME = frozenset({"import_module", "__import__"})


@dataclass(frozen=True)
class Import:
    """One imported module. `from a import b` has module `a`, and `a.b` if that is a module."""

    module: str
    submodule: str | None = None
    is_by_name: bool = False


def find_imports(source: str) -> set[Import]:
    """Return the imports of a module, at its start or later.

    Leaves out those for type checking and those of the embedded database.

    Raises:
        ValueError: the name of an imported module is not a constant.
    """
    tree = ast.parse(source)
    names = list(_constant_names(tree))
    if len(names) < sum(map(_imports_by_name, ast.walk(tree))):
        raise ValueError("the name of an import is not a constant")
    found = {*_statements(tree), *(Import(name, is_by_name=True) for name in names)}
    return {each for each in found if not f"{each.module}.".startswith(f"{EMBEDDED}.")}


def find_all_imports(start: str, source_of: Callable[[str], str | None]) -> set[str]:
    """Return `start` and all modules with a source that it imports, directly or not."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        module = waiting.pop()
        source = None if module in found else source_of(module)
        if source is not None:
            found.add(module)
            waiting += [module.rpartition(".")[0]]
            waiting += [
                name
                for each in find_imports(source)
                for name in (each.module, each.submodule or "")
            ]
    return found


def _statements(node: ast.AST) -> Iterator[Import]:
    for each in ast.iter_child_nodes(node):
        match each:
            case ast.Import(names=names):
                yield from (Import(name.name) for name in names)
            case ast.ImportFrom(module=str(module), level=0, names=names):
                yield from (Import(module, f"{module}.{name.name}") for name in names)
            case ast.ImportFrom():
                raise ValueError("relative imports are not supported")
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=others):
                yield from _statements(ast.Module(others, []))
            case _:
                yield from _statements(each)


def _imports_by_name(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name):
            return name in _IMPORTS_BY_NAME
        case _:
            return False


def _constant_names(tree: ast.AST) -> Iterator[str]:
    """Yield each name in `importlib.import_module(name)` and `to_thread(..., name)`."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.Call(func=ast.Attribute(attr=function), args=[ast.Constant(value=str(name))])
                | ast.Call(args=[ast.Attribute(attr=function), ast.Constant(value=str(name))])
            ) if function in _IMPORTS_BY_NAME:
                yield name
