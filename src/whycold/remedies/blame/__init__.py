"""Where an edit comes from: the lines of a git repository that make a text, and their commits."""

from whycold.remedies.blame.search import Blame, Suspected, blame
from whycold.remedies.blame.suspect import Suspect, suspect_of

__all__ = ["Blame", "Suspect", "Suspected", "blame", "suspect_of"]
