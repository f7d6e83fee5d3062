"""Sign-in of callers, for services in this process."""

from collections.abc import Mapping

from pydantic import SecretStr

from shared.auth.api_keys import ApiKeys, ApiKeySettings
from shared.auth.forward_auth import ForwardAuth, ForwardAuthSettings
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.purchases.authenticator import PurchaseAuthenticator, PurchaseProvider
from shared.web.callers import CallerAuth, UserAuth


def user_auth(
    api_keys: str | None = None, header: str | None = None, proxies: str | None = None
) -> UserAuth:
    """Return the sign-in of users with these settings."""
    keys = None if api_keys is None else SecretStr(api_keys)
    settings = ForwardAuthSettings(header=header, trusted_proxies=proxies)
    secrets = Secrets(SecretSettings())
    return UserAuth(ApiKeys(ApiKeySettings(keys=keys), secrets), ForwardAuth(settings))


def caller_auth(
    providers: Mapping[str, PurchaseProvider], users: UserAuth | None = None
) -> CallerAuth:
    """Return the sign-in of subscribers and users; by default there are no users."""
    return CallerAuth(users or user_auth(), PurchaseAuthenticator(providers))
