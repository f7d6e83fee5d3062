"""Two instances of the chat, in processes of their own: how they share clients, and how they go."""

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
from scripts.local.services import Emulators, command, environment
from scripts.local.stack import free_ports
from shared.telemetry import metrics
from tests import stack
from tests.functions.chat.service import Door, Wire
from tests.loopback import served, until
from tests.shared.telemetry.receiver import Receiver

KEY = f"SECRET-{uuid4()}"
TOKEN = f"Web {KEY}"
LONG = " ".join(f"word{number}" for number in range(60))
ASK = {"type": 1, "invocationId": "7", "target": "SendMessage", "arguments": ["SECRET-question"]}
CALL_ME_BACK = {"type": 7, "allowReconnect": True}


@dataclass
class Instances:
    """A model, and processes of the chat that ask it."""

    openai: OpenAi
    model: str
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    async def start(
        self, grace_s: float = 3, **others: str
    ) -> tuple[Door, subprocess.Popen[bytes]]:
        """Start one more instance, and wait until it answers."""
        ports = free_ports()
        settings = {
            **environment(Emulators.of(stack.current())),
            "CHAT_GRACE_S": str(grace_s),
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": f"{self.model}/v1",
            "WEB_AUTH_KEY": KEY,
            **others,
        }
        process = subprocess.Popen(  # noqa: ASYNC220 - it is back at once
            command("chat", ports.base),
            env={**os.environ, **settings},
            stdout=(log := (stack.log_folder() / f"chat-{ports.base}.log").open("wb")),
            stderr=log,
        )
        log.close()
        self.processes.append(process)
        door = Door(ports.base)
        async with httpx.AsyncClient() as http:
            while True:
                assert process.poll() is None
                with contextlib.suppress(httpx.TransportError):
                    await http.get(f"{door.address}/health")
                    return door, process
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """End all processes."""
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def model() -> Iterator[tuple[OpenAi, str]]:
    """A model and its address."""
    openai = OpenAi()
    with served(openai.app()) as address:
        yield openai, address


@pytest.fixture
def instances(model: tuple[OpenAi, str]) -> Iterator[Instances]:
    """Instances that end with the test."""
    started = Instances(*model)
    started.openai.tokens_per_s = 40
    started.openai.script.clear()
    try:
        yield started
    finally:
        started.kill()


@pytest.fixture(scope="module")
async def kept(model: tuple[OpenAi, str]) -> AsyncIterator[Door]:
    """An instance that stays: for tests that do not end it."""
    started = Instances(*model)
    try:
        door, _ = await started.start()
        yield door
    finally:
        started.kill()


@contextlib.asynccontextmanager
async def listening_to_a_reply(openai: OpenAi, door: Door) -> AsyncIterator[Wire]:
    """Connect, and let the coach begin to talk."""
    openai.script.append(Scripted(Speech(LONG)))
    async with door.shaken("/ai-chat", token=TOKEN) as wire:
        await wire.send(ASK)
        assert (await wire.record())["target"] == "ReceiveMessage"
        yield wire


async def gone(process: subprocess.Popen[bytes]) -> None:
    await until(lambda: process.poll() is not None)


async def test_what_was_not_exported_yet_is_before_the_instance_ends(instances: Instances) -> None:
    receiver = Receiver()
    with served(receiver) as collector:
        hours = "10000000"
        door, process = await instances.start(
            TELEMETRY_EXPORT="otlp",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector,
            OTEL_BSP_SCHEDULE_DELAY=hours,
            OTEL_METRIC_EXPORT_INTERVAL="100",
        )
        async with door.shaken("/ai-chat", token=TOKEN):
            # The export is loaded. The connection's span ends, and is exported, after the signal.
            await until(lambda: metrics.CONNECTIONS.name in receiver.metrics)
            assert not receiver.spans
            process.send_signal(signal.SIGTERM)
            await gone(process)
    assert "GET /ai-chat" in [span.name for span in receiver.spans]
    assert [point.value for point in receiver.points(metrics.CONNECTIONS.name)] == [0]


async def test_a_negotiation_with_one_instance_is_good_for_another(
    instances: Instances, kept: Door
) -> None:
    here, (there, _) = kept, await instances.start()
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        answer = await http.post(f"{here.address}/v2/ai-chat-v2/negotiate?negotiateVersion=1")
    path = f"/v2/ai-chat-v2?id={answer.json()['connectionToken']}"
    async with there.shaken(path, token=TOKEN) as wire:
        await wire.send({**ASK, "arguments": ["SECRET-question", 3]})
        assert (await wire.until_completed("7"))[-1] == {"type": 3, "invocationId": "7"}


async def test_a_reply_in_flight_ends_before_its_instance_does(instances: Instances) -> None:
    door, process = await instances.start(grace_s=120)
    async with (
        door.shaken("/ai-chat", token=TOKEN) as idle,
        listening_to_a_reply(instances.openai, door) as wire,
    ):
        process.send_signal(signal.SIGTERM)
        assert await idle.record() == CALL_ME_BACK  # at once: nothing keeps it
        assert await idle.closed() == 1000
        assert process.poll() is None
        with pytest.raises((OSError, InvalidHandshake)):
            async with door.connected("/ai-chat", token=TOKEN):
                pass
        *said, completion = await wire.until_completed("7")
        assert said[-1]["arguments"] == [{"type": "messageResponse", "message": LONG}]
        assert completion == {"type": 3, "invocationId": "7"}
        assert await wire.record() == CALL_ME_BACK
        assert await wire.closed() == 1000
    await gone(process)


async def test_replies_and_handshakes_end_after_the_grace_period(
    instances: Instances,
) -> None:
    door, process = await instances.start(grace_s=3)
    instances.openai.tokens_per_s = 2
    async with (
        door.connected("/ai-chat", token=TOKEN) as silent,
        listening_to_a_reply(instances.openai, door) as wire,
    ):
        process.send_signal(signal.SIGTERM)
        assert "error" in await silent.record()
        records = await wire.rest()
        assert records[-1] == CALL_ME_BACK
        assert all(record["type"] == 1 for record in records[:-1])  # no completion: it has not
        assert await wire.closed() == 1000
    await gone(process)
    await until(lambda: instances.openai.talking == 0)


async def test_client_continues_on_another_instance_when_one_is_lost(
    instances: Instances, kept: Door
) -> None:
    door, process = await instances.start()
    async with listening_to_a_reply(instances.openai, door) as wire:
        process.kill()
        with pytest.raises(ConnectionClosedError):
            await wire.until_completed("7")
    await until(lambda: instances.openai.talking == 0)
    async with listening_to_a_reply(instances.openai, kept) as wire:
        assert (await wire.until_completed("7"))[-1] == {"type": 3, "invocationId": "7"}


async def test_a_second_ctrl_c_ends_it_at_once(instances: Instances) -> None:
    door, process = await instances.start(grace_s=60)
    instances.openai.tokens_per_s = 1
    async with listening_to_a_reply(instances.openai, door) as wire:
        process.send_signal(signal.SIGINT)
        # Until nobody is let in any more, each time anew: who is in already is still served.
        async with httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0)) as http:
            with contextlib.suppress(httpx.TransportError):
                while True:
                    await http.get(f"{door.address}/health")
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        records = await wire.rest()
        assert all(record["type"] == 1 for record in records), records[-3:]
    await gone(process)


async def test_a_token_may_be_as_long_as_a_receipt_of_the_app_store(kept: Door) -> None:
    async with httpx.AsyncClient() as http:
        headers = {"Authorization": f"Web {'x' * 60_000}"}
        negotiation = await http.post(f"{kept.address}/ai-chat/negotiate", headers=headers)
    assert negotiation.status_code == 401
    with pytest.raises(InvalidStatus) as caught:
        async with kept.connected("/ai-chat", token=f"Web {'x' * 60_000}"):
            pass
    assert caught.value.response.status_code == 401
