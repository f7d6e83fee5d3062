locals {
  has_old_service = var.old_service_host != ""

  # By service: who gets how much of its requests.
  weighted = {
    for service, backend in google_compute_backend_service.services : service => [
      { backend = backend.id, weight = var.shares[service] },
      { backend = one(google_compute_backend_service.old[*].id), weight = 100 - var.shares[service] },
    ]
  }

  # The services take a path in any case, with doubled slashes and with a slash at its end. Route rules are
  # used, since path rules cannot ignore case. A prefix needs no rule for what follows it. Before it, the
  # map is not documented to merge slashes: a base address that ends with one, as in https://domain//user and
  # https://domain/v2//user, is therefore listed. Regular expressions would cover all spellings, but a global
  # load balancer has them in preview at most.
  # https://cloud.google.com/load-balancing/docs/url-map-concepts
  #
  # Three slashes in a row, or percent-encoded letters ("requests are not percent-encoding normalized"), may
  # match no rule. Such a request goes to users, which answers 404 unless it is a path of its own. So no
  # spelling of PUT /user gets the 404 by which an app deletes its account, and no path gets to another
  # service than its own or users.
  roots = ["/", "//", "/v2/", "/v2//", "//v2/", "//v2//"]
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

    # Always the new service, whatever the shares: the old one has no /health/ready, and its 404 would raise
    # an alert for as long as it serves.
    route_rules {
      priority = 1
      service  = google_compute_backend_service.services["users"].id

      dynamic "match_rules" {
        for_each = local.roots

        content {
          prefix_match = "${match_rules.value}health"
          ignore_case  = true
        }
      }
    }

    dynamic "route_rules" {
      for_each = var.paths

      content {
        priority = 2 + index(keys(var.paths), route_rules.key)
        service  = local.has_old_service ? null : google_compute_backend_service.services[route_rules.key].id

        dynamic "match_rules" {
          for_each = setproduct(local.roots, route_rules.value)

          content {
            prefix_match = join("", match_rules.value)
            ignore_case  = true
          }
        }

        dynamic "route_action" {
          for_each = local.has_old_service ? [local.weighted[route_rules.key]] : []

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
