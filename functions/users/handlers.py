"""The routes of users."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

from shared.auth.passwords import Passwords
from shared.errors import NotFound, Overloaded
from shared.ids import parse_uuid
from shared.schemas.users import (
    DeleteUserRequest,
    NewUserRequest,
    NewUserResponse,
    ReplaceUserRequest,
    UserAddress,
    UserResponse,
    UsersRequest,
    UsersResponse,
)
from shared.store.deletion import Deletion
from shared.store.profiles import ProfileContent, Profiles
from shared.store.users import Account, Users
from shared.timestamps import now
from shared.web.authentication import PasswordAuth
from shared.web.features import Feature
from shared.web.json_stream import JsonStream, stream_mapping
from shared.web.routes import Route

# Sharing needs an owner with a public key, so it uses the same accounts as the feed.
_FEATURES = (Feature.FEED, Feature.SHARING)


class UserHandlers:
    """Serves the routes of users."""

    def __init__(
        self,
        users: Users,
        profiles: Profiles,
        deletion: Deletion,
        passwords: Passwords,
        auth: PasswordAuth,
    ) -> None:
        self._users = users
        self._profiles = profiles
        self._deletion = deletion
        self._passwords = passwords
        self._auth = auth

    def routes(self) -> list[Route]:
        """Return the routes with their handlers."""
        return [
            Route(
                "POST",
                "/user/create",
                "Create a user; only this response contains the password.",
                request=NewUserRequest,
                response=NewUserResponse,
                handler=self.create,
                features=_FEATURES,
                refuses=[Overloaded],
            ),
            Route(
                "GET",
                "/user/{idOrLookup}",
                "Read a user by id or lookup.",
                request=UserAddress,
                response=UserResponse,
                handler=self.get,
                features=_FEATURES,
                refuses=[NotFound],
                is_cancellable=True,
            ),
            Route(
                "PUT",
                "/user",
                "Replace a user's profile.",
                request=ReplaceUserRequest,
                response=None,
                handler=self.replace,
                features=_FEATURES,
                auth=self._auth,
                # Only the last profile of a group is written, so groups need no limit.
                group_bytes=lambda _request: 0,
            ),
            Route(
                "POST",
                "/user/delete",
                "Delete a user and all of the user's data.",
                request=DeleteUserRequest,
                response=None,
                handler=self.delete,
                features=_FEATURES,
                auth=self._auth,
            ),
            Route(
                "POST",
                "/users",
                "Read many users by their ids; unknown ids are omitted.",
                request=UsersRequest,
                response=UsersResponse,
                handler=self.get_all,
                features=_FEATURES,
                is_cancellable=True,
            ),
        ]

    async def create(self, _request: NewUserRequest) -> NewUserResponse:
        """Create a user."""
        # 122 random bits: a leaked hash cannot be reversed, unlike that of a chosen password.
        password = str(uuid4())
        user = await self._users.create(await self._passwords.hash(password), now())
        return NewUserResponse(id=user.id, lookup=user.lookup, password=password)

    async def get(self, address: UserAddress) -> UserResponse:
        """Read a user."""
        user_id = parse_uuid(address.id_or_lookup)
        if user_id is None:
            return UserResponse.of(await self._profiles.get_by_lookup(address.id_or_lookup, now()))
        return UserResponse.of(await self._profiles.get(user_id, now()))

    async def replace(self, requests: Sequence[ReplaceUserRequest], account: Account) -> None:
        """Store the last of the profiles that arrived together: it replaces the others."""
        await self._profiles.replace(account, _profile(requests[-1]), now())

    async def delete(self, _request: DeleteUserRequest, account: Account) -> None:
        """Delete a user."""
        await self._deletion.delete(account, now())

    async def get_all(self, request: UsersRequest) -> JsonStream:
        """Read many users."""
        # Streamed: 200 profiles with pictures can take 500 MB.
        return stream_mapping("users", self._responses(request.ids))

    async def _responses(self, user_ids: list[UUID]) -> AsyncIterator[tuple[str, UserResponse]]:
        async for profile in self._profiles.find_all(user_ids, now()):
            yield str(profile.id), UserResponse.of(profile)


def _profile(request: ReplaceUserRequest) -> ProfileContent:
    return ProfileContent(
        encrypted_current_plan=request.encrypted_current_plan,
        encrypted_profile_picture=request.encrypted_profile_picture,
        encrypted_name=request.encrypted_name,
        encryption_iv=request.encryption_iv,
        rsa_public_key=request.rsa_public_key,
    )
