"""`./scripts/chat`, run in a terminal."""

import asyncio
import json
import os
import pty
import signal
import termios
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pyte
import pytest

from scripts.fakes.conversation import Speech
from scripts.fakes.faults import Fault
from scripts.fakes.openai import Scripted
from scripts.local.ports import HOST
from scripts.local.stack import free_ports
from scripts.root import ROOT
from tests.functions.chat.chat_service import ChatService, run_chat
from tests.functions.chat.hub_user import prompt_messages, system_prompt
from tests.loopback import until

COMMAND = str(ROOT / "scripts" / "chat")
GOOGLE_TOKEN = "Google SECRET-bought"  # noqa: S105 - not a real one
WEB_TOKEN = "Web SECRET-any"  # noqa: S105 - not a real one
API_KEY = "SECRET-key-of-alice"
TIMEOUT_S = 300
COLUMNS = 160
ENVIRONMENT = {**os.environ, "COLUMNS": str(COLUMNS), "PYTHONWARNINGS": "error", "TERM": "xterm"}


@pytest.fixture(scope="module")
def chat() -> Iterator[ChatService]:
    with run_chat(API_KEYS=f"alice={API_KEY}") as service:
        yield service


@pytest.fixture
def service(chat: ChatService) -> Iterator[ChatService]:
    yield chat
    chat.reset_model()


async def run_command(
    server: str, *lines: str, token: str | None = None, options: tuple[str, ...] = ()
) -> tuple[int | None, str]:
    """Type lines and end the input. Return the exit status and the output."""
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        server,
        *(() if token is None else ("--purchase-token", token)),
        *options,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=ENVIRONMENT,
    )
    typed = "".join(f"{line}\n" for line in lines)
    async with asyncio.timeout(TIMEOUT_S):
        shown, _ = await process.communicate(typed.encode())
    assert "Traceback" not in shown.decode()
    return process.returncode, shown.decode()


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ((), ("4 x 6", "+5 load", "+ next", "0.5 kilometre, PT5M", "to 12, then +2.5 load")),
        (("--era", "2025"), ("4 x 6", "+5 ", "3 x 8")),
    ],
    ids=["2026", "2025"],
)
async def test_plan_is_shown_with_all_exercises(
    service: ChatService, options: tuple[str, ...], shown: tuple[str, ...]
) -> None:
    status, output = await run_command(
        service.server.address, "SECRET-wish: a plan", token=service.token, options=options
    )
    assert status == 0
    for exercise in ("Bench Press", "Triceps Pushdown", "Pull Up", "Biceps Curl", "Calf Raise"):
        assert output.count(exercise) == 1
    for title in ("3 days a week", "Day 1: Push", "Day 2: Pull", "Day 3: Legs", *shown):
        assert title in output
    assert "Here is a plan for you." in output


async def test_coach_introduces_itself_and_answers_lines(service: ChatService) -> None:
    service.openai.script += [Scripted(Speech(f"SECRET-answer {number}")) for number in range(3)]
    status, output = await run_command(
        service.server.address, "SECRET-one", "", "  ", "SECRET-two", token=service.token
    )
    assert status == 0
    places = [output.index(f"SECRET-answer {number}") for number in range(3)]
    assert places == sorted(places)
    assert "locale: en-AU." in system_prompt(service)
    assert [text for _, text in prompt_messages(service)[-3:]] == [
        "SECRET-one",
        "SECRET-answer 1",
        "SECRET-two",
    ]


async def test_conversation_restarts_and_quits(service: ChatService) -> None:
    status, output = await run_command(
        service.server.address,
        "SECRET-one",
        "/restart",
        "SECRET-two",
        "/quit",
        "SECRET-three",
        token=service.token,
    )
    assert status == 0
    assert "New conversation." in output
    assert prompt_messages(service) == [("user", "SECRET-two")]
    await until(lambda: service.server.handlers.connection_count == 0)


async def test_replies_are_not_parsed_as_markup(service: ChatService) -> None:
    exercise = {
        "name": "Squat [/pause]",
        "sets": 3,
        "repsPerSet": 5,
        "weightIncreaseOnSuccess": 2.5,
        "restBetweenSets": dict.fromkeys(("minRest", "maxRest", "failureRest"), "00:03:00"),
        "supersetWithNext": False,
        "notes": "",
        "link": "",
    }
    sessions = [{"name": "Legs [/red]", "exercises": [exercise], "notes": ""}]
    plan = {"name": "Plan [bold]", "description": "For [/you]", "sessions": sessions}
    service.openai.script += [
        Scripted(Speech("Hello [/]")),
        Scripted(Speech("Here [/it] is", "show_plan", json.dumps(plan))),
    ]
    status, output = await run_command(
        service.server.address, "SECRET [/wish]", token=service.token, options=("--era", "2025")
    )
    assert status == 0
    words = ("Hello [/]", "SECRET [/wish]", "Here [/it] is")
    for text in (*words, "Plan [bold]", "For [/you]", "Legs [/red]", "Squat [/pause]"):
        assert text in output


async def test_error_is_shown_and_conversation_continues(service: ChatService) -> None:
    service.model_server.faults.append(Fault(500))
    status, output = await run_command(service.server.address, "SECRET-one", token=service.token)
    assert status == 0
    assert "I cannot be reached at the moment." in output
    assert "I am a fake" in output


@pytest.mark.parametrize("token", ["Web SECRET-wrong", "SECRET-nothing", "Amazon SECRET-parcel"])
async def test_rejected_token_shows_the_reason(service: ChatService, token: str) -> None:
    status, output = await run_command(service.server.address, "SECRET-one", token=token)
    assert status == 1
    assert "Refused with 401: " in output
    assert "--purchase-token" in output
    assert "SECRET" not in output
    assert not service.openai.requests


@pytest.mark.parametrize(
    "options",
    [("--api-key", API_KEY), ("--header", f"x-api-key={API_KEY}")],
    ids=["key", "header"],
)
async def test_api_key_opens_a_conversation(service: ChatService, options: tuple[str, ...]) -> None:
    service.openai.script += [Scripted(Speech("SECRET-hello"))]
    status, output = await run_command(service.server.address, options=options)
    assert (status, "SECRET-hello" in output) == (0, True)


async def test_wrong_api_key_is_refused(service: ChatService) -> None:
    status, output = await run_command(
        service.server.address, options=("--api-key", f"{API_KEY}-wrong")
    )
    assert (status, "Refused with 401: the API key is not valid" in output) == (1, True)


async def test_app_of_2025_has_no_api_key(service: ChatService) -> None:
    options = "--era", "2025", "--api-key", API_KEY
    status, output = await run_command(service.server.address, options=options)
    assert (status, "apps of 2025 send no headers" in output) == (2, True)


async def test_provider_outage_is_not_a_rejected_token(service: ChatService) -> None:
    status, output = await run_command(service.server.address, token=GOOGLE_TOKEN)
    assert status == 1
    assert "Refused with 503: " in output
    assert "--purchase-token" not in output


async def test_url_without_scheme_is_rejected() -> None:
    status, output = await run_command(f"{HOST}:5264", token=WEB_TOKEN)
    assert status == 2
    assert "does not begin with http://" in output


async def test_missing_server_is_reported() -> None:
    nowhere = f"http://{HOST}:{free_ports().base}"
    status, output = await run_command(nowhere, "SECRET-one", token=WEB_TOKEN)
    assert status == 1
    assert "No connection" in output
    assert nowhere in output
    assert "./scripts/dev" in output


class Terminal:
    """The command in a terminal emulator."""

    def __init__(self, process: asyncio.subprocess.Process, terminal: int, rows: int) -> None:
        self.process = process
        self._terminal = terminal
        self._rows = rows
        self.shown = ""

    async def read(self) -> None:
        """Read the output until the command ends."""
        with suppress(OSError):  # Linux reports the closed end of a pty as EIO
            while chunk := await asyncio.to_thread(os.read, self._terminal, 65536):
                self.shown += chunk.decode(errors="replace")

    def type(self, line: str) -> None:
        os.write(self._terminal, f"{line}\n".encode())

    def text(self) -> str:
        """The text of the terminal, with its scrollback."""
        screen = pyte.HistoryScreen(COLUMNS, self._rows, history=10_000)
        pyte.Stream(screen).feed(self.shown)
        lines = [*screen.history.top, *(screen.buffer[row] for row in range(self._rows))]
        return "\n".join("".join(line[x].data for x in range(COLUMNS)).rstrip() for line in lines)


@asynccontextmanager
async def terminal(service: ChatService, rows: int = 50) -> AsyncIterator[Terminal]:
    """Run the command in a terminal until its end."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (rows, COLUMNS))
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        service.server.address,
        "--purchase-token",
        service.token,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=ENVIRONMENT,
    )
    os.close(theirs)
    opened = Terminal(process, ours, rows)
    reading = asyncio.create_task(opened.read())
    try:
        yield opened
        async with asyncio.timeout(TIMEOUT_S):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
        await reading
        os.close(ours)


async def test_ctrl_c_stops_the_reply_only(service: ChatService) -> None:
    service.openai.script += [
        Scripted(Speech("SECRET-hello")),
        Scripted(Speech("SECRET-long reply of many words"), silent_after=3),
        Scripted(Speech("SECRET-after")),
    ]
    async with terminal(service) as opened:
        await until(lambda: "SECRET-hello" in opened.shown)
        opened.type("SECRET-wish")
        await until(lambda: "SECRET-long" in opened.shown)
        opened.process.send_signal(signal.SIGINT)
        await until(lambda: service.openai.open_streams == 0)
        opened.type("SECRET-again")
        await until(lambda: "SECRET-after" in opened.shown)
        opened.type("/quit")
    assert opened.process.returncode == 0
    assert "Traceback" not in opened.shown
    assert [role for role, _ in prompt_messages(service)][-3:] == ["user", "assistant", "user"]


async def test_plan_taller_than_terminal_is_shown_once(service: ChatService) -> None:
    service.openai.tokens_per_s = 300
    async with terminal(service, rows=12) as opened:
        await until(lambda: "you>" in opened.shown)
        opened.type("SECRET-wish: a plan for 3 days")
        await until(lambda: opened.shown.count("you>") == 2)
        opened.type("/quit")
    shown = opened.text()
    assert shown.count("Here is a plan for you.") == 1
    for day in ("Day 1: Push", "Day 2: Pull", "Day 3: Legs"):
        assert shown.count(day) == 1


async def test_lost_server_is_reported() -> None:
    with run_chat() as service:
        service.openai.script += [
            Scripted(Speech("SECRET-hello")),
            Scripted(Speech("SECRET-long reply"), silent_after=3),
        ]
        async with terminal(service) as opened:
            await until(lambda: "SECRET-hello" in opened.shown)
            opened.type("SECRET-wish")
            await until(lambda: "SECRET-long" in opened.shown)
            service.server.stop()
    assert opened.process.returncode == 1
    assert "The connection has ended" in opened.shown
    assert "Traceback" not in opened.shown
