"""`psf consent` and `psf subject`: on a state that lasts they do their work, on memory they say why they cannot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from psf_runtime import Client, Policy, Purpose
from psf_runtime.cli import consent, subject
from psf_runtime.cli.main import main
from psf_runtime.client import core
from psf_runtime.stores.consent_chain import ConsentChains
from psf_runtime.stores.consent_chain_storage import MemoryConsentStorage
from psf_runtime.testing import ManualClock, MockProvider

POLICY = Policy.standard(purposes={"news": Purpose(owner="dana@acme.example", lawful_basis="consent")})
SWEEP = ["consent", "sweep", "--purpose", "news", "--days", "30"]
GRANT = ["consent", "grant", "--subject", "customer:42", "--purpose", "news", "--recipient", "openai"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PSF_POLICY", "PSF_STATE", "PSF_HALT", "PSF_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


class Lasting:
    """A state whose consents outlive each command, and the clients that the commands open over it."""

    def __init__(self) -> None:
        self.storage = MemoryConsentStorage()
        self.clock = ManualClock()

    @contextmanager
    def opened(self, options: Any) -> Iterator[Client]:
        with Client(MockProvider(strict=False, clock=self.clock), policy=POLICY) as client:
            yield client


@pytest.fixture
def lasting(monkeypatch: pytest.MonkeyPatch) -> Lasting:
    state = Lasting()
    opened = core.open_state

    def open_lasting(*given: Any) -> Any:
        chains = ConsentChains(bytes(32), rows=state.storage, aliases=state.storage)
        return replace(opened(*given), consents=chains)

    monkeypatch.setattr(core, "open_state", open_lasting)
    for command in (consent, subject):
        monkeypatch.setattr(command, "opened", state.opened)
    return state


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What a command writes; it must end with `code`."""
    assert main(list(words)) == code
    shown = capsys.readouterr()
    return shown.out if code == 0 else shown.err


def test_granted_listed_and_withdrawn(lasting: Lasting, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command finds what the one before has kept."""
    granted = told(capsys, *GRANT, "--expires", "2027-03-31", "--category", "EMAIL")
    assert "given        news  openai  until 2027-03-31T00:00:00+00:00" in granted

    (record,) = json.loads(told(capsys, "consent", "list", "--subject", "customer:42", "--json"))["consents"]
    assert (record["purpose"], record["categories"], record["state"]) == ("news", ["EMAIL"], "given")
    assert record["id"] in granted
    assert told(capsys, "consent", "withdraw", "--subject", "customer:42", "--purpose", "news") == "withdrawn: 1\n"
    assert "withdrawn    news" in told(capsys, "consent", "list", "--subject", "customer:42")
    assert "a first one" in told(capsys, "consent", "list", "--subject", "customer:42", "--tenant", "other")


def test_without_a_subject_all_are_listed_by_digest(lasting: Lasting, capsys: pytest.CaptureFixture[str]) -> None:
    """Every record of the tenant, and nobody by name."""
    told(capsys, *GRANT)
    told(capsys, *[word.replace("42", "43") for word in GRANT])
    shown = told(capsys, "consent", "list")

    assert shown.count(" given ") == 2
    assert "customer" not in shown


def test_a_helper_acts_for_the_subject(lasting: Lasting, capsys: pytest.CaptureFixture[str]) -> None:
    """`--by` names who acted; the subject is whom they acted for."""
    (record,) = [json.loads(told(capsys, *GRANT, "--by", "parent:7", "--json"))]

    assert record["on_behalf_of"] == record["subject"] != record["by"]


def test_a_receipt_is_exported(lasting: Lasting, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON, whole and signed."""
    told(capsys, *GRANT)
    receipt = json.loads(told(capsys, "consent", "export", "--subject", "customer:42"))

    assert receipt["records"][0]["events"][0]["event_state"] == "given"
    assert len(receipt["signature"]) == 64


def test_a_sweep_says_what_it_removed(lasting: Lasting, capsys: pytest.CaptureFixture[str]) -> None:
    """Uses past the retention of their purpose, and consents that have run out."""
    told(capsys, *GRANT[:-1], "*")
    with lasting.opened(None) as client:
        client.complete("hi", subject="customer:42", purpose="news")
    lasting.clock.advance(31 * 86_400)

    assert told(capsys, *SWEEP) == "removed 1 uses for news\nconsents that had run out: 0\n"
    assert json.loads(told(capsys, *SWEEP, "--json"))["removed"] == {}
    assert "belong together" in told(capsys, *SWEEP[:-2], code=2)


def test_a_subject_is_restricted_exported_and_erased(lasting: Lasting, capsys: pytest.CaptureFixture[str]) -> None:
    """Restriction holds until it is lifted; erasure writes its receipt."""
    told(capsys, *GRANT)
    assert told(capsys, "subject", "restrict", "customer:42") == "no new call about this subject runs\n"
    assert "(as before)" in told(capsys, "subject", "restrict", "customer:42")
    assert json.loads(told(capsys, "subject", "export", "customer:42"))["consents"]["restricted"]
    assert json.loads(told(capsys, "subject", "restrict", "customer:42", "--lift", "--json"))["changed"]

    shown = told(capsys, "subject", "erase", "customer:42")
    assert "erased      consent_aliases 1" in shown
    assert "kept        consents 1, without a way back to the person" in shown
    assert "HMAC-SHA256" in shown
    assert json.loads(told(capsys, "subject", "erase", "customer:42", "--json"))["erased"]["consent_aliases"] == 0
    assert "customer" not in shown


def test_memory_has_nothing_to_show_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    """What looks ends well and empty; what would be lost at once is refused."""
    for words in (["consent", "list", "--subject", "x"], ["consent", "export", "--subject", "x"], ["consent", "sweep"]):
        assert "kept in memory" in told(capsys, *words)
        assert "kept in memory" in json.loads(told(capsys, *words, "--json"))["note"]
    assert "kept in memory" in told(capsys, "subject", "export", "x")
    assert "nothing was granted" in told(capsys, *GRANT, code=2)
    assert "nothing was withdrawn" in told(capsys, "consent", "withdraw", "--subject", "x", code=2)
    assert "nothing was restricted" in told(capsys, "subject", "restrict", "x", code=2)


def test_erasing_in_memory_says_where_else_to_erase(capsys: pytest.CaptureFixture[str]) -> None:
    """The receipt is honest and empty, and points to the applications."""
    assert main(["subject", "erase", "customer:42"]) == 0
    shown = capsys.readouterr()

    assert "erased      vault 0" in shown.out
    assert "erase there too" in shown.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["consent", "grant", "--subject", "x"], "needs --purpose, --recipient"),
        (["consent", "export"], "needs --subject"),
        ([*GRANT, "--expires", "soon"], "--expires is no date"),
        ([*GRANT, "--notice", "web"], "the notice has no version"),
    ],
)
def test_what_is_missing_is_named(
    words: list[str], said: str, lasting: Lasting, capsys: pytest.CaptureFixture[str]
) -> None:
    """Usage errors end with 2 and say what to give; the subject is not repeated."""
    shown = told(capsys, *words, code=2)

    assert said in shown
    assert "customer" not in shown
