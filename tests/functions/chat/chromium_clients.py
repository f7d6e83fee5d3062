"""SignalR's official client, in a page of Chromium with another origin than the chat's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Route

from tests.functions.chat import browser, javascript_clients
from tests.functions.chat.javascript_clients import Node, installed_libraries, start_driver
from tests.loopback import served


@asynccontextmanager
async def start_page(library: str, *, prefix: str = "") -> AsyncIterator[Node]:
    """Run a library of the lock file in a page of its own browser."""
    chromium = browser.install_browser()
    with served(_page(library)) as address:
        arguments = (chromium.packages, chromium.executable, address)
        driver = browser.HERE / "driver.mjs"
        async with start_driver(
            driver, *arguments, prefix=prefix, environment=chromium.environment
        ) as node:
            yield node


def _page(library: str) -> Starlette:
    files = {
        "/": browser.HERE / "page.html",
        "/commands.mjs": javascript_clients.HERE / "commands.mjs",
        "/signalr.js": installed_libraries() / library / "dist" / "browser" / "signalr.js",
    }
    return Starlette(routes=[_file(path, file) for path, file in files.items()])


def _file(path: str, file: Path) -> Route:
    return Route(path, lambda _request: FileResponse(file))
