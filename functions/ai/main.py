"""The function `ai`."""

from functions.ai.handlers import AiHandlers
from shared.auth.purchases import Purchases
from shared.auth.rate_limits import RateLimits
from shared.auth.stores import every_store
from shared.outgoing import Client, open_client
from shared.planner.model import Model
from shared.planner.plans import Planner
from shared.secrets import Secrets
from shared.settings import (
    ModelSettings,
    PurchaseSettings,
    QuotaSettings,
    RateLimitSettings,
    SecretSettings,
    StoreSettings,
)
from shared.store.client import Database
from shared.store.quotas import Quotas
from shared.store.verifications import Verifications
from shared.web.app import build_app
from shared.web.dependencies import for_subscribers
from shared.web.entry import as_function
from shared.web.routes import Route


def routes(database: Database, http: Client, secrets: Secrets) -> list[Route]:
    """Return the function's routes, on `database`; `http` calls the stores and the model."""
    purchases = Purchases(every_store(secrets, Verifications(database), http, PurchaseSettings()))
    limiting = RateLimitSettings()
    quotas = Quotas(database.named(QuotaSettings().database))
    limits = RateLimits("ai", limiting.web, limiting.mobile, quotas, limiting)
    model = ModelSettings()
    planner = Planner(Model(model, secrets, http), model.deadline_s)
    return AiHandlers(purchases, limits, planner).routes()


database, secrets = Database(StoreSettings()), Secrets(SecretSettings())
served = routes(database, open_client(), secrets)
needed = for_subscribers(database, QuotaSettings(), RateLimitSettings(), secrets)
main = as_function(build_app(served, dependencies=needed))
