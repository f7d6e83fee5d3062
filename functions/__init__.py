"""Cloud Functions, one package per route family; none imports another."""
