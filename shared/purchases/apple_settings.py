"""Settings of purchases in the App Store."""

from pydantic import HttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class AppleSettings(Settings):
    """The app and product of a valid purchase, and the access to Apple's APIs."""

    model_config = SettingsConfigDict(env_prefix="APPLE_")

    bundle_id: str = "com.limajuice.liftlog"
    """The bundle id of the app in the App Store."""

    product: str = "pro"
    """The id of the product that must be purchased."""

    allow_sandbox: bool = True
    """Whether sandbox purchases, of testers and Apple's reviewers, are accepted."""

    shared_secret: SecretStr | None = None
    """The app's shared secret for the verification of receipts."""

    issuer_id: str = ""
    """The issuer id of the App Store Server API, for signed transactions."""

    key_id: str = ""
    """The id of the private key."""

    private_key: SecretStr | None = None
    """A private key of the App Store Server API, as PEM; without it, refunds are not detected.

    With a key, the state of a signed transaction is read from Apple.
    """

    receipt_url: HttpUrl = HttpUrl("https://buy.itunes.apple.com/verifyReceipt")
    """The URL for the verification of receipts."""

    sandbox_receipt_url: HttpUrl = HttpUrl("https://sandbox.itunes.apple.com/verifyReceipt")
    """The URL for the verification of sandbox receipts."""

    api_url: HttpUrl = HttpUrl("https://api.storekit.apple.com")
    """The base URL of the App Store Server API."""

    sandbox_api_url: HttpUrl = HttpUrl("https://api.storekit-sandbox.apple.com")
    """The base URL of the App Store Server API in the sandbox."""
