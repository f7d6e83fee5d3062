"""A client with the behaviour of the app. It shares no code with the server."""
