"""Quirks in this process: what a caller gets from the strange answers of real servers."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import pytest

from psf_runtime import ConfigError
from psf_runtime.errors import ContextLengthError, ProviderError, PsfError, RateLimitError
from psf_runtime.providers.mock.quirk_bytes import TEXT
from psf_runtime.providers.mock.quirk_table import ECHOED
from psf_runtime.testing import QUIRKS, MockProvider, fault
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.messages import Message, Reasoning, ToolCall
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response, accumulate

THOUGHT = "Let me think"
# name: (text, thinking, arguments of the calls, finish)
ANSWERS: dict[str, tuple[str, str, list[dict[str, int]], str]] = {
    "anthropic.ping": (TEXT, "", [], "stop"),
    "bedrock.filtered": (TEXT[:20], "", [], "content_filter"),
    "bedrock.tool_input_in_pieces": ("", "", [{"order": 7781}], "tool_calls"),
    "llama-cpp-python.function_call": ("", "", [{"order": 1}], "tool_calls"),
    "llama.cpp.comments": (TEXT, "", [], "stop"),
    "llama.cpp.thinks_only": ("", THOUGHT, [], "length"),
    "llama.cpp.usage_chunk": (TEXT, "", [], "stop"),
    "mistral.thinking_list": (TEXT, THOUGHT, [], "stop"),
    "ollama.arguments_object": ("", "", [{"order": 1}, {"order": 2}], "tool_calls"),
    "ollama.empty_finish": (TEXT, "", [], "stop"),
    "ollama.stop_after_calls": ("", "", [{"order": 1}, {"order": 2}], "tool_calls"),
    "transformers.no_done": (TEXT, "", [], "stop"),
    "vllm.no_finish_key": (TEXT, "", [], "stop"),
    "vllm.reasoning": (TEXT, THOUGHT, [], "stop"),
}
# name: what a whole answer is, what a stream is; None: the plain text
FAILURES: dict[str, tuple[Any, Any]] = {
    "anthropic.overloaded_in_stream": (None, ("overloaded", ProviderError)),
    "bedrock.bad_checksum": (None, ("bad_response", ProviderError)),
    "bedrock.throttled_in_stream": (None, ("rate_limited", RateLimitError)),
    "groq.error_in_stream": (None, ("server_error", ProviderError)),
    "llama-cpp-python.echoed_prompt": (("server_error", ProviderError), ("server_error", ProviderError)),
    "llama-cpp-python.empty_stream": (("context_length", ContextLengthError), ("bad_response", ProviderError)),
    "openai.quota": (("quota_exhausted", RateLimitError), ("quota_exhausted", RateLimitError)),
}


def answer(name: str, *, stream: bool) -> Response:
    mock = MockProvider(fault.quirk(name))
    source = mock.open(Request((Message.user("hello"),), model="m"), stream=stream, left=1.0)
    chunks: list[Chunk] = []
    try:
        while (batch := source.read(1.0)) is not None:
            chunks += batch
    finally:
        source.close()
    return accumulate(chunks, source.head())


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_strange_answer_is_an_ordinary_one_for_the_caller(name: str, stream: bool) -> None:
    """Text, thinking, arguments and the reason of the end are what the model meant."""
    got = answer(name, stream=stream)
    thought = "".join(part.text for part in got.parts if isinstance(part, Reasoning))
    calls = [part.arguments for part in got.parts if isinstance(part, ToolCall)]
    assert (got.text, thought, calls, got.finish) == ANSWERS[name]


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_in_disguise_is_a_typed_error(name: str, stream: bool) -> None:
    """Also inside a stream that began well; nothing that a server repeats of the request is in the error."""
    expected = FAILURES[name][stream]
    if expected is None:
        assert answer(name, stream=stream).text == TEXT
        return
    with pytest.raises(expected[1]) as caught:
        answer(name, stream=stream)
    error: Any = caught.value
    assert error.kind == expected[0]
    assert ECHOED not in f"{error!r} {error} {vars(error)}"


def test_arguments_that_the_limit_cut_are_not_taken() -> None:
    """The caller sees `length` and text that is no JSON, never a guess."""
    got = answer("llama.cpp.cut_arguments", stream=True)
    assert got.finish == "length"
    with pytest.raises(ValueError, match=r"delimiter|Expecting"):
        _ = got.tool_calls[0].arguments


def test_every_quirk_is_tested_here() -> None:
    """A new row of the table needs a row in one of these tables."""
    assert set(QUIRKS) == {*ANSWERS, *FAILURES, "llama.cpp.cut_arguments"}
    assert {name.partition(".")[0] for name in QUIRKS} >= {"vllm", "ollama", "llama", "bedrock"}


@pytest.mark.parametrize("wrong", ["vllm.reasonin", "olama.empty_finish", "bedrock.bad_cheksum"])
def test_a_typo_names_the_nearest(wrong: str) -> None:
    """For quirks a ConfigError, for faults an AttributeError; both with what was probably meant."""
    with pytest.raises(ConfigError) as caught:
        fault.quirk(wrong)
    assert f"did you mean {difflib.get_close_matches(wrong, QUIRKS, n=1)[0]!r}?" in str(caught.value)
    with pytest.raises(AttributeError, match="did you mean 'rate_limit'"):
        fault.rat_limit  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match="nothing known looks like it"):
        fault.zzzz  # type: ignore[attr-defined]  # noqa: B018


def test_a_quirk_stands_alone() -> None:
    """In a list it has no place, since it is a whole answer."""
    mock = MockProvider(["text", fault.quirk("vllm.reasoning")])
    with pytest.raises(ConfigError, match="whole answer"):
        mock.open(Request((Message.user("hello"),), model="m"), stream=True, left=1.0)


def test_the_text_of_a_file_is_a_reply(tmp_path: Path) -> None:
    """Alone or in a list; a missing one, or one that is no text, is a ConfigError that shows no path."""
    path = tmp_path / "answer.txt"
    path.write_text("Zoë sends her regards.", encoding="utf-8")
    request = Request((Message.user("hello"),), model="m")
    for reply in (path, [path]):
        source = MockProvider(reply).open(request, stream=True, left=1.0)
        assert [getattr(chunk, "text", "") for chunk in source.read(1.0) or []] == ["Zoë sends her regards."]
        source.close()
    path.write_bytes(b"\xff")
    for wrong in (path, tmp_path / "missing.txt"):
        with pytest.raises(PsfError, match=wrong.name) as caught:
            MockProvider(wrong).open(request, stream=True, left=1.0)
        assert str(tmp_path) not in str(caught.value)


def test_faults_check_their_settings() -> None:
    """A status that is no server error, and time that runs backwards."""
    with pytest.raises(ConfigError, match="404"):
        fault.server_error(status=404)
    with pytest.raises(ConfigError, match="below 0"):
        fault.slow(seconds=-1)
