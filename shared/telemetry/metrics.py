"""Table of all metrics that the services emit. `./scripts/docs` writes it to the documentation.

The names follow OpenTelemetry's semantic conventions where these define one.

Source: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ and
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal


@dataclass(frozen=True, eq=False)
class Metric:
    """Declaration of a metric."""

    name: str
    kind: Literal["counter", "histogram", "up-down counter"]
    unit: str
    description: str
    attributes: tuple[str, ...] = ()
    """Names of the attributes of each value. An attribute with the value None is omitted.

    An attribute has few values, because every combination is a time series.
    """

    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets."""

    @cached_property
    def keywords(self) -> dict[str, str]:
        """Attributes by the keyword that stands for them in `signals.add`."""
        return {name.replace(".", "_"): name for name in self.attributes}


_COUNT_BUCKETS = (0, 1, 2, 3, 4, 5, 10, 20, 50, 100, 200, 500, 1000)
_MODEL_ATTRIBUTES = ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model")

REQUEST_DURATION = Metric(
    "http.server.request.duration",
    "histogram",
    "s",
    "duration of requests",
    ("http.request.method", "http.route", "http.response.status_code"),
    # The bounds that the conventions advise.
    (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
)
ROUND_TRIPS = Metric(
    "liftlog.store.round_trips",
    "histogram",
    "{call}",
    "calls to Firestore per request or chat connection",
    ("http.route",),
    _COUNT_BUCKETS,
)
DOCUMENTS_READ = Metric(
    "liftlog.store.documents_read",
    "histogram",
    "{document}",
    "documents that Firestore bills as read, per request or chat connection",
    ("http.route",),
    _COUNT_BUCKETS,
)
TOO_LARGE_REQUESTS = Metric(
    "liftlog.request.too_large",
    "counter",
    "{request}",
    "requests rejected for their size: the `body` (413), or a `field` with too many bytes, "
    "characters or members (400)",
    ("http.request.method", "http.route", "part"),
)
PASSWORD_CHECKS = Metric(
    "liftlog.password.checks",
    "counter",
    "{check}",
    "password checks: cached (`remembered`) or `hashed`",
    ("outcome",),
)
PURCHASE_VERIFICATIONS = Metric(
    "liftlog.purchase.verifications",
    "counter",
    "{verification}",
    "purchase checks, not `Web`: cached (`remembered`), `confirmed` or `refused` by the provider, "
    "or during its outage `trusted` by an older answer or `unknown`",
    ("store", "outcome"),
)
RATE_LIMIT_REFUSALS = Metric(
    "liftlog.rate_limit.refusals",
    "counter",
    "{request}",
    "requests rejected by the limit per subscriber and 24 hours",
    ("bucket",),
)
TOKEN_USAGE = Metric(
    "gen_ai.client.token.usage",
    "histogram",
    "{token}",
    "tokens per response of the model, `input` and `output`",
    (*_MODEL_ATTRIBUTES, "gen_ai.token.type"),
    (1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144),
)
OPERATION_DURATION = Metric(
    "gen_ai.client.operation.duration",
    "histogram",
    "s",
    "duration of responses of the model, with the type of the error after a failure",
    (*_MODEL_ATTRIBUTES, "error.type"),
    (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160),
)
CHAT_CONNECTIONS = Metric(
    "liftlog.chat.connections",
    "up-down counter",
    "{connection}",
    "open chat connections",
)
DEPENDENCIES = Metric(
    "liftlog.dependencies",
    "up-down counter",
    "{dependency}",
    "dependencies of instances by the last readiness check: `ok`, `unavailable`, `timed out` or "
    "`not set`",
    ("dependency", "status"),
)
DELETIONS = Metric(
    "liftlog.deletions",
    "counter",
    "{deletion}",
    "deletions by kind",
    ("kind",),
)
BACKUPS = Metric(
    "liftlog.backups",
    "counter",
    "{upload}",
    "uploads of backups: `stored`, `unchanged` since the newest backup, or `failed`",
    ("outcome",),
)

ALL = (
    REQUEST_DURATION,
    ROUND_TRIPS,
    DOCUMENTS_READ,
    TOO_LARGE_REQUESTS,
    PASSWORD_CHECKS,
    PURCHASE_VERIFICATIONS,
    RATE_LIMIT_REFUSALS,
    TOKEN_USAGE,
    OPERATION_DURATION,
    CHAT_CONNECTIONS,
    DEPENDENCIES,
    DELETIONS,
    BACKUPS,
)
BY_NAME = {metric.name: metric for metric in ALL}
