"""The ways to sign in for AI plans and for backups."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.auth.api_keys import ApiKeySettings
from shared.auth.forward_auth import ForwardAuthSettings
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.revenuecat import RevenueCatSettings
from shared.purchases.web import WEB, WebSettings

NO_USER = "no user can sign in"


@dataclass(frozen=True)
class Way:
    """A way to sign in. `remedy` names the settings that switch it on."""

    name: str
    remedy: str
    is_on: bool

    @property
    def provider(self) -> str:
        """The purchase provider's name in the contract."""
        return self.name.removesuffix(_SUBSCRIBERS)


_SUBSCRIBERS = " subscribers"


@dataclass(frozen=True)
class SignIn:
    """The ways to sign in."""

    users: tuple[Way, ...]
    """For users whom the operator names: for plans and backups."""

    subscribers: tuple[Way, ...]
    """For purchases, by provider: only for plans."""

    @property
    def has_users(self) -> bool:
        """Whether a user whom the operator names can sign in."""
        return _any_on(self.users)

    @property
    def has_any(self) -> bool:
        """Whether any user or subscriber can sign in."""
        return _any_on((*self.users, *self.subscribers))


def find_sign_in(
    *,
    users: tuple[Way, ...] | None = None,
    web: WebSettings | None = None,
    revenuecat: RevenueCatSettings | None = None,
    apple: AppleSettings | None = None,
    has_google_account: bool = False,
) -> SignIn:
    """Return the ways that these settings switch on; by default those of the environment.

    A purchase provider without credentials is off. Without that rule, each purchaser of the app
    could use the operator's language model, because Apple's signatures need no credentials.
    """
    web = web or WebSettings()
    revenuecat = revenuecat or RevenueCatSettings()
    apple = apple or AppleSettings()
    has_revenuecat = revenuecat.api_key and revenuecat.project and revenuecat.entitlement
    subscribers = (
        _subscribers(WEB, "WEB_AUTH_KEY", is_on=web.auth_key is not None),
        _subscribers(
            "RevenueCat",
            "REVENUECAT_API_KEY, REVENUECAT_PROJECT and REVENUECAT_ENTITLEMENT",
            is_on=bool(has_revenuecat),
        ),
        _subscribers(
            "Apple",
            "APPLE_SHARED_SECRET or APPLE_PRIVATE_KEY",
            is_on=bool(apple.shared_secret or apple.private_key),
        ),
        _subscribers("Google", "GOOGLE_APPLICATION_CREDENTIALS", is_on=has_google_account),
    )
    return SignIn(find_users() if users is None else users, subscribers)


def find_users(
    api_keys: ApiKeySettings | None = None, forward_auth: ForwardAuthSettings | None = None
) -> tuple[Way, ...]:
    """Return the ways for users whom the operator names."""
    keys = (api_keys or ApiKeySettings()).keys
    # The settings class rejects a header without trusted proxies, so the header is enough here.
    header = (forward_auth or ForwardAuthSettings()).header
    forward = "forward auth" if header is None else f"forward auth by {header}"
    return (
        Way("API keys", "API_KEYS", is_on=keys is not None),
        Way(
            forward,
            "FORWARD_AUTH_HEADER and FORWARD_AUTH_TRUSTED_PROXIES",
            is_on=header is not None,
        ),
    )


def _any_on(ways: Iterable[Way]) -> bool:
    return any(way.is_on for way in ways)


def _subscribers(provider: str, remedy: str, *, is_on: bool) -> Way:
    return Way(f"{provider}{_SUBSCRIBERS}", remedy, is_on)
