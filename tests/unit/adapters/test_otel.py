"""Records as spans and metrics, over the in-memory exporters of the real SDK."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from psf_runtime.adapters.otel import OtelSink


@dataclass(frozen=True)
class Measured:
    timestamp: float = 1000.0
    duration: float = 1.5
    input_tokens: int | None = 12
    output_tokens: int | None = 3
    error_type: str | None = None
    at_end: dict[str, Any] = field(default_factory=lambda: {"gen_ai.usage.input_tokens": 12})

    def span(self) -> tuple[str, dict[str, Any], dict[str, Any]]:
        return "chat gpt-4o", {"gen_ai.operation.name": "chat"}, self.at_end

    def labels(self) -> dict[str, str]:
        return {"gen_ai.provider.name": "openai"}


class Telemetry:
    """A sink over the real SDK, and what came out."""

    def __init__(self, sampler: Any = ALWAYS_ON) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider(sampler=sampler)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])
        self.sink = OtelSink(tracer_provider=self.tracers, meter_provider=self.meters)

    @property
    def metrics(self) -> dict[str, Any]:
        data: Any = self.reader.get_metrics_data()
        found = data.resource_metrics[0].scope_metrics[0].metrics
        return {one.name: (one.unit, one.data.data_points) for one in found}


@pytest.fixture
def telemetry() -> Any:
    made = Telemetry()
    yield made
    made.tracers.shutdown()
    made.meters.shutdown()


def test_one_span_with_the_times_of_the_call(telemetry: Telemetry):
    """Name, kind, begin and end as measured, attributes of both ends, no status."""
    telemetry.sink.write(Measured())
    [span] = telemetry.exporter.get_finished_spans()
    assert (span.name, span.kind) == ("chat gpt-4o", trace.SpanKind.CLIENT)
    assert (span.start_time, span.end_time) == (1_000_000_000_000, 1_001_500_000_000)
    assert dict(span.attributes or {}) == {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 12}
    assert span.status.status_code == trace.StatusCode.UNSET


def test_a_failure_sets_the_status_and_says_nothing_else(telemetry: Telemetry):
    """No event, no description: an exception's text may quote content."""
    telemetry.sink.write(Measured(error_type="ProviderError", at_end={"error.type": "ProviderError"}))
    [span] = telemetry.exporter.get_finished_spans()
    assert (span.status.status_code, span.status.description, tuple(span.events)) == (trace.StatusCode.ERROR, None, ())


def test_the_applications_current_span_is_the_parent(telemetry: Telemetry):
    """And stays the current one."""
    with telemetry.tracers.get_tracer("app").start_as_current_span("request") as parent:
        telemetry.sink.write(Measured())
        assert parent is trace.get_current_span()
    ours = telemetry.exporter.get_finished_spans()[0]
    assert parent.get_span_context().span_id == ours.parent.span_id  # type: ignore[union-attr]


def test_duration_and_tokens_are_histograms(telemetry: Telemetry):
    """Names and units of the conventions; labels as given."""
    telemetry.sink.write(Measured())
    metrics = telemetry.metrics
    seconds, [point] = metrics["gen_ai.client.inference.duration"]
    assert (seconds, point.sum, point.explicit_bounds[0], point.explicit_bounds[-1]) == ("s", 1.5, 0.01, 81.92)
    assert dict(point.attributes) == {"gen_ai.provider.name": "openai"}
    sums = {name: points[0].sum for name, (_, points) in metrics.items() if "tokens" in name}
    assert sums == {
        "gen_ai.client.inference.operation.input_tokens": 12,
        "gen_ai.client.inference.operation.output_tokens": 3,
    }


def test_tokens_that_were_not_reported_are_not_counted_as_none(telemetry: Telemetry):
    """The duration is measured all the same."""
    telemetry.sink.write(Measured(input_tokens=None, output_tokens=None))
    assert list(telemetry.metrics) == ["gen_ai.client.inference.duration"]


def test_a_span_that_is_not_sampled_costs_no_attributes():
    """Metrics do not depend on sampling."""
    made = Telemetry(ALWAYS_OFF)
    made.sink.write(Measured())
    assert made.exporter.get_finished_spans() == ()
    assert len(made.metrics) == 3
    made.tracers.shutdown()
    made.meters.shutdown()


def test_without_an_sdk_nothing_happens():
    """The API alone does nothing, and does not fail."""
    OtelSink().write(Measured(error_type="ProviderError"))


def test_it_is_idle_only_while_the_application_has_set_up_nothing():
    """With one real provider, for spans or for metrics, records are wanted."""
    tracing, metering = TracerProvider(), MeterProvider()
    assert OtelSink().idle(failed=False)
    assert not OtelSink(tracer_provider=tracing).idle(failed=False)
    assert not OtelSink(meter_provider=metering).idle(failed=True)
    metering.shutdown()


def test_a_provider_that_is_set_up_later_ends_the_idleness(monkeypatch: pytest.MonkeyPatch):
    """The sink is made with the client, which may be before the application sets up tracing."""
    sink = OtelSink()
    monkeypatch.setattr(trace, "get_tracer_provider", TracerProvider)
    assert not sink.idle(failed=False)


def test_the_api_is_not_imported_for_an_application_that_does_not_use_it(monkeypatch: pytest.MonkeyPatch):
    """Without OpenTelemetry in the process a sink is idle, and a record does not bring it in."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "opentelemetry"]:
        monkeypatch.delitem(sys.modules, name)
    sink = OtelSink()
    sink.write(Measured())
    assert sink.idle(failed=True)
    assert "opentelemetry" not in sys.modules


def test_an_sdk_that_the_environment_names_is_brought_up(monkeypatch: pytest.MonkeyPatch):
    """With OTEL_PYTHON_TRACER_PROVIDER the API is asked, although nobody has imported it yet."""
    monkeypatch.setenv("OTEL_PYTHON_TRACER_PROVIDER", "sdk_tracer_provider")
    monkeypatch.setattr(trace, "get_tracer_provider", TracerProvider)
    monkeypatch.delitem(sys.modules, "opentelemetry")
    assert not OtelSink().idle(failed=False)
