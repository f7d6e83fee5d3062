"""The function `cleanup`: deletes expired documents and the rest of deleted accounts."""
