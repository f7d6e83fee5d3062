"""The request that signs a user in.

Source: contract, heading "Users".
"""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.schemas.wire import Request

# A generated password has 36 characters. The limit bounds the input of the hash.
Password = Annotated[str, Field(max_length=40)]


class SignInRequest(Request):
    """A request that contains the credentials of its user."""

    user_id: UUID
    password: Password
