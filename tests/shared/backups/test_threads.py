"""Threads for blocking calls: errors, and cancelled callers."""

import asyncio
import threading

import pytest

from shared.backups.encryption import DamagedFileError
from shared.backups.threads import FileThreads
from shared.errors import DependencyFailed, DependencyUnavailable
from tests.loopback import until


async def test_cancelled_caller_waits_for_its_work() -> None:
    has_started, may_end = threading.Event(), threading.Event()

    def work() -> None:
        has_started.set()
        may_end.wait()

    running = asyncio.create_task(FileThreads().run(work))
    await until(has_started.is_set)
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=0.05)
    # The work uses a file that the caller closes next.
    assert not done
    may_end.set()
    await asyncio.wait({running})
    assert running.cancelled()


async def test_cancelled_caller_ignores_an_error_of_its_work() -> None:
    has_started, may_end = threading.Event(), threading.Event()

    def work() -> None:
        has_started.set()
        may_end.wait()
        raise OSError

    running = asyncio.create_task(FileThreads().run(work))
    await until(has_started.is_set)
    running.cancel()
    may_end.set()
    await asyncio.wait({running})
    assert running.cancelled()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError("/folder/secret-user"), DependencyUnavailable),
        (PermissionError(13, "denied", "/folder/secret-user"), DependencyUnavailable),
        (DamagedFileError("the header is invalid"), DependencyFailed),
    ],
    ids=["os error", "permission", "damaged"],
)
async def test_errors_are_translated_without_the_path(
    caplog: pytest.LogCaptureFixture, error: Exception, expected: type[Exception]
) -> None:
    def work() -> None:
        raise error

    with pytest.raises(expected) as failed:
        await FileThreads().run(work)
    assert type(failed.value) is expected
    assert caplog.records
    assert "secret-user" not in caplog.text + str(failed.value)
