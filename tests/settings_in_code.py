"""The settings, as the code declares them, and which service reads which."""

import importlib
from dataclasses import dataclass
from functools import cache

from pydantic import SecretStr

from scripts.local.ports import SERVICES
from shared.settings import Settings
from tests.service_start import start


@dataclass(frozen=True)
class Setting:
    """What is to be known of a variable."""

    variable: str
    default: str
    is_secret: bool
    read_by: str


@cache
def classes() -> tuple[type[Settings], ...]:
    """Return every class of settings."""
    for service in SERVICES:
        importlib.import_module(f"functions.{service}.main")
    return tuple(Settings.__subclasses__())


@cache
def read_at_start(service: str) -> tuple[type[Settings], ...]:
    """Return the classes of settings that a service makes."""
    made = start(service).settings
    return tuple(each for each in classes() if each.__name__ in made)


@cache
def in_code() -> frozenset[Setting]:
    """Return every setting."""
    readers: dict[str, set[str]] = {}
    told: dict[str, tuple[str, bool]] = {}
    for settings in classes():
        for name, field in settings.model_fields.items():
            variable = settings.variable(name)
            default = "" if field.default is None else str(field.default)
            told[variable] = (default, field.annotation == (SecretStr | None))
            readers.setdefault(variable, set()).update(
                service for service in SERVICES if settings in read_at_start(service)
            )
    return frozenset(
        Setting(variable, *told[variable], listed(readers[variable])) for variable in told
    )


def listed(services: set[str]) -> str:
    """Return services as the documentation lists them."""
    if services == set(SERVICES):
        return "all"
    return ", ".join(each for each in SERVICES if each in services)
