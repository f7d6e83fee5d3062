"""The local stack: ports, emulators and processes."""
