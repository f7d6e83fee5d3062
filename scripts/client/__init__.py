"""An app as the server sees it; it does not know the server's code."""
