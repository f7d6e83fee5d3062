"""How large a valid body can be, from the limits in its schema; pure."""

from typing import Any

from shared.schemas.wire import Request

_SLACK = 1.25
"""Room for escapes and white space: `+` may come as `\\u002B`, and JSON may be pretty-printed."""

_UNKNOWN_PROPERTIES_BYTES = 4096
_FORMATTED_STRING_BYTES = 64  # ids and instants
_NUMBER_BYTES = 32
_BYTES_PER_CHARACTER = 6  # a character may be escaped


def largest_body(request: type[Request]) -> int:
    """Return the bytes that a valid JSON body for `request` takes at most.

    That is as any JSON writer would write it: not if every character of a payload were escaped.
    """
    schema = request.model_json_schema()
    compact = _largest(schema, schema.get("$defs", {}))
    return int(compact * _SLACK) + _UNKNOWN_PROPERTIES_BYTES


def _largest(schema: dict[str, Any], definitions: dict[str, Any]) -> int:
    if "$ref" in schema:
        return _largest(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return max(_largest(choice, definitions) for choice in schema["anyOf"])
    match schema.get("type"):
        case "object":
            members = schema.get("properties", {}).items()
            named = sum(len(name) + 4 + _largest(value, definitions) for name, value in members)
            return 2 + named + _largest_others(schema, definitions)
        case "array":
            return 2 + int(schema["maxItems"]) * (1 + _largest(schema["items"], definitions))
        case "string":
            return 2 + _largest_string(schema)
        case _:
            return _NUMBER_BYTES


def _largest_others(schema: dict[str, Any], definitions: dict[str, Any]) -> int:
    """Return the bytes of members whose names are the client's to choose."""
    if "maxProperties" not in schema:
        return 0
    name = 2 + _largest_string(schema["propertyNames"])
    member = name + 2 + _largest(schema["additionalProperties"], definitions)
    return int(schema["maxProperties"]) * member


def _largest_string(schema: dict[str, Any]) -> int:
    if "maxLength" not in schema:
        return _FORMATTED_STRING_BYTES
    per_character = 1 if "contentEncoding" in schema else _BYTES_PER_CHARACTER
    return int(schema["maxLength"]) * per_character
