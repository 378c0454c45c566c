"""What the dashboard's port answers: pages, JSON, telemetry that is sent there, metrics."""
