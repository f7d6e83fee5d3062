"""Prose and names in Python: docstrings, comments, messages, test names and other identifiers."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from tests.prose.texts import Text, comments, is_prose, paragraphs

_LOGGED = {"debug", "info", "warning", "error", "exception", "critical", "log"}
_SHOWN = {
    "print", "say", "input", "getpass", "exit", "fail", "skip", "confirm", "status", "add_task",
}  # fmt: skip
_MESSAGE_CALLS = _LOGGED | _SHOWN
"""Functions and methods whose arguments people read."""

_SEARCHED = (
    ast.AnnAssign,
    ast.Assert,
    ast.Assign,
    ast.AsyncFor,
    ast.AsyncFunctionDef,
    ast.Call,
    ast.ClassDef,
    ast.ExceptHandler,
    ast.Expr,
    ast.For,
    ast.FunctionDef,
    ast.NamedExpr,
    ast.Raise,
    ast.arg,
    ast.comprehension,
    ast.withitem,
)
"""Nodes with prose or a name; most nodes have neither."""

_ERROR = re.compile(
    r"(?:Error|Exception|Warning|NotFound|Unavailable|TimedOut|Overloaded|Limited|Conflict"
    r"|Refused|Unauthorized|Unauthenticated|NotAuthenticated|Invalid\w+|BadRequest)$"
)
"""Names of exceptions, which are also made without being raised."""

_MESSAGE_KEYWORDS = {
    "help", "description", "epilog", "title", "summary", "detail", "reason", "id",
}  # fmt: skip


def python_texts(source: str) -> Iterator[Text]:
    """Yield all of a module's prose and names; nothing of a module that cannot be parsed."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    yield from _comments(source)
    names: dict[str, int] = {}
    shown: dict[int, ast.expr] = {}
    for node in ast.walk(tree):
        if not isinstance(node, _SEARCHED):
            continue
        match node:
            case ast.Expr(value=ast.Constant(value=str(content)) as literal):
                yield from paragraphs(literal.lineno, "docstring", content)
            case ast.FunctionDef() | ast.AsyncFunctionDef() if node.name.startswith("test_"):
                yield Text(node.lineno, "test name", node.name)
        for name, line in _defined(node):
            names[name] = min(line, names.get(name, line))
        shown |= {id(each): each for each in _shown(node)}
    for name, line in names.items():
        yield Text(line, "identifier", name)
    for expression in shown.values():
        yield from _messages(expression)


def _comments(source: str) -> Iterator[Text]:
    if "#" not in source:
        return
    found: dict[int, tuple[str, bool]] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith("#!"):
            is_alone = not token.line[: token.start[1]].strip()
            found[token.start[0]] = token.string.removeprefix("#").strip(), is_alone
    yield from comments(found, "comment")


def _defined(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the names that `node` introduces, with their lines."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() if node.name.startswith("test_"):
            pass
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name, node.lineno
        case ast.arg():
            yield node.arg, node.lineno
        case ast.Assign(targets=targets):
            for target in targets:
                yield from _assigned(target)
        case (
            ast.AnnAssign(target=target)
            | ast.AsyncFor(target=target)
            | ast.For(target=target)
            | ast.NamedExpr(target=target)
            | ast.comprehension(target=target)
            | ast.withitem(optional_vars=ast.expr() as target)
        ):
            yield from _assigned(target)
        case ast.ExceptHandler(name=str(name)):
            yield name, node.lineno


def _assigned(target: ast.expr) -> Iterator[tuple[str, int]]:
    match target:
        case ast.Name(id=name):
            yield name, target.lineno
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            yield name, target.lineno
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            for element in elements:
                yield from _assigned(element)
        case ast.Starred(value=value):
            yield from _assigned(value)


def _shown(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions below `node` whose strings people read."""
    match node:
        case ast.Raise(exc=ast.Call(args=arguments)):
            yield from arguments
        case ast.Call(func=called, args=arguments, keywords=keywords):
            if _is_message_call(called):
                yield from arguments
            yield from (each.value for each in keywords if each.arg in _MESSAGE_KEYWORDS)
        case ast.Assert(msg=ast.expr() as message):
            yield message


def _is_message_call(called: ast.expr) -> bool:
    match called:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in _MESSAGE_CALLS or bool(_ERROR.search(name))
    return False


def _messages(expression: ast.expr) -> Iterator[Text]:
    for line, message in _literals(expression):
        for part in message.split("\n"):
            if is_prose(part):
                yield Text(line, "string", part.strip())


def _literals(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the strings in an expression; in place of a formatted value stands `x`."""
    match node:
        case ast.Constant(value=str(content)):
            yield node.lineno, content
        case ast.JoinedStr(values=values):
            parts = [str(each.value) if isinstance(each, ast.Constant) else "x" for each in values]
            yield node.lineno, "".join(parts)
        case ast.Call() if _is_message_call(node.func):
            pass  # found on its own
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _literals(child)
