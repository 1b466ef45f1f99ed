"""Guards and strategies: one folder a domain, and the ways to write your own.

A guard is a function with `@guard`, or, for the few that keep state while an answer streams, a `Guard` with a
`Session` (a `TextSession` where it touches text). A strategy decides what runs inside it.
"""

from psf_runtime.flow.effects import Flow, Lane, call, first_of, now, offload, random_bytes, sleep, together
from psf_runtime.flow.protocols import ALL, NONE, Attempt, GuardBase, Session, StrategyBase, window
from psf_runtime.flow.text import TextSession
from psf_runtime.guards.function import FunctionGuard, guard

Guard = GuardBase
Strategy = StrategyBase

__all__ = [
    "ALL",
    "NONE",
    "Attempt",
    "Flow",
    "FunctionGuard",
    "Guard",
    "Lane",
    "Session",
    "Strategy",
    "TextSession",
    "call",
    "first_of",
    "guard",
    "now",
    "offload",
    "random_bytes",
    "sleep",
    "together",
    "window",
]
