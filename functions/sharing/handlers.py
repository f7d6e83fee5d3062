"""The routes of shared items."""

from shared.errors import NotAuthenticated, NotFound
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
from shared.web.authentication import PasswordAuth
from shared.web.features import Feature
from shared.web.routes import Route


class SharingHandlers:
    """Serves the routes of shared items."""

    def __init__(self, shared_items: SharedItems, auth: PasswordAuth) -> None:
        self._shared_items = shared_items
        self._auth = auth

    def routes(self) -> list[Route]:
        """Return the routes with their handlers."""
        return [
            Route(
                "POST",
                "/shareditem",
                "Share an encrypted plan by a link.",
                request=NewSharedItemRequest,
                response=NewSharedItemResponse,
                handler=self.create,
                features=[Feature.SHARING],
                auth=self._auth,
            ),
            Route(
                "GET",
                "/shareditem/{id}",
                "Read a shared plan by its link.",
                request=SharedItemAddress,
                response=SharedItemResponse,
                handler=self.get,
                features=[Feature.SHARING],
                refuses=[NotFound],
                is_cancellable=True,
            ),
        ]

    async def create(self, request: NewSharedItemRequest, owner: Account) -> NewSharedItemResponse:
        """Share an item."""
        try:
            item_id = await self._shared_items.create(owner, _item(request), now())
        except NotFound:
            # The owner was deleted after the sign-in: respond as to any unknown user.
            raise NotAuthenticated("no such user or wrong password") from None
        return NewSharedItemResponse(id=item_id)

    async def get(self, address: SharedItemAddress) -> SharedItemResponse:
        """Read a shared item."""
        return _response(await self._shared_items.get(address.id, now()))


def _item(request: NewSharedItemRequest) -> NewSharedItem:
    payload = request.encrypted_payload
    return NewSharedItem(payload.encrypted_payload, payload.iv.value, request.expiry)


def _response(item: SharedItem) -> SharedItemResponse:
    return SharedItemResponse(
        rsa_public_key=PublicKeyResponse(spki_public_key_bytes=item.owner_rsa_public_key),
        encrypted_payload=EncryptedPayloadResponse(
            encrypted_payload=item.encrypted_payload,
            iv=InitializationVectorResponse(value=item.encryption_iv),
        ),
    )
