"""Fake Secret Manager: a gRPC server for Google's real client, and a clock for its users."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
from google.cloud.secretmanager_v1 import SecretManagerServiceAsyncClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
    SecretManagerServiceGrpcAsyncIOTransport,
)
from google.cloud.secretmanager_v1.types import (
    AccessSecretVersionRequest,
    AccessSecretVersionResponse,
    SecretPayload,
)

LATEST = "projects/liftlog-test/secrets/openai-key/versions/latest"


class FakeSecretManager:
    """gRPC server with secrets by resource name, and with faults."""

    def __init__(self) -> None:
        self.secrets: dict[str, bytes] = {}
        self.requested: list[str] = []
        self.fault: grpc.StatusCode | None = None
        self.hangs = False

    async def access(
        self,
        request: AccessSecretVersionRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> AccessSecretVersionResponse:
        """Return the secret, or fail with `fault`."""
        self.requested.append(request.name)
        while self.hangs:  # noqa: ASYNC110 - a test clears it in the same loop
            await asyncio.sleep(0.01)
        if self.fault is not None:
            await context.abort(self.fault, "SECRET-details")
        if request.name not in self.secrets:
            await context.abort(grpc.StatusCode.NOT_FOUND, "SECRET-details")
        payload = SecretPayload(data=self.secrets[request.name])
        return AccessSecretVersionResponse(name=request.name, payload=payload)

    async def serve(self) -> tuple[grpc.aio.Server, int]:
        """Start the server; return it and its port."""
        handler = grpc.unary_unary_rpc_method_handler(
            self.access,
            request_deserializer=AccessSecretVersionRequest.pb().FromString,
            response_serializer=AccessSecretVersionResponse.serialize,
        )
        service = "google.cloud.secretmanager.v1.SecretManagerService"
        server = grpc.aio.server()
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {"AccessSecretVersion": handler}),)
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, port


class Clock:
    """Monotonic clock that tests advance."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@asynccontextmanager
async def connected(
    manager: FakeSecretManager,
) -> AsyncIterator[Callable[[], Awaitable[SecretManagerServiceAsyncClient]]]:
    """Run the server during the block; yield a factory of clients for it."""
    server, port = await manager.serve()
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")

    async def connect() -> SecretManagerServiceAsyncClient:
        transport = SecretManagerServiceGrpcAsyncIOTransport(channel=channel)
        return SecretManagerServiceAsyncClient(transport=transport)

    yield connect
    await channel.close()
    await server.stop(None)
