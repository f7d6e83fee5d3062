"""The states of a chat connection and the transitions between them; pure."""

from collections.abc import Mapping
from enum import Enum, auto


class State(Enum):
    """A state of a connection."""

    HANDSHAKE = auto()
    """Waits for the client's handshake."""

    LAST_HANDSHAKE = auto()
    """Has to close, but first waits a short time for the handshake.

    Clients accept a close message only after the response to their handshake.
    """

    OPEN = auto()
    """Runs invocations."""

    DRAINING = auto()
    """Runs invocations, and closes as soon as none is in flight."""

    CLOSING = auto()
    """Sends its last records. Further messages of the client are ignored."""

    CLOSED = auto()
    """Every task of the connection has ended."""

    @property
    def is_ending(self) -> bool:
        """Whether the connection is closed, or its close has begun."""
        return self in (State.LAST_HANDSHAKE, State.CLOSING, State.CLOSED)

    def to(self, following: "State") -> "State":
        """Return `following`.

        Raises:
            ValueError: no transition leads from this state to `following`.
        """
        if following not in TRANSITIONS[self]:
            raise ValueError(f"a connection cannot go from {self.name} to {following.name}")
        return following


# A client may disconnect in any state, therefore CLOSED is always reachable.
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.HANDSHAKE: frozenset({State.LAST_HANDSHAKE, State.OPEN, State.CLOSED}),
    State.LAST_HANDSHAKE: frozenset({State.CLOSING, State.CLOSED}),
    State.OPEN: frozenset({State.DRAINING, State.CLOSING, State.CLOSED}),
    State.DRAINING: frozenset({State.CLOSING, State.CLOSED}),
    State.CLOSING: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
}
