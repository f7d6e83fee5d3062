"""Error responses as problem+json; they never contain input.

Source: RFC 9457; contract, heading "General".
"""

import json
from http import HTTPStatus

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.responses import Response

from shared.errors import (
    BackupsNotConfigured,
    DependencyFailed,
    DependencyTimedOut,
    DependencyUnavailable,
    FeatureDisabled,
    FeatureNotConfigured,
    FieldProblem,
    InvalidRequest,
    LiftLogError,
    NotAuthenticated,
    NotEntitled,
    NotFound,
    Overloaded,
    QuotaExceeded,
    RangeNotSatisfiable,
    RateLimited,
    RequestTooLarge,
    RequestTooLong,
    ResponseTooLong,
)

STATUS: dict[type[LiftLogError], HTTPStatus] = {
    InvalidRequest: HTTPStatus.BAD_REQUEST,
    RequestTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    NotEntitled: HTTPStatus.UNAUTHORIZED,
    NotFound: HTTPStatus.NOT_FOUND,
    RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    FeatureDisabled: HTTPStatus.LOCKED,
    FeatureNotConfigured: HTTPStatus.NOT_IMPLEMENTED,
    BackupsNotConfigured: HTTPStatus.UNPROCESSABLE_ENTITY,
    QuotaExceeded: HTTPStatus.INSUFFICIENT_STORAGE,
    RangeNotSatisfiable: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    DependencyFailed: HTTPStatus.BAD_GATEWAY,
    ResponseTooLong: HTTPStatus.BAD_GATEWAY,
    RequestTooLong: HTTPStatus.BAD_GATEWAY,
    DependencyUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    DependencyTimedOut: HTTPStatus.GATEWAY_TIMEOUT,
    Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
}

MEDIA_TYPE = "application/problem+json"

# RFC 6750, section 3: the error code is sent only if the request has a token.
_CHALLENGE = 'Bearer realm="LiftLog"'
_REJECTED = ', error="invalid_token"'

# Messages of these types consist of text and limits of the schema. Other messages can repeat input,
# for example that of `uuid_parsing`, so they are replaced.
_SAFE_ERROR_TYPES = frozenset(
    {"base64", "base64_type", "too_many_bytes", "too_few_bytes", "instant", "instant_type"}
    | {"string_too_long", "string_too_short", "too_short", "too_long", "exercise_weights"}
    | {"literal_error", "greater_than_equal", "less_than_equal"}
)
_TOO_LARGE_ERROR_TYPES = frozenset({"too_many_bytes", "string_too_long", "too_long"})
_MESSAGES = {
    "missing": "is required",
    "model_type": "must be an object",
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
}


def problem(
    status: HTTPStatus,
    detail: str,
    instance: str,
    errors: tuple[FieldProblem, ...] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """Return a problem+json response; `instance` is the path of the request."""
    content: dict[str, object] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "instance": instance,
    }
    if errors:
        content["errors"] = [error._asdict() for error in errors]
    return Response(json.dumps(content), status, headers, MEDIA_TYPE)


def problem_of(error: LiftLogError, instance: str) -> Response:
    """Return the response for `error`."""
    headers = {}
    if isinstance(error, DependencyUnavailable | RateLimited):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.size_bytes}"
    # RFC 9110 requires a challenge with 401, but a password in the body has no HTTP scheme.
    if isinstance(error, NotEntitled):
        headers["WWW-Authenticate"] = _CHALLENGE + (_REJECTED if error.was_presented else "")
    errors = error.problems if isinstance(error, InvalidRequest) else ()
    return problem(STATUS[type(error)], str(error), instance, errors, headers)


def invalid_request(error: ValidationError) -> InvalidRequest:
    """Return an error with the invalid fields and the reasons, without their values."""
    problems = error.errors(include_input=False, include_url=False)
    return InvalidRequest(
        "the request is invalid",
        [
            FieldProblem(".".join(str(part) for part in problem["loc"]), _message(problem))
            for problem in problems
        ],
        has_too_large_field=any(each["type"] in _TOO_LARGE_ERROR_TYPES for each in problems),
    )


def _message(problem: ErrorDetails) -> str:
    kind = problem["type"]
    if kind in _SAFE_ERROR_TYPES:
        return problem["msg"]
    return _MESSAGES.get(kind, "is not valid")
