"""Three dialects of one real llama.cpp server, each bound from a model string as an application writes it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from psf_runtime.providers.http import HttpTransport
from psf_runtime.providers.targets import bind
from psf_runtime.testing.llama_server import EchoServer
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Limits, Request
from psf_runtime.types.response import Response, accumulate
from psf_runtime.types.target import Target

NO_KEYS: Mapping[str, str] = {}
LEFT = 30.0  # seconds


def ask(target: Target, stream: bool, **limits: object) -> Response:
    request = Request((Message.user("Größe 🙂 one END two"),), limits=Limits(max_tokens=200, **limits))  # type: ignore[arg-type]
    transport = HttpTransport(bind(target, environ=NO_KEYS))
    try:
        source = transport.open(request, stream=stream, left=LEFT)
        chunks: list[Chunk] = []
        try:
            while (batch := source.read(LEFT)) is not None:
                chunks += batch
        finally:
            source.close()
        return accumulate(chunks, source.head())
    finally:
        transport.close()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("provider", ["local", "openai", "openai-responses", "anthropic"])
def test_every_dialect_answers(echo_server: EchoServer, provider: str, *, stream: bool) -> None:
    """The address is the same for all; each dialect finds its own path below it."""
    answer = ask(Target(f"{provider}:echo-lm@{echo_server.base_url}"), stream)
    assert (answer.text, answer.finish) == ("Größe 🙂 one END two", "stop")
    assert answer.usage.reported


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("server", ["llama.cpp", "vllm", "transformers"])
def test_stop_texts_end_the_answer(echo_server: EchoServer, server: str, *, stream: bool) -> None:
    """Whether the server cuts, or is declared not to and the codec does: the same text comes out."""
    target = Target(f"local:echo-lm@{echo_server.base_url}", server=server)  # type: ignore[arg-type]
    assert ask(target, stream, stop=("END",)).text == "Größe 🙂 one "
