"""OpenAI's chat completions, both ways, also as the servers that imitate it speak them."""

from psf_runtime.providers.openai.codec import OpenAIChat
from psf_runtime.providers.openai.differences import (
    AZURE,
    COMPATIBLE,
    LOCAL,
    MISTRAL,
    OPENAI,
    Differences,
)
from psf_runtime.providers.openai.local_servers import LOCAL_SERVERS
from psf_runtime.providers.openai.requests import asks_for_stream
from psf_runtime.providers.openai.serve import StreamEncoder

__all__ = [
    "AZURE",
    "COMPATIBLE",
    "LOCAL",
    "LOCAL_SERVERS",
    "MISTRAL",
    "OPENAI",
    "Differences",
    "OpenAIChat",
    "StreamEncoder",
    "asks_for_stream",
]
