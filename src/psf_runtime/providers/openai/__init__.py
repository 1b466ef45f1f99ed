"""OpenAI's chat completions, both ways, also as the servers that imitate it speak them."""

from psf_runtime.providers.openai.codec import OpenAIChat
from psf_runtime.providers.openai.differences import COMPATIBLE, LOCAL, OPENAI, Differences
from psf_runtime.providers.openai.requests import asks_for_stream
from psf_runtime.providers.openai.serve import StreamEncoder

__all__ = ["COMPATIBLE", "LOCAL", "OPENAI", "Differences", "OpenAIChat", "StreamEncoder", "asks_for_stream"]
