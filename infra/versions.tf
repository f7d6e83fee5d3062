terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
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
