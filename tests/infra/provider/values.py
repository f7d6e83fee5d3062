"""The values of the fake provider: unknown ones in a plan, invented ones in an apply."""

from collections.abc import Callable, Iterator, Mapping

import msgpack

from tests.infra.provider.schema import Attribute, Block, Type, Values

UNKNOWN = msgpack.ExtType(0, b"\x00")
"""Terraform's encoding of a value that is unknown until the apply."""

# The first of these that a resource has is part of its invented values.
_NAME_ATTRIBUTES = (
    "name",
    "account_id",
    "secret_id",
    "repository_id",
    "display_name",
    "role",
    "service",
)


def plan_values(block: Block, proposed: Values) -> Values:
    """Return the planned values of a resource, with unknown computed values."""
    return _complete(block, proposed, lambda _name, _attribute: UNKNOWN)


class FakeValues:
    """Invented values in Google's format.

    Args:
        provider: The provider's own settings, for the project and the region.
        fixed: Values to return instead of invented ones, by type and attribute.
    """

    def __init__(self, provider: Values, fixed: Mapping[str, Values]) -> None:
        self._provider = provider
        self._fixed = fixed

    def complete(self, type_: str, block: Block, values: Values) -> Values:
        """Return the values of a resource or data source with all computed values."""
        known = {name: value for name, value in values.items() if _is_known(value)}
        own_name = next((known[name] for name in _NAME_ATTRIBUTES if name in known), "unnamed")
        project = known.get("project", self._provider.get("project"))
        strings = {
            "project": project,
            "email": (email := f"{own_name}@{project}.iam.gserviceaccount.com"),
            "member": f"serviceAccount:{email}",
            "url": f"https://{own_name}.example",
            "uri": f"https://{own_name}.example",
            "region": self._provider.get("region"),
            **self._fixed.get(type_, {}),
        }

        def value_of(name: str, attribute: Attribute) -> object:
            if name in strings:
                return strings[name]
            return _invent(attribute.type, f"{type_}/{own_name}/{name}")

        return _complete(block, values, value_of)


def _invent(type_: Type, text: str) -> object:
    empty: dict[str, object] = {"list": [], "set": [], "map": {}, "number": 1, "bool": False}
    return empty.get(type_ if isinstance(type_, str) else type_[0], text)


def _is_known(value: object) -> bool:
    return value is not None and not isinstance(value, msgpack.ExtType)


def _complete(block: Block, values: Values, value_of: Callable[[str, Attribute], object]) -> Values:
    completed = dict(values)
    for name, attribute in block.attributes.items():
        if attribute.is_computed and not _is_known(values.get(name)):
            completed[name] = value_of(name, attribute)
    for name, nested in block.blocks.items():
        given = values.get(name)
        if isinstance(given, dict):
            completed[name] = _complete(nested.block, given, value_of)
        elif isinstance(given, list):
            completed[name] = [_complete(nested.block, each, value_of) for each in given]
    return completed


def invalid_values(block: Block, values: Values, path: str) -> Iterator[str]:
    """Yield an error for each value of a block that the schema does not allow.

    Terraform itself checks everything else, but it does not have the lists of allowed values.
    """
    for name, attribute in block.attributes.items():
        given = values.get(name)
        for value in given if isinstance(given, list) else [given]:
            if attribute.choices and isinstance(value, str) and value not in attribute.choices:
                yield f'{path}.{name}: "{value}" is not one of {", ".join(attribute.choices)}'
    for name, nested in block.blocks.items():
        for each in nested.blocks_of(values.get(name)):
            yield from invalid_values(nested.block, each, f"{path}.{name}")
