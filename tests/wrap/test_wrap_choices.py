"""`n` above 1: each choice is a call of its own, and runs through every layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import openai
import pytest
from openai.types.chat import ChatCompletion

from psf_runtime import Block, Policy, facts, guard, wrap
from tests.wrap.server import Server, serving

QUESTION = "Write to jane.doe@example.com today"
ASKED: Any = {"model": "m", "messages": [{"role": "user", "content": QUESTION}]}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url, api_key="k1") as original:
        yield original


def test_every_choice_is_screened(server: Server, client: openai.OpenAI) -> None:
    """Three choices in one answer of the SDK's type: three calls, three decisions, the usage of all."""
    seen: list[str] = []

    @guard(on="output")
    def watch(text: str) -> None:
        seen.append(text)

    with facts(user="u") as call:
        answer = wrap(client, policy=Policy.standard(guards=[watch])).chat.completions.create(**ASKED, n=3)
    assert type(answer) is ChatCompletion
    assert [(0, QUESTION), (1, QUESTION), (2, QUESTION)] == [
        (choice.index, choice.message.content) for choice in answer.choices
    ]
    assert (3, 3, 3) == (len(server.bodies), len(call.decisions), len(seen))
    assert answer.usage is not None
    assert (15, 18, 33) == (
        answer.usage.prompt_tokens,
        answer.usage.completion_tokens,
        answer.usage.total_tokens,
    )
    assert not any(b"jane" in body or b'"n"' in body for body in server.bodies)


def test_one_bad_choice_is_the_end_of_all(server: Server, client: openai.OpenAI) -> None:
    """A block of the second choice is raised; the first is not delivered alone."""
    seen: list[int] = []

    @guard(on="output")
    def second(text: str) -> Block | None:
        seen.append(1)
        return Block("second") if len(seen) == 2 else None

    with pytest.raises(openai.PermissionDeniedError):
        wrap(client, policy=Policy.standard(guards=[second])).chat.completions.create(**ASKED, n=3)
    assert 2 == len(server.bodies)


def test_async_choices(server: Server) -> None:
    """The same for AsyncOpenAI."""

    async def main() -> int:
        async with openai.AsyncOpenAI(base_url=server.url, api_key="k1") as original:
            return len((await wrap(original).chat.completions.create(**ASKED, n=2)).choices)

    assert 2 == anyio.run(main)


@pytest.mark.parametrize(
    "options", [{"n": 9}, {"n": 0}, {"n": -1}, {"n": "2"}, {"n": True}, {"n": 2, "stream": True}, {"n": 2, "seed": 1}]
)
def test_what_cannot_be_chosen_is_refused(server: Server, client: openai.OpenAI, options: Any) -> None:
    """A number that is none, and what does not go with several choices: nothing is sent."""
    with pytest.raises(openai.BadRequestError):
        wrap(client).chat.completions.create(**ASKED, **options)
    assert [] == server.paths
