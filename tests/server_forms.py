"""The forms of the server: `--server FORM` runs the tests of the contract on one of them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from scripts.fakes.settings import local_services
from scripts.local.ports import CALLED_BY_APPS, Ports, url
from scripts.local.stack import Stack, addresses
from scripts.local.storage import FILE
from tests import stack
from tests.scripts.self_hosted.installation import Installation

DEFAULT = "isolated"
OPTIONS = {DEFAULT: ["--isolated"], "dev": [], "emulators": ["--emulators"], "serve": []}
"""The options of the stack. A self-hosted server uses the fakes of its stack."""

_URL = "LIFTLOG_TEST_SERVER_URL"


@contextmanager
def announced(form: str, running: Stack) -> Iterator[None]:
    """Serve in this form during the block. Processes started in the block find the server."""
    if form == "serve":
        installation = Installation(stack.log_folder() / "self-hosted")
        settings = local_services({}, url(running.ports.fakes))
        with installation.serve(**settings) as server:
            os.environ[_URL] = server.url
            os.environ[FILE] = str(installation.data / "liftlog.db")
            yield
    else:
        if form != DEFAULT:
            os.environ[_URL] = url(running.ports.base)
        yield


def server_addresses(ports: Ports) -> dict[str, str]:
    """Return the URL of each function. All functions may have the same one."""
    if one := os.environ.get(_URL):
        return dict.fromkeys(CALLED_BY_APPS, one)
    return addresses(ports)
