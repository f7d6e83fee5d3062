"""The routes of follow secrets and the inbox."""

from shared.errors import NotFound
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
from shared.web.authentication import PasswordAuth
from shared.web.features import Feature
from shared.web.routes import Route


class SocialHandlers:
    """Serves the routes of follow secrets and the inbox."""

    def __init__(self, follow_secrets: FollowSecrets, inbox: Inbox, auth: PasswordAuth) -> None:
        self._follow_secrets = follow_secrets
        self._inbox = inbox
        self._auth = auth

    def routes(self) -> list[Route]:
        """Return the routes with their handlers."""
        return [
            Route(
                "PUT",
                "/follow-secret",
                "Add a follow secret: its holders can follow the user.",
                request=FollowSecretRequest,
                response=None,
                handler=self.put_follow_secret,
                features=[Feature.FEED],
                auth=self._auth,
            ),
            Route(
                "POST",
                "/follow-secret/delete",
                "Revoke a follow secret.",
                request=FollowSecretRequest,
                response=None,
                handler=self.delete_follow_secret,
                features=[Feature.FEED],
                auth=self._auth,
            ),
            Route(
                "PUT",
                "/inbox",
                "Send a message to a user's inbox; anyone may.",
                request=PutMessageRequest,
                response=None,
                handler=self.put_message,
                features=[Feature.FEED],
                refuses=[NotFound],
            ),
            Route(
                "POST",
                "/inbox",
                "Read and remove all messages of an inbox.",
                request=TakeMessagesRequest,
                response=InboxResponse,
                handler=self.take_messages,
                features=[Feature.FEED],
                is_cancellable=True,
                auth=self._auth,
            ),
        ]

    async def put_follow_secret(self, request: FollowSecretRequest, owner: Account) -> None:
        """Add a follow secret."""
        await self._follow_secrets.put(owner, request.follow_secret, now())

    async def delete_follow_secret(self, request: FollowSecretRequest, owner: Account) -> None:
        """Revoke a follow secret."""
        await self._follow_secrets.delete(owner, request.follow_secret)

    async def put_message(self, request: PutMessageRequest) -> None:
        """Add a message to an inbox."""
        await self._inbox.put(request.to_user_id, request.encrypted_message, now())

    async def take_messages(self, _request: TakeMessagesRequest, owner: Account) -> InboxResponse:
        """Return and remove all messages of an inbox."""
        messages = await self._inbox.take_all(owner, now())
        return InboxResponse(inbox_messages=[InboxMessageResponse.of(m) for m in messages])
