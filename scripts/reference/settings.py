"""All settings, as the code declares them, and the services that read them."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from scripts.local.ports import SERVICES
from scripts.reference.declarations import TITLES, Section, Setting, section_of
from scripts.reference.start import Start
from shared.settings import Settings

Starting = Callable[[str], Start]
"""Starts a service and returns the settings that it created."""


@cache
def classes() -> tuple[type[Settings], ...]:
    """Return every settings class, in the order of the pages."""
    for service in SERVICES:
        importlib.import_module(f"functions.{service}.main")
    order = {name: place for place, name in enumerate(TITLES)}
    found = Settings.__subclasses__()
    return tuple(sorted(found, key=lambda c: (order.get(c.__name__, len(order)), c.__name__)))


@cache
def read_at_start(service: str, start: Starting) -> tuple[type[Settings], ...]:
    """Return the settings classes that a service creates at its start."""
    made = start(service).settings
    return tuple(each for each in classes() if each.__name__ in made)


@cache
def sections(start: Starting) -> tuple[Section, ...]:
    """Return all settings by class. A variable of several classes is in the first one."""
    readers: dict[str, set[str]] = {}
    for service in SERVICES:
        for settings in read_at_start(service, start):
            for name in settings.model_fields:
                readers.setdefault(settings.variable(name), set()).add(service)
    read_by = {variable: listed(services) for variable, services in readers.items()}
    listed_before: set[str] = set()
    found = []
    for settings in classes():
        section = section_of(settings, read_by)
        own = tuple(each for each in section.settings if each.variable not in listed_before)
        listed_before |= {setting.variable for setting in own}
        found.append(replace(section, settings=own))
    return tuple(found)


def in_code(start: Starting) -> frozenset[Setting]:
    """Return every setting."""
    return frozenset(setting for section in sections(start) for setting in section.settings)


def listed(services: set[str]) -> str:
    """Return services as the documentation lists them."""
    if services == set(SERVICES):
        return "all"
    return ", ".join(each for each in SERVICES if each in services)
