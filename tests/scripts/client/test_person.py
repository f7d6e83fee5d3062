"""The reference client: cryptography, and detection of forged content."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.client import crypto
from scripts.client.api import Api, RefusedError
from scripts.client.crypto import Encrypted, ForgedError, KeyPair
from scripts.client.person import Follows, Person

ALICE = KeyPair.generate()
MALLORY = KeyPair.generate()
AES_KEY = bytes(16)


@given(st.binary(max_size=1000))
def test_sealed_content_can_be_unsealed(content: bytes) -> None:
    sealed = crypto.seal(content, AES_KEY, ALICE)
    assert crypto.unseal(sealed, AES_KEY, ALICE.public_key_der) == content
    assert len(sealed.payload) == (len(content) + 256) // 16 * 16 + 16


@given(st.binary(min_size=1, max_size=1000))
def test_message_is_encrypted_in_122_byte_pieces(content: bytes) -> None:
    pieces = crypto.encrypt_to(ALICE.public_key_der, content)
    assert len(pieces) == -(-len(content) // 122)
    assert {len(piece) for piece in pieces} == {256}
    assert ALICE.decrypt(pieces) == content


def _other(byte: int) -> bytes:
    return bytes([byte ^ 1])


@pytest.mark.parametrize(
    "tamper",
    [
        lambda sealed: replace(sealed, payload=sealed.payload[:-1] + _other(sealed.payload[-1])),
        lambda sealed: replace(sealed, payload=b"x" * 16 + sealed.payload[16:]),
        lambda sealed: replace(sealed, iv=b"x" * 16),
    ],
    ids=["end", "beginning", "iv"],
)
def test_changed_payload_is_forged(tamper: Callable[[Encrypted], Encrypted]) -> None:
    sealed = crypto.seal(b"content" * 9, AES_KEY, ALICE)
    with pytest.raises(ForgedError):
        crypto.unseal(tamper(sealed), AES_KEY, ALICE.public_key_der)


def test_other_signer_is_forged() -> None:
    sealed = crypto.seal(b"content", AES_KEY, MALLORY)
    with pytest.raises(ForgedError):
        crypto.unseal(sealed, AES_KEY, ALICE.public_key_der)


def test_public_key_is_spki_of_294_bytes() -> None:
    assert len(ALICE.public_key_der) == 294


async def test_message_with_false_sender_is_forged(api: Api) -> None:
    alice, bob = await Person.create(api), await Person.create(api)
    await alice.publish_profile("Alice")
    await bob.publish_profile("Bob")
    mallory = await Person.create(api)
    mallory.id = bob.id
    await mallory.send(await api.profile(alice.id), {"kind": "follow request"})
    with pytest.raises(ForgedError):
        await alice.take_messages()


async def test_event_of_other_author_is_forged(api: Api, alice: Person) -> None:
    follows = Follows(alice.id, await alice.allow_follower(), alice.aes_key, MALLORY.public_key_der)
    await alice.publish(b"squats")
    with pytest.raises(ForgedError):
        await alice.fetch(follows)


async def test_refused_error_has_the_status(api: Api, unknown_id: str) -> None:
    with pytest.raises(RefusedError) as caught:
        await api.profile(unknown_id)
    assert caught.value.status == 404
