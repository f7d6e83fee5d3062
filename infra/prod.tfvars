environment = "prod"
project     = "liftlog-prod"        # id of this environment's project
region      = "us-central1"         # region of the services
domain      = "api.liftlog.example" # domain that the apps call

firestore_location = "us-central1" # or nam5, eur3; it cannot be changed later

alert_email     = "operations@liftlog.example"
billing_account = "000000-000000-000000"            # gcloud billing accounts list
budget          = { units = 500, currency = "USD" } # in the billing account's currency; without this line there is no budget

# The old service; empty if there is none. It gets all requests until ./scripts/traffic moves them.
old_service_host = "old.liftlog.example"

# The app calls these two when it opens, and a cold start takes about a second.
instances = {
  users  = { min = 1 }
  events = { min = 1 }
}

# The secrets that have a value, if not all six have one.
# secrets = ["API_KEYS", "OPENAI_API_KEY", "WEB_AUTH_KEY"]

# Values that differ from settings.tf, by service or for all services:
# settings = { all = { REVENUECAT_PROJECT = "proj...", REVENUECAT_ENTITLEMENT = "entl..." } }

# A key of Cloud KMS for the backups of users:
# backups_kms_key = "projects/P/locations/us-central1/keyRings/R/cryptoKeys/K"

# People who make releases from a terminal, in addition to the owners of the project.
operators = ["user:operations@liftlog.example"]

# Releases from the repository: its connection in Cloud Build (2nd generation), its name and number, and the
# workflow that may start a release.
# repository = {
#   connection = "projects/liftlog-prod/locations/us-central1/connections/C/repositories/R"
#   name       = "owner/name"
#   id         = "123456789" # gh api repos/owner/name --jq .id
#   workflow   = ".github/workflows/release.yml"
# }
