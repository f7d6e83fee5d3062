"""Subscribers of the web app; the token is a key that all of them share.

Source: contract, heading "Purchase tokens".
"""

import hmac
from datetime import datetime

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from shared.clients.secrets import Secrets
from shared.purchases.authenticator import Purchase
from shared.settings import Settings

WEB = "Web"
"""The provider's name in the contract."""


class WebSettings(Settings):
    """The key of the web app."""

    model_config = SettingsConfigDict(env_prefix="WEB_")

    auth_key: SecretStr | None = None
    """The key of the web app; without it, no `Web` token is accepted."""


class Web:
    """Verifies tokens by comparison with the key."""

    def __init__(self, settings: WebSettings, secrets: Secrets) -> None:
        self._key = secrets.get(settings, "auth_key")

    async def find_purchase(self, token: str, _now: datetime) -> Purchase | None:
        """Return the purchase that all holders of the key share; None if `token` is not the key.

        Raises:
            DependencyUnavailable: Secret Manager, which stores the key, is unavailable.
        """
        # Without a key, `value` would report an outage instead of an invalid token.
        if not self._key.is_set:
            return None
        # In constant time: the duration must not reveal a prefix of the key.
        is_key = hmac.compare_digest(token.encode(), (await self._key.value()).encode())
        return Purchase.of(token) if is_key else None
