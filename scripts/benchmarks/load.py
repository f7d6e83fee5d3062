"""A load generator: threads that repeat an action against a server, each on its own connection."""

import http.client
import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from scripts.local.ports import HOST

_TIMEOUT_S = 60


class FailedRequestError(Exception):
    """A response has another status than 200."""


class Client:
    """One kept-alive connection. `http.client` takes a tenth of the CPU time of httpx."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_S)

    def call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Send a request and return the body of its response.

        Raises:
            FailedRequestError: the status is not 200.
        """
        self._connection.request(method, path, body)
        response = self._connection.getresponse()
        content = response.read()
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
    """The duration of each repetition."""

    def __iadd__(self, other: "Load") -> "Load":
        self.total_s += other.total_s
        self.client_cpu_s += other.client_cpu_s
        self.seconds += other.seconds
        return self

    @property
    def per_second(self) -> float:
        """The repetitions per second."""
        return len(self.seconds) / self.total_s

    @property
    def client_cpu_share(self) -> float:
        """The load generator's part of the CPU time of all cores."""
        return self.client_cpu_s / self.total_s / (os.cpu_count() or 1)

    def percentile_s(self, percent: int) -> float:
        """Return the smallest duration that `percent` of the repetitions do not exceed."""
        return sorted(self.seconds)[math.ceil(len(self.seconds) * percent / 100) - 1]


def measure(port: int, actions: Sequence[Action], duration_s: float) -> Load:
    """Repeat each action in a thread of its own for `duration_s`, and at least once.

    Raises:
        FailedRequestError: a request failed.
    """
    load, failures = Load(), []
    start = threading.Barrier(len(actions) + 1)

    def repeat(action: Action) -> None:
        client = Client(port)
        start.wait()
        end = before = time.perf_counter()
        end += duration_s
        try:
            while before < end:
                action(client)
                after = time.perf_counter()
                load.seconds.append(after - before)
                before = after
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
