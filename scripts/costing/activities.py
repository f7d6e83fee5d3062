"""The requests of one person in a month, and their documents."""

from dataclasses import dataclass
from functools import reduce

from scripts.costing import requests
from scripts.costing.assumptions import Usage
from scripts.costing.requests import Documents


@dataclass(frozen=True)
class Activity:
    """An activity of one person.

    `documents` are those of one occurrence, and include the later cleanup of what it stores.
    """

    per_month: float
    documents: Documents
    has_password: bool = False
    requests: int = 1


_SUBSCRIBER = Usage.subscriber_share
ACTIVITIES = (
    Activity(Usage.new_accounts, requests.CREATE_USER),
    Activity(Usage.profile_changes, requests.PUT_USER, has_password=True),
    Activity(
        Usage.profile_reads, requests.GET_USER + requests.PART_OF_PICTURE.times(Usage.picture_share)
    ),
    Activity(Usage.workouts, requests.PUT_EVENT + requests.EXPIRED_DOCUMENT, has_password=True),
    Activity(
        Usage.feed_reads,
        requests.FEED_PER_FOLLOWED.times(Usage.followed_users)
        + requests.FEED_PER_NEW_EVENT.times(Usage.new_events_per_feed),
    ),
    Activity(Usage.follow_requests, requests.PUT_FOLLOW_SECRET, has_password=True),
    # The request for follow, and its acceptance. A later read of the inbox collects them.
    Activity(2 * Usage.follow_requests, requests.PUT_INBOX + requests.POST_INBOX_PER_MESSAGE),
    Activity(Usage.inbox_reads, requests.POST_INBOX_EMPTY, has_password=True),
    Activity(
        Usage.shared_plans,
        requests.POST_SHARED_ITEM + requests.EXPIRED_DOCUMENT,
        has_password=True,
    ),
    Activity(Usage.shared_plans * Usage.reads_per_shared_plan, requests.GET_SHARED_ITEM),
    Activity(Usage.backup_share * (Usage.backups + Usage.downloaded_backups), Documents()),
    # Plans are rare, so the cached purchase has always expired.
    Activity(_SUBSCRIBER * Usage.plans, requests.FIRST_PLAN_IN_HALF_AN_HOUR),
    # A negotiation and a WebSocket.
    Activity(
        _SUBSCRIBER * Usage.conversations,
        requests.CHAT_MESSAGE.times(Usage.messages_per_conversation),
        requests=2,
    ),
)


def documents_per_person() -> Documents:
    """Return the documents that Firestore bills for one person in a month."""
    documents = (each.documents.times(each.per_month) for each in ACTIVITIES)
    return reduce(Documents.__add__, documents)


def requests_per_person(*, only_with_password: bool = False) -> float:
    """Return the number of requests of one person in a month."""
    return sum(
        each.per_month * each.requests
        for each in ACTIVITIES
        if each.has_password or not only_with_password
    )
