"""The maximum size of a valid body, calculated from the limits in its schema."""

from typing import Any

from shared.schemas.wire import Request

Schema = dict[str, Any]

_SLACK = 1.25
"""Covers escapes and white space: `+` may be sent as `\\u002B`, and JSON may be indented."""

# Newer apps may send fields that this version ignores.
_UNKNOWN_PROPERTIES_BYTES = 4096
# Ids and timestamps have no limit in the schema, only a format.
_FORMATTED_STRING_BYTES = 64
_NUMBER_BYTES = 32
# The size of an escape such as `\u00e9`.
_BYTES_PER_CHARACTER = 6


def max_body_bytes(request: type[Request]) -> int:
    """Return the maximum bytes of a valid JSON body for `request`.

    Base64 is counted at one byte per character. A body whose payload is escaped character by
    character is not covered: JSON writers do not do that.
    """
    schema = request.model_json_schema()
    compact = _max_bytes(schema, schema.get("$defs", {}))
    return int(compact * _SLACK) + _UNKNOWN_PROPERTIES_BYTES


def _max_bytes(schema: Schema, definitions: Schema) -> int:
    if "$ref" in schema:
        return _max_bytes(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return max(_max_bytes(choice, definitions) for choice in schema["anyOf"])
    match schema.get("type"):
        case "object":
            members = schema.get("properties", {}).items()
            named = sum(len(name) + 4 + _max_bytes(value, definitions) for name, value in members)
            return 2 + named + _max_map_bytes(schema, definitions)
        case "array":
            return 2 + int(schema["maxItems"]) * (1 + _max_bytes(schema["items"], definitions))
        case "string":
            return 2 + _max_string_bytes(schema)
        case _:
            return _NUMBER_BYTES


def _max_map_bytes(schema: Schema, definitions: Schema) -> int:
    """Return the maximum bytes of members whose names the client chooses."""
    if "maxProperties" not in schema:
        return 0
    name = 2 + _max_string_bytes(schema["propertyNames"])
    member = name + 2 + _max_bytes(schema["additionalProperties"], definitions)
    return int(schema["maxProperties"]) * member


def _max_string_bytes(schema: Schema) -> int:
    if "maxLength" not in schema:
        return _FORMATTED_STRING_BYTES
    per_character = 1 if "contentEncoding" in schema else _BYTES_PER_CHARACTER
    return int(schema["maxLength"]) * per_character
