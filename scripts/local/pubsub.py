"""A topic on the Pub/Sub emulator and its push subscription.

Source: https://cloud.google.com/pubsub/docs/reference/rest
"""

from http import HTTPStatus

import httpx

_TIMEOUT_S = 30
_MAX_ACK_DEADLINE_S = 600


def push_topic(emulator: str, project: str, topic: str, push_to: str) -> None:
    """Create a topic, unless it exists, and push its messages to the URL `push_to`."""
    with httpx.Client(base_url=f"http://{emulator}/v1/projects/{project}") as http:
        _put(http, f"/topics/{topic}", {})
        push = {"pushConfig": {"pushEndpoint": push_to}}
        subscription = {
            **push,
            "topic": f"projects/{project}/topics/{topic}",
            "ackDeadlineSeconds": _MAX_ACK_DEADLINE_S,
            "retryPolicy": {"minimumBackoff": "1s", "maximumBackoff": "60s"},
        }
        # A subscription of an earlier stack has the port of that stack.
        if not _put(http, f"/subscriptions/{topic}", subscription):
            http.post(f"/subscriptions/{topic}:modifyPushConfig", json=push).raise_for_status()


def _put(http: httpx.Client, path: str, content: dict[str, object]) -> bool:
    """Create a resource. Return False if it exists."""
    response = http.put(path, json=content, timeout=_TIMEOUT_S)
    if response.status_code == HTTPStatus.CONFLICT:
        return False
    response.raise_for_status()
    return True
