"""The resources that `ai` and `chat`, the services for subscribers and users, are built from."""

from shared.clients.http import Client, open_client
from shared.clients.secrets import Secret, Secrets
from shared.clients.settings import SecretSettings
from shared.limits.rate_limits import RateLimits
from shared.limits.settings import RateLimitSettings
from shared.planner.model import Model
from shared.planner.settings import ModelSettings
from shared.purchases.authenticator import PurchaseAuthenticator
from shared.purchases.providers import purchase_providers
from shared.purchases.settings import PurchaseSettings
from shared.store.database import Database
from shared.store.quotas import Quotas
from shared.store.settings import DatabaseSettings, QuotaSettings
from shared.store.verifications import Verifications
from shared.web.callers import CallerAuth
from shared.web.features import Feature, Features, FeatureSettings
from shared.web.readiness import Dependency
from shared.web.user_auth import user_auth

_MODEL_KEY = ModelSettings.variable("api_key")


class SubscriberResources:
    """Sign-in of callers, rate limits and the language model, on one database.

    Args:
        database: keeps verified purchases, and quotas unless the settings name another one.
        http: sends requests to purchase providers and to the model.
        secrets: has the keys of both.
        purchases: signs subscribers in; by default with the tokens of every provider.
    """

    def __init__(
        self,
        database: Database,
        http: Client,
        secrets: Secrets,
        purchases: PurchaseAuthenticator | None = None,
    ) -> None:
        model = ModelSettings()
        self.http = http
        self.model = Model(model, secrets, http)
        self.reply_deadline_s = model.deadline_s
        purchases = purchases or PurchaseAuthenticator(
            purchase_providers(secrets, Verifications(database), http, PurchaseSettings())
        )
        self.auth = CallerAuth(user_auth(secrets), purchases)
        self._database = database
        self._secrets = secrets
        self._rate_limits = RateLimitSettings()
        self._quota_database = database.named(QuotaSettings().database)

    @classmethod
    def open(cls) -> "SubscriberResources":
        """Return the resources that the environment describes. Nothing is connected yet."""
        return cls(Database(DatabaseSettings()), open_client(), Secrets(SecretSettings()))

    def rate_limits(
        self, bucket: str, web: int | None = None, mobile: int | None = None
    ) -> RateLimits:
        """Return rate limits with a separate count; by default those of `RATE_LIMIT_*`."""
        settings = self._rate_limits
        return RateLimits(
            bucket,
            settings.web if web is None else web,
            settings.mobile if mobile is None else mobile,
            Quotas(self._quota_database),
            settings,
        )

    def dependencies(self) -> list[Dependency]:
        """Return the readiness checks: the database, the database of the quotas, the secrets."""
        checks = [Dependency("store", self._database.check)]
        if self._quota_database is not self._database:
            settings = self._rate_limits
            is_needed = settings.when_unavailable == "refuse" and not settings.test_mode
            checks.append(Dependency("rateLimitStore", self._quota_database.check, is_needed))
        has_model = Features.of(FeatureSettings()).offers(Feature.AI_PLANNER)
        # Every part that uses a secret is built by now, so `requested` has all of them.
        return [
            *checks,
            *(_dependency_on(each, has_model=has_model) for each in self._secrets.requested),
        ]


def _dependency_on(secret: Secret, *, has_model: bool) -> Dependency:
    # Without the secret of one purchase provider, the service still serves all other providers.
    is_needed = secret.is_set or (has_model and secret.variable == _MODEL_KEY)
    return Dependency(secret.variable, secret.value, is_needed, secret.is_set)
