# The platform's own log of requests has whole addresses, in which there are ids, lookups and, of browsers
# that talk to the coach, purchase tokens. Our own line of each request has what is needed instead.

resource "google_logging_project_exclusion" "requests" {
  name        = "addresses-of-requests"
  description = "Addresses of requests hold ids and tokens"
  filter      = "log_id(\"run.googleapis.com/requests\") OR log_id(\"requests\")"

  depends_on = [google_project_service.apis]
}
