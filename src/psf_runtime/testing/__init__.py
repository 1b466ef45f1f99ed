"""The test kit: a provider that answers from a script, also over a socket; cassettes; laws; a clock that a test moves.

Names are loaded when they are first used: the laws need `hypothesis`, the rest does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psf_runtime.providers.mock.quirks import QUIRKS
    from psf_runtime.providers.mock.replies import call, fault
    from psf_runtime.testing.cassettes import CassetteProvider, RecordingProvider
    from psf_runtime.testing.check import check_guard
    from psf_runtime.testing.clock import ManualClock
    from psf_runtime.testing.codec_check import check_provider
    from psf_runtime.testing.llama_process import EchoServerProcess
    from psf_runtime.testing.llama_server import EchoServer
    from psf_runtime.testing.mock_provider import MockProvider
    from psf_runtime.testing.modes import run_in_mode, run_in_modes
    from psf_runtime.testing.sent import assert_no_personal_data_sent
    from psf_runtime.testing.server import MockServer
    from psf_runtime.testing.store_check import check_store

_HOMES = {
    "CassetteProvider": "testing.cassettes",
    "EchoServer": "testing.llama_server",
    "EchoServerProcess": "testing.llama_process",
    "ManualClock": "testing.clock",
    "MockProvider": "testing.mock_provider",
    "MockServer": "testing.server",
    "QUIRKS": "providers.mock.quirks",
    "RecordingProvider": "testing.cassettes",
    "assert_no_personal_data_sent": "testing.sent",
    "call": "providers.mock.replies",
    "check_guard": "testing.check",
    "check_provider": "testing.codec_check",
    "check_store": "testing.store_check",
    "fault": "providers.mock.replies",
    "run_in_mode": "testing.modes",
    "run_in_modes": "testing.modes",
}

__all__ = [
    "QUIRKS",
    "CassetteProvider",
    "EchoServer",
    "EchoServerProcess",
    "ManualClock",
    "MockProvider",
    "MockServer",
    "RecordingProvider",
    "assert_no_personal_data_sent",
    "call",
    "check_guard",
    "check_provider",
    "check_store",
    "fault",
    "run_in_mode",
    "run_in_modes",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"psf_runtime.{home}"), name)
