"""``whycold check``: limits for CI on what a set of calls missed."""
