"""What code imports, read from its text: by statements anywhere in it, and by names in strings.

Knows nothing of what makes the packages, so that it can disagree.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_BY_NAME = frozenset({"import_module", "__import__"})


@dataclass(frozen=True)
class Import:
    """One module that is imported; of `from a import b` that is `a`, and `a.b` if there is one."""

    module: str
    maybe: str | None = None
    is_by_name: bool = False


def imports(source: str) -> set[Import]:
    """Return what a module's code imports, at its start or ever, and not only for types.

    Raises:
        ValueError: it imports by a name that is made while it runs.
    """
    tree = ast.parse(source)
    names = list(_names(tree))
    if len(names) < sum(map(_mentions_import_by_name, ast.walk(tree))):
        raise ValueError("it cannot be told which module is imported by its name")
    return {*_statements(tree), *(Import(name, is_by_name=True) for name in names)}


def reached(start: str, source_of: Callable[[str], str | None]) -> set[str]:
    """Return the modules with a source that `start` imports, itself and theirs included."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        module = waiting.pop()
        source = None if module in found else source_of(module)
        if source is not None:
            found.add(module)
            waiting += [module.rpartition(".")[0]]
            waiting += [
                name for each in imports(source) for name in (each.module, each.maybe or "")
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
                raise ValueError("an import that is relative says too little")
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=others):
                yield from _statements(ast.Module(others, []))
            case _:
                yield from _statements(each)


def _mentions_import_by_name(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name):
            return name in _BY_NAME
        case _:
            return False


def _names(tree: ast.AST) -> Iterator[str]:
    """Yield each name in `importlib.import_module(name)` and `to_thread(..., name)`."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.Call(func=ast.Attribute(attr=way), args=[ast.Constant(value=str(name))])
                | ast.Call(args=[ast.Attribute(attr=way), ast.Constant(value=str(name))])
            ) if way in _BY_NAME:
                yield name
