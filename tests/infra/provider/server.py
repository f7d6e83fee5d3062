"""A fake provider with the schema of Google's provider. It never calls Google and invents values.

`tests/infra/terraform.py` connects Terraform to it. So Terraform validates our files with the
schema.

Source: https://developer.hashicorp.com/terraform/plugin/debugging (TF_REATTACH_PROVIDERS)
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

import grpc
import msgpack

from scripts.local.ports import HOST
from tests.infra.provider import protocol, schema
from tests.infra.provider.protocol import Message
from tests.infra.provider.schema import Values
from tests.infra.provider.values import FakeValues, invalid_values, plan_values

_ERROR = 1
_NESTING = {"single": 1, "list": 2, "set": 3}


def _block(block: schema.Block) -> Message:
    attributes = [
        protocol.Attribute(
            name=name,
            type=json.dumps(each.type).encode(),
            required=each.is_required,
            optional=each.is_optional,
            computed=each.is_computed,
        )
        for name, each in block.attributes.items()
    ]
    nested = [
        protocol.NestedBlock(
            type_name=name,
            block=_block(each.block),
            nesting=_NESTING[each.nesting],
            min_items=each.min_items,
            max_items=each.max_items,
        )
        for name, each in block.blocks.items()
    ]
    return protocol.Block(attributes=attributes, block_types=nested)


def _entries(blocks: dict[str, schema.Block]) -> list[Message]:
    return [
        protocol.SchemaEntry(key=name, value=protocol.Schema(block=_block(block)))
        for name, block in blocks.items()
    ]


def _read(value: Message) -> Any:
    return msgpack.unpackb(value.msgpack, strict_map_key=False)


def _state(values: Values | None) -> Message:
    return protocol.State(state=protocol.Value(msgpack=msgpack.packb(values)))


class Provider:
    """The methods of the protocol, under similar names.

    Args:
        schemas: The schemas of all types.
        fixed: Values that the provider returns, by type and attribute.
    """

    def __init__(self, schemas: schema.Schemas, fixed: Mapping[str, Values]) -> None:
        self._schemas = schemas
        self._fixed = fixed
        self._fake_values = FakeValues({}, fixed)

    def get_provider_schema(self, _request: Message) -> Message:
        """Return the schemas of all types."""
        return protocol.GetProviderSchema(
            provider=protocol.Schema(block=_block(self._schemas.provider)),
            resource_schemas=_entries(self._schemas.resources),
            data_source_schemas=_entries(self._schemas.data_sources),
        )

    def accept(self, _request: Message) -> Message:
        """Accept the request: Terraform itself validates the configuration with the schema."""
        return protocol.Empty()

    def validate(self, request: Message) -> Message:
        """Return a diagnostic for each value that is not one of the allowed values."""
        type_ = request.type_name
        found = invalid_values(self._schemas.resources[type_], _read(request.config), type_)
        return protocol.Diagnostics(
            diagnostics=[protocol.Diagnostic(severity=_ERROR, summary=each) for each in found]
        )

    def configure(self, request: Message) -> Message:
        """Store the provider's settings."""
        self._fake_values = FakeValues(_read(request.config), self._fixed)
        return protocol.Empty()

    def upgrade(self, request: Message) -> Message:
        """Return a stored state unchanged: there is only one version of the schema."""
        return protocol.State(state=protocol.Value(json=request.raw_state.json))

    def read(self, request: Message) -> Message:
        """Return the current state: nothing changes outside Terraform."""
        return protocol.State(state=request.current_state)

    def plan(self, request: Message) -> Message:
        """Return the planned values of a resource; computed values are unknown."""
        prior, proposed = _read(request.prior_state), _read(request.proposed_new_state)
        if proposed is None or proposed == prior:
            return _state(proposed)
        return _state(plan_values(self._schemas.resources[request.type_name], proposed))

    def apply(self, request: Message) -> Message:
        """Return the applied values of a resource, with invented computed values."""
        planned = _read(request.planned_state)
        block = self._schemas.resources[request.type_name]
        return _state(planned and self._fake_values.complete(request.type_name, block, planned))

    def read_data(self, request: Message) -> Message:
        """Return the values of a data source."""
        block = self._schemas.data_sources[request.type_name]
        return _state(self._fake_values.complete(request.type_name, block, _read(request.config)))


def _handler(
    method: Callable[[Message], Message], request: type[Message] = protocol.Empty
) -> grpc.RpcMethodHandler:
    return grpc.unary_unary_rpc_method_handler(
        lambda received, _context: method(received),
        request_deserializer=request.FromString,
        response_serializer=lambda response: response.SerializeToString(),
    )


def _service(provider: Provider) -> grpc.GenericRpcHandler:
    methods = {
        "GetProviderSchema": _handler(provider.get_provider_schema),
        "ValidateProviderConfig": _handler(provider.accept),
        "ValidateResourceConfig": _handler(provider.validate, protocol.ValidateRequest),
        "ValidateDataResourceConfig": _handler(provider.accept),
        "ConfigureProvider": _handler(provider.configure, protocol.ConfigureRequest),
        "UpgradeResourceState": _handler(provider.upgrade, protocol.UpgradeRequest),
        "ReadResource": _handler(provider.read, protocol.ReadRequest),
        "PlanResourceChange": _handler(provider.plan, protocol.PlanRequest),
        "ApplyResourceChange": _handler(provider.apply, protocol.ApplyRequest),
        "ReadDataSource": _handler(provider.read_data, protocol.ReadDataRequest),
        "StopProvider": _handler(provider.accept),
    }
    return grpc.method_handlers_generic_handler(protocol.SERVICE, methods)


@contextmanager
def serve(fixed: Mapping[str, Values]) -> Iterator[str]:
    """Serve the provider in this process, because a new Python process per command would be slow.

    Args:
        fixed: Values that the provider returns, by type and attribute.

    Yields:
        The value of TF_REATTACH_PROVIDERS.
    """
    server = grpc.server(ThreadPoolExecutor(), handlers=[_service(Provider(_schemas(), fixed))])
    port = server.add_insecure_port(f"{HOST}:0")
    server.start()
    try:
        yield json.dumps(
            {
                "hashicorp/google": {
                    "Protocol": "grpc",
                    "ProtocolVersion": 6,
                    "Pid": os.getpid(),
                    "Test": True,  # otherwise Terraform would stop this process
                    "Addr": {"Network": "tcp", "String": f"{HOST}:{port}"},
                }
            }
        )
    finally:
        server.stop(None)


@cache
def _schemas() -> schema.Schemas:
    return schema.load()
