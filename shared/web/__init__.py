"""HTTP: routes, bodies, problems and the way into a function."""
