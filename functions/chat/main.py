"""The service `chat`."""

from pydantic import TypeAdapter

from functions.chat.connection import Timing
from functions.chat.handlers import ChatHandlers, OpenHub
from functions.chat.hubs import ChatHub, ChatHubV2
from shared.auth.purchases import Purchases, Subscriber
from shared.auth.rate_limits import RateLimits
from shared.auth.stores import every_store
from shared.instants import now
from shared.outgoing import Client, open_client
from shared.planner.chat import Admit, Chat
from shared.planner.growing import PlanForm
from shared.planner.model import Model
from shared.schemas import ai, blueprint
from shared.secrets import Secrets
from shared.settings import (
    ChatSettings,
    ModelSettings,
    PurchaseSettings,
    QuotaSettings,
    RateLimitSettings,
    SecretSettings,
    StoreSettings,
    TelemetrySettings,
)
from shared.store.client import Database
from shared.store.quotas import Quotas
from shared.store.verifications import Verifications
from shared.web.app import build_app
from shared.web.dependencies import for_subscribers

_PLAN_2025 = PlanForm(ai.WorkoutPlan, ai.Session, TypeAdapter(ai.Exercise))
_PLAN_2026 = PlanForm(blueprint.Program, blueprint.Session, TypeAdapter(blueprint.Exercise))


def handlers(
    database: Database, http: Client, secrets: Secrets, settings: ChatSettings
) -> ChatHandlers:
    """Return the service's handlers, on `database`; `http` calls the stores and the model."""
    purchases = Purchases(every_store(secrets, Verifications(database), http, PurchaseSettings()))
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
            client, Chat(model, _PLAN_2025, deadline_s, admitting(subscriber))
        ),
        "/ai-chat-v2": lambda client, subscriber: ChatHubV2(
            client, Chat(model, _PLAN_2026, deadline_s, admitting(subscriber))
        ),
    }
    return ChatHandlers(purchases, hubs, Timing(longest_s=settings.longest_s))


settings = ChatSettings()
telemetry = TelemetrySettings()
http = open_client()
database, secrets = Database(StoreSettings()), Secrets(SecretSettings())
chat = handlers(database, http, secrets, settings)
needed = for_subscribers(database, QuotaSettings(), RateLimitSettings(), secrets)
app = build_app(chat.routes(), chat.sockets(), [*chat.dependencies(), *needed])
