"""A provider without a network: scripted answers, rules, faults, and a memory of what it was sent."""

from psf_runtime.providers.mock.provider import CAPABILITIES, ECHO_CHUNK, MockProvider, echo, mock_named
from psf_runtime.providers.mock.replies import call, fault

__all__ = ["CAPABILITIES", "ECHO_CHUNK", "MockProvider", "call", "echo", "fault", "mock_named"]
