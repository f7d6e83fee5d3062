environment = "staging"
project     = "liftlog-staging" # id of this environment's project
region      = "us-central1"     # region of the services
domain      = "staging.liftlog.example"

firestore_location = "us-central1" # or nam5, eur3; it cannot be changed later

alert_email     = "dev@liftlog.example"
billing_account = "000000-000000-000000"
budget          = { units = 100, currency = "USD" }

# The staging environment of the old service, to practise the migration; empty if there is none.
old_service_host = "old-staging.liftlog.example"

# People who make releases from a terminal.
operators = ["user:dev@liftlog.example"]

instances = {
  users   = { max = 5 }
  events  = { max = 5 }
  social  = { max = 5 }
  sharing = { max = 5 }
  ai      = { max = 5 }
  chat    = { max = 5 }
  backup  = { max = 5 }
}
