"""Causes of responses that LiftLog does not send."""

from http import HTTPStatus

from scripts.client.doctor.findings import Cause
from scripts.client.doctor.redirects import redirect_cause
from scripts.client.doctor.server import Answer

FORWARD_ALL = "Let the proxy forward all paths and methods of this address to LiftLog."
_NO_SIGN_IN = (
    "The app cannot fill in a sign-in page. Exclude this address from the sign-in of the proxy, "
    "or let the proxy accept a header, and give it with --header."
)


def cause_of(answer: Answer, base: str) -> Cause:
    """Return the cause of an unexpected response."""
    status = answer.status
    if 300 <= status < 400:  # noqa: PLR2004 - redirects
        return redirect_cause(answer, base)
    if b"HTTPS port" in answer.body:
        return Cause("is answered that the port needs https", "Enter the address with https://.")
    if answer.is_page and status == HTTPStatus.OK:
        return _cause_of_page(answer)
    if answer.is_problem:
        return _cause_of_problem(answer)
    return _BY_STATUS.get(status) or Cause(
        f"is answered {status}", "See the logs of the proxy and of the server."
    )


def _cause_of_problem(answer: Answer) -> Cause:
    if answer.status == HTTPStatus.NOT_FOUND:
        return _OLDER
    detail = answer.problem_field("detail")
    return Cause(f"is answered {answer.status}: {detail}", "See the log of the server.")


def _cause_of_page(answer: Answer) -> Cause:
    if b'type="password"' in answer.body or b"login" in answer.body.lower():
        return Cause("is answered with a sign-in page of the proxy (HTML)", _NO_SIGN_IN)
    return Cause(
        "is answered with a web page (HTML) of another program",
        "Check the host and the path of the address, and the proxy's rule for them.",
    )


_OLDER = Cause(
    "is missing (404): the server is older than today's app", "Update the server of LiftLog."
)
_UNREACHABLE = (
    "The proxy cannot reach LiftLog. Check that the server runs, and the address of the server in "
    "the configuration of the proxy."
)
_BY_STATUS: dict[int, Cause] = {
    HTTPStatus.UNAUTHORIZED: Cause(
        "is answered 401 by the proxy, which needs a sign-in of its own", _NO_SIGN_IN
    ),
    HTTPStatus.FORBIDDEN: Cause(
        "is answered 403: the proxy or its firewall forbids it",
        "Allow this address, and the methods GET, POST, PUT, DELETE and OPTIONS, in the rules of "
        "the proxy.",
    ),
    HTTPStatus.NOT_FOUND: Cause(
        "is answered 404 by the proxy, which does not forward this path", FORWARD_ALL
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: Cause(
        "is answered 405: the proxy does not forward this method", FORWARD_ALL
    ),
    HTTPStatus.NOT_IMPLEMENTED: Cause(
        "is answered 501: the proxy does not forward this method", FORWARD_ALL
    ),
    HTTPStatus.TOO_MANY_REQUESTS: Cause(
        "is answered 429: the proxy limits the rate of requests",
        "Allow 60 requests per minute and address, or more.",
    ),
    HTTPStatus.BAD_GATEWAY: Cause("is answered 502 by the proxy", _UNREACHABLE),
    HTTPStatus.SERVICE_UNAVAILABLE: Cause("is answered 503 by the proxy", _UNREACHABLE),
    HTTPStatus.GATEWAY_TIMEOUT: Cause("is answered 504 by the proxy", _UNREACHABLE),
}
