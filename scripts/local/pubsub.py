"""A topic on the Pub/Sub emulator, and who gets its messages.

Source: https://cloud.google.com/pubsub/docs/reference/rest
"""

from http import HTTPStatus

import httpx

_TIMEOUT_S = 30
_LONGEST_ACK_S = 600


def push_topic(emulator: str, project: str, topic: str, push_to: str) -> None:
    """Make a topic, unless it is there, and have its messages pushed to an address."""
    with httpx.Client(base_url=f"http://{emulator}/v1/projects/{project}") as http:
        _put(http, f"/topics/{topic}", {})
        push = {"pushConfig": {"pushEndpoint": push_to}}
        subscription = {
            **push,
            "topic": f"projects/{project}/topics/{topic}",
            "ackDeadlineSeconds": _LONGEST_ACK_S,
            "retryPolicy": {"minimumBackoff": "1s", "maximumBackoff": "60s"},
        }
        if not _put(http, f"/subscriptions/{topic}", subscription):
            http.post(f"/subscriptions/{topic}:modifyPushConfig", json=push).raise_for_status()


def _put(http: httpx.Client, path: str, content: dict[str, object]) -> bool:
    """Make something; return whether it was not there before."""
    answer = http.put(path, json=content, timeout=_TIMEOUT_S)
    if answer.status_code == HTTPStatus.CONFLICT:
        return False
    answer.raise_for_status()
    return True
