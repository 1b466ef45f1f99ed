"""The few colours of the command line, and what they mean."""

from __future__ import annotations

TITLE = "bold"
FAINT = "dim"
GOOD = "green"
BAD = "bold red"
STAND_IN = "cyan"
MASKED = "yellow"
RESTORED = "green"

SENT_MARKS = (
    (r"\b[A-Z][A-Z_]*_[0-9A-Z]{8}\b", STAND_IN),
    (r"\[(?:card \.\.\.\d{4}|[a-z]+)\]", MASKED),
)
