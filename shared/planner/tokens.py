"""Estimates of the number of tokens in a text; pure.

Each model has its own tokenizer, and a server of your own may run any model. An estimate works for
all of them: English text and JSON have 3 to 5 bytes of UTF-8 per token, other languages 2 to 6.
`shared/planner/conversation.py` repeats a request whose length was estimated too low.
"""

_BYTES_PER_TOKEN = 3


def count_tokens(text: str) -> int:
    """Return an estimate that is above the real number for most texts."""
    return -(-_size_bytes(text) // _BYTES_PER_TOKEN)


def first_tokens(text: str, tokens: int) -> str:
    """Return the beginning of `text` with at most so many tokens, in whole characters."""
    return text.encode()[: max(0, tokens) * _BYTES_PER_TOKEN].decode(errors="ignore")


def _size_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
