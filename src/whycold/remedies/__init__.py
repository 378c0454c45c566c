"""What would help: where an edit comes from, and what another layout would have cost."""
