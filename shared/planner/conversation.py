"""What was said in a chat, as far as the language model is reminded of it; pure.

Source: contract, heading "Chat".
"""

from collections.abc import Sequence

from shared.planner.messages import Said

LIMIT = 20
LONGEST = 200_000
"""Characters in all: each message is paid with all before it, and models bear only so much."""


class Conversation:
    """The last 20 messages, fewer if they are very long.

    It never begins with the answer to a call that is forgotten.
    """

    def __init__(self) -> None:
        self._said: list[Said] = []

    @property
    def said(self) -> Sequence[Said]:
        """The messages, oldest first."""
        return tuple(self._said)

    def add(self, *said: Said) -> None:
        """Add messages, and forget the oldest of too many. A call comes with its answer."""
        kept = [*self._said, *said][-LIMIT:]
        while len(kept) > len(said) and sum(map(_length, kept)) > LONGEST:
            kept = kept[1:]
        while kept and kept[0].by == "tool":
            kept = kept[1:]
        self._said = kept

    def forget_last(self) -> None:
        """Forget the newest message."""
        self._said = self._said[:-1]

    def clear(self) -> None:
        """Forget everything."""
        self._said = []


def _length(said: Said) -> int:
    return len(said.text) + (len(said.call.arguments) if said.call and said.by != "tool" else 0)
