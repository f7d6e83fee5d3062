"""The function `ai`."""

from functions.ai.handlers import AiHandlers
from shared.planner.plans import Planner
from shared.web.app import build_app
from shared.web.features import Features, FeatureSettings
from shared.web.framework_entry import as_function
from shared.web.routes import Route
from shared.web.subscribers import SubscriberResources


def routes(resources: SubscriberResources) -> list[Route]:
    """Return the function's routes."""
    planner = Planner(resources.model, resources.reply_deadline_s)
    return AiHandlers(resources.auth, resources.rate_limits("ai"), planner).routes()


resources = SubscriberResources.open()
main = as_function(
    build_app(
        routes(resources),
        dependencies=resources.dependencies(),
        features=Features.of(FeatureSettings()),
    )
)
