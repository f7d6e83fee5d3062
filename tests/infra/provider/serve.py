"""A provider that has the schema of Google's, never calls Google, and makes up what it would say.

Terraform connects to it, see `tests/infra/terraform.py`, and so holds our files against the schema.

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
from tests.infra.provider.values import MadeUp, Values, mistakes, planned

_ERROR = 1
_NESTING = {"single": 1, "list": 2, "set": 3}


def _block(block: schema.Block) -> Any:
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
            min_items=each.least,
            max_items=each.most,
        )
        for name, each in block.blocks.items()
    ]
    return protocol.Block(attributes=attributes, block_types=nested)


def _entries(blocks: dict[str, schema.Block]) -> list[Any]:
    return [
        protocol.SchemaEntry(key=name, value=protocol.Schema(block=_block(block)))
        for name, block in blocks.items()
    ]


def _read(value: Any) -> Any:
    return msgpack.unpackb(value.msgpack, strict_map_key=False)


def _state(values: Values | None) -> Any:
    return protocol.State(state=protocol.Value(msgpack=msgpack.packb(values)))


class Provider:
    """The calls of the protocol, by their names in it."""

    def __init__(self, schemas: schema.Schemas, answers: Mapping[str, Values]) -> None:
        self._schemas = schemas
        self._answers = answers
        self._made_up = MadeUp({}, answers)

    def get_provider_schema(self, _request: Any) -> Any:
        """Tell every type."""
        return protocol.GetProviderSchema(
            provider=protocol.Schema(block=_block(self._schemas.provider)),
            resource_schemas=_entries(self._schemas.resources),
            data_source_schemas=_entries(self._schemas.data_sources),
        )

    def accept(self, _request: Any) -> Any:
        """Find nothing wrong: Terraform itself has held the configuration against the schema."""
        return protocol.Empty()

    def validate(self, request: Any) -> Any:
        """Say which values are none of those that are allowed."""
        type_ = request.type_name
        found = mistakes(self._schemas.resources[type_], _read(request.config), type_)
        return protocol.Mistakes(
            diagnostics=[protocol.Diagnostic(severity=_ERROR, summary=each) for each in found]
        )

    def configure(self, request: Any) -> Any:
        """Take the provider's settings."""
        self._made_up = MadeUp(_read(request.config), self._answers)
        return protocol.Empty()

    def upgrade(self, request: Any) -> Any:
        """Take a state as it was written."""
        return protocol.State(state=protocol.Value(json=request.raw_state.json))

    def read(self, request: Any) -> Any:
        """Find everything as it was left."""
        return protocol.State(state=request.current_state)

    def plan(self, request: Any) -> Any:
        """Say what a resource would be."""
        prior, proposed = _read(request.prior_state), _read(request.proposed_new_state)
        if proposed is None or proposed == prior:
            return _state(proposed)
        return _state(planned(self._schemas.resources[request.type_name], proposed))

    def apply(self, request: Any) -> Any:
        """Say what has become of a resource."""
        wanted = _read(request.planned_state)
        block = self._schemas.resources[request.type_name]
        return _state(wanted and self._made_up.complete(request.type_name, block, wanted))

    def read_data(self, request: Any) -> Any:
        """Say what is asked for."""
        block = self._schemas.data_sources[request.type_name]
        return _state(self._made_up.complete(request.type_name, block, _read(request.config)))


def _handler(call: Callable[[Any], Any], request: Any = protocol.Empty) -> Any:
    return grpc.unary_unary_rpc_method_handler(
        lambda received, _context: call(received),
        request_deserializer=request.FromString,
        response_serializer=lambda answer: answer.SerializeToString(),
    )


def _service(provider: Provider) -> Any:
    calls = {
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
    return grpc.method_handlers_generic_handler(protocol.SERVICE, calls)


@contextmanager
def serving(answers: Mapping[str, Values]) -> Iterator[str]:
    """Serve the provider in this process: a start of Python per command takes most of its time.

    Args:
        answers: The values that the provider is to return, by type and attribute.

    Yields:
        The value of TF_REATTACH_PROVIDERS.
    """
    server = grpc.server(ThreadPoolExecutor(), handlers=[_service(Provider(_schemas(), answers))])
    port = server.add_insecure_port(f"{HOST}:0")
    server.start()
    try:
        yield json.dumps(
            {
                "hashicorp/google": {
                    "Protocol": "grpc",
                    "ProtocolVersion": 6,
                    "Pid": os.getpid(),
                    "Test": True,  # Terraform does not stop it
                    "Addr": {"Network": "tcp", "String": f"{HOST}:{port}"},
                }
            }
        )
    finally:
        server.stop(None)


@cache
def _schemas() -> schema.Schemas:
    return schema.load()
