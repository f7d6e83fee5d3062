"""A running chat, and apps of both years on every library that talks to it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.functions.chat.libraries import LIBRARIES
from tests.functions.chat.own_chat import Talk, own_chat
from tests.functions.chat.scenario import App, Library


@pytest.fixture(scope="module")
def talk_of_module() -> Iterator[Talk]:
    with own_chat() as talk:
        yield talk


@pytest.fixture
def talk(talk_of_module: Talk) -> Iterator[Talk]:
    """The chat; whatever a test has made the model say or fail is forgotten after it."""
    yield talk_of_module
    openai = talk_of_module.openai
    openai.tokens_per_s = 0
    openai.requests.clear()
    openai.script.clear()
    talk_of_module.server.faults.clear()


@pytest.fixture(scope="module", params=LIBRARIES)
async def library(request: pytest.FixtureRequest) -> AsyncIterator[Library]:
    async with LIBRARIES[request.param]() as opened:
        yield opened


@pytest.fixture(params=[False, True], ids=["ai-chat", "ai-chat-v2"])
def app(request: pytest.FixtureRequest, library: Library, talk: Talk) -> App:
    return App(library, talk, is_new=request.param)
