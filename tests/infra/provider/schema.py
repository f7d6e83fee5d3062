"""What a type of resource is made of, as `google-6.50.0.json` tells it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

SCHEMAS = Path(__file__).with_name("google-6.50.0.json")

Type = str | list[Any]
"""A type as Terraform writes it in JSON: `"string"`, `["map", "string"]`."""


@dataclass(frozen=True)
class Attribute:
    """A value of a block."""

    type: Type
    is_required: bool
    is_optional: bool
    is_computed: bool
    """Whether the provider says what it is, if the configuration does not."""

    choices: tuple[str, ...] = ()
    """The values it may have, if its documentation says so."""


@dataclass(frozen=True)
class Block:
    """What may stand between two braces."""

    attributes: dict[str, Attribute]
    blocks: dict[str, "NestedBlock"]


@dataclass(frozen=True)
class NestedBlock:
    """A block in another, there `least` to `most` times; 0 is as often as one likes."""

    block: Block
    nesting: Literal["single", "list", "set"]
    least: int
    most: int

    @staticmethod
    def all_of(value: Any) -> list[dict[str, Any]]:
        """Return the blocks that a value has: one, several or none."""
        if isinstance(value, dict):
            return [value]
        return value if isinstance(value, list) else []


@dataclass(frozen=True)
class Schemas:
    """A provider's own settings, and its types by their names."""

    provider: Block
    resources: dict[str, Block]
    data_sources: dict[str, Block]


def _block(told: dict[str, Any]) -> Block:
    attributes = {
        name: Attribute(
            type_, "required" in how, "optional" in how, "computed" in how, tuple(*choices)
        )
        for name, (type_, how, *choices) in told["attributes"].items()
    }
    blocks = {
        name: NestedBlock(_block(nested), nested["nesting"], nested["min"], nested["max"])
        for name, nested in told.get("blocks", {}).items()
    }
    return Block(attributes, blocks)


def load(path: Path = SCHEMAS) -> Schemas:
    """Read a file that `read_bindings.py` has written."""
    told = json.loads(path.read_text())
    resources, data_sources = (
        {name: _block(block) for name, block in told[group].items()}
        for group in ("resources", "data_sources")
    )
    return Schemas(_block(told["provider"]["google"]), resources, data_sources)
