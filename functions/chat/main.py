"""The service `chat`."""

from pydantic import TypeAdapter

from functions.chat.connection import Timing
from functions.chat.handlers import ChatHandlers, OpenHub
from functions.chat.hubs import ChatHub, ChatHubV2
from functions.chat.settings import ChatSettings
from shared.clients.http import Client, open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.limits.rate_limits import RateLimits
from shared.limits.settings import RateLimitSettings
from shared.planner.conversation import Admit, Conversation
from shared.planner.model import Model
from shared.planner.partial_plan import PlanForm
from shared.planner.settings import ModelSettings
from shared.purchases.authenticator import PurchaseAuthenticator, Subscriber
from shared.purchases.providers import purchase_providers
from shared.purchases.settings import PurchaseSettings
from shared.schemas import ai, blueprint
from shared.store.database import Database
from shared.store.quotas import Quotas
from shared.store.settings import DatabaseSettings, QuotaSettings
from shared.store.verifications import Verifications
from shared.telemetry.settings import TelemetrySettings
from shared.timestamps import now
from shared.web.app import build_app
from shared.web.dependencies import for_subscribers

_PLAN_2025 = PlanForm(ai.WorkoutPlan, ai.Session, TypeAdapter(ai.Exercise))
_PLAN_2026 = PlanForm(blueprint.Program, blueprint.Session, TypeAdapter(blueprint.Exercise))


def handlers(
    database: Database, http: Client, secrets: Secrets, settings: ChatSettings
) -> ChatHandlers:
    """Return the service's handlers, on `database`; `http` calls the stores and the model."""
    purchases = PurchaseAuthenticator(
        purchase_providers(secrets, Verifications(database), http, PurchaseSettings())
    )
    limiting = RateLimitSettings()
    quotas = Quotas(database.named(QuotaSettings().database))
    web, mobile = settings.messages_web, settings.messages_mobile
    limits = RateLimits("chat", web, mobile, quotas, limiting)
    talking = ModelSettings()
    model, deadline_s = Model(talking, secrets, http), talking.deadline_s

    def admitting(subscriber: Subscriber) -> Admit:
        return lambda: limits.admit(subscriber, now())

    hubs: dict[str, OpenHub] = {
        "/ai-chat": lambda client, subscriber: ChatHub(
            client, Conversation(model, _PLAN_2025, deadline_s, admitting(subscriber))
        ),
        "/ai-chat-v2": lambda client, subscriber: ChatHubV2(
            client, Conversation(model, _PLAN_2026, deadline_s, admitting(subscriber))
        ),
    }
    return ChatHandlers(purchases, hubs, Timing(longest_s=settings.longest_s))


settings = ChatSettings()
telemetry = TelemetrySettings()
http = open_client()
database, secrets = Database(DatabaseSettings()), Secrets(SecretSettings())
chat = handlers(database, http, secrets, settings)
needed = for_subscribers(database, QuotaSettings(), RateLimitSettings(), secrets)
app = build_app(chat.routes(), chat.sockets(), [*chat.dependencies(), *needed])
