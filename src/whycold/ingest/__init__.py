"""The write path: exchanges become calls, calls become diagnoses, and both are kept."""
