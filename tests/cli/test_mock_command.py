"""`psf mock`: a server that anybody can start, stopped by a signal, and clear about what it cannot do."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from psf_runtime.cli.main import main

BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


@contextmanager
def mock(*options: str) -> Iterator[dict[str, object]]:
    """The command in a process of its own; it must end well when it is asked to."""
    command = [sys.executable, "-m", "psf_runtime.cli.main", "mock", "--port", "0", "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
            assert process.stderr.read() == ""


def test_it_echoes_and_ends_well() -> None:
    """Without options every dialect is served, and the last text comes back."""
    with mock() as said:
        assert said["dialects"] == ["openai", "anthropic", "bedrock"]
        answer = httpx.post(f"{said['url']}/v1/chat/completions", json=BODY).json()
    assert answer["choices"][0]["message"]["content"] == "hello"


def test_replies_faults_and_a_dialect_can_be_chosen() -> None:
    """First the fault, then the replies in order, the last one for ever; other dialects are not served."""
    with mock("--fault", "overloaded", "--reply", "one", "--reply", "two", "--dialect", "openai") as said:
        url = f"{said['url']}/v1/chat/completions"
        answers = [httpx.post(url, json=BODY) for _ in range(4)]
        other = httpx.post(f"{said['url']}/v1/messages", json={**BODY, "max_tokens": 5})
    assert [answer.status_code for answer in answers] == [503, 200, 200, 200]
    texts = [answer.json()["choices"][0]["message"]["content"] for answer in answers[1:]]
    assert texts == ["one", "two", "two"]
    assert (said["dialects"], other.status_code) == (["openai"], 404)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--fault", "rat_limit"], "did you mean 'rate_limit'?"),
        (["--fault", "vllm.reasonin"], "did you mean 'vllm.reasoning'?"),
        (["--chunks", "0"], "chunks"),
        (["--cassette", "missing.json"], "missing.json"),
        (["--cassette", "missing.json", "--reply", "x"], "does not go with"),
        (["--dialect", "grpc"], "invalid choice"),
    ],
)
def test_mistakes_are_said_before_it_starts(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, and what to change."""
    monkeypatch.chdir(tmp_path)
    assert main(["mock", "--port", "0", *options]) == 2
    assert says in capsys.readouterr().err
