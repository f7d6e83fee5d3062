"""Settings as their classes declare them: values, bounds and descriptions."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from textwrap import dedent
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import HttpUrl, SecretStr
from pydantic.fields import FieldInfo

from shared.settings import Settings

TITLES = {
    "DatabaseSettings": "Database",
    "TelemetrySettings": "Logs, traces and metrics",
    "PasswordSettings": "Passwords",
    "FeatureSettings": "Features",
    "ApiKeySettings": "API keys",
    "ForwardAuthSettings": "Forward auth",
    "BackupSettings": "Backups",
    "InboxSettings": "Inbox",
    "CleanupSettings": "Cleanup",
    "SecretSettings": "Secrets",
    "PurchaseSettings": "Purchases",
    "WebSettings": "Purchases: web app",
    "GooglePlaySettings": "Purchases: Google Play",
    "AppleSettings": "Purchases: App Store",
    "RevenueCatSettings": "Purchases: RevenueCat",
    "RateLimitSettings": "Rate limits",
    "QuotaSettings": "Rate limits: database",
    "ModelSettings": "Language model",
    "ChatSettings": "Chat",
}
"""The title of each settings class, in the order of the pages. Other classes follow by name."""

_BOUNDS = {Gt: "over {}", Ge: "from {}", Le: "up to {}"}
_UNITS = {"_S": "seconds", "_DAYS": "days"}


@dataclass(frozen=True)
class Setting:
    """One environment variable."""

    variable: str
    default: str
    values: str
    """The type and the bounds of valid values: `seconds, over 0, up to 60`."""

    is_secret: bool
    read_by: str
    """The services that read the variable: `all`, a list of names, or empty for one process."""

    description: str


@dataclass(frozen=True)
class Section:
    """The settings of one class."""

    title: str
    description: str
    settings: tuple[Setting, ...]


@cache
def descriptions(settings: type[Settings]) -> dict[str, str]:
    """Return the docstrings of a class's fields, by field name.

    Pydantic can read them itself (`use_attribute_docstrings`), but then each cold start parses the
    source of every settings class: about 7 ms for `ai`.
    """
    [node] = ast.parse(dedent(inspect.getsource(settings))).body
    assert isinstance(node, ast.ClassDef)  # noqa: S101 - the source of a class
    return {
        field.target.id: _one_line(text.value.value)
        for field, text in pairwise(node.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def section_of(settings: type[Settings], read_by: Mapping[str, str] | None = None) -> Section:
    """Return the settings of a class; `read_by` has the services by variable."""
    title = TITLES.get(settings.__name__, settings.__name__.removesuffix("Settings"))
    found = _settings_of(settings, read_by or {})
    return Section(title, _one_line(settings.__doc__), tuple(found))


def _settings_of(settings: type[Settings], read_by: Mapping[str, str]) -> Iterator[Setting]:
    for name, field in settings.model_fields.items():
        variable = settings.variable(name)
        yield Setting(
            variable,
            "" if field.default is None else str(field.default),
            _values(variable, field),
            field.annotation == (SecretStr | None),
            read_by.get(variable, ""),
            descriptions(settings).get(name, ""),
        )


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _values(variable: str, field: FieldInfo) -> str:
    """Return the type and the bounds of a field's values."""
    bounds = [
        words.format(f"{_bound(each):,}")
        for each in field.metadata
        for kind, words in _BOUNDS.items()
        if isinstance(each, kind)
    ]
    return ", ".join([_type(variable, field.annotation), *bounds])


def _type(variable: str, annotation: Any) -> str:  # noqa: ANN401 - a type, or a form of typing
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    if annotation == SecretStr | None:
        return "secret"
    if annotation is bool:
        return "`True` or `False`"
    if annotation is HttpUrl:
        return "URL"
    if annotation in (int, float):
        units = [unit for suffix, unit in _UNITS.items() if variable.endswith(suffix)]
        return units[0] if units else "number"
    return "text"


def _bound(limit: Any) -> int | float:  # noqa: ANN401 - one of the kinds in _BOUNDS
    return next(
        value
        for name in ("gt", "ge", "le")
        if isinstance(value := getattr(limit, name, None), int | float)
    )
