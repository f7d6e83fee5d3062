"""Hashing and remembering passwords."""

import asyncio
import os
import threading
import time
from dataclasses import replace
from hashlib import pbkdf2_hmac

import pytest

from shared.auth import passwords as module
from shared.auth.passwords import Passwords, derive
from shared.auth.settings import PasswordSettings
from shared.errors import Overloaded
from shared.store.users import PasswordHash
from tests.loopback import until

SALT = bytes(range(64))


class Hashing:
    """Counts the real hashes, and can hold them back for a time or until `may_end` is set."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self, password: str, salt: bytes) -> str:
        self.count += 1
        time.sleep(self.seconds)
        assert self.may_end.wait(timeout=60)
        return pbkdf2_hmac("sha512", password.encode(), salt, 1, 64).hex().upper()


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> Hashing:
    """Hashes that cost nothing, so that what is remembered can be told from what is hashed."""
    hashing = Hashing()
    monkeypatch.setattr(module, "derive", hashing)
    return hashing


def passwords(**settings: float) -> Passwords:
    return Passwords(PasswordSettings.model_validate(settings))


def test_a_hash_is_pbkdf2_with_sha512_and_350000_iterations_in_capital_hex() -> None:
    expected = pbkdf2_hmac("sha512", "pässword".encode(), SALT, 350_000, 64)
    assert derive("pässword", SALT) == expected.hex().upper()


async def test_a_row_of_the_old_database_verifies() -> None:
    key_hex = pbkdf2_hmac("sha512", b"old password", SALT, 350_000, 64).hex().upper()
    stored = PasswordHash(key_hex, SALT)
    assert await passwords().verify("old password", stored)
    assert not await passwords().verify("old passwore", stored)


async def test_salts_differ(hashing: Hashing) -> None:
    first, second = [await passwords().hash("same") for _ in range(2)]
    assert first.salt != second.salt
    assert len(first.salt) == 64


async def test_what_verified_costs_no_second_hash(hashing: Hashing) -> None:
    one = passwords()
    stored = await passwords().hash("right")
    hashing.count = 0
    for _ in range(5):
        assert await one.verify("right", stored)
    assert hashing.count == 1


async def test_a_new_password_is_remembered_at_once(hashing: Hashing) -> None:
    one = passwords()
    stored = await one.hash("right")
    assert await one.verify("right", stored)
    assert hashing.count == 1


async def test_a_wrong_password_is_never_remembered(hashing: Hashing) -> None:
    one = passwords()
    stored = await one.hash("right")
    assert not await one.verify("wrong", stored)
    assert not await one.verify("wrong", stored)
    assert hashing.count == 3


async def test_a_changed_credential_stops_working_at_once(hashing: Hashing) -> None:
    one = passwords()
    stored = await one.hash("right")
    other = await passwords().hash("other")
    assert not await one.verify("right", other)
    assert not await one.verify("right", replace(stored, salt=other.salt))
    assert not await one.verify("right", replace(stored, key_hex=other.key_hex))


async def test_what_verified_is_forgotten_after_a_while(hashing: Hashing) -> None:
    one = passwords(remembered_s=0.05)
    stored = await one.hash("right")
    await asyncio.sleep(0.1)
    assert await one.verify("right", stored)
    assert hashing.count == 2


async def test_no_more_than_so_many_are_remembered(hashing: Hashing) -> None:
    one = passwords(remembered=2)
    stored = [await one.hash(text) for text in "abc"]
    hashing.count = 0
    for text, each in zip("bc", stored[1:], strict=True):
        assert await one.verify(text, each)
    assert hashing.count == 0
    assert await one.verify("a", stored[0])
    assert hashing.count == 1


async def test_requests_at_once_share_one_hash_and_survive_one_hanging_up(
    hashing: Hashing,
) -> None:
    one = passwords()
    stored = await passwords().hash("right")
    hashing.count = 0
    hashing.may_end.clear()
    first, *others = [asyncio.create_task(one.verify("right", stored)) for _ in range(8)]
    await until(lambda: hashing.count == 1)
    first.cancel()
    hashing.may_end.set()
    assert await asyncio.gather(*others) == [True] * 7
    assert hashing.count == 1


async def test_event_loop_runs_while_a_password_is_hashed(hashing: Hashing) -> None:
    hashing.may_end.clear()
    task = asyncio.create_task(passwords().hash("password"))
    await until(lambda: hashing.count == 1)
    hashing.may_end.set()  # A hash on the event loop would wait for this line until it fails.
    await task


async def test_who_would_wait_too_long_is_told_to_come_again(hashing: Hashing) -> None:
    one = passwords(longest_wait_s=0.05)
    hashing.seconds = 0.3
    tasks = [one.hash(str(number)) for number in range((os.cpu_count() or 1) + 20)]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Overloaded)]
    assert refused
    assert len(refused) < len(outcomes)
    assert refused[0].retry_after_s == 1
