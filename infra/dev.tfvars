environment        = "dev"
project            = "liftlog-dev" # the id of the project
region             = "us-central1"
firestore_location = "us-central1" # or nam5, eur3; it cannot be changed later
