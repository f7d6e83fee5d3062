locals {
  has_old_service = var.old_service_host != ""

  # By service: who gets how much of its requests.
  weighted = {
    for service, backend in google_compute_backend_service.services : service => [
      { backend = backend.id, weight = var.shares[service] },
      { backend = one(google_compute_backend_service.old[*].id), weight = 100 - var.shares[service] },
    ]
  }
}

resource "google_compute_url_map" "https" {
  name            = "liftlog"
  default_service = google_compute_backend_service.services["users"].id

  host_rule {
    hosts        = [var.domain]
    path_matcher = "services"
  }

  path_matcher {
    name = "services"

    # Whatever is no path of the contract is answered as the users' function answers it.
    default_service = local.has_old_service ? null : google_compute_backend_service.services["users"].id

    dynamic "default_route_action" {
      for_each = local.has_old_service ? [local.weighted["users"]] : []

      content {
        dynamic "weighted_backend_services" {
          for_each = default_route_action.value

          content {
            backend_service = weighted_backend_services.value.backend
            weight          = weighted_backend_services.value.weight
          }
        }
      }
    }

    # How the new service is, whoever gets the users' requests: the old one knows no /health/ready, and its
    # 404 would be an alarm for as long as it serves.
    path_rule {
      paths   = flatten([for path in ["/health", "/health/*"] : [path, "/v2${path}"]])
      service = google_compute_backend_service.services["users"].id
    }

    dynamic "path_rule" {
      for_each = var.paths

      content {
        paths   = flatten([for path in path_rule.value : [path, "/v2${path}"]])
        service = local.has_old_service ? null : google_compute_backend_service.services[path_rule.key].id

        dynamic "route_action" {
          for_each = local.has_old_service ? [local.weighted[path_rule.key]] : []

          content {
            dynamic "weighted_backend_services" {
              for_each = route_action.value

              content {
                backend_service = weighted_backend_services.value.backend
                weight          = weighted_backend_services.value.weight
              }
            }
          }
        }
      }
    }
  }
}
