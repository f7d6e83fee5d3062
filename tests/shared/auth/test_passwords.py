"""Hashing, verification and caching of passwords."""

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
    """Counts hashes, and can delay them by a time or until `may_end` is set."""

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
    """Replace the hash function by a fast one that counts its calls."""
    hashing = Hashing()
    monkeypatch.setattr(module, "derive", hashing)
    return hashing


def passwords(**settings: float) -> Passwords:
    return Passwords(PasswordSettings.model_validate(settings))


def test_hash_is_pbkdf2_sha512_in_upper_case_hex() -> None:
    expected = pbkdf2_hmac("sha512", "pässword".encode(), SALT, 350_000, 64)
    assert derive("pässword", SALT) == expected.hex().upper()


async def test_hash_of_previous_service_verifies() -> None:
    key_hex = pbkdf2_hmac("sha512", b"old password", SALT, 350_000, 64).hex().upper()
    stored = PasswordHash(key_hex, SALT)
    assert await passwords().verify("old password", stored)
    assert not await passwords().verify("old passwore", stored)


async def test_salts_are_distinct(hashing: Hashing) -> None:
    first, second = [await passwords().hash("same") for _ in range(2)]
    assert first.salt != second.salt
    assert len(first.salt) == 64


async def test_verified_password_is_not_hashed_again(hashing: Hashing) -> None:
    one = passwords()
    stored = await passwords().hash("right")
    hashing.count = 0
    for _ in range(5):
        assert await one.verify("right", stored)
    assert hashing.count == 1


async def test_new_password_is_cached(hashing: Hashing) -> None:
    one = passwords()
    stored = await one.hash("right")
    assert await one.verify("right", stored)
    assert hashing.count == 1


async def test_wrong_password_is_not_cached(hashing: Hashing) -> None:
    one = passwords()
    stored = await one.hash("right")
    assert not await one.verify("wrong", stored)
    assert not await one.verify("wrong", stored)
    assert hashing.count == 3


async def test_old_password_is_rejected_after_change(hashing: Hashing) -> None:
    one = passwords()
    stored = await one.hash("right")
    other = await passwords().hash("other")
    assert not await one.verify("right", other)
    assert not await one.verify("right", replace(stored, salt=other.salt))
    assert not await one.verify("right", replace(stored, key_hex=other.key_hex))


async def test_cached_password_expires(hashing: Hashing) -> None:
    one = passwords(cached_s=0.05)
    stored = await one.hash("right")
    await asyncio.sleep(0.1)
    assert await one.verify("right", stored)
    assert hashing.count == 2


async def test_cached_passwords_are_bounded(hashing: Hashing) -> None:
    one = passwords(max_cached=2)
    stored = [await one.hash(text) for text in "abc"]
    hashing.count = 0
    for text, each in zip("bc", stored[1:], strict=True):
        assert await one.verify(text, each)
    assert hashing.count == 0
    assert await one.verify("a", stored[0])
    assert hashing.count == 1


async def test_concurrent_verifications_share_one_hash(
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


async def test_hashing_does_not_block_event_loop(hashing: Hashing) -> None:
    hashing.may_end.clear()
    task = asyncio.create_task(passwords().hash("password"))
    await until(lambda: hashing.count == 1)
    hashing.may_end.set()  # not reached while a hash blocks the event loop
    assert (await task).key_hex


async def test_verification_is_rejected_when_wait_is_too_long(hashing: Hashing) -> None:
    one = passwords(max_wait_s=0.05)
    hashing.seconds = 0.3
    tasks = [one.hash(str(number)) for number in range((os.cpu_count() or 1) + 20)]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    rejected = [outcome for outcome in outcomes if isinstance(outcome, Overloaded)]
    assert rejected
    assert len(rejected) < len(outcomes)
    assert rejected[0].retry_after_s == 1
