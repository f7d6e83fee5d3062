terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source = "hashicorp/google"
      # Releases below 7.32.0 never send `all_traffic_on_latest_revision = false`: each apply would move all
      # traffic to the new revisions. https://github.com/hashicorp/terraform-provider-google/issues/24130
      version = "~> 7.32"
    }
  }

  # Which bucket is said by whoever calls: -backend-config=bucket=PROJECT-terraform
  backend "gcs" {
    prefix = "liftlog"
  }
}

provider "google" {
  project = var.project
  region  = var.region

  # APIs that ask which project pays, that of budgets for instance, are to ask ours.
  billing_project       = var.project
  user_project_override = true

  default_labels = {
    product     = "liftlog"
    environment = var.environment
  }
}
