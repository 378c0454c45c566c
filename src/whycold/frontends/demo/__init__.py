"""``whycold demo``: a fortnight of made-up traffic, and a dashboard to look at it."""
