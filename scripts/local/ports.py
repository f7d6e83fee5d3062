"""Where everything listens: one base port, and fixed distances from it."""

import socket
from argparse import ArgumentTypeError
from dataclasses import dataclass

HOST = "127.0.0.1"
SERVICES = ("users", "events", "social", "sharing", "ai", "chat", "cleanup")
"""Whatever is deployed on its own, in the order of its ports."""

FUNCTIONS = tuple(name for name in SERVICES if name != "chat")
"""What the Functions Framework serves."""

CALLED_BY_APPS = tuple(name for name in FUNCTIONS if name != "cleanup")
"""The functions whose routes are the contract's."""

_LOWEST, _HIGHEST = 1024, 65_500
_FIRESTORE = 10
_STAND_INS = 11
_PUBSUB = 12


@dataclass(frozen=True)
class Ports:
    """The ports of one stack; stacks whose bases are 20 apart run side by side."""

    base: int = 5264
    """All routes in one place, where the app's debug build looks for them."""

    @property
    def firestore(self) -> int:
        """The Firestore emulator's."""
        return self.base + _FIRESTORE

    @property
    def fakes(self) -> int:
        """That of the fakes for services of others."""
        return self.base + _STAND_INS

    @property
    def pubsub(self) -> int:
        """The Pub/Sub emulator's."""
        return self.base + _PUBSUB

    def of(self, service: str) -> int:
        """The port of one function or service alone."""
        return self.base + 1 + SERVICES.index(service)


def base_port(text: str) -> int:
    """Read the base port of a stack from a command line."""
    port = int(text) if text.isdigit() else 0
    if not _LOWEST <= port <= _HIGHEST:
        raise ArgumentTypeError(f"not between {_LOWEST} and {_HIGHEST}")
    return port


def url(port: int) -> str:
    """Return the address of what listens on `port`."""
    return f"http://{HOST}:{port}"


def is_free(port: int) -> bool:
    """Whether nothing listens on `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
