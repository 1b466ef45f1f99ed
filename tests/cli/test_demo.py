"""`psf demo` on both endpoints: what it shows, and how it ends."""

from __future__ import annotations

import json

import pytest

from psf_runtime.cli import demo, demo_endpoint
from psf_runtime.cli.demo_input import demo_inputs
from psf_runtime.cli.main import main


def test_the_real_server_answers_as_promised(capsys: pytest.CaptureFixture[str]) -> None:
    """Every input through llama.cpp; the first provider of one is killed, and its fallback answers."""
    assert main(["demo", "--endpoint", "server"]) == 0
    shown = capsys.readouterr().out
    assert "a real llama.cpp server at http://127.0.0.1:" in shown
    assert "10 of 10 as promised" in shown
    assert all(item.title in shown for item in demo_inputs())
    assert "Requests to the model after that: 0." in shown
    assert "main: ok." in shown


def test_the_mock_says_that_it_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody takes a mock for a server."""
    assert main(["demo", "--endpoint", "mock"]) == 0
    shown = capsys.readouterr().out
    assert "a mock inside this process" in shown
    assert "10 of 10 as promised" in shown
    assert "\x1b" not in shown  # not a terminal: no colour


def test_json_holds_what_each_side_saw(capsys: pytest.CaptureFixture[str]) -> None:
    """Bodies without the planted values, answers with those that come back."""
    assert main(["demo", "--endpoint", "mock", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["ok"], data["endpoint"]) == (True, "mock")
    for item, entry in zip(demo_inputs(), data["inputs"], strict=True):
        bodies = "".join(sent["body"] for sent in entry["received"])
        assert [value for value in item.planted if value in bodies] == []
        assert entry["problems"] == []
        assert entry["decision"]["outcome"] in ("stop", "tool_calls")


def test_auto_takes_the_mock_when_the_server_is_not_installed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And asking for the server then is an error that says what to install."""
    monkeypatch.setattr(demo_endpoint, "server_is_installed", lambda: False)
    assert main(["demo"]) == 0
    assert "a mock inside this process" in capsys.readouterr().out
    assert main(["demo", "--endpoint", "server"]) == 2
    assert "pip install 'psf-runtime[demo]'" in capsys.readouterr().err


@pytest.mark.parametrize("as_json", [True, False])
def test_a_difference_fails_the_demonstration(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    """Exit 1, and what differed."""
    monkeypatch.setattr(demo, "problems_of", lambda item, outcome: ["it differs"] if item.show == "stream" else [])
    assert main(["demo", "--endpoint", "mock", *(["--json"] if as_json else [])]) == 1
    shown = capsys.readouterr().out
    assert "it differs" in shown
    assert "as promised, in" not in shown
