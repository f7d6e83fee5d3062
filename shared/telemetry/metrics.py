"""Every metric that we emit, as a table; the README shows it.

Names are those of OpenTelemetry's semantic conventions where these have one.

Source: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ and
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/
"""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric, and what distinguishes its values."""

    name: str
    kind: Literal["counter", "histogram", "up-down counter"]
    unit: str
    description: str
    attributes: tuple[str, ...] = ()
    """All of them come with each value, unless they are None; there are few values of each."""

    buckets: tuple[float, ...] = ()
    """Upper bounds, of a histogram."""

    keywords: dict[str, str] = field(init=False)
    """The attributes, by the names that they have as arguments."""

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "keywords", {name.replace(".", "_"): name for name in self.attributes}
        )


_COUNTS = (0, 1, 2, 3, 4, 5, 10, 20, 50, 100, 200, 500, 1000)
_MODEL = ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model")

REQUEST_DURATION = Metric(
    "http.server.request.duration",
    "histogram",
    "s",
    "how long requests take",
    ("http.request.method", "http.route", "http.response.status_code"),
    (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
)
ROUND_TRIPS = Metric(
    "liftlog.store.round_trips",
    "histogram",
    "{call}",
    "calls to Firestore per request, or per connection of the chat",
    ("http.route",),
    _COUNTS,
)
DOCUMENTS_READ = Metric(
    "liftlog.store.documents_read",
    "histogram",
    "{document}",
    "documents read per request or connection, as Firestore bills them",
    ("http.route",),
    _COUNTS,
)
PASSWORD_CHECKS = Metric(
    "liftlog.password.checks",
    "counter",
    "{check}",
    "passwords checked, `remembered` or `hashed`",
    ("outcome",),
)
PURCHASE_VERIFICATIONS = Metric(
    "liftlog.purchase.verifications",
    "counter",
    "{verification}",
    "purchases of Google, Apple and RevenueCat: `remembered`, `confirmed` or `refused` by the "
    "store, which else was down: `trusted` from before, or `unknown`",
    ("store", "outcome"),
)
RATE_LIMIT_REFUSALS = Metric(
    "liftlog.rate_limit.refusals",
    "counter",
    "{request}",
    "requests beyond what a subscriber has in a day",
    ("bucket",),
)
TOKEN_USAGE = Metric(
    "gen_ai.client.token.usage",
    "histogram",
    "{token}",
    "tokens per reply of the model, `input` and `output`",
    (*_MODEL, "gen_ai.token.type"),
    (1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144),
)
OPERATION_DURATION = Metric(
    "gen_ai.client.operation.duration",
    "histogram",
    "s",
    "how long replies of the model take; with the kind of error if there is one",
    (*_MODEL, "error.type"),
    (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160),
)
CHAT_CONNECTIONS = Metric(
    "liftlog.chat.connections",
    "up-down counter",
    "{connection}",
    "clients that are connected to the chat",
)
DEPENDENCIES = Metric(
    "liftlog.dependencies",
    "up-down counter",
    "{dependency}",
    "dependencies of instances, by the last readiness check: `ok`, `unavailable`, `timed out` or "
    "`not set`",
    ("dependency", "status"),
)
DELETIONS = Metric(
    "liftlog.deletions",
    "counter",
    "{deletion}",
    "what was deleted, by its kind",
    ("kind",),
)

ALL = (
    REQUEST_DURATION,
    ROUND_TRIPS,
    DOCUMENTS_READ,
    PASSWORD_CHECKS,
    PURCHASE_VERIFICATIONS,
    RATE_LIMIT_REFUSALS,
    TOKEN_USAGE,
    OPERATION_DURATION,
    CHAT_CONNECTIONS,
    DEPENDENCIES,
    DELETIONS,
)
BY_NAME = {metric.name: metric for metric in ALL}
