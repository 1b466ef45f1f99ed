"""The mock provider as an embedding model."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from psf_runtime.errors import ConfigError, ProviderTimeout, RateLimitError
from psf_runtime.providers.mock import MockProvider
from psf_runtime.providers.mock.replies import fault
from psf_runtime.providers.mock.vectors import DIMENSIONS, vector_of
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Limits, Request
from psf_runtime.types.response import Response


def asked(*texts: str, dimensions: int | None = None) -> Request:
    messages = tuple(Message.user(text) for text in texts)
    return Request(messages, limits=Limits(dimensions=dimensions), operation="embed")


def answered(mock: MockProvider, request: Request) -> Response:
    source = mock.open(request, stream=False, left=None)
    assert source.read(None) is None
    source.close()
    return source.head()


def likeness(one: Any, other: Any) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


def test_vectors_follow_from_the_words_and_have_length_one() -> None:
    """The same text has the same vector everywhere; texts that share words are more alike than others."""
    vector = vector_of("Jane likes tea")
    assert vector == vector_of("jane LIKES tea!")
    assert len(vector) == DIMENSIONS
    assert likeness(vector, vector) == pytest.approx(1.0)
    assert likeness(vector, vector_of("does Jane drink tea")) > likeness(vector, vector_of("the ship sails at noon"))
    assert round(vector[0], 6) == round(vector_of("tea likes jane")[0], 6)
    assert len(vector_of("?!", 7)) == 7


def test_an_embed_call_uses_up_no_reply() -> None:
    """Vectors come by themselves, and the texts stay for the calls that ask for text."""
    mock = MockProvider("first")
    response = answered(mock, asked("a b", "c", dimensions=8))
    assert response.vectors == (vector_of("a b", 8), vector_of("c", 8))
    assert (response.usage.input_tokens, response.usage.output_tokens) == (1, 0)
    assert json.loads(mock.last.wire) == {"model": "", "input": ["a b", "c"], "dimensions": 8}
    assert mock.unused() == ["replies: 1 of 1 not asked for"]
    assert mock.live == 0


def test_a_failure_that_stands_next_meets_an_embed_call() -> None:
    """Faults and exceptions are answers to any call; after them the vectors come."""
    mock = MockProvider(fault.rate_limit(retry_after=2), ProviderTimeout("late"), "text")
    with pytest.raises(RateLimitError):
        mock.open(asked("a"), stream=False, left=None)
    with pytest.raises(ProviderTimeout):
        mock.open(asked("a"), stream=False, left=None)
    assert len(answered(mock, asked("a")).vectors) == 1


def test_rules_may_say_which_vectors() -> None:
    """Given rows, a function of the request, or a mark on the answer."""
    mock = MockProvider()
    mock.on(text="rows").reply([[1, 0], [0, 1]])
    mock.on(text="made").reply(lambda request: [[float(len(request.messages))]])
    mock.on(text="unsaid").reply(fault.no_usage())
    assert answered(mock, asked("rows", "rows")).vectors == ((1.0, 0.0), (0.0, 1.0))
    assert answered(mock, asked("x", "y", "made")).vectors == ((3.0,),)
    unsaid = answered(mock, asked("unsaid"))
    assert (unsaid.usage.reported, unsaid.vectors) == (False, (vector_of("unsaid"),))


def test_a_rule_comes_before_a_failure() -> None:
    """A rule that matches answers, and the failure stays for the next call."""
    mock = MockProvider(fault.timeout())
    mock.on(text="ruled").reply([[1.0]])
    assert answered(mock, asked("ruled")).vectors == ((1.0,),)
    with pytest.raises(ProviderTimeout):
        mock.open(asked("other"), stream=False, left=None)


def test_a_text_is_no_answer_to_an_embed_call() -> None:
    """A rule that replies with a text is a mistake in the test, and says so."""
    mock = MockProvider()
    mock.on(text="a").reply("text")
    with pytest.raises(ConfigError, match="reply to an embed call"):
        mock.open(asked("a"), stream=False, left=None)
