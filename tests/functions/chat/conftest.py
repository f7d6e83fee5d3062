"""A running chat, and apps of both years on each client library."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.functions.chat.chat_service import ChatService, run_chat
from tests.functions.chat.client_interface import App, Library
from tests.functions.chat.libraries import LIBRARIES, PARAMETERS


@pytest.fixture(scope="module")
def module_service() -> Iterator[ChatService]:
    with run_chat() as service:
        yield service


@pytest.fixture
def service(module_service: ChatService) -> Iterator[ChatService]:
    """The chat. The script and the faults of its model are reset after each test."""
    yield module_service
    module_service.reset_model()


@pytest.fixture(scope="module", params=PARAMETERS)
async def library(request: pytest.FixtureRequest) -> AsyncIterator[Library]:
    async with LIBRARIES[request.param]() as opened:
        yield opened


@pytest.fixture(params=[False, True], ids=["ai-chat", "ai-chat-v2"])
def app(request: pytest.FixtureRequest, library: Library, service: ChatService) -> App:
    return App(library, service, is_new=request.param)
