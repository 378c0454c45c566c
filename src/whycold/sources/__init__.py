"""Where calls come from: the recording proxy and its spool, and imports of what others recorded."""
