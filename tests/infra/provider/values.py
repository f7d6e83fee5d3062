"""What the provider answers: what it does not know before an apply, and what it makes up in one."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgpack

from tests.infra.provider.schema import Attribute, Block, Type

UNKNOWN = msgpack.ExtType(0, b"\x00")
"""How Terraform writes a value that only an apply will tell."""

_NAMED_BY = ("name", "account_id", "secret_id", "repository_id", "display_name", "role", "service")

Values = dict[str, Any]


def planned(block: Block, proposed: Values) -> Values:
    """Return a resource as it would be: what the provider has to say is not known yet."""
    return _completed(block, proposed, lambda _name, _attribute: UNKNOWN)


class MadeUp:
    """Values that look as if Google had given them.

    Args:
        provider: The provider's own settings; they stand in for the project and the region.
        answers: What is wanted instead, by type and attribute.
    """

    def __init__(self, provider: Values, answers: Mapping[str, Values]) -> None:
        self._provider = provider
        self._answers = answers

    def complete(self, type_: str, block: Block, values: Values) -> Values:
        """Return all of a resource or data source."""
        known = {name: value for name, value in values.items() if _is_known(value)}
        own_name = next((known[name] for name in _NAMED_BY if name in known), "unnamed")
        project = known.get("project", self._provider.get("project"))
        strings = {
            "project": project,
            "email": (email := f"{own_name}@{project}.iam.gserviceaccount.com"),
            "member": f"serviceAccount:{email}",
            "url": f"https://{own_name}.example",
            "uri": f"https://{own_name}.example",
            "region": self._provider.get("region"),
            **self._answers.get(type_, {}),
        }

        def value_of(name: str, attribute: Attribute) -> Any:
            if name in strings:
                return strings[name]
            return _made_up(attribute.type, f"{type_}/{own_name}/{name}")

        return _completed(block, values, value_of)


def _made_up(type_: Type, text: str) -> Any:
    empty: dict[str, Any] = {"list": [], "set": [], "map": {}, "number": 1, "bool": False}
    return empty.get(type_ if isinstance(type_, str) else type_[0], text)


def _is_known(value: Any) -> bool:
    return value is not None and not isinstance(value, msgpack.ExtType)


def _completed(block: Block, values: Values, value_of: Callable[[str, Attribute], Any]) -> Values:
    completed = dict(values)
    for name, attribute in block.attributes.items():
        if attribute.is_computed and not _is_known(values.get(name)):
            completed[name] = value_of(name, attribute)
    for name, nested in block.blocks.items():
        there = values.get(name)
        if isinstance(there, dict):
            completed[name] = _completed(nested.block, there, value_of)
        elif isinstance(there, list):
            completed[name] = [_completed(nested.block, each, value_of) for each in there]
    return completed


def mistakes(block: Block, values: Values, path: str) -> Iterator[str]:
    """Yield what is wrong with the values of a block, beyond what Terraform itself sees."""
    for name, attribute in block.attributes.items():
        given = values.get(name)
        for value in given if isinstance(given, list) else [given]:
            if attribute.choices and isinstance(value, str) and value not in attribute.choices:
                yield f'{path}.{name}: "{value}" is none of {", ".join(attribute.choices)}'
    for name, nested in block.blocks.items():
        for each in nested.all_of(values.get(name)):
            yield from mistakes(nested.block, each, f"{path}.{name}")
