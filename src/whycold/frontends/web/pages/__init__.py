"""The pages of the dashboard. Each is a file; the table of them is in ``table``."""
