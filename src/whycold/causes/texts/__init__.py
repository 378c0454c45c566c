"""What a change of the system prompt or of the messages is about; no cause lives here."""
