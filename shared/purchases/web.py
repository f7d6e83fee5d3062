"""The web app's subscribers: they share one key.

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
"""The store's name in the contract."""


class WebSettings(Settings):
    """The web app's key; without one nobody passes."""

    model_config = SettingsConfigDict(env_prefix="WEB_")

    auth_key: SecretStr | None = None


class Web:
    """Compares with the key."""

    def __init__(self, settings: WebSettings, secrets: Secrets) -> None:
        self._key = secrets.get(settings, "auth_key")

    async def find_purchase(self, token: str, _now: datetime) -> Purchase | None:
        """Return the one purchase of all holders of the key; None if `token` is not the key.

        Raises:
            DependencyUnavailable: the key is kept elsewhere and cannot be fetched.
        """
        if not self._key.is_set:
            return None
        is_key = hmac.compare_digest(token.encode(), (await self._key.value()).encode())
        return Purchase.of(token) if is_key else None
