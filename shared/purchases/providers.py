"""The accepted purchase providers. A new provider is a new module and a line here."""

from collections.abc import Mapping

from shared.clients.http import Client
from shared.clients.secrets import Secrets
from shared.purchases.apple import Apple
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.authenticator import PurchaseProvider
from shared.purchases.cached_verifier import CachedVerifier
from shared.purchases.google_play import GooglePlay, GooglePlaySettings
from shared.purchases.revenuecat import RevenueCat, RevenueCatSettings
from shared.purchases.settings import PurchaseSettings
from shared.purchases.web import WEB, Web, WebSettings
from shared.store.verifications import Verifications


def purchase_providers(
    secrets: Secrets,
    verifications: Verifications,
    http: Client,
    settings: PurchaseSettings,
) -> Mapping[str, PurchaseProvider]:
    """Return the providers by their names in the contract."""
    timeout_s = settings.timeout_s
    remote: dict[str, PurchaseProvider] = {
        "Google": GooglePlay(GooglePlaySettings(), http, timeout_s),
        "Apple": Apple(AppleSettings(), secrets, http, timeout_s),
        "RevenueCat": RevenueCat(RevenueCatSettings(), secrets, http, timeout_s),
    }
    return {
        # Not cached: a changed key takes effect at once.
        WEB: Web(WebSettings(), secrets),
        **{
            name: CachedVerifier(name, provider, verifications, settings)
            for name, provider in remote.items()
        },
    }
