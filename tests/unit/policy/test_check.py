"""The findings of `psf check`, the one line, the chain's table, and the environment."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.policy import Contracts, Oversight, Policy, Privacy, Purpose, Target, Waiver
from psf_runtime.policy.check import CheckFinding
from psf_runtime.policy.controls import CONTROLS
from psf_runtime.policy.environment import choose_policy, choose_state, is_halted

DAY = date(2026, 11, 24)


def waiver(control: str, expires: date) -> Waiver:
    return Waiver(control, approver="lee", reason="r", expires=expires, compensating_control="c")


def findings(policy: Policy, level: str = "unsafe") -> dict[str, CheckFinding]:
    return {each.name: each for each in policy.findings(day=DAY) if each.level == level}


def test_every_observed_control_is_unsafe_until_it_is_waived() -> None:
    """And says what to change: the fact to declare, or the mode."""
    found = findings(Policy())
    assert {name for name, control in CONTROLS.items() if control.standard == "observe" and control.here} == set(found)
    assert found["privacy.consent"].change == "declare a purpose or a consent record, or a Waiver"
    assert found["observability.drift"].change == 'observability.drift = "enforce", or a Waiver'
    assert found["privacy.media"].change == "a Waiver: this version can only observe it"
    waived = Policy.standard(waivers=[waiver("observability.drift", DAY + timedelta(days=90))])
    assert "observability.drift" not in findings(waived)
    assert findings(waived, "note")["observability.drift"].what == "is waived until 2027-02-22 by lee"


def test_the_observed_half_of_a_control_is_a_note() -> None:
    """It is by design, and still said."""
    assert "injection-in-user-text" in findings(Policy(), "note")["contracts.injection"].what


@pytest.mark.parametrize(("days", "words"), [(-1, "ended on 2026-11-23"), (0, "in 0 days"), (14, "in 14 days")])
def test_a_waiver_that_ends_soon_or_has_ended_is_unsafe(days: int, words: str) -> None:
    """Fourteen days ahead."""
    found = findings(Policy.standard(waivers=[waiver("contracts.unicode", DAY + timedelta(days=days))]))
    assert words in found["contracts.unicode"].what
    later = Policy.standard(waivers=[waiver("contracts.unicode", DAY + timedelta(days=15))])
    assert "contracts.unicode" not in findings(later)


def test_a_purpose_whose_calls_would_be_blocked_is_unsafe() -> None:
    """Two purposes, one with an owner and a basis: the other is pointed out."""
    purposes = {"good": Purpose(owner="dana", lawful_basis="contract"), "bad": Purpose()}
    found = [each for each in Policy.standard(purposes=purposes).findings(day=DAY) if each.name == "purposes.bad"]
    assert [each.what for each in found] == [
        "has no owner: its calls are blocked",
        "has no lawful basis: its calls are blocked",
    ]
    assert not [each for each in Policy.standard(purposes=purposes).findings(day=DAY) if each.name == "purposes.good"]


def test_an_entity_that_leaves_in_clear_is_unsafe() -> None:
    """`allow` is somebody's choice, and a finding."""
    found = findings(Policy.standard(privacy=Privacy(actions={"IP": "allow", "EMAIL": "hash"})))["privacy.actions"]
    assert (found.what, found.source) == ("IP leaves in clear", "code")


def test_memory_and_unsigned_certificates_are_notes() -> None:
    """What this version does not have is said, not hidden."""
    policy = Policy.standard(purposes={"p": Purpose(certificate="required")})
    notes = findings(policy, "note")
    assert "end with the process" in notes["state"].what
    assert "not signed" in notes["fitness.certificate"].what


def test_strict_lacks_again_what_an_ended_waiver_excused() -> None:
    """The policy was made; on the day after its waiver ended the check says what is missing."""
    purpose = Purpose(owner="dana", lawful_basis="contract", tools=[], budget="5 USD/day")
    policy = Policy.strict(
        purposes={"p": purpose},
        targets={"t": Target("mock:echo")},
        oversight=Oversight(reviewers={"leads": ["lee"]}),
        waivers=[waiver("accountability.log", DAY)],
    )
    before = {each.name for each in policy.findings(day=DAY) if each.what == "memory keeps nothing"}
    after = {each.name for each in policy.findings(day=DAY + timedelta(days=1)) if each.what == "memory keeps nothing"}
    assert (set(), {"state"}) == (before, after)


def test_a_line_that_a_fact_overrides_is_a_note(tmp_path: Path) -> None:
    """The file says observe, a purpose is declared, so it enforces: said in so many words."""
    path = tmp_path / "psf.toml"
    path.write_text('privacy.consent = "observe"\n[purposes.p]\n')
    path.chmod(0o600)
    policy = Policy.from_file(path)
    assert (policy.modes(day=DAY)["privacy.consent"].mode, "psf.toml:2") == ("enforce", "psf.toml:2")
    note = findings(policy, "note")["privacy.consent"]
    assert (note.source, "on because of purposes.p" in note.what) == ("psf.toml:1", True)


def test_the_one_line_counts_and_names() -> None:
    """How many enforce, which observe, what will not survive, and what to do next."""
    line = Policy().one_line(day=DAY)
    assert line.startswith("psf standard: enforcing 15, observing 12: lawful-basis ")
    assert line.endswith(
        "Names are found only in part. State: memory; keys: this process only. Details: psf check. Next: psf init"
    )
    assert {"owner", "certificate", "reviewer", "injection-in-user-text"} <= set(line.replace(".", " ").split())
    assert "Waived" not in line


def test_the_one_line_follows_the_policy() -> None:
    """A custom policy is called so, waivers are named, facts count."""
    policy = Policy.standard(
        contracts=Contracts(leak="observe"), waivers=[waiver("contracts.unicode", DAY)], purposes={"p": Purpose()}
    )
    line = policy.one_line(day=DAY, state="sqlite", names="Names found 2 of 3")
    assert line.startswith("psf custom: enforcing 14, observing 12: ")
    assert " leak " in line
    assert "lawful-basis" not in line
    assert "Waived: contracts.unicode. Names found 2 of 3. State: sqlite. Details" in line


def test_a_policy_is_given_or_named_by_the_environment_or_standard(tmp_path: Path) -> None:
    """In this order; the working directory is never searched."""
    path = tmp_path / "psf.toml"
    path.write_text('privacy.consent = "enforce"\n')
    path.chmod(0o600)
    environ = {"PSF_POLICY": str(path)}
    given = Policy.standard(privacy=Privacy(residency="enforce"))
    assert given is choose_policy(given, environ)
    assert choose_policy(path, {}).privacy.consent == "enforce"
    assert choose_policy(None, environ).privacy.consent == "enforce"
    assert Policy() == choose_policy(None, {})
    with pytest.raises(ConfigError, match="PSF_POLICY is not a whole path"):
        choose_policy(None, {"PSF_POLICY": "psf.toml"})


def test_a_stray_file_or_variable_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A psf.toml in the working directory and unknown variables are not read."""
    (tmp_path / "psf.toml").write_text('contracts.leak = "observe"\n')
    monkeypatch.chdir(tmp_path)
    environ = {"PSF_MODE": "observe", "PSF_CONTRACTS_LEAK": "observe"}
    assert Policy().digest == choose_policy(None, environ).digest


@pytest.mark.parametrize(
    ("given", "of_policy", "environ", "state"),
    [
        (None, None, {}, "memory:"),
        (None, "memory:", {"PSF_STATE": "sqlite:///x"}, "memory:"),
        ("memory:", None, {"PSF_STATE": "sqlite:///x"}, "memory:"),
        (None, None, {"PSF_STATE": "memory:"}, "memory:"),
    ],
)
def test_the_state_is_given_or_the_policys_or_the_environments(
    given: str | None, of_policy: str | None, environ: dict[str, str], state: str
) -> None:
    """In this order, else memory."""
    assert state == choose_state(given, Policy(state=of_policy), environ)


@pytest.mark.parametrize(
    ("given", "environ"), [("sqlite://u:hunter2@x", {}), (None, {"PSF_STATE": "postgresql://u:hunter2@db/x"})]
)
def test_a_state_that_is_not_there_is_refused_wherever_it_comes_from(given: Any, environ: dict[str, str]) -> None:
    """And its password is not shown."""
    with pytest.raises(ConfigError) as caught:
        choose_state(given, Policy(), environ)
    assert "the state cannot be used" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "halted"),
    [("1", True), ("true", True), ("yes please", True), ("0", False), ("", False), (" No ", False), ("OFF", False)],
)
def test_the_environment_can_halt(value: str, halted: bool) -> None:
    """What is not clearly off is on."""
    assert halted is is_halted({"PSF_HALT": value})
    assert is_halted({}) is False
