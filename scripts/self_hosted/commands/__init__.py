"""The commands of `./scripts/serve`, one module each.

A module has a one-line docstring, which is its help, `add_arguments` and `run`.
"""
