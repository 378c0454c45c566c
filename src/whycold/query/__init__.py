"""Every question a front end may ask of what has been recorded; all faces give the same answers."""

from whycold.query.culprits import Culprit, State, Weekly, main_edit
from whycold.query.panel import Period, Report, known_cost
from whycold.query.questions import Query
from whycold.query.releases import Change, Difference, Marker, MarkerKind, Side, Word
from whycold.query.sessions import lifetime

__all__ = [
    "Change",
    "Culprit",
    "Difference",
    "Marker",
    "MarkerKind",
    "Period",
    "Query",
    "Report",
    "Side",
    "State",
    "Weekly",
    "Word",
    "known_cost",
    "lifetime",
    "main_edit",
]
