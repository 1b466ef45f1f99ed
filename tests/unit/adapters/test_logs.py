"""Records as log lines."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from psf_runtime.adapters.logs import LogSink


@dataclass(frozen=True)
class Fields:
    error_type: str | None = None
    built: list[int] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        self.built.append(1)
        return {"run_id": "call-1", "model": "Zürich", "latency_ms": 7}


@pytest.fixture(params=["structlog", "by hand"])
def sink(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> LogSink:
    if request.param == "by hand":
        monkeypatch.setitem(sys.modules, "structlog", None)
    return LogSink()


def test_one_line_of_json_per_record(sink: LogSink, caplog: pytest.LogCaptureFixture):
    """On the logger psf_runtime, at INFO, the same with and without structlog."""
    caplog.set_level(logging.INFO, "psf_runtime")
    sink.write(Fields())
    [line] = caplog.records
    assert (line.name, line.levelno) == ("psf_runtime", logging.INFO)
    expected = '{"event": "psf.inference", "latency_ms": 7, "model": "Zürich", "run_id": "call-1"}'
    assert expected == line.getMessage()
    assert json.loads(line.getMessage())["latency_ms"] == 7


def test_a_failure_is_a_warning(sink: LogSink, caplog: pytest.LogCaptureFixture):
    """So that it is seen where INFO is off."""
    caplog.set_level(logging.WARNING, "psf_runtime")
    sink.write(Fields(error_type="ProviderError"))
    assert [line.levelno for line in caplog.records] == [logging.WARNING]


def test_a_level_that_is_off_costs_nothing(sink: LogSink, caplog: pytest.LogCaptureFixture):
    """No line, and the record's fields are not even built."""
    caplog.set_level(logging.WARNING, "psf_runtime")
    fields = Fields()
    sink.write(fields)
    assert (caplog.records, fields.built) == ([], [])


def test_no_handler_is_installed_and_bound_context_stays_out(caplog: pytest.LogCaptureFixture):
    """The application's structlog context may hold anything; a record does not."""
    import structlog

    caplog.set_level(logging.INFO, "psf_runtime")
    before = list(logging.getLogger("psf_runtime").handlers)
    with structlog.contextvars.bound_contextvars(email="canary-4711"):
        LogSink().write(Fields())
    assert "canary" not in caplog.text
    assert [one for one in before if type(one).__module__.startswith("psf_runtime")] == []


@pytest.mark.parametrize(
    ("level", "idle"), [("DEBUG", (False, False)), ("WARNING", (True, False)), ("ERROR", (True, True))]
)
def test_it_is_idle_while_its_level_is_off(
    sink: LogSink, caplog: pytest.LogCaptureFixture, level: str, idle: tuple[bool, bool]
):
    """Successes are INFO and failures WARNING: nobody needs a record that no level lets through."""
    caplog.set_level(level, "psf_runtime")
    assert (sink.idle(failed=False), sink.idle(failed=True)) == idle
