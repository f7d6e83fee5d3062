# Sends mail about the cost of a month. A budget does not stop anything: Google keeps serving and billing.

resource "google_billing_budget" "month" {
  count = var.budget == null ? 0 : 1

  billing_account = var.billing_account
  display_name    = "LiftLog ${var.environment}"

  # The billing account may pay for other projects too.
  budget_filter {
    projects = ["projects/${data.google_project.this.number}"]
  }

  amount {
    specified_amount {
      currency_code = var.budget.currency
      units         = tostring(var.budget.units)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1]

    content {
      threshold_percent = threshold_rules.value
    }
  }
  # The forecast warns before the money is spent.
  threshold_rules {
    threshold_percent = 1
    spend_basis       = "FORECASTED_SPEND"
  }

  all_updates_rule {
    monitoring_notification_channels = [module.monitoring.channel]
  }

  depends_on = [google_project_service.apis]
}
