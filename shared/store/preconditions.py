"""Preconditions of writes: the commit fails if a document is not in the expected state.

Source: https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1#precondition
"""

from typing import TYPE_CHECKING

from google.cloud.firestore_v1.base_client import BaseClient

if TYPE_CHECKING:
    from google.cloud.firestore_v1._helpers import ExistsOption, LastUpdateOption


class PreconditionFailed(Exception):
    """A document was not in the state that the batch requires. Nothing of the batch was written."""


def if_unchanged(version: object) -> "ExistsOption | LastUpdateOption":
    """Return the precondition that the document still has this `Document.version`."""
    return BaseClient.write_option(last_update_time=version)


def if_exists() -> "ExistsOption | LastUpdateOption":
    """Return the precondition that the document exists."""
    return BaseClient.write_option(exists=True)
