# The platform's own request log contains whole URLs, and these contain user ids, lookups and, from browsers in
# the chat, purchase tokens. The services write their own line per request without them.

resource "google_logging_project_exclusion" "requests" {
  name        = "addresses-of-requests" # another name would replace the exclusion, with a gap in between
  description = "Request URLs contain ids and tokens"
  filter      = "log_id(\"run.googleapis.com/requests\") OR log_id(\"requests\")"

  depends_on = [google_project_service.apis]
}
