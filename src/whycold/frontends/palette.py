"""One colour per section and reason, the same in the terminal and on every page.

Any two can be told apart by eyes that lack one kind of cone, and those of sections are middling in
brightness: they can be read on white and on black. Pages in the dark use brighter ones
(web/static/base.css).
"""

from __future__ import annotations

from whycold.core.diagnosis import Reason
from whycold.core.prompt import Section

__all__ = ["BAD", "FAINT", "GOOD", "REASONS", "SECTIONS", "SOFT"]

SECTIONS: dict[Section, str] = {
    Section.settings: "#7b54ce",
    Section.tools: "#2d7c57",
    Section.system: "#c27f1f",
    Section.messages: "#5a8bd2",
}
REASONS: dict[Reason, str] = {
    Reason.messages_changed: SECTIONS[Section.messages],
    Reason.system_changed: SECTIONS[Section.system],
    Reason.tools_changed: SECTIONS[Section.tools],
    Reason.model_changed: "#9a3392",
    Reason.settings_changed: SECTIONS[Section.settings],
    Reason.expired: "#8d8f8a",
    Reason.breakpoint: "#d29b73",
    Reason.too_short: "#605b12",
    Reason.concurrent: "#2a6263",
    Reason.provider: "#47b6fa",
    Reason.unseen: "#d6d6ce",
    Reason.unexplained: "#b2b4b7",
}
GOOD, BAD = "#26885a", "#d24a3f"
SOFT, FAINT = "#7d7a72", "#77746b"
"""Text beside the point, and text further away still."""
