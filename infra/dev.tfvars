environment = "dev"
project     = "liftlog-dev" # id of this environment's project
region      = "us-central1" # region of the services
domain      = "dev.liftlog.example"

firestore_location = "us-central1" # or nam5, eur3; it cannot be changed later

alert_email     = "dev@liftlog.example"
billing_account = "000000-000000-000000"

# People who make releases from a terminal.
operators = ["user:dev@liftlog.example"]

instances = {
  users   = { max = 3 }
  events  = { max = 3 }
  social  = { max = 3 }
  sharing = { max = 3 }
  ai      = { max = 3 }
  chat    = { max = 3 }
  backup  = { max = 3 }
}
