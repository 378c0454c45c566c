"""The JSON API of a running serve; the dashboard will stand on it."""
