"""The test kit: a provider that answers from a script, the laws of the engine, a clock that a test moves.

Names are loaded when they are first used: the laws need `hypothesis`, the rest does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psf_runtime.providers.mock import MockProvider
    from psf_runtime.providers.mock_replies import call, fault
    from psf_runtime.testing.check import check_guard
    from psf_runtime.testing.clock import ManualClock
    from psf_runtime.testing.llama_process import EchoServerProcess
    from psf_runtime.testing.llama_server import EchoServer
    from psf_runtime.testing.modes import run_in_mode, run_in_modes

_HOMES = {
    "EchoServer": "testing.llama_server",
    "EchoServerProcess": "testing.llama_process",
    "ManualClock": "testing.clock",
    "MockProvider": "providers.mock",
    "call": "providers.mock_replies",
    "check_guard": "testing.check",
    "fault": "providers.mock_replies",
    "run_in_mode": "testing.modes",
    "run_in_modes": "testing.modes",
}

__all__ = [
    "EchoServer",
    "EchoServerProcess",
    "ManualClock",
    "MockProvider",
    "call",
    "check_guard",
    "fault",
    "run_in_mode",
    "run_in_modes",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"psf_runtime.{home}"), name)
