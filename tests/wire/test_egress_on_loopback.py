"""Law 6 over real sockets: a value planted anywhere is not in the exact bytes of any dialect, in any mode."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from psf_runtime import Policy
from psf_runtime.errors import ConfigError, NotEligible, PsfError
from psf_runtime.policy import Resilience
from tests.modes.clients import MODES, Mode, ask, assert_absent, client_for, do, told
from tests.modes.planting import NUMBER, PLACES, VALUES
from tests.wire.test_vendors_on_loopback import ALL_KEYS, CHAT, CONVERSE, MESSAGE, RESPONSE
from tests.wire.wire_loopback import Loopback, body

QUICK = Policy(resilience=Resilience(retries=0))
VECTORS = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [1.0]}], "model": "m"}
DIALECTS: dict[str, tuple[str, str, Any]] = {
    "openai": ("openai:m", "OPENAI_BASE_URL", CHAT),
    "responses": ("openai-responses:m", "OPENAI_BASE_URL", RESPONSE),
    "anthropic": ("anthropic:m", "ANTHROPIC_BASE_URL", MESSAGE),
    "bedrock": ("bedrock:a.m-v1:0", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", CONVERSE),
}
FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def planted(value: str) -> list[str]:
    return sorted({value, value.replace(" ", "")})


def send(mode: Mode, dialect: str, arguments: dict[str, Any]) -> tuple[list[bytes], Any]:
    """The requests that a server of this dialect got, and what the caller got."""
    model, variable, answer = DIALECTS[dialect]
    with Loopback(body(answer)) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in {**ALL_KEYS, variable: server.url.removesuffix("/v1")}.items():
            patch.setenv(name, value)
        rest = dict(arguments)
        got = ask(mode, client_for(mode, model, policy=QUICK), rest.pop("messages"), close=True, **rest)
        return server.requests, got


def check(dialect: str, requests: list[bytes], got: Any, values: list[str]) -> None:
    for request in requests:
        assert_absent(values, request, f"the bytes of {dialect}")
    if got.error is not None:
        assert isinstance(got.error, PsfError)
        assert_absent(values, told(got.error), "an exception")
    if not requests:
        # Not every dialect has a place for everything: then the call is refused before anything is sent.
        assert isinstance(got.error, ConfigError | NotEligible), got.error


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dialect", sorted(DIALECTS))
@FEW
@given(place=st.sampled_from(sorted(PLACES)), entity=st.sampled_from(sorted(VALUES)))
def test_a_planted_value_is_not_in_the_bytes(mode: Mode, dialect: str, place: str, entity: str) -> None:
    """Text, keys, schemas, tool calls and results, names, files, limits, facts: whatever the dialect writes down."""
    requests, got = send(mode, dialect, PLACES[place](VALUES[entity]))

    check(dialect, requests, got, planted(VALUES[entity]))


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_place_is_tried_in_every_dialect(dialect: str) -> None:
    """An address at each place in turn; most places are really written, so that the test looks at something."""
    written = 0
    for place in sorted(PLACES):
        requests, got = send("complete", dialect, PLACES[place](VALUES["EMAIL"]))
        check(dialect, requests, got, [VALUES["EMAIL"]])
        written += bool(requests)

    assert written > len(PLACES) // 2


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_numbers_and_keys_of_tool_calls(dialect: str) -> None:
    """A card that stands as a JSON number in arguments and results is masked in every dialect."""
    requests, got = send("complete", dialect, NUMBER)

    assert len(requests) == 1
    check(dialect, requests, got, ["4111111111111111"])


@pytest.mark.parametrize("mode", ["complete", "async complete"])
@pytest.mark.parametrize("entity", sorted(VALUES))
def test_texts_that_become_vectors(mode: Mode, entity: str) -> None:
    """The embeddings dialect: texts, user and subject."""
    value = VALUES[entity]
    with Loopback(body(VECTORS)) as server:
        client = client_for(mode, f"local:m@{server.url}", policy=QUICK)
        do(mode, client.embed, [f"see {value} please"], user=value, subject=value)
        do(mode, client.close)

    assert len(server.requests) == 1
    assert_absent(planted(value), server.requests[0], "the bytes of embeddings")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_signs_that_are_no_text(mode: Mode, dialect: str) -> None:
    """Half a surrogate pair beside a value: sent without the value, or refused by a typed error."""
    requests, got = send(mode, dialect, {"messages": f"\ud800 {VALUES['EMAIL']} \udc00"})

    for request in requests:
        assert_absent([VALUES["EMAIL"]], request, f"the bytes of {dialect}")
    assert got.error is None or isinstance(got.error, PsfError)
