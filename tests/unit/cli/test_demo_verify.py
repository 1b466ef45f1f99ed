"""The demonstration judges itself by its inputs: whatever differs from what was promised is found."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

import pytest

from psf_runtime.cli.demo_endpoint import Endpoint, Sent, open_endpoint
from psf_runtime.cli.demo_input import DemoInput, demo_inputs
from psf_runtime.cli.demo_run import Outcome, run_input
from psf_runtime.cli.demo_verify import leaks, problems_of

ITEMS = {item.show: item for item in demo_inputs()}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with open_endpoint("mock") as opened:
        yield opened


@pytest.mark.parametrize("value", ["jané@example.com", "+1 202 555 0143", 'a "b" c'])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_leak_is_found_however_json_writes_it(value: str, ascii_only: bool) -> None:
    """Escaped or not, as a value or as a key, and in JSON inside JSON."""
    for body in ({"a": [f"x {value} y"]}, {value: 1}):
        assert leaks(json.dumps(body, ensure_ascii=ascii_only).encode(), [value]) == [value]


def test_a_number_is_found_without_its_spaces() -> None:
    """A provider that gets the digits gets the number."""
    assert leaks(b"4012-8888 88881881", ["4012 8888 8888 1881"]) == ["4012 8888 8888 1881"]
    assert leaks(b"4012 8888 8888 1882", ["4012 8888 8888 1881"]) == []


@pytest.mark.parametrize("show", sorted(ITEMS))
def test_an_honest_run_has_no_problem(endpoint: Endpoint, show: str) -> None:
    """Each way of sending, through the real client."""
    item = ITEMS[show]
    assert problems_of(item, run_input(endpoint, item)) == []


@pytest.mark.parametrize("show", sorted(ITEMS))
def test_a_leaked_value_is_a_problem_and_not_repeated(endpoint: Endpoint, show: str) -> None:
    """The count is told, the value is not."""
    item = ITEMS[show]
    outcome = run_input(endpoint, item)
    outcome.sent.append(Sent("there", json.dumps({"x": item.planted[0]}).encode()))
    problems = problems_of(item, outcome)
    assert problems == [f"1 of {len(item.planted)} personal values reached there"]


def altered(item: DemoInput, outcome: Outcome) -> dict[str, Outcome]:
    """What could go wrong with each way of sending, besides a leak."""
    assert outcome.answer is not None
    answer = outcome.answer
    wrong = {
        "no request": dataclasses.replace(outcome, sent=[]),
        "no answer": dataclasses.replace(outcome, answer=None),
        "asked again": dataclasses.replace(outcome, asked_again=1),
        "degraded": dataclasses.replace(outcome, answer=dataclasses.replace(answer, degraded=not answer.degraded)),
    }
    if item.output is None:
        wrong["text"] = dataclasses.replace(outcome, answer=dataclasses.replace(answer, text=answer.text + "!"))
    else:
        wrong["value"] = dataclasses.replace(outcome, answer=dataclasses.replace(answer, parsed={}))
    if item.show == "stream":
        wrong["one piece"] = dataclasses.replace(outcome, chunks=1)
        wrong["pieces"] = dataclasses.replace(outcome, streamed=outcome.streamed[1:])
    if item.show == "approval":
        wrong["no pause"] = dataclasses.replace(outcome, paused=False)
    return wrong


@pytest.mark.parametrize("show", sorted(ITEMS))
def test_everything_that_goes_wrong_is_a_problem(endpoint: Endpoint, show: str) -> None:
    """Nothing that differs passes as shown."""
    item = ITEMS[show]
    outcome = run_input(endpoint, item)
    missed = [what for what, wrong in altered(item, outcome).items() if not problems_of(item, wrong)]
    assert missed == []


def test_an_error_is_told_as_a_problem(endpoint: Endpoint) -> None:
    """A closed client cannot answer: its own text is what differs."""
    endpoint.client.close()
    problems = problems_of(ITEMS["complete"], run_input(endpoint, ITEMS["complete"]))
    assert any(problem.startswith("ConfigError") for problem in problems)
