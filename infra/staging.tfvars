environment = "staging"
project     = "liftlog-staging" # the id of this environment's project
region      = "us-central1"     # where functions and the chat run
domain      = "staging.liftlog.example"

firestore_location = "us-central1" # or nam5, eur3; it cannot be changed later

alert_email     = "dev@liftlog.example"
billing_account = "000000-000000-000000"
budget          = { units = 100, currency = "USD" }

# The old service's own staging, to practise the move; empty if there is none.
old_service_host = "old-staging.liftlog.example"

# Who releases from a terminal.
operators = ["user:dev@liftlog.example"]

max_instances = { users = 5, events = 5, social = 5, sharing = 5, ai = 5, chat = 5 }
