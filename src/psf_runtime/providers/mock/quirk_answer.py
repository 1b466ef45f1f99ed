"""From the bytes of a quirk to what a caller of that server gets: through the codec that speaks to it."""

from __future__ import annotations

from collections.abc import Mapping

from psf_runtime.errors import ProviderError
from psf_runtime.providers.anthropic import AnthropicMessages
from psf_runtime.providers.base import Codec
from psf_runtime.providers.bedrock import BedrockConverse
from psf_runtime.providers.dialect.decoding import loads
from psf_runtime.providers.errors import provider_error
from psf_runtime.providers.mock.answer import Script
from psf_runtime.providers.mock.quirks import Quirk
from psf_runtime.providers.openai import COMPATIBLE, LOCAL_SERVERS, OpenAIChat
from psf_runtime.providers.responses import OpenAIResponses
from psf_runtime.types.chunks import Chunk

_HOSTED: Mapping[str, Codec] = {
    "anthropic": AnthropicMessages(),
    "bedrock": BedrockConverse(),
    "openai": OpenAIChat(differences=COMPATIBLE),
    "responses": OpenAIResponses(),
}


def quirk_script(quirk: Quirk, *, stream: bool) -> Script:
    """The answer that the codec reads from these bytes. What it refuses is where the answer ends."""
    stream = quirk.streams(stream)
    if not stream and quirk.status != 200:
        return Script(ending=quirk, at_once=True, quirk=quirk)
    decoder = _codec(quirk).decoder(stream=stream)
    script = Script(quirk=quirk)
    try:
        for piece in quirk.events if stream else (quirk.body,):
            _keep(script, decoder.feed(piece))
        _keep(script, decoder.end())
        script.head = decoder.head()
    except ProviderError as error:
        script.ending = error
    return script


def quirk_error(quirk: Quirk) -> ProviderError:
    """What an answer with an error status becomes."""
    return provider_error(quirk.status, {}, loads(quirk.body))


def _codec(quirk: Quirk) -> Codec:
    if quirk.server:
        return OpenAIChat(differences=LOCAL_SERVERS[quirk.server])
    return _HOSTED[quirk.dialect]


def _keep(script: Script, chunks: list[Chunk]) -> None:
    if chunks:
        script.batches.append(chunks)
