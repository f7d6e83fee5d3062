"""Servers that speak as others do: OpenAI and the purchase stores, for this machine alone."""
