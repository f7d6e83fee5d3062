"""The ports of a stack: one base port and fixed offsets."""

import socket
from argparse import ArgumentTypeError
from dataclasses import dataclass

HOST = "127.0.0.1"
SERVICES = ("users", "events", "social", "sharing", "ai", "chat", "cleanup", "backup")
"""All services, in the order of their ports. Each is deployed alone."""

FUNCTIONS = tuple(name for name in SERVICES if name != "chat")
"""The services that run under the Functions Framework."""

CALLED_BY_APPS = tuple(name for name in FUNCTIONS if name != "cleanup")
"""The functions with routes of the contract."""

# Ports below 1024 need root. A stack needs 20 ports above its base.
_MIN_PORT, _MAX_PORT = 1024, 65_500
_FIRESTORE_OFFSET = 10
_FAKES_OFFSET = 11
_PUBSUB_OFFSET = 12


@dataclass(frozen=True)
class Ports:
    """The ports of one stack. Stacks with bases 20 apart run in parallel."""

    base: int = 5264
    """The port with all routes. The default is the port of the app's debug build."""

    @property
    def firestore(self) -> int:
        """The port of the Firestore emulator."""
        return self.base + _FIRESTORE_OFFSET

    @property
    def fakes(self) -> int:
        """The port of the fakes of third parties."""
        return self.base + _FAKES_OFFSET

    @property
    def pubsub(self) -> int:
        """The port of the Pub/Sub emulator."""
        return self.base + _PUBSUB_OFFSET

    def of(self, service: str) -> int:
        """The port of one service."""
        return self.base + 1 + SERVICES.index(service)


def base_port(text: str) -> int:
    """Parse the base port of a stack from the command line."""
    port = int(text) if text.isdigit() else 0
    if not _MIN_PORT <= port <= _MAX_PORT:
        raise ArgumentTypeError(f"not between {_MIN_PORT} and {_MAX_PORT}")
    return port


def url(port: int) -> str:
    """Return the URL of `port` on this machine."""
    return f"http://{HOST}:{port}"


def is_free(port: int) -> bool:
    """Return whether `port` is free."""
    with socket.socket() as probe:
        # As servers do: a port whose last connection is in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
