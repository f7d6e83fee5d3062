"""The stores whose purchases count: a further one is a file of its own, and a line here."""

from collections.abc import Mapping

from shared.auth.apple import Apple
from shared.auth.apple_settings import AppleSettings
from shared.auth.google import GooglePlay, GooglePlaySettings
from shared.auth.purchases import PurchaseVerifier
from shared.auth.remembered import Remembered
from shared.auth.revenuecat import RevenueCat, RevenueCatSettings
from shared.auth.web import WEB, Web, WebSettings
from shared.outgoing import Client
from shared.secrets import Secrets
from shared.settings import PurchaseSettings
from shared.store.verifications import Verifications


def every_store(
    secrets: Secrets,
    verifications: Verifications,
    http: Client,
    settings: PurchaseSettings,
) -> Mapping[str, PurchaseVerifier]:
    """Return the verifiers by the contract's names of the stores."""
    timeout_s = settings.timeout_s
    asked_over_the_network: dict[str, PurchaseVerifier] = {
        "Google": GooglePlay(GooglePlaySettings(), http, timeout_s),
        "Apple": Apple(AppleSettings(), secrets, http, timeout_s),
        "RevenueCat": RevenueCat(RevenueCatSettings(), secrets, http, timeout_s),
    }
    return {
        WEB: Web(WebSettings(), secrets),  # known at once, so that a changed key counts at once
        **{
            name: Remembered(name, verifier, verifications, settings)
            for name, verifier in asked_over_the_network.items()
        },
    }
