"""OpenAI's Responses, both ways, without the vendor's memory: nothing is stored there, nothing is read from there."""

from psf_runtime.providers.responses.codec import OpenAIResponses
from psf_runtime.providers.responses.differences import COMPATIBLE, LOCAL, OPENAI, Differences
from psf_runtime.providers.responses.requests import asks_for_stream
from psf_runtime.providers.responses.serve import StreamEncoder

__all__ = ["COMPATIBLE", "LOCAL", "OPENAI", "Differences", "OpenAIResponses", "StreamEncoder", "asks_for_stream"]
