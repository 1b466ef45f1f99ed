"""A record of every inference: measured here, written by sinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from psf_runtime.errors import ProviderError, PsfError
from psf_runtime.flow.effects import Flow, call, monotonic, now
from psf_runtime.flow.protocols import NONE, Attempt, StrategyBase
from psf_runtime.guards.observability.digests import Digests
from psf_runtime.guards.observability.inference import InferenceRecord
from psf_runtime.guards.observability.labels import (
    OTHER,
    answered_label,
    error_label,
    finish_label,
    kind_label,
    provider_label,
)
from psf_runtime.ports import TargetFacts
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import Usage

Cost = Callable[[str, Usage], Decimal | None]  # target's name, usage
_LABEL_LENGTH = 200  # characters of a tag that are kept
_TAGS = 32
_NOT_SENT = frozenset(("NotEligible", "ConsentDenied", "Halted", "BudgetExceeded"))


class RecordSink(Protocol):
    """Takes records: a log, a tracer, a list in a test. `blocking` is true when writing waits for the world.

    A sink may have a method `idle(failed)`: True while nobody would see the record of a call that failed, or did not.
    While all sinks are idle no record is made: measured, 50 us a call, and more for a long conversation.
    """

    blocking: bool

    def write(self, record: InferenceRecord) -> None:
        """Keep or pass on one record. What it raises is noted on the call and goes no further."""
        ...


class Record(StrategyBase):
    """Measures every inference and hands a record without content to each sink: failed ones too.

    It stands below the line where personal data is restored, so even what it digests holds tokens only. It changes
    nothing, and a sink that fails changes nothing either: the call goes on, and the decision notes `sink_failed`.
    Telemetry is a view of the call. What must fail closed is the decision log, which is another control
    (`accountability.log`).

    A stream that is abandoned, or a call that is cancelled, is noted as `record_cut` and not recorded: nothing may be
    asked of the world while a call closes, not even the time. The decision log closes its entry all the same.

    Args:
        sinks: each gets every record.
        digests: the key of the digests.
        targets: facts of the targets, for the provider's name.
        models: per target, the model's name as the provider knows it.
        cost: USD for a target and a usage; None when unknown.
        environment: for example `production`.

    Still to come: quality scores, sampling, and time to first chunk measured here rather than by the provider's part.
    Source: PSF domain 06.
    """

    name = "observability.record"
    domain = Domain.OBSERVABILITY
    hold = NONE
    inside_of = ("privacy.tokens",)
    outside_of = ("resilience.route", "resilience.attempt")

    def __init__(
        self,
        *,
        sinks: Sequence[RecordSink],
        digests: Digests,
        targets: Sequence[TargetFacts] = (),
        models: Mapping[str, str] | None = None,
        cost: Cost | None = None,
        environment: str = "",
    ) -> None:
        self._sinks = tuple(sinks)
        self._digests = digests
        self._providers = {target.name: target.provider for target in targets}
        self._models = dict(models or {})
        self._cost = cost
        self._environment = environment

    def run(self, context: Context, request: Request, attempt: Attempt) -> Flow[Response]:
        """Measure one inference."""
        if not self._sinks:
            return (yield from attempt(request))
        before = len(context.route)
        began = yield from now()
        started = yield from monotonic()
        try:
            response = yield from attempt(request)
        except Exception as error:
            yield from self._failed(context, request, error, began, started, before)
            raise
        except BaseException:
            context.note("record_cut", self.name)
            raise
        duration = max(0.0, (yield from monotonic()) - started)
        if self._idle(failed=False):
            self._next_step(context)
            return response
        yield from self._write(context, self._built(context, request, response, None, began, duration, before))
        return response

    def _failed(
        self, context: Context, request: Request, error: Exception, began: float, started: float, before: int
    ) -> Flow[None]:
        """Record a failure. Nothing that happens here may hide the failure itself."""
        try:
            duration = max(0.0, (yield from monotonic()) - started)
        except PsfError:  # the deadline has passed: it is the end of the measured time
            duration = max(0.0, (context.deadline or started) - started)
        if self._idle(failed=True):
            self._next_step(context)
            return
        record = self._built(context, request, None, error, began, duration, before)
        try:
            yield from self._write(context, record)
        except PsfError:
            context.note("record_cut", self.name)

    def _idle(self, *, failed: bool) -> bool:
        return all(hasattr(sink, "idle") and sink.idle(failed) for sink in self._sinks)

    def _next_step(self, context: Context) -> int:
        """The number of this inference within its call, from 1."""
        step: int = context.shared.get(self.name, 0) + 1
        context.shared[self.name] = step
        return step

    def _write(self, context: Context, record: InferenceRecord | None) -> Flow[None]:
        for sink in self._sinks if record is not None else ():
            try:
                yield from call(sink.write, record)
            except Exception as error:
                # The call's own deadline shows at any effect, and is not the sink's to swallow.
                if isinstance(error, ProviderError) and error.kind == "deadline_exceeded":
                    raise
                context.note("sink_failed", self.name, type(sink).__name__)

    def _built(
        self,
        context: Context,
        request: Request,
        response: Response | None,
        error: Exception | None,
        began: float,
        duration: float,
        before: int,
    ) -> InferenceRecord | None:
        """The record, or None, noted, when it cannot be made (content that has no digest, for example)."""
        try:
            return self._of(context, request, response, error, began, duration, before)
        except Exception:
            context.note("record_failed", self.name)
            return None

    def _of(
        self,
        context: Context,
        request: Request,
        response: Response | None,
        error: Exception | None,
        began: float,
        duration: float,
        before: int,
    ) -> InferenceRecord:
        tenant, digests = context.facts.tenant, self._digests
        target = self._target(context, request, before)
        asked_model = self._models.get(target, target)
        version = response.model_version if response is not None else ""
        return InferenceRecord(
            timestamp=began,
            model=target,
            model_version_hash=digests.of_text("", "model_version", version),
            input_hash=digests.of_request(tenant, request),
            output_hash=digests.of_response(tenant, response) if response is not None else None,
            latency_ms=round(duration * 1000),
            confidence_score=None,
            environment=self._environment,
            provider=provider_label(self._providers.get(target, target.partition(":")[0])),
            asked_model=asked_model,
            answered_model=answered_label(response.model, asked_model) if response is not None else OTHER,
            duration=duration,
            operation=request.operation,
            dimensions=len(response.vectors[0]) if response is not None and response.vectors else None,
            attempts=sum(one.outcome not in _NOT_SENT for one in context.route[before:]),
            **self._whose(context),
            **self._counts(target, response),
            **_ending(response, error),
        )

    def _target(self, context: Context, request: Request, before: int) -> str:
        """The target that was asked last, if it is one of the declared ones."""
        target = context.route[-1].target if len(context.route) > before else request.model
        return OTHER if self._providers and target not in self._providers else target

    def _whose(self, context: Context) -> dict[str, Any]:
        """Which call, for whom and why."""
        facts, digests = context.facts, self._digests
        return {
            "run_id": context.call_id,
            "step": self._next_step(context),
            "purpose": facts.purpose,
            "user_id_hash": digests.of_text(facts.tenant, "user", facts.user),
            "conversation_hash": digests.of_text(facts.tenant, "conversation", facts.conversation),
            "workflow_id": _short(facts.tags.get("workflow_id")),
            "tags": _kept(facts.tags),
            "degraded": context.degraded,
        }

    def _counts(self, target: str, response: Response | None) -> dict[str, Any]:
        """Tokens and money; None for what is not known."""
        usage = response.usage if response is not None and response.usage.reported else None
        return {
            "input_tokens": usage.input_tokens if usage else None,
            "output_tokens": usage.output_tokens if usage else None,
            "cached_tokens": usage.cached_tokens if usage else None,
            "reasoning_tokens": usage.reasoning_tokens if usage else None,
            "total_cost_usd": self._cost(target, usage) if usage and self._cost else None,
        }


def _ending(response: Response | None, error: Exception | None) -> dict[str, Any]:
    """How it ended, in words from closed sets."""
    if response is None:
        name = OTHER if error is None else error_label(error)
        kind = None if error is None else kind_label(error)
        return {"outcome": name, "error_type": name, "error_kind": kind, "validation_passed": None}
    finish = finish_label(response.finish)
    return {
        "outcome": finish,
        "finish": finish,
        "validation_passed": finish in ("stop", "tool_calls"),
        "tool_calls": len(response.tool_calls),
        "first_chunk": _seconds(response),
    }


def _seconds(response: Response) -> float | None:
    """Seconds until the first chunk, when the provider's part of the answer tells them."""
    value = response.raw.get("first_chunk_ms")
    return value / 1000 if isinstance(value, int | float) and not isinstance(value, bool) else None


def _kept(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags, bounded in number and length."""
    return {str(key)[:_LABEL_LENGTH]: str(value)[:_LABEL_LENGTH] for key, value in list(tags.items())[:_TAGS]}


def _short(text: str | None) -> str | None:
    return None if text is None else str(text)[:_LABEL_LENGTH]
