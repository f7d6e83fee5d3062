"""Each invocation completes exactly once."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.functions.chat.fake_hub import FakeHub, cancellation, invocation, new_gate, open_gate
from tests.functions.chat.running_chat import RunningChat, serve_chat, single_hub

KINDS: dict[str, dict[str, Any]] = {
    "passes": invocation("", "Nothing"),
    "speaks": invocation("", "Repeat", "a", 1),
    "waits": invocation("", "Wait"),
    "has wrong arguments": invocation("", "Repeat"),
    "does not exist": invocation("", "Unknown"),
    "wants a stream": {**invocation("", "Nothing"), "type": 4},
    "brings a stream": invocation("", "Nothing", streamIds=["s"]),
}
FAIL = {"has wrong arguments", "does not exist", "wants a stream", "brings a stream"}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningChat]:
    with serve_chat(single_hub(FakeHub)) as server:
        yield server


@given(
    kinds=st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=30),
    cancelled=st.sets(st.integers(0, 40)),
    in_one_frame=st.booleans(),
)
async def test_each_invocation_completes_once_without_result(
    server: RunningChat, kinds: list[str], cancelled: set[int], *, in_one_frame: bool
) -> None:
    """HubProtocol, "Completion and results": the completion is the last message for an id.

    Contract, "Chat": never both `result` and `error`.
    """
    gate = new_gate()
    kind_of = {str(number): kind for number, kind in enumerate(kinds)}
    messages = [{**KINDS[kind], "invocationId": id_} for id_, kind in kind_of.items()]
    for message, kind in zip(messages, kinds, strict=True):
        if kind == "waits":
            message["arguments"] = [gate]
    for number in cancelled:
        messages.insert(2 * number, cancellation(str(number)))
    async with server.connect_to_hub() as client:
        for batch in [messages] if in_one_frame else [[each] for each in messages]:
            await client.send(*batch)
        open_gate(gate)
        ends: list[Any] = []
        while len(ends) < len(kinds):
            record = await client.receive()
            ends += [record] if record["type"] == 3 else []
        await client.send({"type": 7})
        ends += [record for record in await client.receive_rest() if record["type"] == 3]
    assert Counter(end["invocationId"] for end in ends) == Counter(list(kind_of))
    assert all(end.keys() <= {"type", "invocationId", "error"} for end in ends)
    for end in ends:
        may_be_refused = "too many" in end.get("error", "")
        may_be_cancelled = int(end["invocationId"]) in cancelled
        if not (may_be_refused or may_be_cancelled):
            assert ("error" in end) == (kind_of[end["invocationId"]] in FAIL)
