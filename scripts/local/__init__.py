"""The product on this machine: ports, emulators, processes."""
