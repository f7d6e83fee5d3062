"""A load generator: threads that repeat an action against a server, with one connection each."""

import http.client
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self

from scripts.local.ports import HOST

_TIMEOUT_S = 60


class FailedRequestError(Exception):
    """A response has another status than 200."""


class RejectedRequestError(FailedRequestError):
    """The status is 503: the server is overloaded."""


class Client:
    """One kept-alive connection. `http.client` takes a tenth of the CPU time of httpx."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_S)

    def call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Send a request and return the body of its response.

        Raises:
            RejectedRequestError: the status is 503.
            FailedRequestError: another status than 200.
        """
        self._connection.request(method, path, body)
        response = self._connection.getresponse()
        content = response.read()
        if response.status == HTTPStatus.SERVICE_UNAVAILABLE:
            raise RejectedRequestError
        if response.status != HTTPStatus.OK:
            raise FailedRequestError(f"{response.status} on {method} {path}: {content[:200]!r}")
        return content

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


Action = Callable[[Client], object]
"""One or more requests, which are measured together."""


@dataclass
class Load:
    """The measurements of an action."""

    total_s: float = 0
    client_cpu_s: float = 0
    """CPU time of the load generator."""

    seconds: list[float] = field(default_factory=list)
    """The duration of each repetition that was not rejected."""

    rejected: int = 0

    def __iadd__(self, other: "Load") -> Self:
        self.total_s += other.total_s
        self.client_cpu_s += other.client_cpu_s
        self.seconds += other.seconds
        self.rejected += other.rejected
        return self

    @property
    def per_second(self) -> float:
        """The repetitions per second."""
        return len(self.seconds) / self.total_s

    def percentile_s(self, percent: int) -> float:
        """Return the smallest duration that `percent` of the repetitions do not exceed."""
        if not self.seconds:
            return math.nan
        return sorted(self.seconds)[math.ceil(len(self.seconds) * percent / 100) - 1]


def measure(port: int, actions: Sequence[Action], duration_s: float) -> Load:
    """Repeat each action for `duration_s`, and at least once; one thread per action.

    Raises:
        FailedRequestError: a request failed.
    """
    load, failures = Load(), []
    start = threading.Barrier(len(actions) + 1)

    def repeat(action: Action) -> None:
        client = Client(port)
        start.wait()
        try:
            _repeat(action, client, duration_s, load)
        except Exception as error:  # noqa: BLE001 - raised by the main thread
            failures.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=repeat, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    start.wait()
    began, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    load.total_s, load.client_cpu_s = time.perf_counter() - began, time.process_time() - cpu
    return load


def _repeat(action: Action, client: Client, duration_s: float, load: Load) -> None:
    end = time.perf_counter() + duration_s
    while True:
        before = time.perf_counter()
        try:
            action(client)
        except RejectedRequestError:
            load.rejected += 1
        else:
            load.seconds.append(time.perf_counter() - before)
        if time.perf_counter() >= end:
            return
