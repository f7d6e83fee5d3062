"""The credentials of a user in a request."""

from typing import NamedTuple
from uuid import UUID


class Credentials(NamedTuple):
    """A user id and a password as a request contains them, not yet verified."""

    user_id: UUID
    password: str
