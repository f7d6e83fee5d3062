"""The features that a server offers.

Source: contract, heading "Features".
"""

from shared.schemas.wire import Response


class FeaturesResponse(Response):
    """Whether the server offers each feature, in the order in which apps list them."""

    feed: bool
    sharing: bool
    ai_planner: bool
    backup: bool
