"""The sign-in of the users that the environment describes."""

from shared.auth.api_keys import ApiKeys, ApiKeySettings
from shared.auth.forward_auth import ForwardAuth, ForwardAuthSettings
from shared.clients.secrets import Secrets
from shared.web.callers import UserAuth


def user_auth(secrets: Secrets) -> UserAuth:
    """Return the sign-in with the API keys and the proxies of the environment."""
    return UserAuth(ApiKeys(ApiKeySettings(), secrets), ForwardAuth(ForwardAuthSettings()))
