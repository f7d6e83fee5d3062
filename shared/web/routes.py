"""One declaration per route: what it takes, what it answers, how it refuses, who handles it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus

from pydantic import ValidationError
from pydantic_core import from_json

from shared.errors import (
    DependencyTimedOut,
    DependencyUnavailable,
    InvalidRequest,
    LiftLogError,
    RequestTooLarge,
)
from shared.purchases.authenticator import PurchaseAuthenticator
from shared.schemas.wire import Answer, Request
from shared.web.body_limit import largest_body
from shared.web.json_stream import JsonStream
from shared.web.problems import STATUS, invalid_request

Handler = Callable[..., Awaitable[Answer | JsonStream | None]]


@dataclass(frozen=True)
class Route:
    """A route of the contract, from which dispatch, validation and the OpenAPI document come.

    A GET takes its input from the path, every other method from a JSON body or the query.
    """

    method: str
    path: str
    """As the contract writes it, without the prefix: `/user/{idOrLookup}`."""

    summary: str
    takes: type[Request]
    answers: type[Answer] | None
    """None: an empty body."""

    handler: Handler
    """Called with one of `takes`; returns one of `answers`, or a stream of the same text."""

    refuses: Sequence[type[LiftLogError]] = ()
    """How the handler may refuse, besides what any route may: bad requests, the store's outage."""

    purchases: PurchaseAuthenticator | None = None
    """Who tells what purchase a caller presents, for a route that takes one.

    The handler then gets the subscriber as a second argument.
    """

    is_cancellable: bool = False
    """Whether the handler may be cancelled: it only reads, or completes a commit that it began."""

    from_query: bool = False
    """Whether the input comes in the query string."""

    is_pushed_to: bool = False
    """Whether a topic of ours pushes its messages here, and nobody else calls it."""

    @property
    def ends_with_client(self) -> bool:
        """Whether the handler is cancelled when its client disconnects.

        So work for a purchase costs no more money, reads stop, and the messages of an inbox stay
        there if they are not yet removed. Other routes that write run to their end.
        """
        return self.is_cancellable or self.purchases is not None

    @property
    def has_body(self) -> bool:
        """Whether the input comes as a body."""
        return self.method != "GET" and not self.from_query

    @cached_property
    def max_body_bytes(self) -> int:
        """The size of the largest valid body, as `largest_body` has it."""
        return largest_body(self.takes)

    @property
    def statuses(self) -> list[HTTPStatus]:
        """Every status but 200 that a known client may see, in order."""
        general: list[type[LiftLogError]] = [DependencyUnavailable, DependencyTimedOut]
        if self.has_body:
            general += [InvalidRequest, RequestTooLarge]
        if self.from_query:
            general += [InvalidRequest]
        return sorted({STATUS[error] for error in (*general, *self.refuses)})

    def parse_body(self, body: bytes | bytearray) -> Request:
        """Read a request from JSON.

        Raises:
            InvalidRequest: not JSON, or not of the right form; says which fields.
        """
        try:
            content = from_json(body, allow_inf_nan=False)
        except ValueError:
            raise InvalidRequest("the body is not JSON") from None
        return self.parse(content)

    def parse(self, content: object) -> Request:
        """Read a request from the parameters of the path or the query.

        Raises:
            InvalidRequest: not of the right form; says which fields.
        """
        try:
            return self.takes.model_validate(content)
        except ValidationError as error:
            raise invalid_request(error) from None
