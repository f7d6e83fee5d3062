"""What services for subscribers depend on: the store, where requests are counted, the secrets."""

from shared.clients.secrets import Secret, Secrets
from shared.limits.settings import RateLimitSettings
from shared.planner.settings import ModelSettings
from shared.store.database import Database
from shared.store.settings import QuotaSettings
from shared.web.readiness import Dependency

_MODEL_KEY = ModelSettings.variable("api_key")


def for_subscribers(
    database: Database, quotas: QuotaSettings, limiting: RateLimitSettings, secrets: Secrets
) -> list[Dependency]:
    """Return the dependencies; `secrets` has made all that there are."""
    needed = [Dependency("store", database.check)]
    counts = database.named(quotas.database)
    if counts is not database:
        is_needed = limiting.when_unavailable == "refuse" and not limiting.test_mode
        needed.append(Dependency("rateLimitStore", counts.check, is_needed))
    return [*needed, *(_of(secret) for secret in secrets.requested)]


def _of(secret: Secret) -> Dependency:
    """Return one: without the secret of a purchase store, that store's customers alone miss it."""
    is_needed = secret.is_set or secret.variable == _MODEL_KEY
    return Dependency(secret.variable, secret.value, is_needed, secret.is_set)
