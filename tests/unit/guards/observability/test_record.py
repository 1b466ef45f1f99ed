"""A record of every inference, without content."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from psf_runtime.errors import ConfigError, ProviderError, ProviderTimeout, StateError
from psf_runtime.guards.observability import Digests, InferenceRecord, Record
from psf_runtime.types.context import AttemptOutcome, Note
from psf_runtime.types.messages import Text, ToolCall
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import Usage
from tests.unit.guards.playbook import Playbook, Step, answer, asking, context, failing, target

KEY = b"0123456789abcdef"
CANARY = "canary-4711"


class ListSink:
    """Keeps records."""

    blocking = False

    def __init__(self) -> None:
        self.records: list[InferenceRecord] = []

    def write(self, record: InferenceRecord) -> None:
        self.records.append(record)


class BrokenSink:
    """Raises what it is given."""

    blocking = False

    def __init__(self, error: Exception) -> None:
        self.error = error

    def write(self, record: InferenceRecord) -> None:
        raise self.error


def recording(*sinks: Any, **fields: Any) -> Record:
    fields.setdefault("targets", [target("a"), target("b", provider="bedrock")])
    return Record(sinks=sinks, digests=Digests(KEY), **fields)


def record_of(step: Any, request: Request | None = None, call: Any = None, **fields: Any) -> InferenceRecord:
    sink = ListSink()
    book = Playbook(recording(sink, **fields), [step], context=call or context())
    try:
        book.play(request or asking(model="a"))
    except Exception as error:
        assert error is (step.outcome if isinstance(step, Step) else step)  # noqa: PT017
    assert len(sink.records) == 1
    return sink.records[0]


def test_an_answer_is_measured():
    """Begin, duration, tokens, cost, finish, under the framework's names."""
    usage = Usage(1000, 500, 200, 50, reported=True)
    record = record_of(
        Step(answer(usage=usage), seconds=1.25),
        models={"a": "gpt-4o"},
        cost=lambda name, used: Decimal(used.input_tokens) if name == "a" else None,
        environment="production",
    )
    assert ("call-1", 1_000_000.0, "a", 1250, 1000, 500, Decimal(1000)) == (
        record.run_id,
        record.timestamp,
        record.model,
        record.latency_ms,
        record.input_tokens,
        record.output_tokens,
        record.total_cost_usd,
    )
    assert (
        record.validation_passed,
        record.outcome,
        record.environment,
        record.cached_tokens,
        record.reasoning_tokens,
        record.provider,
        record.asked_model,
    ) == (True, "stop", "production", 200, 50, "mock", "gpt-4o")


def test_the_record_has_the_frameworks_sixteen_names():
    """In their order, before ours."""
    names = (
        "run_id timestamp model model_version_hash input_hash output_hash latency_ms input_tokens output_tokens "
        "total_cost_usd validation_passed confidence_score user_id_hash workflow_id environment tags"
    )
    assert names.split() == list(InferenceRecord.__slots__)[:16]


def test_what_is_unknown_is_none_and_never_zero():
    """No token counts: no tokens, no cost."""
    record = record_of(answer(usage=Usage()), cost=lambda name, used: Decimal(0))
    assert (record.input_tokens, record.output_tokens, record.total_cost_usd) == (None, None, None)


def test_a_failure_is_recorded_too():
    """With its class, kind and time; the error goes on unchanged."""
    record = record_of(Step(failing("overloaded"), seconds=2.0))
    assert (
        record.error_type,
        record.error_kind,
        record.outcome,
        record.latency_ms,
        record.output_hash,
    ) == ("ProviderError", "overloaded", "ProviderError", 2000, None)


def test_a_failure_at_the_deadline_is_recorded_as_far_as_time_goes():
    """The clock cannot be read any more; the deadline is the end. The sink cannot be reached: noted."""
    sink = ListSink()
    late = ProviderTimeout("late", kind="deadline_exceeded")
    book = Playbook(recording(sink), [Step(late, seconds=50)], context=context(deadline=130.0))
    with pytest.raises(ProviderTimeout) as caught:
        book.play(asking(model="a"))
    assert late is caught.value
    assert [Note("record_cut", "observability.record")] == book.context.notes


def test_what_the_route_did_is_in_the_record():
    """The target that answered, how many sends it took, and that it was a fallback."""
    call = context()

    def fall_back() -> None:
        call.route.extend(
            [
                AttemptOutcome("c", "NotEligible", 0),
                AttemptOutcome("a", "ProviderError", 3),
                AttemptOutcome("b", "ok", 4),
            ]
        )
        call.degraded = True

    call.route.append(AttemptOutcome("a", "ok", 1))  # of an earlier inference of the same call
    record = record_of(Step(answer(), meanwhile=fall_back), call=call)
    assert (record.model, record.provider, record.attempts, record.degraded) == ("b", "aws.bedrock", 2, True)


def test_each_inference_of_a_call_has_its_number():
    """A re-ask is step 2 of the same run."""
    sink, call = ListSink(), context()
    for _ in range(2):
        Playbook(recording(sink), [answer()], context=call).play(asking(model="a"))
    assert [(one.run_id, one.step) for one in sink.records] == [("call-1", 1), ("call-1", 2)]


def test_a_sink_that_fails_changes_nothing_and_is_noted():
    """Even one that times out by itself; the next sink still gets the record."""
    sink, response = ListSink(), answer()
    broken = [BrokenSink(StateError("disk")), BrokenSink(TimeoutError()), BrokenSink(ValueError(CANARY))]
    book = Playbook(recording(*broken, sink), [response])
    assert response is book.play(asking(model="a"))
    assert len(sink.records) == 1
    assert [Note("sink_failed", "observability.record", "BrokenSink")] * 3 == book.context.notes


def test_the_calls_own_deadline_is_not_the_sinks_to_swallow():
    """A deadline that passes while a record is written ends the call."""
    late = BrokenSink(ProviderTimeout("late", kind="deadline_exceeded"))
    with pytest.raises(ProviderTimeout):
        Playbook(recording(late), [answer()]).play(asking(model="a"))


def test_a_sink_that_fails_does_not_hide_a_failure():
    """The provider's error is what the caller sees."""
    error = failing()
    book = Playbook(recording(BrokenSink(ValueError())), [error])
    with pytest.raises(ProviderError) as caught:
        book.play(asking(model="a"))
    assert error is caught.value


def test_content_without_a_digest_costs_the_record_and_not_the_call():
    """A part that cannot be written down is noted."""
    sink = ListSink()
    book = Playbook(recording(sink), [answer()])
    broken = Request((object(),), model="a")  # type: ignore[arg-type]
    assert book.play(broken).text == "hello"
    assert ([], [Note("record_failed", "observability.record")]) == (sink.records, book.context.notes)


def test_without_sinks_nothing_is_asked_of_the_world():
    """No clock, no digest."""
    book = Playbook(recording(), [answer()])
    flow = recording().run(book.context, asking(), book)
    assert list(flow) == []


def test_a_call_that_is_closed_is_noted_and_asks_for_nothing():
    """Closing the flow while the answer is on its way: no effect may follow."""
    sink, call = ListSink(), context()

    def attempt(_request: Request) -> Any:
        yield "waiting"

    flow = recording(sink).run(call, asking(), attempt)  # type: ignore[arg-type]
    flow.send(None)
    flow.send(1.0)
    assert flow.send(1.0) == "waiting"
    flow.close()
    assert ([], [Note("record_cut", "observability.record")]) == (sink.records, call.notes)


def everything(record: InferenceRecord) -> str:
    return json.dumps([record.to_dict(), record.span(), record.labels()]) + repr(record)


def test_no_content_is_anywhere_in_a_record():
    """Not of the question, the answer, its reasoning or tools, the user, the conversation, or an error's text."""
    response = Response(
        (Text(CANARY), ToolCall("id", CANARY, json.dumps({"x": CANARY}))), "stop", model=CANARY, model_version=CANARY
    )
    call = context(user=CANARY, conversation=CANARY, tenant=CANARY)
    assert CANARY not in everything(record_of(response, asking(CANARY, model="a"), call))
    error = ProviderError(CANARY, kind=CANARY, target=CANARY)
    failed = record_of(error, asking(CANARY, model="a"), call)
    assert CANARY not in everything(failed)
    assert failed.error_kind == "other"


class CanaryError(Exception):
    """An error whose class a stranger named."""


@pytest.mark.parametrize(
    ("step", "field", "expected"),
    [
        (answer(finish=CANARY), "outcome", "other"),
        (CanaryError(CANARY), "error_type", "other"),
        (answer(model="gpt-4o-2024-08-06"), "answered_model", "gpt-4o-2024-08-06"),
        (answer(model="gpt-4o"), "answered_model", "gpt-4o"),
        (answer(model="gpt-4o-mini"), "answered_model", "other"),
        (answer(model=""), "answered_model", "other"),
    ],
)
def test_labels_come_from_closed_sets(step: Any, field: str, expected: str):
    """What a vendor or a model makes up is `other`."""
    assert expected == getattr(record_of(step, models={"a": "gpt-4o"}), field)


def test_a_target_that_nobody_declared_is_other():
    """A name from a call cannot become a label."""
    record = record_of(answer(), asking(model=CANARY))
    assert (record.model, record.provider) == ("other", "other")


def test_a_subclass_of_ours_is_recorded_as_ours():
    """The nearest class of the documented tree."""

    class Mine(StateError):
        pass

    assert record_of(Mine("x")).error_type == "StateError"


def test_tags_are_kept_within_bounds():
    """At most 32, at most 200 characters each; the workflow has a field of its own."""
    tags = {f"k{n}": "v" * 1000 for n in range(100)} | {"workflow_id": "refunds"}
    record = record_of(answer(), call=context(tags=tags))
    assert (len(record.tags), max(map(len, record.tags.values())), record.workflow_id) == (32, 200, "refunds")
    assert "psf.tag.k0" in record.span()[2]
    assert not any("tag" in name for name in record.labels())


def test_time_to_first_chunk_is_told_when_the_provider_part_tells_it():
    """A number of milliseconds; anything else is nothing."""
    assert record_of(answer(raw={"first_chunk_ms": 500.0})).first_chunk == 0.5
    assert record_of(answer(raw={"first_chunk_ms": CANARY})).first_chunk is None


def test_the_dictionary_is_plain_json_without_empty_values():
    """The time is readable, money is text, unknown values are left out."""
    values = record_of(answer(), cost=lambda name, used: Decimal("0.02")).to_dict()
    assert (values["timestamp"], values["total_cost_usd"]) == ("1970-01-12T13:46:40.000+00:00", "0.02")
    assert json.loads(json.dumps(values)) == values
    assert not {"workflow_id", "error_type", "tags", "environment"} & set(values)


class TestDigests:
    def test_equal_values_are_equal_only_within_a_tenant_a_kind_and_a_key(self):
        """Four differences, four digests."""
        digests = Digests(KEY)
        same = digests.of_text("t", "user", "42")
        others = [
            digests.of_text("u", "user", "42"),
            digests.of_text("t", "conversation", "42"),
            digests.of_text("t", "user", "43"),
            Digests(KEY[::-1]).of_text("t", "user", "42"),
        ]
        assert same == digests.of_text("t", "user", "42")
        assert len({same, *others}) == 5

    def test_messages_and_answers_have_digests(self):
        """Equal content, equal digest; the target's name is no part of it."""
        digests = Digests(KEY)
        assert digests.of_request("t", asking("x", model="a")) == digests.of_request("t", asking("x", model="b"))
        assert digests.of_request("t", asking("x")) != digests.of_request("t", asking("y"))
        assert digests.of_response("t", answer("x")) != digests.of_response("t", answer("y"))

    def test_nothing_has_no_digest(self):
        """None and the empty string."""
        assert (Digests(KEY).of_text("t", "user", None), Digests(KEY).of_text("t", "user", "")) == (None, None)

    def test_a_short_key_is_refused_and_none_is_shown(self):
        """At least 16 bytes."""
        with pytest.raises(ConfigError):
            Digests(KEY[:15])
        assert repr(Digests(KEY)) == "Digests(keyed)"


class IdleSink(ListSink):
    """Wants failures only."""

    def idle(self, failed: bool) -> bool:
        return not failed


def test_no_record_is_made_that_no_sink_wants():
    """An idle sink gets no record; the inference counts as a step all the same."""
    idle, call = IdleSink(), context()
    guard = recording(idle)
    Playbook(guard, [answer()], context=call).play(asking(model="a"))
    with pytest.raises(ProviderError):
        Playbook(guard, [failing("overloaded")], context=call).play(asking(model="a"))

    assert [record.error_type for record in idle.records] == ["ProviderError"]
    assert idle.records[0].step == 2


def test_one_sink_that_is_not_idle_is_enough():
    """Then all sinks get the record, and decide for themselves."""
    idle, sink = IdleSink(), ListSink()
    Playbook(recording(idle, sink), [answer()]).play(asking(model="a"))

    assert [len(one.records) for one in (idle, sink)] == [1, 1]
