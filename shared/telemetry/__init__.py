"""Telemetry of a process: log lines, spans and metrics."""
