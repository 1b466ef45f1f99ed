"""`client.embed`: arguments, what comes back, who is asked, and what the controls make of it."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from psf_runtime import Blocked, ConfigError, Policy, ProviderError, Purpose, guard
from psf_runtime.client.embedding import first_that_embeds
from psf_runtime.errors import NotEligible
from psf_runtime.flow.protocols import GuardBase, Session
from psf_runtime.policy import Resilience
from psf_runtime.ports import TargetFacts
from psf_runtime.providers.mock.vectors import vector_of
from psf_runtime.testing import MockProvider, fault
from psf_runtime.types.decision import Decision
from psf_runtime.types.domain import Domain
from psf_runtime.types.embeddings import Embeddings
from psf_runtime.types.response_head import NO_USAGE
from psf_runtime.types.verdict import Reask
from tests.modes.clients import Mode, assert_nothing_open, client_for, do, told

FACES: tuple[Mode, ...] = ("complete", "async complete")
both = pytest.mark.parametrize("mode", FACES)


def embedded(mode: Mode, texts: Any, *replies: Any, policy: Policy | None = None, **arguments: Any) -> Any:
    """One embed call to a fresh mock: (mock, client, what came back)."""
    mock = MockProvider(*replies)
    client = client_for(mode, mock, policy=policy)
    return mock, client, do(mode, client.embed, texts, **arguments)


@both
def test_one_vector_per_text_in_their_order(mode: Mode) -> None:
    """A list of texts gives as many vectors, all of the wanted length, with what the call cost and who decided."""
    mock, client, answer = embedded(mode, ["a cat", "a dog", "a cat"], dimensions=16, tags={"job": "index"})
    assert answer.vectors == (vector_of("a cat", 16), vector_of("a dog", 16), vector_of("a cat", 16))
    assert (len(answer), answer.dimensions, answer.model, answer.degraded) == (3, 16, "mock", False)
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.cost) == (4, 0, Decimal(0))
    assert (answer.decision.outcome, [one.target for one in answer.decision.route]) == ("stop", ["mock"])
    assert mock.last.stream is False
    client_got: Any = type("Got", (), {"core": client._core})()
    assert_nothing_open(client_got, mock)


@both
def test_one_text_has_one_vector(mode: Mode) -> None:
    """`.vector` is the one there is; with several it would be a guess."""
    _, client, answer = embedded(mode, "a cat")
    assert answer.vector == answer.vectors[0] == vector_of("a cat")
    several = do(mode, client.embed, ["a", "b"])
    with pytest.raises(ValueError, match=r"there are 2 vectors, one per text; use \.vectors"):
        _ = several.vector


def test_what_comes_back_shows_no_numbers() -> None:
    """Its repr counts; a copy or a pickle is the same."""
    answer = Embeddings(((0.25, 0.5),), NO_USAGE, "mock", Decision("id"))
    assert repr(answer) == "Embeddings(1 vectors of 2 dimensions, model='mock')"
    assert pickle.loads(pickle.dumps(answer)) == copy.deepcopy(answer) == answer


@both
@pytest.mark.parametrize(
    ("texts", "what"),
    [
        ([], "there is nothing to embed"),
        ((), "there is nothing to embed"),
        ("", r"texts\[0\] is empty"),
        (["a", " \n"], r"texts\[1\] is empty"),
        (["a", 5], r"texts\[1\] is a int"),
        (["a", b"b"], r"texts\[1\] is a bytes"),
        ([["a"]], r"texts\[0\] is a list"),
        (b"a", "not a bytes"),
        (5, "not a int"),
        (None, "not a NoneType"),
        ({"a": 1}, "not a dict"),
        (["a"] * 2049, "2049 texts are too many"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_texts_that_are_none_are_refused(mode: Mode, texts: Any, what: str) -> None:
    """The error says which one is wrong and what to change; nothing is sent."""
    mock = MockProvider()
    with pytest.raises(ConfigError, match=what) as caught:
        do(mode, client_for(mode, mock).embed, texts)
    assert caught.value.change
    assert mock.calls == ()


@both
@pytest.mark.parametrize("dimensions", [0, -1, True, 1.5, "3", 10**9])
def test_a_length_that_is_none_is_refused(mode: Mode, dimensions: Any) -> None:
    """A whole number above zero, within bounds."""
    if dimensions == 10**9:
        with pytest.raises(ConfigError, match="dimensions= must be a number >= 1 <= 32768"):
            embedded(mode, "a", dimensions=dimensions)
        return
    with pytest.raises(ConfigError, match="dimensions= must be a number"):
        embedded(mode, "a", dimensions=dimensions)


@both
def test_options_are_checked_like_those_of_complete(mode: Mode) -> None:
    """Facts, extra, model and timeout go through the same checks."""
    wrongs: list[Any] = [{"model": ""}, {"timeout": 0}, {"extra": []}, {"user": 5}, {"model": "nobody"}, {"tags": [1]}]
    for wrong in wrongs:
        with pytest.raises(ConfigError):
            embedded(mode, "a", **wrong)
    with pytest.raises(ConfigError, match="'user' is not declared for 'mock'"):
        embedded(mode, "a", extra={"mock": {"user": "ann"}})


@both
def test_fewer_vectors_than_texts_never_reach_the_caller(mode: Mode) -> None:
    """Whatever the provider's part lets through, the caller gets one vector per text or an error."""
    mock = MockProvider()
    mock.on(text="b").reply([[1.0]])
    with pytest.raises(ProviderError) as caught:
        do(mode, client_for(mode, mock).embed, ["a", "b"])
    assert (caught.value.kind, caught.value.why) == (
        "bad_response",
        "2 texts were sent; 1 vectors and 0 other parts came back",
    )


@both
def test_a_failure_is_tried_again_like_any_other(mode: Mode) -> None:
    """Retries, the route and the usage are those of every call."""
    mock, _, answer = embedded(mode, "a cat", fault.rate_limit(retry_after=0.001))
    assert [one.outcome for one in answer.decision.route] == ["RateLimitError", "ok"]
    assert len(mock.calls) == 2


@both
def test_a_text_only_target_is_refused_before_anything_is_sent(mode: Mode) -> None:
    """What is known not to embed is not asked, and the reason says so."""
    mock = MockProvider(capabilities=frozenset({"tools"}))
    with pytest.raises(NotEligible, match="the call asks for vectors") as caught:
        do(mode, client_for(mode, mock).embed, "a")
    assert caught.value.control == "portability.capability"
    assert mock.calls == ()


@both
def test_the_first_target_that_may_embed_is_asked(mode: Mode) -> None:
    """A client for chat may have its embedding model further down; an explicit one is taken at its word."""
    chat = MockProvider("hello", name="chat", capabilities=frozenset({"tools"}))
    vectors = MockProvider(name="vectors")
    client = client_for(mode, chat, fallbacks=[vectors])
    answer = do(mode, client.embed, "a")
    assert (answer.model, answer.degraded, len(chat.calls)) == ("vectors", False, 0)
    with pytest.raises(NotEligible, match="asks for vectors"):
        do(mode, client.embed, "a", model="chat")


@both
def test_another_model_never_stands_in(mode: Mode) -> None:
    """Vectors of two models cannot be compared: a fallback would spoil the index in silence."""
    broken = MockProvider(fault.server_error(), fault.server_error(), fault.server_error(), name="one", strict=False)
    other = MockProvider(name="two")
    client = client_for(mode, broken, fallbacks=[other], policy=Policy(resilience=Resilience(retries=0)))
    with pytest.raises(ProviderError) as caught:
        do(mode, client.embed, "a")
    assert "vectors of two models cannot be compared" in "".join(map(str, getattr(caught.value, "exceptions", ())))
    assert other.calls == ()


def test_who_comes_first() -> None:
    """In the order of the names, by what is known of each."""
    able = [replace(TargetFacts(name, "x"), capabilities=frozenset({"embeddings"})) for name in ("b", "c")]
    assert first_that_embeds(["a", "c", "b"], [TargetFacts("a", "x"), *able]) == "c"
    assert first_that_embeds(["a"], [TargetFacts("a", "x"), *able]) == ""


@both
def test_a_purpose_holds_for_vectors_too(mode: Mode) -> None:
    """Owner, plan and budget of a purpose are those of its embed calls; vectors cost no output tokens."""
    plan = Purpose(owner="dana@acme.example", lawful_basis="contract", budget="0.00001 USD/day")
    priced = MockProvider()
    priced.facts = replace(priced.facts, price=(1.0, 1_000_000.0))
    client = client_for(mode, priced, policy=Policy(purposes={"search": plan}))
    answer = do(mode, client.embed, "four", purpose="search")
    assert (answer.decision.owner, answer.cost) == ("dana@acme.example", Decimal("0.000001"))
    with pytest.raises(Blocked, match="budget"):
        do(mode, client.embed, "four " * 100, purpose="search")


@both
def test_guards_of_texts_see_the_inputs_and_no_answer(mode: Mode) -> None:
    """Input guards judge every text; output guards have nothing to judge, and an empty text is no failure."""
    seen: list[str] = []

    @guard(on="input")
    def looked_at(text: str) -> bool:
        seen.append(text)
        return "forbidden" not in text

    @guard(on="output")
    def never_empty(text: str) -> bool:
        seen.append(f"answer {text}")
        return bool(text)

    policy = Policy(guards=[looked_at, never_empty])
    _, client, _ = embedded(mode, ["a", "b"], policy=policy)
    assert seen == ["a", "b"]
    with pytest.raises(Blocked):
        do(mode, client.embed, ["fine", "forbidden"])


class WantsMore(GuardBase):
    """A guard next to the provider that is never content."""

    name = "wants-more"
    domain = Domain.CONTRACTS

    class session(Session):  # the protocol's name
        """Asks again."""

        def on_response(self, response: Any) -> Reask:
            """Whatever came."""
            return Reask("again")

    def open(self, context: Any) -> Session:
        """A session for one attempt."""
        return self.session()


@both
def test_a_guard_cannot_ask_again_for_vectors(mode: Mode) -> None:
    """A re-ask would add a text of its own to the texts: the call is stopped instead."""
    mock = MockProvider()
    with pytest.raises(Blocked):
        do(mode, client_for(mode, mock, policy=Policy(guards=[WantsMore()])).embed, "a")
    assert [len(call.request.messages) for call in mock.calls] == [1]


@both
def test_vectors_do_not_change_what_is_usual_for_texts(mode: Mode) -> None:
    """Drift is watched for each operation apart: vectors have no characters, and come faster."""
    _, client, _ = embedded(mode, "a")
    kept = {
        key: client._core.state.cells.update(key, lambda state: (state, state))
        for key in ("drift:mock", "drift:embed:mock")
    }
    assert kept["drift:mock"] is None
    assert len(kept["drift:embed:mock"].lengths) == 1


@both
def test_the_window_is_that_of_each_text(mode: Mode) -> None:
    """A batch may be longer than the window, a single text may not."""
    mock = MockProvider()
    mock.facts = replace(mock.facts, context_tokens=100)
    client = client_for(mode, mock)
    assert len(do(mode, client.embed, ["word " * 90] * 20)) == 20
    with pytest.raises(Blocked, match="too large"):
        do(mode, client.embed, ["word " * 900])


@both
def test_errors_hold_nothing_of_the_texts(mode: Mode) -> None:
    """What crosses the border is fresh: a crash report with locals shows no text."""
    mock = MockProvider(fault.rate_limit(), fault.rate_limit(), fault.rate_limit(), strict=False)
    client = client_for(mode, mock, policy=Policy(resilience=Resilience(retries=0)))
    with pytest.raises(ProviderError) as caught:
        do(mode, client.embed, ["the secret plan"])
    assert "secret plan" not in told(caught.value)
