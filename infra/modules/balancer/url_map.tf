locals {
  has_old_service = var.old_service_host != ""

  # The backends of each service with their weights in percent.
  weighted = {
    for service, backend in google_compute_backend_service.services : service => [
      { backend = backend.id, weight = var.traffic_split[service] },
      { backend = one(google_compute_backend_service.old[*].id), weight = 100 - var.traffic_split[service] },
    ]
  }

  # The services accept a path in any case, with double slashes, and with a slash at the end. Path rules cannot
  # ignore case, so this map has route rules. A prefix match covers the rest of a path. Google does not document
  # whether it merges slashes before the prefix. So this list repeats the slash, for apps whose base URL ends
  # with one: https://domain//user, https://domain/v2//user. Regular expressions would cover all spellings, but
  # for global load balancers they are at most in preview.
  # https://cloud.google.com/load-balancing/docs/url-map-concepts
  #
  # Three slashes in a row, or percent-encoded letters ("requests are not percent-encoding normalized"), may
  # match no rule. `users` gets this request, and returns 404 unless the path is its own. So no spelling of
  # PUT /user gets the 404 after which an app deletes its account, and no path reaches a service other than its own
  # or `users`.
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

    # `users` responds to every path outside the contract.
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

    # Health checks always reach the new service, at any traffic split. The old service has no /health/ready,
    # and its 404 would keep an alert open while it serves.
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
