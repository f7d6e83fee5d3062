"""The states of a connection and their transitions."""

import pytest

from functions.chat.connection_state import TRANSITIONS, State
from tests.functions.chat.asgi_client import AsgiClient, serve_connection
from tests.virtual_time import in_virtual_time


@pytest.mark.parametrize("following", State, ids=lambda state: state.name)
@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
def test_state_allows_only_the_transitions_of_the_table(state: State, following: State) -> None:
    if following in TRANSITIONS[state]:
        assert state.to(following) is following
    else:
        with pytest.raises(ValueError, match=f"from {state.name} to {following.name}"):
            state.to(following)


def test_every_state_but_closed_leads_to_closed() -> None:
    assert [state for state in State if State.CLOSED not in TRANSITIONS[state]] == [State.CLOSED]
    assert not TRANSITIONS[State.CLOSED]


@in_virtual_time
async def test_closed_connection_ignores_drain_and_close() -> None:
    client = AsgiClient()
    async with serve_connection(client) as (connection, _):
        connection.close()
    [response] = client.records
    connection.drain()
    connection.close()
    assert client.records == [response]
