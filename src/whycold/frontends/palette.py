"""One colour per section and reason, the same in the terminal and on every page.

Safe for colour-blind eyes, and middling in brightness: each can be read on white and on black.
"""

from __future__ import annotations

from whycold.core.diagnosis import Reason
from whycold.core.prompt import Section

__all__ = ["BAD", "FAINT", "GOOD", "REASONS", "SECTIONS", "SOFT"]

SECTIONS: dict[Section, str] = {
    Section.settings: "#8468c8",
    Section.tools: "#0d9072",
    Section.system: "#bf7a06",
    Section.messages: "#3f7ac8",
}
REASONS: dict[Reason, str] = {
    Reason.messages_changed: SECTIONS[Section.messages],
    Reason.system_changed: SECTIONS[Section.system],
    Reason.tools_changed: SECTIONS[Section.tools],
    Reason.model_changed: "#b5589b",
    Reason.settings_changed: SECTIONS[Section.settings],
    Reason.expired: "#8a877d",
    Reason.breakpoint: "#8c6d46",
    Reason.too_short: "#a39f92",
    Reason.concurrent: "#5f8f8b",
    Reason.provider: "#4aa8d8",
    Reason.unseen: "#c9c6bc",
    Reason.unexplained: "#c9c6bc",
}
GOOD, BAD = "#26885a", "#d24a3f"
SOFT, FAINT = "#7d7a72", "#77746b"
"""Text beside the point, and text further away still."""
