"""The schemas of resource types, read from `google-6.50.0.json`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

SCHEMAS = Path(__file__).with_name("google-6.50.0.json")

Values = dict[str, Any]
"""Values in JSON."""

Type = str | list[Any]
"""A type in Terraform's JSON: `"string"`, `["map", "string"]`."""


@dataclass(frozen=True)
class Attribute:
    """An attribute of a block."""

    type: Type
    is_required: bool
    is_optional: bool
    is_computed: bool
    """Whether the provider sets the value if the configuration does not."""

    choices: tuple[str, ...] = ()
    """The allowed values, if the documentation lists them."""


@dataclass(frozen=True)
class Block:
    """The attributes and nested blocks of a block."""

    attributes: dict[str, Attribute]
    blocks: dict[str, "NestedBlock"]


@dataclass(frozen=True)
class NestedBlock:
    """A nested block, repeated `min_items` to `max_items` times; a maximum of 0 means no limit."""

    block: Block
    nesting: Literal["single", "list", "set"]
    min_items: int
    max_items: int

    @staticmethod
    def blocks_of(value: object) -> list[Values]:
        """Return the blocks in a value, which is a block, a list of blocks, or None."""
        if isinstance(value, dict):
            return [value]
        return value if isinstance(value, list) else []


@dataclass(frozen=True)
class Schemas:
    """The schemas of a provider: its own settings, and its types by name."""

    provider: Block
    resources: dict[str, Block]
    data_sources: dict[str, Block]


def _block(values: Values) -> Block:
    attributes = {
        name: Attribute(
            type_, "required" in how, "optional" in how, "computed" in how, tuple(*choices)
        )
        for name, (type_, how, *choices) in values["attributes"].items()
    }
    blocks = {
        name: NestedBlock(_block(nested), nested["nesting"], nested["min"], nested["max"])
        for name, nested in values.get("blocks", {}).items()
    }
    return Block(attributes, blocks)


def load(path: Path = SCHEMAS) -> Schemas:
    """Read a file that `bindings.py` wrote."""
    values = json.loads(path.read_text())
    resources, data_sources = (
        {name: _block(block) for name, block in values[group].items()}
        for group in ("resources", "data_sources")
    )
    return Schemas(_block(values["provider"]["google"]), resources, data_sources)
