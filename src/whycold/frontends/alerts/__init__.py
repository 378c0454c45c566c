"""Alerts: rules over what was recorded, judged while ``serve`` runs, and sent to receivers."""
