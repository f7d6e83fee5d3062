"""Declarations of routes: input, output, sign-in, errors and handler."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json
from starlette.websockets import WebSocket

from shared.errors import (
    DependencyTimedOut,
    DependencyUnavailable,
    FeatureDisabled,
    InvalidRequest,
    LiftLogError,
    RangeNotSatisfiable,
    RequestTooLarge,
)
from shared.schemas.wire import Request, Response
from shared.web.authentication import PasswordAuth
from shared.web.body_limit import max_body_bytes
from shared.web.callers import CallerAuth, UserAuth
from shared.web.download import Download
from shared.web.features import Feature
from shared.web.json_stream import JsonStream
from shared.web.problems import STATUS, invalid_request

HandlerResult = Response | JsonStream | Download | None
Handler = Callable[..., Awaitable[HandlerResult]]


@dataclass(frozen=True)
class Route:
    """A route of the contract. Dispatch, validation and the OpenAPI document derive from it.

    A GET or DELETE takes its input from the path, every other method from a JSON body. A route can
    also take it from the query, or have a raw body.
    """

    method: str
    path: str
    """As the contract writes it, without the prefix: `/user/{idOrLookup}`."""

    summary: str
    request: type[Request]
    response: type[Response] | None
    """None: an empty body."""

    handler: Handler
    """Called with a `request`, and with the account or caller if the route has `auth`.

    In between it gets the `Upload` of a route with `max_upload_bytes`. Returns a `response`, a
    stream of its JSON, or a `Download`.
    """

    refuses: Sequence[type[LiftLogError]] = ()
    """The handler's errors, besides those of `auth`, of validation and of dependencies."""

    auth: PasswordAuth | UserAuth | CallerAuth | None = None
    """The authentication method; None for a route that anyone may call.

    With `PasswordAuth`, `request` has to be a `SignInRequest`.
    """

    features: Collection[Feature] = ()
    """The features that use the route. While the server offers none of them, it is rejected."""

    signs_in_first: bool = False
    """Whether an unknown caller is rejected before a feature that is off is reported."""

    group_bytes: Callable[[Any], int] | None = None
    """Set if requests with the same credentials that arrive together are handled together.

    They share one sign-in, and the handler gets the list of them, in order of arrival. The function
    returns the bytes that one request adds to the commit. Needs `PasswordAuth`.
    """

    is_cancellable: bool = False
    """Whether the handler may be cancelled: it only reads, or completes a commit that it began."""

    from_query: bool = False
    """Whether the input comes in the query string."""

    max_upload_bytes: int | None = None
    """Set if the body is a raw stream: the size of the largest one."""

    download_type: str | None = None
    """Set if the handler returns a `Download`: its media type."""

    is_pushed_to: bool = False
    """Whether only one of our own Pub/Sub topics calls this route."""

    @property
    def is_cancelled_on_disconnect(self) -> bool:
        """Whether the handler is cancelled when its client disconnects."""
        # Cancelling saves the cost of reads and of paid work. It also keeps messages in an inbox,
        # which the client would lose. Other handlers complete their writes.
        return self.is_cancellable or isinstance(self.auth, CallerAuth)

    @property
    def has_body(self) -> bool:
        """Whether the input comes in a JSON body."""
        is_elsewhere = self.from_query or self.max_upload_bytes is not None
        return self.method not in ("GET", "DELETE") and not is_elsewhere

    @cached_property
    def max_body_bytes(self) -> int:
        """The size of the largest valid body."""
        return max_body_bytes(self.request)

    @property
    def errors(self) -> set[type[LiftLogError]]:
        """Every error with which the route may respond."""
        # Every route uses the database, which can be unavailable.
        errors: set[type[LiftLogError]] = {DependencyUnavailable, DependencyTimedOut, *self.refuses}
        if self.auth is not None:
            errors.update(self.auth.refuses)
        if self.features:
            errors.add(FeatureDisabled)
        if self.has_body or self.max_upload_bytes is not None:
            errors |= {InvalidRequest, RequestTooLarge}
        if self.download_type is not None:
            errors.add(RangeNotSatisfiable)
        if self.from_query:
            errors.add(InvalidRequest)
        return errors

    @property
    def statuses(self) -> list[HTTPStatus]:
        """The statuses of `errors`, in order."""
        return sorted({STATUS[error] for error in self.errors})

    def parse_body(self, body: bytes | bytearray) -> Request:
        """Parse and validate a JSON body.

        Raises:
            InvalidRequest: not JSON, or invalid; lists the invalid fields.
        """
        try:
            # NaN and Infinity are not JSON, but the parser accepts them by default.
            content = from_json(body, allow_inf_nan=False)
        except ValueError:
            raise InvalidRequest("the body is not JSON") from None
        return self.parse(content)

    def parse(self, content: object) -> Request:
        """Validate parsed JSON, or the parameters of the path or the query.

        Raises:
            InvalidRequest: invalid; lists the invalid fields.
        """
        try:
            return self.request.model_validate(content)
        except ValidationError as error:
            raise invalid_request(error) from None


@dataclass(frozen=True)
class SocketRoute:
    """A WebSocket, and the HTTP paths below it."""

    path: str
    """Without the prefix: `/ai-chat`."""

    handler: Callable[[WebSocket], Awaitable[None]]
    features: Collection[Feature] = ()
    """The features that use it. While the server offers none of them, all requests are rejected."""
