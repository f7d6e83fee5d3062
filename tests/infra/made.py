"""What Terraform has made of an environment: its resources, with all they refer to filled in."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Resource:
    """One resource, with its values as the provider knows them; a block is a list of values."""

    address: str
    type: str
    values: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def block(self, *names: str) -> dict[str, Any]:
        """Return the only block of a name, in the only one of the name before it, and so on."""
        values = self.values
        for name in names:
            assert len(values[name]) == 1, f"{self.address} has {len(values[name])} {name}"
            [values] = values[name]
        return values


class Made:
    """All resources and outputs of an environment."""

    def __init__(self, state: dict[str, Any]) -> None:
        values = state["values"]
        self.outputs = {name: each["value"] for name, each in values.get("outputs", {}).items()}
        self.resources = list(_resources(values["root_module"]))

    def of(self, type_: str, **values: Any) -> list[Resource]:
        """Return the resources of a type, `google_` left out, that have these values."""
        return [
            each
            for each in self.resources
            if each.type == f"google_{type_}"
            and all(each.values[name] == value for name, value in values.items())
        ]

    def one(self, type_: str, **values: Any) -> Resource:
        """Return the only such resource."""
        found = self.of(type_, **values)
        assert len(found) == 1, f"{len(found)} resources are {type_} with {values}"
        return found[0]

    def referred(self, type_: str, reference: str) -> Resource:
        """Return the resource of a type that a value of another means, by id, link or name."""
        [found] = [
            each
            for each in self.of(type_)
            if reference in (each.values.get(way) for way in ("id", "self_link", "name"))
        ]
        return found


def _resources(module: dict[str, Any]) -> Iterator[Resource]:
    for each in module.get("resources", []):
        if each["mode"] == "managed":
            yield Resource(each["address"], each["type"], each["values"])
    for child in module.get("child_modules", []):
        yield from _resources(child)


def seconds(text: str) -> float:
    """Return how long a duration is that Google writes as `60s`."""
    return float(text.removesuffix("s"))
