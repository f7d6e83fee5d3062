# The table of services, with their differences in settings, routes and limits. The environment's file overrides the number
# of instances (var.instances) and settings (var.settings).

locals {
  feed_settings       = ["process", "features", "database", "passwords"]
  subscriber_settings = ["process", "features", "database", "secrets", "callers", "purchases", "counts", "limits", "model"]

  # settings: the groups of settings.tf and secrets.tf that the service reads.
  # paths: the prefixes that the load balancer routes to the service, in any case, after a slash, with and without
  #   /v2. All other paths go to `users`. No prefix may be the beginning of another service's prefix.
  # limits: per instance, except `max_instances`. Beyond `concurrency` the platform starts another instance. A
  #   request with a password that is not cached keeps a core busy for 0.3 s. A feed takes 3 MiB of memory while its
  #   client reads, and a list of users with pictures and plans 8 MiB. A picture of 2 MiB takes 8 MiB while it is
  #   written. Eight uploads of backups take less than 200 MiB.
  services = {
    users = {
      settings  = local.feed_settings
      paths     = ["user"]
      is_public = true
      limits    = { concurrency = 40, timeout_s = 60, memory = "512Mi", max_instances = 40 }
    }
    events = {
      settings  = local.feed_settings
      paths     = ["event"]
      is_public = true
      limits    = { concurrency = 60, timeout_s = 60, memory = "512Mi", max_instances = 40 }
    }
    social = {
      settings  = concat(local.feed_settings, ["inbox"])
      paths     = ["follow-secret", "inbox"]
      is_public = true
      limits    = { concurrency = 60, timeout_s = 60, memory = "512Mi", max_instances = 20 }
    }
    sharing = {
      settings  = local.feed_settings
      paths     = ["shareditem"]
      is_public = true
      limits    = { concurrency = 60, timeout_s = 60, memory = "512Mi", max_instances = 10 }
    }
    # The timeout covers two model requests of OPENAI_DEADLINE_S: a plan that breaks the schema is requested again.
    ai = {
      settings  = local.subscriber_settings
      paths     = ["ai/"]
      is_public = true
      limits    = { concurrency = 80, timeout_s = 300, memory = "512Mi", max_instances = 20 }
    }
    # An open WebSocket counts as one request until it closes. 3,600 s is the longest timeout of Cloud Run.
    chat = {
      settings  = concat(local.subscriber_settings, ["chat"])
      paths     = ["ai-chat"]
      is_public = true
      limits    = { concurrency = 1000, timeout_s = 3600, memory = "512Mi", max_instances = 20 }
    }
    # A backup of 32 MB takes minutes through a slow connection. The service has no access to the database.
    backup = {
      settings  = ["process", "features", "secrets", "callers", "backups"]
      paths     = ["backup"]
      is_public = true
      limits    = { concurrency = 8, timeout_s = 900, memory = "512Mi", max_instances = 10 }
    }
    # The timeout exceeds CLEANUP_S: after CLEANUP_S a run starts no page, but it finishes the current pages.
    cleanup = {
      settings  = ["process", "database", "cleanup", "counts"]
      paths     = []
      is_public = false
      limits    = { concurrency = 4, timeout_s = 300, memory = "512Mi", max_instances = 3 }
    }
  }

  paths = { for name, service in local.services : name => service.paths if service.is_public }

  instances = {
    for name, service in local.services : name => {
      min = lookup(lookup(var.instances, name, {}), "min", 0)
      max = lookup(lookup(var.instances, name, {}), "max", service.limits.max_instances)
    }
  }
}
