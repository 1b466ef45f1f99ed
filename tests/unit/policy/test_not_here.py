"""A control that a version does not have: no setting of it is accepted, and nothing pretends that it acts."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.policy import Observability, Policy, Purpose, Waiver
from psf_runtime.policy.controls import CONTROLS

DAY = date(2026, 11, 24)
MODULES = ("check", "controls", "modes", "rules_check", "settings_base", "strictness")


@pytest.fixture(autouse=True)
def without_drift_and_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that has neither."""
    gone = ("observability.drift", "resilience.budget")
    table = {name: replace(control, here=name not in gone) for name, control in CONTROLS.items()}
    for module in MODULES:
        monkeypatch.setattr(f"psf_runtime.policy.{module}.CONTROLS", table)
    monkeypatch.setattr("psf_runtime.policy.controls._BY_ID", {each.id: each for each in table.values()})


def test_a_mode_for_it_is_refused() -> None:
    """In Python."""
    with pytest.raises(ConfigError) as caught:
        Observability(drift="enforce")
    assert caught.value.problems == (("observability.drift", "is not in this version yet", "remove it"),)


def test_even_its_default_is_refused_in_a_file(tmp_path: Path) -> None:
    """Because a line in a file that does nothing misleads."""
    path = tmp_path / "psf.toml"
    path.write_text('observability.drift = "observe"\n')
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=r"observability.drift +is not in this version yet"):
        Policy.from_file(path)


def test_the_budget_of_a_purpose_is_refused_with_its_control() -> None:
    """A budget that nobody keeps is none."""
    with pytest.raises(ConfigError, match=r"purposes.p.budget +a budget is not in this version yet"):
        Policy.standard(purposes={"p": Purpose(budget="5 USD/day")})


def test_a_waiver_for_it_is_refused() -> None:
    """There is nothing to waive."""
    waiver = Waiver("PSF06.C2", approver="a", reason="r", expires=DAY, compensating_control="c")
    with pytest.raises(ConfigError, match="no control of this version"):
        Policy.standard(waivers=[waiver])


def test_it_is_absent_from_modes_findings_and_the_one_line() -> None:
    """Neither enforcing nor observing."""
    policy = Policy()
    entry = policy.modes(day=DAY)["observability.drift"]
    assert (entry.mode, entry.on, entry.note) == ("absent", False, "not in this version")
    assert "observability.drift" not in {each.name for each in policy.findings(day=DAY)}
    assert " drift" not in policy.one_line(day=DAY)
    with pytest.raises(ConfigError) as caught:
        Policy.strict(purposes={"p": Purpose()})
    assert "has no budget" not in [what for _, what, _ in caught.value.problems]
