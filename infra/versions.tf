terraform {
  # The conditions of variables refer to locals, which Terraform supports since 1.9.
  required_version = ">= 1.11"

  required_providers {
    google = {
      source = "hashicorp/google"
      # Releases below 7.32.0 never send `all_traffic_on_latest_revision = false`: each apply would move all
      # traffic to the new revisions. https://github.com/hashicorp/terraform-provider-google/issues/24130
      version = "~> 7.32"
    }
  }

  # The command line names the bucket: -backend-config=bucket=PROJECT-terraform
  backend "gcs" {
    prefix = "liftlog"
  }
}

provider "google" {
  project = var.project
  region  = var.region

  # Some APIs, such as that of budgets, require the project whose quota a request uses.
  billing_project       = var.project
  user_project_override = true

  default_labels = {
    product     = "liftlog"
    environment = var.environment
  }
}
