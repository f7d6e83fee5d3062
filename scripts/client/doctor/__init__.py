"""`./scripts/doctor`: checks which features of today's app work at an address.

The checks change nothing on the server. They create no account and store no backup.
"""
