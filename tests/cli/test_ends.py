"""How the command line ends when something is in its way: a blocked call, Ctrl-C, a closed pipe, a poor encoding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from psf_runtime.cli import check
from psf_runtime.cli.main import main

PSF = [sys.executable, "-W", "error", "-m", "psf_runtime.cli.main"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PSF_POLICY", "PSF_STATE", "PSF_HALT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_a_blocked_preview_ends_with_3(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The error's own text, with the line of the policy that blocks; the text itself is not in it."""
    policy = tmp_path / "psf.toml"
    policy.write_text('privacy.consent = "enforce"\n', encoding="utf-8")
    policy.chmod(0o644)
    assert main(["preview", "write to jane@example.com"]) == 3
    shown = capsys.readouterr()
    assert shown.err.startswith("ConsentDenied: nothing was sent")
    assert "psf.toml:1" in shown.err
    assert "jane" not in shown.out + shown.err
    assert "Traceback" not in shown.err


def test_ctrl_c_ends_quietly(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, and the code that shells use."""

    def stopped(options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "run", stopped)
    assert main(["check"]) == 130
    assert capsys.readouterr().err == "psf: stopped\n"


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    """As in `psf explain | true`: the pipe is closed before a word is written."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ran = subprocess.run([*PSF, "explain"], stdout=writer, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(writer)
    assert (ran.returncode, ran.stderr) == (1, "")


def test_a_terminal_without_the_letter_gets_its_number() -> None:
    """Nothing fails where the output knows ASCII only."""
    environ = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    ran = subprocess.run([*PSF, "preview", "Zażółć jane@example.com"], env=environ, capture_output=True, check=True)
    assert ran.stdout.startswith(b"Za\\u017c\\xf3\\u0142\\u0107 EMAIL_")
