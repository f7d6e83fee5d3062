environment = "dev"
project     = "liftlog-dev" # the id of this environment's project
region      = "us-central1" # where functions and the chat run
domain      = "dev.liftlog.example"

firestore_location = "us-central1" # or nam5, eur3; it cannot be changed later

alert_email     = "dev@liftlog.example"
billing_account = "000000-000000-000000"

# Nothing to take over from: everything is the new service's.
new_shares = { users = 100, events = 100, social = 100, sharing = 100, ai = 100, chat = 100 }

# Who releases from a terminal.
operators = ["user:dev@liftlog.example"]

max_instances = { users = 3, events = 3, social = 3, sharing = 3, ai = 3, chat = 3 }
