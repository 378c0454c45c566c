"""One colour per reason, safe for colour-blind eyes, the same in the terminal and on every page."""

from __future__ import annotations

from whycold.core.diagnosis import Reason
from whycold.core.prompt import Section

__all__ = ["BAD", "FAINT", "GOOD", "REASONS", "SECTIONS", "SOFT"]

SECTIONS: dict[Section, str] = {
    Section.settings: "#7a5fc0",
    Section.tools: "#0d9072",
    Section.system: "#d98b06",
    Section.messages: "#3b76c4",
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
GOOD, BAD, SOFT, FAINT = "#2f9e68", "#d0453a", "#8f8c83", "#77746b"
