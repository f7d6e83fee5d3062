# The collections of shared/store/data_model.py. `ttl_field` holds the instant after which Firestore may delete
# a document. No query uses the fields in `unindexed`, and an index would cost storage and writes. A test
# compares this table with the data model.

locals {
  collections = {
    users = {
      unindexed = [
        "password_hash",
        "password_salt",
        "last_accessed",
        "encrypted_current_plan",
        "encrypted_name",
        "encryption_iv",
        "rsa_public_key",
        "picture",
        "recent_events",
        "recent_events_since",
        "older_events_until",
        "last_event_at",
      ]
    }
    lookups        = { unindexed = ["user_id"] }
    picture_parts  = { per_user = true, unindexed = ["content", "version"] }
    events         = { per_user = true, ttl_field = "expiry", unindexed = ["encrypted_payload", "encrypted_iv"] }
    follow_secrets = { per_user = true, unindexed = ["created_at"] }
    inbox          = { per_user = true, ttl_field = "expires_at", unindexed = ["encrypted_message"] }
    shared_items   = { ttl_field = "expiry", unindexed = ["encrypted_payload", "encryption_iv"] }
    verifications  = { ttl_field = "expires_at", unindexed = ["verified_at", "purchase_sha256"] }
    rate_limits    = { ttl_field = "expires_at", unindexed = ["passed"] }
    cleanup_runs   = { ttl_field = "expires_at", unindexed = ["passes"] }
    patrols        = { unindexed = ["place"] } # positions of the scans of the cleanup
  }
}
