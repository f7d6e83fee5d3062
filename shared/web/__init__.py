"""The HTTP layer: routes, sign-in, dispatch, problems, health and request logs."""
