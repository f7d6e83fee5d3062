"""Users whose names the operator of a server assigns: by an API key, or by an own proxy."""

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

# A type only: services without such users do not need tickets.
if TYPE_CHECKING:
    from shared.auth.tickets import TicketKey


@dataclass(frozen=True)
class NamedUser:
    """A user of the server, as the operator names the user."""

    name: str
    is_shared: bool = False
    """Whether several people can have the name: the holders of one bare API key."""

    tickets: "TicketKey | None" = field(default=None, compare=False, repr=False)
    """Issues connection tickets, if the user presented an API key."""

    @cached_property
    def key(self) -> str:
        """The key of the user. Rate limits count by it; it does not contain the name."""
        return f"user-{sha256(self.name.encode()).hexdigest()}"
