"""The data model of the differential test: each form of a collection and of a field once."""

from shared.store.data_model import USERS, Collection

PEOPLE = Collection(USERS.name, unindexed=("note",))
"""The parents of the collections per user."""

ITEMS = Collection("items", ttl_field="expiry", unindexed=("note",))
ENTRIES = Collection("entries", per_user=True, ttl_field="expiry", unindexed=("note",))
DRAFTS = Collection("drafts", per_user=True)

MODEL = (PEOPLE, ITEMS, ENTRIES, DRAFTS)
