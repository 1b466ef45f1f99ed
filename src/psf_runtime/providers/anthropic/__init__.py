"""Anthropic's messages, both ways, also as the servers that imitate them speak it."""

from psf_runtime.providers.anthropic.codec import AnthropicMessages
from psf_runtime.providers.anthropic.differences import ANTHROPIC, COMPATIBLE, Differences
from psf_runtime.providers.anthropic.requests import asks_for_stream
from psf_runtime.providers.anthropic.serve import StreamEncoder

__all__ = ["ANTHROPIC", "COMPATIBLE", "AnthropicMessages", "Differences", "StreamEncoder", "asks_for_stream"]
