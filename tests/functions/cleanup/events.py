"""A message of Pub/Sub as Eventarc hands it over: headers and body."""

MESSAGE = {"message": {"messageId": "17", "publishTime": "2026-01-01T00:00:00.5Z"}}
EVENT = {
    "ce-id": "17",
    "ce-source": "//pubsub.googleapis.com/projects/p/topics/cleanup",
    "ce-specversion": "1.0",
    "ce-time": "2026-01-01T00:00:00.5Z",
    "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
    "content-type": "application/json",
}
