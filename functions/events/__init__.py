"""Events: publishing them and reading the feed."""
