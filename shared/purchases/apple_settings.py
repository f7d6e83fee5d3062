"""Settings for purchases in the App Store."""

from pydantic import HttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class AppleSettings(Settings):
    """The product that has to be bought, and the keys for Apple's APIs."""

    model_config = SettingsConfigDict(env_prefix="APPLE_")

    bundle_id: str = "com.limajuice.liftlog"
    product: str = "pro"
    allow_sandbox: bool = True
    """Whether the purchases of testers and of Apple's reviewers count."""

    shared_secret: SecretStr | None = None
    """The app's shared secret, for receipts."""

    issuer_id: str = ""
    key_id: str = ""
    private_key: SecretStr | None = None
    """A key of the App Store Server API, as PEM.

    With it a signed transaction is asked after, and a refund since its signature is seen.
    """

    receipt_url: HttpUrl = HttpUrl("https://buy.itunes.apple.com/verifyReceipt")
    sandbox_receipt_url: HttpUrl = HttpUrl("https://sandbox.itunes.apple.com/verifyReceipt")
    api_url: HttpUrl = HttpUrl("https://api.storekit.apple.com")
    sandbox_api_url: HttpUrl = HttpUrl("https://api.storekit-sandbox.apple.com")
