"""The commands that look, and the two that write: output, exit codes, and no traceback."""

from __future__ import annotations

import io
import json
import tomllib
from datetime import date
from pathlib import Path

import pytest

from psf_runtime.cli import init
from psf_runtime.cli.main import COMMANDS, LATER, main
from psf_runtime.cli.versions import own_version
from psf_runtime.policy.policy import Policy

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PSF_POLICY", "PSF_STATE", "PSF_HALT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "psf.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)
    return path


def test_explain_shows_the_chain(capsys: Captured) -> None:
    """As a table, and as JSON with the same layers."""
    assert main(["explain"]) == 0
    table = capsys.readouterr().out
    assert main(["explain", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert all(row["layer"] in table for row in data["layers"])
    assert data["route"] == ["mock:echo"]


@pytest.mark.parametrize("name", ["contracts.links", "PSF04.C7", "psf04.c7"])
def test_explain_finds_a_control_by_name_or_number(capsys: Captured, name: str) -> None:
    """With its mode and who set it."""
    assert main(["explain", name, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["name"], data["mode"], data["set_by"]) == ("contracts.links", "both", "standard")


def test_explain_says_which_line_of_the_policy_set_it(capsys: Captured, tmp_path: Path) -> None:
    """./psf.toml is read when it is there."""
    write(tmp_path, 'preset = "standard"\ncontracts.links = "enforce"\n')
    assert main(["explain", "contracts.links"]) == 0
    shown = capsys.readouterr().out
    assert "psf.toml:2" in shown
    assert "enforce" in shown


def test_explain_tells_a_failure_mode(capsys: Captured) -> None:
    """What it is, what is done about it, and what is left to do."""
    assert main(["explain", "FM07"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("FM07 ")
    assert "privacy.consent" in shown


@pytest.mark.parametrize(
    ("name", "close"), [("contracts.linsk", "contracts.links"), ("privacy.token", "privacy.tokens")]
)
def test_explain_offers_the_nearest_spelling(capsys: Captured, name: str, close: str) -> None:
    """An unknown name is a usage error."""
    assert main(["explain", name]) == 2
    assert f"psf explain {close}" in capsys.readouterr().err


def test_check_without_a_policy_says_how_to_begin(capsys: Captured) -> None:
    """The standard preset is not unsafe; in production, observing is not enough."""
    assert main(["check"]) == 0
    assert "psf init" in capsys.readouterr().out
    assert main(["check", "--env", "production"]) == 1
    assert "the check failed" in capsys.readouterr().out


def test_check_fails_on_what_is_unsafe(capsys: Captured, tmp_path: Path) -> None:
    """A waiver that has expired, told in text and in JSON."""
    write(
        tmp_path,
        'waivers = [{ control = "contracts.unicode", approver = "lee@acme.example", reason = "old archive", '
        'expires = 2020-01-31, compensating_control = "plain text" }]\n',
    )
    assert main(["check"]) == 1
    assert "Unsafe (1)" in capsys.readouterr().out
    assert main(["check", "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["ok"] is False
    assert data["versions"]["psf-runtime"] == own_version()
    assert set(data["extras"]) == {"bedrock", "demo", "postgres", "presidio", "sql"}


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_check_lists_what_is_wrong_with_a_policy(capsys: Captured, tmp_path: Path, form: list[str]) -> None:
    """A typo is found with its line, and fails the check."""
    write(tmp_path, 'preset = "standard"\nprivacy.consnet = "enforce"\n')
    assert main(["check", *form]) == 1
    assert "consnet" in capsys.readouterr().out


def test_preview_shows_tokens_and_sends_nothing(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From the command line, from standard input, from a file: never the value."""
    (tmp_path / "letter.txt").write_text("write to jane@example.com", encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO("write to jane@example.com"))
    for words in (["write to jane@example.com"], ["-"], ["--file", "letter.txt"], ["--file", "letter.txt", "--json"]):
        assert main(["preview", *words]) == 0
        shown = capsys.readouterr().out
        assert "write to EMAIL_" in shown
        assert "jane" not in shown


@pytest.mark.parametrize("words", [[], ["a", "--file", "b"], ["--file", "not-there"]])
def test_preview_takes_one_text(capsys: Captured, words: list[str]) -> None:
    """Anything else is a usage error."""
    assert main(["preview", *words]) == 2
    assert capsys.readouterr().err.startswith("psf: ")


def test_init_writes_a_policy_that_loads_and_never_overwrites(capsys: Captured, tmp_path: Path) -> None:
    """The second time it refuses, and the file stays as it was."""
    assert main(["init"]) == 0
    policy = Policy.from_file(tmp_path / "psf.toml")
    day = date(2026, 1, 1)
    modes = {name: effective.mode for name, effective in policy.modes(day=day).items()}
    assert modes == {name: effective.mode for name, effective in Policy.standard().modes(day=day).items()}
    write(tmp_path, 'preset = "standard"\n')
    assert main(["init"]) == 2
    assert (tmp_path / "psf.toml").read_text() == 'preset = "standard"\n'
    assert "not touched" in capsys.readouterr().err


def test_every_setting_in_the_starter_is_accepted(tmp_path: Path) -> None:
    """Without the comment signs it is one whole policy that this version takes."""
    lines = []
    for line in init.starter().splitlines():
        bare = line.removeprefix("# ")
        setting = bare.startswith("[") or ("=" in bare and bare.split(" ")[1:2] == ["="])
        lines.append(bare if setting else line)
    text = "\n".join(lines)
    assert len(tomllib.loads(text)) > 8
    policy = Policy.from_file(write(tmp_path, text))
    assert list(policy.purposes) == ["support"]
    assert list(policy.waivers)


def test_halt_makes_and_removes_the_file_of_the_policy(capsys: Captured, tmp_path: Path) -> None:
    """Only the file that the policy names."""
    file = tmp_path / "psf.halt"
    write(tmp_path, f'resilience.halt = "file:{file}"\n')
    states = []
    for action in ("show", "on", "show", "off", "off"):
        assert main(["halt", action, "--json"]) == 0
        states.append((json.loads(capsys.readouterr().out)["halted"], file.exists()))
    assert states == [(False, False), (True, True), (True, True), (False, False), (False, False)]


def test_halt_in_a_folder_that_is_not_there_is_a_state_error(capsys: Captured, tmp_path: Path) -> None:
    """Exit 4: the switch is out of reach."""
    write(tmp_path, f'resilience.halt = "file:{tmp_path}/gone/psf.halt"\n')
    assert main(["halt", "on"]) == 4
    assert "halt file" in capsys.readouterr().err


def test_halt_without_a_file_says_what_to_set(capsys: Captured) -> None:
    """A usage error."""
    assert main(["halt", "on"]) == 2
    assert "resilience.halt" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(LATER))
def test_a_command_that_is_not_there_yet_says_so(capsys: Captured, name: str) -> None:
    """Plainly, and it is not listed."""
    assert main([name, "list"]) == 2
    assert "not in this version" in capsys.readouterr().err
    assert name not in COMMANDS


def test_usage_errors(capsys: Captured) -> None:
    """Nothing, nonsense, and a file that is not there."""
    assert main([]) == 2
    assert main(["chek"]) == 2
    assert "did you mean: psf check" in capsys.readouterr().err
    assert main(["check", "--nonsense"]) == 2
    assert main(["check", "--policy", "not-there.toml"]) == 2
    assert "not-there.toml" in capsys.readouterr().err


def test_the_version(capsys: Captured) -> None:
    """One line."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"psf {own_version()}\n"
