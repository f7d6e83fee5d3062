"""The self-hosted edition: the backend of one machine, in one process."""
