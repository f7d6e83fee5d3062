"""The function `cleanup`: nothing stays longer than it should."""
