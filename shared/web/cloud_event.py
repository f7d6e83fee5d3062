"""Events as Eventarc delivers them: CloudEvents over HTTP.

Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md;
https://cloud.google.com/eventarc/docs/cloudevents
"""

from collections.abc import Mapping

from shared.errors import InvalidRequest


def event_data(headers: Mapping[str, str], body: bytes, event_type: str) -> object:
    """Return what a request tells, which has to be an event of `event_type`.

    Raises:
        InvalidRequest: it is none.
    """
    # Loaded already where a framework serves us; nobody else needs it.
    from cloudevents.exceptions import GenericException  # noqa: PLC0415
    from cloudevents.http import from_http  # noqa: PLC0415

    try:
        event = from_http(headers, body)
    except (GenericException, ValueError):
        raise InvalidRequest("the request is no CloudEvent") from None
    if event["type"] != event_type:
        raise InvalidRequest("events of that type are not expected here")
    return event.data
