"""Law 6: no value that a detector found or the conversation knows is anywhere outside of the caller's hands."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from psf_runtime import ApprovalPending, Blocked, ConfigError, Message, Policy, Tool, ToolRule
from psf_runtime.adapters.otel import OtelSink
from psf_runtime.guards.privacy import tokenise
from psf_runtime.policy import build
from psf_runtime.testing import MockProvider, call
from psf_runtime.types.request import Request
from tests.modes.clients import MODES, Got, Mode, ask, assert_absent, assert_nothing_open, client_for, do, told
from tests.modes.planting import NUMBER, PLACES, VALUES

FILES = frozenset({"files"})
REPLIES = ('{"a": "x"}', '{"a": "x"}')
SMALL = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


class Watched:
    """Everything that leaves the library sideways: log records, spans, metrics."""

    def __init__(self) -> None:
        self.records: list[logging.LogRecord] = []
        self.spans = InMemorySpanExporter()
        self.metrics = InMemoryMetricReader()
        tracer, self.meter = TracerProvider(), MeterProvider([self.metrics])
        tracer.add_span_processor(SimpleSpanProcessor(self.spans))
        self.tracer = tracer
        self.sink = partial(OtelSink, tracer_provider=tracer, meter_provider=self.meter)

    def seen(self) -> str:
        """All of it as text, since the last time."""
        lines = [f"{record.getMessage()} {vars(record)!r}" for record in self.records]
        lines += [span.to_json() for span in self.spans.get_finished_spans()]
        data = self.metrics.get_metrics_data()
        lines.append("" if data is None else data.to_json())
        self.records.clear()
        self.spans.clear()
        return "\n".join(lines)


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    found = Watched()
    handler = logging.Handler(logging.DEBUG)
    handler.emit = found.records.append  # type: ignore[method-assign]
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "OtelSink", found.sink)
        yield found
    root.removeHandler(handler)
    root.setLevel(level)
    found.tracer.shutdown()
    found.meter.shutdown()


def mock_of(*replies: Any) -> MockProvider:
    mock = MockProvider(*replies)
    mock.facts = replace(mock.facts, capabilities=mock.facts.capabilities | FILES)
    return mock


def assert_went_out(mock: MockProvider, got: Got, place: str) -> None:
    """The request was really sent. Only what `extra` may hold is an allow-list, and anything else is refused."""
    refused = place.startswith("extra") and isinstance(got.error, ConfigError)
    assert mock.calls or refused, f"nothing was sent: {got.error}"


def plain(value: str) -> list[str]:
    return sorted({value, value.replace(" ", "")})


def shown(got: Got) -> str:
    """The `repr` of everything public that a call hands out."""
    things: list[Any] = [got.client, got.client.policy, got.client.explain(), *got.events]
    if got.answer is not None:
        things += [got.answer, got.answer.message, got.answer.decision, str(got.answer.decision), got.answer.raw]
        things += [got.answer.decision.to_dict(), got.answer.usage]
    return repr(things)


def check(got: Got, mock: MockProvider, watched: Watched, values: list[str]) -> None:
    for sent in mock.calls:
        outgoing = sent.outgoing()
        assert_absent(values, outgoing.body, "the bytes on the wire")
        assert_absent(values, repr((outgoing.url, outgoing.headers)), "the address or a header")
    assert_absent(values, watched.seen(), "a log line, a span or a metric")
    assert_absent(values, shown(got), "something's repr")
    assert_absent(values, repr([entry.body for entry in got.core.state.ledger.entries()]), "the decision log")
    if got.error is not None:
        assert_absent(values, told(got.error), "an exception")
    assert_nothing_open(got, mock)


@pytest.mark.parametrize("mode", MODES)
@SMALL
@given(place=st.sampled_from(sorted(PLACES)), entity=st.sampled_from(sorted(VALUES)))
def test_a_planted_value_stays_inside(watched: Watched, mode: Mode, place: str, entity: str) -> None:
    """A value planted at any leaf, key, fact or part is neither sent, nor logged, nor shown, in any of its forms."""
    mock = mock_of(*REPLIES)
    arguments = PLACES[place](VALUES[entity])
    got = ask(mode, client_for(mode, mock), arguments.pop("messages"), **arguments)

    assert_went_out(mock, got, place)
    check(got, mock, watched, plain(VALUES[entity]))


@pytest.mark.parametrize("place", sorted(PLACES))
def test_every_place_is_really_sent(watched: Watched, place: str) -> None:
    """Each place is tried at least once with an address: the request leaves, and the address does not."""
    mock = mock_of(*REPLIES)
    arguments = PLACES[place](VALUES["EMAIL"])
    got = ask("complete", client_for("complete", mock), arguments.pop("messages"), **arguments)

    assert_went_out(mock, got, place)
    assert bool(mock.calls) is (place != "extra key")
    check(got, mock, watched, [VALUES["EMAIL"]])


@pytest.mark.parametrize("mode", MODES)
def test_a_number_is_a_leaf_too(watched: Watched, mode: Mode) -> None:
    """A card that stands as a JSON number in a tool's arguments and result is masked."""
    mock = mock_of("ok")
    arguments = dict(NUMBER)
    got = ask(mode, client_for(mode, mock), arguments.pop("messages"), **arguments)

    assert got.error is None
    check(got, mock, watched, ["4111111111111111"])


@pytest.mark.parametrize("mode", MODES)
@SMALL
@given(place=st.sampled_from([name for name in sorted(PLACES) if name not in ("user", "subject", "conversation")]))
def test_a_known_value_is_replaced_where_no_detector_finds_it(mode: Mode, watched: Watched, place: str) -> None:
    """A name that the detectors found in one turn only is replaced at every place of the next, also lower-cased."""
    name = "Zwiebelkönigin"
    mock = mock_of("ok", *REPLIES)
    client = client_for(mode, mock)
    vault = client._core.state.vault
    vault.mint("default", "named:thread", [("PERSON", name)])
    arguments = PLACES[place](name)
    got = ask(mode, client, arguments.pop("messages"), conversation="thread", **arguments)

    assert_went_out(mock, got, place)
    check(got, mock, watched, [name])


@pytest.mark.parametrize("mode", MODES)
def test_facts_stay_inside(watched: Watched, mode: Mode) -> None:
    """Who asks and about whom is neither sent nor logged in clear; tags are recorded, but never sent or measured."""
    mock = mock_of("ok")
    facts = {"user": "agent:zora-quill", "subject": "customer:zeno-quill", "conversation": "thread-quill-7"}
    tags = {"team": "tag-quill-9"}
    got = ask(mode, client_for(mode, mock), "hello", tags=tags, tenant="acme", **facts)

    assert got.error is None
    assert_absent(list(tags.values()), mock.last.body, "the bytes on the wire")
    assert_absent([*tags.values(), *facts.values()], repr(watched.metrics.get_metrics_data()), "a metric")
    check(got, mock, watched, list(facts.values()))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("entity", sorted(VALUES))
def test_tickets_and_checkpoints_hold_nothing_in_clear(watched: Watched, mode: Mode, entity: str) -> None:
    """A parked call's ticket says nothing about content, and what is kept for going on is sealed."""
    value = VALUES[entity]
    mock = mock_of(lambda request: call("pay", a=request.messages[-1].text.partition("to ")[2]))
    policy = Policy.standard(tools={"pay": ToolRule(approval="always")})
    tool = Tool("pay", "Pays.", {"type": "object", "properties": {"a": {"type": "string"}}})
    got = ask(mode, client_for(mode, mock, policy=policy), f"pay to {value}", tools=[tool])

    assert isinstance(got.error, ApprovalPending)
    assert got.events == []
    desk = got.core.state.tickets
    tickets = do(mode, got.client.tickets.list)
    assert [got.error.ticket] == list(tickets)
    assert_absent(plain(value), repr([(t, t.id, t.reason, t.note) for t in tickets]), "a ticket")
    rows = [
        {name: getattr(row, name) for name in type(row).__slots__} if hasattr(type(row), "__slots__") else vars(row)
        for row in desk._rows.values()
    ]
    assert any("checkpoint" in row for row in rows)
    assert_absent(plain(value), repr(rows), "what is kept of a ticket")
    assert_absent(plain(value), repr(got.core.state.vault._conversations), "the vault at rest")
    assert_absent(plain(value), watched.seen(), "a log line, a span or a metric")
    assert_absent(plain(value), told(got.error), "an exception")
    assert mock.live == 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("field", "restored"),
    [
        ("messages", lambda old, new: new.replace(messages=old.messages)),
        ("tools", lambda old, new: new.replace(tools=old.tools)),
        ("stop", lambda old, new: new.replace(limits=old.limits)),
    ],
)
def test_the_sender_stops_what_the_walker_missed(
    monkeypatch: pytest.MonkeyPatch, watched: Watched, mode: Mode, field: str, restored: Any
) -> None:
    """With the walker blind for one field, the sender's tripwire blocks the call (FM04): not one byte is sent."""
    walk = tokenise.rewrite_request

    def blind(request: Request, edit: Any, **rest: Any) -> Request:
        return restored(request, walk(request, edit, **rest))  # type: ignore[no-any-return]

    monkeypatch.setattr(tokenise, "rewrite_request", blind)
    value = VALUES["EMAIL"]
    mock = mock_of("ok")
    tool = Tool("look_up", f"Serves {value}.", {"type": "object", "properties": {}})
    got = ask(mode, client_for(mode, mock), [Message.user(f"to {value}")], tools=[tool], stop=[value])

    assert isinstance(got.error, Blocked)
    assert "FM04" == got.error.failure_mode
    assert "privacy.tokens" == got.error.control
    assert mock.calls == ()
    check(got, mock, watched, [value])


@pytest.mark.parametrize("encoded", ["base64", "hex", "url", "json"])
def test_the_tripwire_knows_the_usual_encodings(encoded: str) -> None:
    """A value known to the conversation is stopped in its base64, hex, URL and JSON-escaped forms as well."""
    import base64
    from urllib.parse import quote

    value = 'Zoë "Quill" Ångström'
    forms = {
        "base64": base64.b64encode(f"to {value}".encode()).decode(),
        "hex": value.encode().hex(),
        "url": quote(value),
        "json": json.dumps(json.dumps(value)),
    }
    mock = mock_of("ok")
    client = client_for("complete", mock)
    client._core.state.vault.mint("default", "named:thread", [("PERSON", value)])
    got = ask("complete", client, f"data: {forms[encoded]}", conversation="thread")

    if got.error is None:  # replaced before the tripwire had to speak
        assert_absent([value], mock.last.body, "the bytes on the wire")
    else:
        assert isinstance(got.error, Blocked)
        assert "FM04" == got.error.failure_mode
        assert mock.calls == ()
