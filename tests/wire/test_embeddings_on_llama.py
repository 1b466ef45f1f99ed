"""`client.embed` against a real llama.cpp server that pools its states into vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from psf_runtime.errors import ContextLengthError, ProviderError
from psf_runtime.testing.echo_model import echo_model
from tests.modes.clients import Mode, client_for, do

both = pytest.mark.parametrize("mode", ["complete", "async complete"])
EMAIL = "zoe.quill@canary-mail.example"
MODEL = "echo-lm"
WINDOW = 512  # tokens that one text may have


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """A server that embeds: pooled over all tokens of a text."""
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = str(echo_model())
    settings.model_alias = {MODEL}
    settings.hostnames = ["127.0.0.1"]
    settings.port = 0
    settings.embedding = True
    settings.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    settings.n_ctx = 4 * WINDOW
    settings.n_parallel = 4
    settings.n_batch = settings.n_ubatch = 4 * WINDOW
    settings.cpuparams.n_threads = 1
    settings.n_threads_http = 16
    settings.warmup = settings.ui = False
    settings.verbosity = 0
    server: Any = xllamacpp.Server(settings)
    yield f"{server.listening_address}/v1"
    del server


@pytest.fixture
def target(base_url: str) -> str:
    return f"local:{MODEL}@{base_url}"


@both
def test_a_real_server_gives_one_vector_per_text(mode: Mode, target: str) -> None:
    """All vectors have one length and are finite; a text alone has the vector that it has among others."""
    client = client_for(mode, target)
    texts = ["the cat sat", "the dog ran", "the cat sat", "żółć 🙂"]
    answer = do(mode, client.embed, texts)
    assert (len(answer.vectors), answer.model) == (4, f"local:{MODEL}")
    assert answer.vectors[0] == pytest.approx(answer.vectors[2], abs=1e-6)
    assert answer.vectors[0] != pytest.approx(answer.vectors[1], abs=1e-2)
    assert answer.usage.input_tokens >= sum(len(text.encode()) for text in texts)
    assert answer.usage.output_tokens == 0
    do(mode, client.close)
    alone = client_for(mode, target)
    assert do(mode, alone.embed, "the cat sat").vector == pytest.approx(answer.vectors[0], abs=1e-5)
    do(mode, alone.close)


def test_the_vector_is_that_of_the_tokenised_text(target: str, base_url: str) -> None:
    """The model has read the token and not the address: asked past the controls, the token's text has that vector."""
    with client_for("complete", target) as client:
        vector = client.embed(f"write to {EMAIL}").vector
        known = client._core.state.vault.known("default", "embeddings")
        (token,) = [name for name, (_, value) in known.items() if value == EMAIL]
    sdk = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0)
    with sdk:
        plain = sdk.embeddings.create(model=MODEL, input=[f"write to {token}", f"write to {EMAIL}"])
    assert vector == pytest.approx(plain.data[0].embedding, abs=1e-5)
    assert vector != pytest.approx(plain.data[1].embedding, abs=1e-2)


@both
def test_a_length_that_the_server_ignores_is_noticed(mode: Mode, target: str) -> None:
    """This server takes `dimensions` and does nothing with it: better an error than an index that does not fit."""
    client = client_for(mode, target)
    with pytest.raises(ProviderError) as caught:
        do(mode, client.embed, "the cat sat", dimensions=8)
    assert caught.value.kind == "bad_response"
    assert caught.value.why.startswith("dimensions=8 was asked for")
    do(mode, client.close)


def test_a_text_that_is_too_long_is_its_own_error(target: str) -> None:
    """The server's refusal becomes the typed error, and repeats nothing."""
    with client_for("complete", target) as client, pytest.raises(ContextLengthError) as caught:
        client.embed("secret " * 200)
    assert (caught.value.status, caught.value.retry_safe) == (400, False)
    assert "secret" not in str(caught.value)


def test_a_server_that_does_not_embed_says_so(echo_server: Any) -> None:
    """Whether a local model embeds is not known before it is asked: then the error is typed."""
    with client_for("complete", echo_server.target) as client, pytest.raises(ProviderError) as caught:
        client.embed("the cat sat")
    assert (caught.value.kind, caught.value.status) == ("not_found", 501)
