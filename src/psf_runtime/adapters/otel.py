"""Records as OpenTelemetry spans and metrics, in the names of the GenAI conventions v0.1.0."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

SCOPE = "psf_runtime"
_SECONDS = tuple(0.01 * 2.0**k for k in range(14))
_TOKENS = tuple(float(4**k) for k in range(14))
_NANO = 1_000_000_000
# With one of these set, the API itself brings up an SDK when it is asked for a provider.
_CHOSEN_BY_ENVIRONMENT = ("OTEL_PYTHON_TRACER_PROVIDER", "OTEL_PYTHON_METER_PROVIDER")


class Measured(Protocol):
    """The part of a record that spans and metrics show."""

    @property
    def timestamp(self) -> float:
        """When it began, seconds since the epoch."""
        ...

    @property
    def duration(self) -> float:
        """How long it took, in seconds."""
        ...

    @property
    def input_tokens(self) -> int | None:
        """Tokens that went in, None when not reported."""
        ...

    @property
    def output_tokens(self) -> int | None:
        """Tokens that came out, None when not reported."""
        ...

    @property
    def error_type(self) -> str | None:
        """Name of the error class, None when there was an answer."""
        ...

    def span(self) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """The span's name, its attributes at the start and those at the end."""
        ...

    def labels(self) -> dict[str, str]:
        """Labels for metrics: closed sets only."""
        ...


class OtelSink:
    """One CLIENT span and a few measurements per inference, made after the fact with explicit times.

    The span begins and ends in one call, so nothing is held in the ambient context while a call waits; its parent is
    whatever span is current where the call ends, which is the application's. No exception is recorded, and the status
    holds no text: exceptions of guards may quote content. Metrics carry closed sets only, never a tenant, a user or a
    tag. Only the OpenTelemetry API is used: without an SDK in the application all of this does nothing, and the API is
    not even imported (3 MB) before somebody else has imported it.

    Args:
        tracer_provider, meter_provider: instead of the global ones.

    Still to come: spans around fallbacks, events for guards, and the older names of the conventions as a choice.
    Source: OpenTelemetry semantic conventions for generative AI, client inference.
    """

    blocking = False

    def __init__(
        self, *, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        self._providers = (tracer_provider, meter_provider)
        self._chosen = any(os.environ.get(name) for name in _CHOSEN_BY_ENVIRONMENT) or self._providers != (None, None)
        self._lock = threading.Lock()  # guards `_instruments`: they are made by one thread
        self._instruments: _Instruments | None = None

    def idle(self, failed: bool) -> bool:
        """Whether the application has set up neither tracing nor metrics, so far."""
        if not self._chosen and "opentelemetry" not in sys.modules:
            return True
        from opentelemetry import metrics, trace

        tracer_provider, meter_provider = self._providers
        return _only_the_api(tracer_provider or trace.get_tracer_provider()) and _only_the_api(
            meter_provider or metrics.get_meter_provider()
        )

    def write(self, record: Measured) -> None:
        """Make the span and the measurements of one inference."""
        if self._instruments is None and self.idle(record.error_type is not None):
            return
        with self._lock:
            if self._instruments is None:
                self._instruments = _Instruments(*self._providers)
        self._instruments.write(record)


class _Instruments:
    """What spans and measurements are made with."""

    def __init__(self, tracer_provider: TracerProvider | None, meter_provider: MeterProvider | None) -> None:
        from opentelemetry import metrics, trace

        self._trace = trace
        self._tracer = trace.get_tracer(SCOPE, tracer_provider=tracer_provider)
        meter = metrics.get_meter(SCOPE, meter_provider=meter_provider)
        self._duration = meter.create_histogram(
            "gen_ai.client.inference.duration",
            unit="s",
            description="Duration of an inference, all attempts",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._tokens = {
            kind: meter.create_histogram(
                f"gen_ai.client.inference.operation.{kind}_tokens",
                unit="{token}",
                description=f"Tokens of {kind} per inference",
                explicit_bucket_boundaries_advisory=_TOKENS,
            )
            for kind in ("input", "output")
        }

    def write(self, record: Measured) -> None:
        """Make the span and the measurements of one inference."""
        self._span(record)
        labels = record.labels()
        self._duration.record(record.duration, labels)
        for kind, tokens in (("input", record.input_tokens), ("output", record.output_tokens)):
            if tokens is not None:
                self._tokens[kind].record(tokens, labels)

    def _span(self, record: Measured) -> None:
        name, at_start, at_end = record.span()
        began = int(record.timestamp * _NANO)
        span = self._tracer.start_span(
            name,
            kind=self._trace.SpanKind.CLIENT,
            attributes=at_start,
            start_time=began,
            record_exception=False,
            set_status_on_exception=False,
        )
        if span.is_recording():
            span.set_attributes(at_end)
            if record.error_type is not None:
                span.set_status(self._trace.StatusCode.ERROR)
        span.end(end_time=began + int(record.duration * _NANO))


def _only_the_api(provider: object) -> bool:
    """Whether a provider is one of the API's own, which take everything and keep nothing."""
    return type(provider).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics"))
