"""The routes of shared items."""

from shared.auth.sign_in import SignIn
from shared.errors import NotAuthenticated, NotFound, Overloaded
from shared.schemas.sharing import (
    EncryptedPayloadResponse,
    InitializationVectorResponse,
    NewSharedItemRequest,
    NewSharedItemResponse,
    PublicKeyResponse,
    SharedItemAddress,
    SharedItemResponse,
)
from shared.store.shared_items import NewSharedItem, SharedItem, SharedItems
from shared.store.users import Account
from shared.timestamps import now
from shared.web.routes import Route


class SharingHandlers:
    """Serves the routes of shared items."""

    def __init__(self, shared_items: SharedItems, sign_in: SignIn[Account]) -> None:
        self._shared_items = shared_items
        self._sign_in = sign_in

    def routes(self) -> list[Route]:
        """Return the routes with their handlers."""
        return [
            Route(
                "POST",
                "/shareditem",
                "Share an encrypted plan behind a link.",
                takes=NewSharedItemRequest,
                answers=NewSharedItemResponse,
                handler=self.create,
                refuses=[NotAuthenticated, Overloaded],
            ),
            Route(
                "GET",
                "/shareditem/{id}",
                "Read what is shared behind a link.",
                takes=SharedItemAddress,
                answers=SharedItemResponse,
                handler=self.get,
                refuses=[NotFound],
                is_cancellable=True,
            ),
        ]

    async def create(self, request: NewSharedItemRequest) -> NewSharedItemResponse:
        """Share an item."""
        try:
            owner = await self._sign_in.account(request.user_id, request.password)
            item_id = await self._shared_items.create(owner, _item(request), now())
        except NotFound:
            # Clients know 401 alone here, for an unknown user as for a wrong password.
            raise NotAuthenticated("no such user or wrong password") from None
        return NewSharedItemResponse(id=item_id)

    async def get(self, address: SharedItemAddress) -> SharedItemResponse:
        """Read a shared item."""
        return _answer(await self._shared_items.get(address.id, now()))


def _item(request: NewSharedItemRequest) -> NewSharedItem:
    payload = request.encrypted_payload
    return NewSharedItem(payload.encrypted_payload, payload.iv.value, request.expiry)


def _answer(item: SharedItem) -> SharedItemResponse:
    return SharedItemResponse(
        rsa_public_key=PublicKeyResponse(spki_public_key_bytes=item.owner_rsa_public_key),
        encrypted_payload=EncryptedPayloadResponse(
            encrypted_payload=item.encrypted_payload,
            iv=InitializationVectorResponse(value=item.encryption_iv),
        ),
    )
