"""Several instances of the chat in separate processes: reconnects and shutdown."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidHandshake, InvalidStatus

from scripts.fakes.conversation import Speech
from scripts.fakes.openai import OpenAi, Scripted
from scripts.local.services import command, environment
from scripts.local.stack import free_ports
from shared.telemetry import metrics
from tests import stack
from tests.functions.chat.running_chat import ChatEndpoint, RawClient
from tests.loopback import served, until
from tests.shared.telemetry.receiver import Receiver

KEY = f"SECRET-{uuid4()}"
TOKEN = f"Web {KEY}"
LONG_TEXT = " ".join(f"word{number}" for number in range(60))
SEND_MESSAGE = {
    "type": 1,
    "invocationId": "7",
    "target": "SendMessage",
    "arguments": ["SECRET-text"],
}
CLOSE_MESSAGE = {"type": 7, "allowReconnect": True}


@dataclass
class Instances:
    """A fake model, and processes of the chat."""

    openai: OpenAi
    model: str
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    async def start(
        self, grace_s: float = 3, **others: str
    ) -> tuple[ChatEndpoint, subprocess.Popen[bytes]]:
        """Start an instance, and wait until it responds."""
        ports = free_ports()
        settings = {
            **environment(stack.database_file()),
            "CHAT_GRACE_S": str(grace_s),
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": f"{self.model}/v1",
            "WEB_AUTH_KEY": KEY,
            **others,
        }
        process = subprocess.Popen(  # noqa: ASYNC220 - the start of a process is fast
            command("chat", ports.base),
            env={**os.environ, **settings},
            stdout=(log := (stack.log_folder() / f"chat-{ports.base}.log").open("wb")),
            stderr=log,
        )
        log.close()
        self.processes.append(process)
        endpoint = ChatEndpoint(ports.base)
        async with httpx.AsyncClient() as http:
            while True:
                assert process.poll() is None
                with contextlib.suppress(httpx.TransportError):
                    await http.get(f"{endpoint.address}/health")
                    return endpoint, process
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """End all processes."""
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def model() -> Iterator[tuple[OpenAi, str]]:
    """A fake model and its address."""
    openai = OpenAi()
    with served(openai.app()) as address:
        yield openai, address


@pytest.fixture
def instances(model: tuple[OpenAi, str]) -> Iterator[Instances]:
    """Instances for one test."""
    created = Instances(*model)
    created.openai.tokens_per_s = 40
    created.openai.script.clear()
    try:
        yield created
    finally:
        created.kill()


@pytest.fixture(scope="module")
async def long_lived(model: tuple[OpenAi, str]) -> AsyncIterator[ChatEndpoint]:
    """An instance for tests that do not stop it."""
    created = Instances(*model)
    try:
        endpoint, _ = await created.start()
        yield endpoint
    finally:
        created.kill()


@contextlib.asynccontextmanager
async def begin_reply(openai: OpenAi, endpoint: ChatEndpoint) -> AsyncIterator[RawClient]:
    """Connect, and begin a reply."""
    openai.script.append(Scripted(Speech(LONG_TEXT)))
    async with endpoint.connect_to_hub("/ai-chat", token=TOKEN) as client:
        await client.send(SEND_MESSAGE)
        assert (await client.receive())["target"] == "ReceiveMessage"
        yield client


async def wait_until_ended(process: subprocess.Popen[bytes]) -> None:
    await until(lambda: process.poll() is not None)


async def test_instance_exports_telemetry_before_it_ends(instances: Instances) -> None:
    receiver = Receiver()
    with served(receiver) as collector:
        hours = "10000000"
        endpoint, process = await instances.start(
            TELEMETRY_EXPORT="otlp",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector,
            OTEL_BSP_SCHEDULE_DELAY=hours,
            OTEL_METRIC_EXPORT_INTERVAL="100",
        )
        async with endpoint.connect_to_hub("/ai-chat", token=TOKEN):
            # The exporter is loaded. The connection's span ends after the signal.
            await until(lambda: metrics.CHAT_CONNECTIONS.name in receiver.metrics)
            assert not receiver.spans
            process.send_signal(signal.SIGTERM)
            await wait_until_ended(process)
    assert "GET /ai-chat" in [span.name for span in receiver.spans]
    assert [point.value for point in receiver.points(metrics.CHAT_CONNECTIONS.name)] == [0]


async def test_any_instance_accepts_a_negotiated_connection(
    instances: Instances, long_lived: ChatEndpoint
) -> None:
    first, (second, _) = long_lived, await instances.start()
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        response = await http.post(f"{first.address}/v2/ai-chat-v2/negotiate?negotiateVersion=1")
    path = f"/v2/ai-chat-v2?id={response.json()['connectionToken']}"
    async with second.connect_to_hub(path, token=TOKEN) as client:
        await client.send({**SEND_MESSAGE, "arguments": ["SECRET-text", 3]})
        assert (await client.receive_until_completed("7"))[-1] == {"type": 3, "invocationId": "7"}


async def test_instance_waits_for_replies_in_flight(instances: Instances) -> None:
    endpoint, process = await instances.start(grace_s=120)
    async with (
        endpoint.connect_to_hub("/ai-chat", token=TOKEN) as idle,
        begin_reply(instances.openai, endpoint) as client,
    ):
        process.send_signal(signal.SIGTERM)
        assert await idle.receive() == CLOSE_MESSAGE  # at once: nothing is in flight
        assert await idle.wait_closed() == 1000
        assert process.poll() is None
        with pytest.raises((OSError, InvalidHandshake)):
            async with endpoint.connect("/ai-chat", token=TOKEN):
                pass
        *records, completion = await client.receive_until_completed("7")
        assert records[-1]["arguments"] == [{"type": "messageResponse", "message": LONG_TEXT}]
        assert completion == {"type": 3, "invocationId": "7"}
        assert await client.receive() == CLOSE_MESSAGE
        assert await client.wait_closed() == 1000
    await wait_until_ended(process)


async def test_grace_period_ends_replies_and_handshakes(
    instances: Instances,
) -> None:
    endpoint, process = await instances.start(grace_s=3)
    instances.openai.tokens_per_s = 2
    async with (
        endpoint.connect("/ai-chat", token=TOKEN) as silent,
        begin_reply(instances.openai, endpoint) as client,
    ):
        process.send_signal(signal.SIGTERM)
        assert "error" in await silent.receive()
        records = await client.receive_rest()
        assert records[-1] == CLOSE_MESSAGE
        assert all(record["type"] == 1 for record in records[:-1])  # without a completion
        assert await client.wait_closed() == 1000
    await wait_until_ended(process)
    await until(lambda: instances.openai.open_streams == 0)


async def test_client_continues_when_an_instance_is_killed(
    instances: Instances, long_lived: ChatEndpoint
) -> None:
    endpoint, process = await instances.start()
    async with begin_reply(instances.openai, endpoint) as client:
        process.kill()
        with pytest.raises(ConnectionClosedError):
            await client.receive_until_completed("7")
    await until(lambda: instances.openai.open_streams == 0)
    async with begin_reply(instances.openai, long_lived) as client:
        assert (await client.receive_until_completed("7"))[-1] == {"type": 3, "invocationId": "7"}


async def test_second_ctrl_c_ends_the_instance_at_once(instances: Instances) -> None:
    endpoint, process = await instances.start(grace_s=60)
    instances.openai.tokens_per_s = 1
    async with begin_reply(instances.openai, endpoint) as client:
        process.send_signal(signal.SIGINT)
        # Until the server stops listening. Without keep-alive: existing connections stay open.
        async with httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0)) as http:
            with contextlib.suppress(httpx.TransportError):
                while True:
                    await http.get(f"{endpoint.address}/health")
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        records = await client.receive_rest()
        assert all(record["type"] == 1 for record in records), records[-3:]
    await wait_until_ended(process)


async def test_token_may_have_the_length_of_a_receipt(long_lived: ChatEndpoint) -> None:
    async with httpx.AsyncClient() as http:
        headers = {"Authorization": f"Web {'x' * 60_000}"}
        negotiation = await http.post(f"{long_lived.address}/ai-chat/negotiate", headers=headers)
    assert negotiation.status_code == 401
    with pytest.raises(InvalidStatus) as caught:
        async with long_lived.connect("/ai-chat", token=f"Web {'x' * 60_000}"):
            pass
    assert caught.value.response.status_code == 401
