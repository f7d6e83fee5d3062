"""What operators see of a process: log lines, traces and metrics."""
