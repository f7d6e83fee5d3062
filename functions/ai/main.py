"""The function `ai`."""

from functions.ai.handlers import AiHandlers
from shared.clients.http import Client, open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.limits.rate_limits import RateLimits
from shared.limits.settings import RateLimitSettings
from shared.planner.model import Model
from shared.planner.plans import Planner
from shared.planner.settings import ModelSettings
from shared.purchases.authenticator import PurchaseAuthenticator
from shared.purchases.providers import purchase_providers
from shared.purchases.settings import PurchaseSettings
from shared.store.database import Database
from shared.store.quotas import Quotas
from shared.store.settings import DatabaseSettings, QuotaSettings
from shared.store.verifications import Verifications
from shared.web.app import build_app
from shared.web.authentication import PurchaseAuth
from shared.web.dependencies import for_subscribers
from shared.web.framework_entry import as_function
from shared.web.routes import Route


def routes(database: Database, http: Client, secrets: Secrets) -> list[Route]:
    """Return the function's routes, on `database`; `http` calls the stores and the model."""
    purchases = PurchaseAuthenticator(
        purchase_providers(secrets, Verifications(database), http, PurchaseSettings())
    )
    limiting = RateLimitSettings()
    quotas = Quotas(database.named(QuotaSettings().database))
    limits = RateLimits("ai", limiting.web, limiting.mobile, quotas, limiting)
    model = ModelSettings()
    planner = Planner(Model(model, secrets, http), model.deadline_s)
    return AiHandlers(PurchaseAuth(purchases), limits, planner).routes()


database, secrets = Database(DatabaseSettings()), Secrets(SecretSettings())
served = routes(database, open_client(), secrets)
needed = for_subscribers(database, QuotaSettings(), RateLimitSettings(), secrets)
main = as_function(build_app(served, dependencies=needed))
