"""The service `chat`."""

from pydantic import TypeAdapter

from functions.chat.admission import Admission
from functions.chat.connection import Timing
from functions.chat.handlers import ChatHandlers, OpenHub
from functions.chat.hubs import ChatHub, ChatHubV2
from functions.chat.settings import ChatSettings
from shared.planner.conversation import Conversation
from shared.planner.partial_plan import Plan, PlanSchema
from shared.schemas import ai, blueprint
from shared.telemetry.settings import TelemetrySettings
from shared.web.app import build_app
from shared.web.callers import Caller
from shared.web.features import Features, FeatureSettings
from shared.web.subscribers import SubscriberResources

# `/ai-chat` serves apps of 2025, `/ai-chat-v2` those of 2026.
_PLAN_2025 = PlanSchema(ai.LongWorkoutPlan, ai.LongSession, TypeAdapter(ai.Exercise))
_PLAN_2026 = PlanSchema(blueprint.Program, blueprint.Session, TypeAdapter(blueprint.Exercise))


def handlers(resources: SubscriberResources, settings: ChatSettings) -> ChatHandlers:
    """Return the service's handlers."""
    limits = resources.rate_limits("chat", settings.messages_web, settings.messages_mobile)

    def conversation(schema: PlanSchema[Plan], caller: Caller) -> Conversation[Plan]:
        admission = Admission(limits, caller)
        return Conversation(resources.model, schema, resources.reply_deadline_s, admission.admit)

    hubs: dict[str, OpenHub] = {
        "/ai-chat": lambda client, caller: ChatHub(client, conversation(_PLAN_2025, caller)),
        "/ai-chat-v2": lambda client, caller: ChatHubV2(client, conversation(_PLAN_2026, caller)),
    }
    return ChatHandlers(resources.auth, hubs, Timing(max_age_s=settings.max_age_s))


settings = ChatSettings()
telemetry = TelemetrySettings()
resources = SubscriberResources.open()
chat = handlers(resources, settings)
app = build_app(
    chat.routes(),
    chat.sockets(),
    [*chat.dependencies(), *resources.dependencies()],
    Features.of(FeatureSettings()),
)
