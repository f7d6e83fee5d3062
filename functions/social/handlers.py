"""The routes of follow secrets and the inbox."""

from shared.auth.sign_in import SignIn
from shared.errors import NotAuthenticated, NotFound, Overloaded
from shared.schemas.social import (
    FollowSecretRequest,
    InboxMessageResponse,
    InboxResponse,
    PutMessageRequest,
    TakeMessagesRequest,
)
from shared.store.follow_secrets import FollowSecrets
from shared.store.inbox import Inbox
from shared.store.users import Account
from shared.timestamps import now
from shared.web.routes import Route


class SocialHandlers:
    """Serves the routes of follow secrets and the inbox."""

    def __init__(
        self, follow_secrets: FollowSecrets, inbox: Inbox, sign_in: SignIn[Account]
    ) -> None:
        self._follow_secrets = follow_secrets
        self._inbox = inbox
        self._sign_in = sign_in

    def routes(self) -> list[Route]:
        """Return the routes with their handlers."""
        return [
            Route(
                "PUT",
                "/follow-secret",
                "Let those who know a secret follow a user.",
                takes=FollowSecretRequest,
                answers=None,
                handler=self.put_follow_secret,
                refuses=[NotFound, NotAuthenticated, Overloaded],
            ),
            Route(
                "POST",
                "/follow-secret/delete",
                "Revoke a follow secret.",
                takes=FollowSecretRequest,
                answers=None,
                handler=self.delete_follow_secret,
                refuses=[NotFound, NotAuthenticated, Overloaded],
            ),
            Route(
                "PUT",
                "/inbox",
                "Leave a message for a user; anyone may.",
                takes=PutMessageRequest,
                answers=None,
                handler=self.put_message,
                refuses=[NotFound],
            ),
            Route(
                "POST",
                "/inbox",
                "Take the waiting messages; they are removed.",
                takes=TakeMessagesRequest,
                answers=InboxResponse,
                handler=self.take_messages,
                is_cancellable=True,
                refuses=[NotFound, NotAuthenticated, Overloaded],
            ),
        ]

    async def put_follow_secret(self, request: FollowSecretRequest) -> None:
        """Add a follow secret."""
        owner = await self._sign_in.account(request.user_id, request.password)
        await self._follow_secrets.put(owner, request.follow_secret, now())

    async def delete_follow_secret(self, request: FollowSecretRequest) -> None:
        """Revoke a follow secret."""
        owner = await self._sign_in.account(request.user_id, request.password)
        await self._follow_secrets.delete(owner, request.follow_secret)

    async def put_message(self, request: PutMessageRequest) -> None:
        """Leave a message."""
        await self._inbox.put(request.to_user_id, request.encrypted_message, now())

    async def take_messages(self, request: TakeMessagesRequest) -> InboxResponse:
        """Take the waiting messages."""
        owner = await self._sign_in.account(request.user_id, request.password)
        messages = await self._inbox.take_all(owner, now())
        return InboxResponse(inbox_messages=[InboxMessageResponse.of(m) for m in messages])
