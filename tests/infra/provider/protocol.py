"""Terraform's plugin protocol, version 6: the messages that the fake provider needs.

The wire format depends only on the numbers and types of fields. This module declares them, because
no published package of these messages works with our release of protobuf.

Source: https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol (tfplugin6.proto)
"""

from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

SERVICE = "tfplugin6.Provider"

Message = Any
"""A message. Protobuf creates the classes at run time, so there is no static type."""

_PRIMITIVES = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "int": FieldDescriptorProto.TYPE_INT64,
}
# Each field has a number and a type; an asterisk marks a repeated field. On the wire an enumeration
# is an int, and a map is a list of entries.
_MESSAGES = {
    "Empty": {},
    "Value": {"msgpack": (1, "bytes"), "json": (2, "bytes")},
    "Attribute": {
        "name": (1, "string"),
        "type": (2, "bytes"),
        "required": (4, "bool"),
        "optional": (5, "bool"),
        "computed": (6, "bool"),
    },
    "NestedBlock": {
        "type_name": (1, "string"),
        "block": (2, "Block"),
        "nesting": (3, "int"),
        "min_items": (4, "int"),
        "max_items": (5, "int"),
    },
    "Block": {"attributes": (2, "Attribute*"), "block_types": (3, "NestedBlock*")},
    "Schema": {"version": (1, "int"), "block": (2, "Block")},
    "SchemaEntry": {"key": (1, "string"), "value": (2, "Schema")},
    "GetProviderSchema": {
        "provider": (1, "Schema"),
        "resource_schemas": (2, "SchemaEntry*"),
        "data_source_schemas": (3, "SchemaEntry*"),
    },
    "ValidateRequest": {"type_name": (1, "string"), "config": (2, "Value")},
    "Diagnostics": {"diagnostics": (1, "Diagnostic*")},
    "Diagnostic": {"severity": (1, "int"), "summary": (2, "string")},
    "ConfigureRequest": {"config": (2, "Value")},
    "UpgradeRequest": {"type_name": (1, "string"), "raw_state": (3, "RawState")},
    "RawState": {"json": (1, "bytes")},
    "ReadRequest": {"type_name": (1, "string"), "current_state": (2, "Value")},
    "PlanRequest": {
        "type_name": (1, "string"),
        "prior_state": (2, "Value"),
        "proposed_new_state": (3, "Value"),
    },
    "ApplyRequest": {"type_name": (1, "string"), "planned_state": (3, "Value")},
    "ReadDataRequest": {"type_name": (1, "string"), "config": (2, "Value")},
    "State": {"state": (1, "Value")},
}


def _pool() -> DescriptorPool:
    file = FileDescriptorProto(name="provider.proto", package="liftlog", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, type_) in fields.items():
            base = type_.removesuffix("*")
            is_message = base in _MESSAGES
            message.field.add(
                name=field,
                number=number,
                type=FieldDescriptorProto.TYPE_MESSAGE if is_message else _PRIMITIVES[base],
                type_name=f".liftlog.{base}" if is_message else None,
                label=(
                    FieldDescriptorProto.LABEL_REPEATED
                    if type_.endswith("*")
                    else FieldDescriptorProto.LABEL_OPTIONAL
                ),
            )
    pool = DescriptorPool()
    pool.Add(file)
    return pool


_POOL = _pool()


def message(name: str) -> type[Message]:
    """Return the class of a message."""
    class_: type[Message] = GetMessageClass(_POOL.FindMessageTypeByName(f"liftlog.{name}"))
    return class_


Empty = message("Empty")
Value = message("Value")
Attribute = message("Attribute")
NestedBlock = message("NestedBlock")
Block = message("Block")
Schema = message("Schema")
SchemaEntry = message("SchemaEntry")
GetProviderSchema = message("GetProviderSchema")
ValidateRequest = message("ValidateRequest")
Diagnostics = message("Diagnostics")
Diagnostic = message("Diagnostic")
ConfigureRequest = message("ConfigureRequest")
UpgradeRequest = message("UpgradeRequest")
ReadRequest = message("ReadRequest")
PlanRequest = message("PlanRequest")
ApplyRequest = message("ApplyRequest")
ReadDataRequest = message("ReadDataRequest")
State = message("State")
