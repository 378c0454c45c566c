"""Where calls are kept: one contract, an engine behind it."""
