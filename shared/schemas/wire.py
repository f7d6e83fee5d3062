"""Conventions of the wire format: camelCase names, standard base64, timestamps with an offset.

Source: contract, heading "General".
"""

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from shared import timestamps

KIB = 1024


def wire_name(field: str) -> str:
    """Return the camelCase name of a field, with `IV` instead of `Iv` at its end."""
    camel = to_camel(field)
    return camel.removesuffix("Iv") + "IV" if camel.endswith("Iv") else camel


class Response(BaseModel):
    """A response, or a part of one. It can be created from any object with the same attributes."""

    model_config = ConfigDict(
        alias_generator=wire_name,
        frozen=True,
        from_attributes=True,
        serialize_by_alias=True,
        validate_by_name=True,
    )

    @classmethod
    def of(cls, record: object) -> Self:
        """Return a response with the attributes of `record`."""
        return cls.model_validate(record)


class ResponseWithoutNulls(Response):
    """A response that omits fields whose value is None."""

    @model_serializer(mode="wrap")
    def _without_nulls(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in serialize(self).items() if value is not None}


class Request(BaseModel):
    """A request, or a part of one. Names match in any case; unknown fields are ignored."""

    model_config = ConfigDict(alias_generator=wire_name, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _names_in_any_case(cls, value: Any) -> Any:  # noqa: ANN401 - any JSON
        if not isinstance(value, dict):
            return value
        # Installed apps were developed with ASP.NET, which ignores the case of names.
        names = {str(field.alias).lower(): field.alias for field in cls.model_fields.values()}
        return {
            names[name.lower()]: content
            for name, content in value.items()
            if isinstance(name, str) and name.lower() in names
        }


def _base64_length(size_bytes: int) -> int:
    return (size_bytes + 2) // 3 * 4


def _decode(text: object) -> bytes:
    """Decode standard base64 in its canonical spelling; reject any other spelling."""
    if not isinstance(text, str):
        raise PydanticCustomError("base64_type", "must be a base64 string")
    try:
        content = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        # Text that is not ASCII is a plain ValueError.
        raise PydanticCustomError("base64", "is not standard base64 with padding") from None
    if b64encode(content) != text.encode():
        # Unused bits of the last character are set. Decoding would drop them, and the client would
        # later receive a different text.
        raise PydanticCustomError("base64", "is not standard base64 with padding")
    return content


@dataclass(frozen=True)
class Base64:
    """Annotates `bytes` of `min_bytes` to `max_bytes` that are standard base64 on the wire.

    Pydantic's own base64 types are URL-safe or break lines at 76 characters.
    Source: RFC 4648, section 4.
    """

    max_bytes: int | None = None
    min_bytes: int = 0

    def __get_pydantic_core_schema__(
        self, _source: object, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda content: b64encode(content).decode(), when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        lengths = {} if self.max_bytes is None else {"maxLength": _base64_length(self.max_bytes)}
        if self.min_bytes:
            lengths["minLength"] = _base64_length(self.min_bytes)
        return {
            "type": "string",
            "contentEncoding": "base64",
            # The last character before the padding can only have unused bits that are zero.
            "pattern": "^(?:[A-Za-z0-9+/]{4})*"
            "(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$",
            **lengths,
        }

    def _read(self, value: object) -> bytes:
        content = value if isinstance(value, bytes) else _decode(value)
        if self.max_bytes is not None and len(content) > self.max_bytes:
            raise PydanticCustomError(
                "too_many_bytes", "is longer than {limit} bytes", {"limit": self.max_bytes}
            )
        if len(content) < self.min_bytes:
            raise PydanticCustomError(
                "too_few_bytes", "is shorter than {limit} bytes", {"limit": self.min_bytes}
            )
        return content


def _read_instant(text: object) -> datetime:
    # Responses are created from records, whose timestamps are parsed already.
    if isinstance(text, datetime):
        return text
    if not isinstance(text, str):
        raise PydanticCustomError("instant_type", "must be a date and time as text")
    try:
        return timestamps.parse(text)
    except ValueError:
        raise PydanticCustomError(
            "instant", "is not an ISO 8601 date and time with an offset"
        ) from None


Instant = Annotated[datetime, BeforeValidator(_read_instant)]
"""A timestamp in UTC. Pydantic's own type would also accept numbers and times without an offset."""
