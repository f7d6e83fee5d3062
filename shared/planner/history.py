"""What was said in a chat, as far as the language model is reminded of it; pure.

Source: contract, heading "Chat".
"""

from dataclasses import dataclass

from shared.planner.messages import Message

LIMIT = 20
LONGEST = 200_000
"""Characters in all: each message is paid with all before it, and models bear only so much."""


@dataclass(frozen=True)
class History:
    """The last 20 messages, fewer if they are very long.

    It never begins with the answer to a call that is forgotten.
    """

    said: tuple[Message, ...] = ()
    """The messages, oldest first."""

    def plus(self, *said: Message) -> "History":
        """Return it with these messages, without the oldest of too many.

        A call comes with its answer.
        """
        kept = (*self.said, *said)[-LIMIT:]
        while len(kept) > len(said) and sum(map(_length, kept)) > LONGEST:
            kept = kept[1:]
        while kept and kept[0].by == "tool":
            kept = kept[1:]
        return History(kept)


def _length(said: Message) -> int:
    return len(said.text) + (len(said.call.arguments) if said.call and said.by != "tool" else 0)
