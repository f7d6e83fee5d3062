environment = "prod"
project     = "liftlog-prod"        # the id of this environment's project
region      = "us-central1"         # where functions and the chat run
domain      = "api.liftlog.example" # what apps call

firestore_location = "us-central1" # or nam5, eur3; it cannot be changed later

alert_email     = "operations@liftlog.example"
billing_account = "000000-000000-000000"            # gcloud billing accounts list
budget          = { units = 500, currency = "USD" } # in the billing account's currency; without the line there is none

# The service that this one takes over from; empty if there is none. It gets everything until
# ./scripts/traffic says otherwise.
old_service_host = "old.liftlog.example"

# Who opens the app waits for these two; a cold start is about a second.
min_instances = { users = 1, events = 1 }

# The secrets that have a value, if these are not all five.
# secrets = ["OPENAI_API_KEY", "WEB_AUTH_KEY"]

# What differs from settings.tf, by service or for all:
# settings = { all = { REVENUECAT_PROJECT = "proj...", REVENUECAT_ENTITLEMENT = "entl..." } }

# Who releases from a terminal, besides being owner of the project.
operators = ["user:operations@liftlog.example"]

# Releases from the repository: its connection in Cloud Build (2nd generation), its name and its number, and the
# workflow that may start a release.
# repository = {
#   connection = "projects/liftlog-prod/locations/us-central1/connections/C/repositories/R"
#   name       = "owner/name"
#   id         = "123456789" # gh api repos/owner/name --jq .id
#   workflow   = ".github/workflows/release.yml"
# }
