"""Real coding clients through a real ``whycold serve``, against a scripted model."""
