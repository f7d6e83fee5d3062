"""The health check of the container, for a port: ends with status 0 if the server is ready.

Runs as a file and without HTTP libraries, because their import takes most of the time.
"""

import socket
import sys

_HOST = "127.0.0.1"
_TIMEOUT_S = 5
_MAX_STATUS_LINE_BYTES = 64


def is_ready(port: int) -> bool:
    """Return whether the server on `port` responds that it is ready."""
    try:
        with socket.create_connection((_HOST, port), _TIMEOUT_S) as connection:
            connection.sendall(b"GET /health/ready HTTP/1.0\r\n\r\n")
            return connection.recv(_MAX_STATUS_LINE_BYTES).split()[1:2] == [b"200"]
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(not is_ready(int(sys.argv[1])))
