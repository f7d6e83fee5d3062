"""The messages of a conversation that the language model receives; pure.

Source: contract, heading "Chat".
"""

from dataclasses import dataclass

from shared.planner.messages import Message

MAX_MESSAGES = 20

# Each request sends the whole history again. That costs money, and models limit their input.
MAX_CHARACTERS = 200_000


@dataclass(frozen=True)
class History:
    """The last 20 messages, or fewer if they are very long.

    The first message is never the response to a function call that was dropped.
    """

    messages: tuple[Message, ...] = ()
    """The messages, oldest first."""

    def plus(self, *messages: Message) -> "History":
        """Return a history with further messages, without the oldest ones beyond the limits.

        A function call and its response must be added together.
        """
        kept = (*self.messages, *messages)[-MAX_MESSAGES:]
        # The new messages stay, however long they are: the reply depends on them.
        while len(kept) > len(messages) and sum(map(_length, kept)) > MAX_CHARACTERS:
            kept = kept[1:]
        # OpenAI rejects a response whose function call is missing.
        while kept and kept[0].role == "tool":
            kept = kept[1:]
        return History(kept)


def _length(message: Message) -> int:
    # The call of a response is the call of the message before it, which is already counted.
    call = message.call if message.role != "tool" else None
    return len(message.text) + (len(call.arguments) if call else 0)
