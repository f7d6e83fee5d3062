"""Terraform's state of an environment: its resources and outputs, with all references resolved."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Values = dict[str, Any]
"""The values of a block in Terraform's JSON."""


@dataclass(frozen=True)
class Resource:
    """One resource with the values of the provider. A block is a list of values."""

    address: str
    type: str
    values: Values

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def block(self, *names: str) -> Values:
        """Return a nested block by its path. Each block on the path must exist exactly once."""
        values = self.values
        for name in names:
            assert len(values[name]) == 1, f"{self.address} has {len(values[name])} {name}"
            [values] = values[name]
        return values


class State:
    """All resources and outputs of an environment.

    Args:
        state: The output of `terraform show -json`.
    """

    def __init__(self, state: Values) -> None:
        values = state["values"]
        self.outputs = {name: each["value"] for name, each in values.get("outputs", {}).items()}
        self.resources = list(_resources(values["root_module"]))

    def of(self, type_: str, **values: object) -> list[Resource]:
        """Return the resources of a type, without its prefix `google_`, that have these values."""
        return [
            each
            for each in self.resources
            if each.type == f"google_{type_}"
            and all(each.values[name] == value for name, value in values.items())
        ]

    def one(self, type_: str, **values: object) -> Resource:
        """Return the only resource of a type that has these values."""
        found = self.of(type_, **values)
        assert len(found) == 1, f"{len(found)} resources are {type_} with {values}"
        return found[0]

    def referenced(self, type_: str, reference: str) -> Resource:
        """Return the resource of a type that has this id, link or name."""
        [found] = [
            each
            for each in self.of(type_)
            if reference in (each.values.get(name) for name in ("id", "self_link", "name"))
        ]
        return found


def _resources(module: Values) -> Iterator[Resource]:
    for each in module.get("resources", []):
        if each["mode"] == "managed":
            yield Resource(each["address"], each["type"], each["values"])
    for child in module.get("child_modules", []):
        yield from _resources(child)


def parse_seconds(text: str) -> float:
    """Return the seconds of a duration in Google's format, such as `60s`."""
    return float(text.removesuffix("s"))
