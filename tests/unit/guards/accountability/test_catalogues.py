"""The catalogues of controls and failure modes say what is so."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

from psf_runtime import errors
from psf_runtime.errors import ConfigError, PsfError
from psf_runtime.guards.accountability import Control, control, controls, failure_mode, failure_modes

ROOT = Path(__file__).parents[4]
OURS = ("fitness", "oversight", "accountability")
VERIFIED = {"PSF-1.1", "PSF-1.2", "PSF-1.3", "PSF-1.4", "PSF-1.5"} | {f"PSF-2.{n}" for n in range(1, 6)}
VERIFIED |= {"PSF-3.1", "PSF-3.2", "PSF-3.3"} | {f"PSF-{n}" for n in range(1, 9)}


def test_controls_are_found_by_name_and_by_number() -> None:
    """In either case of letters for the number."""
    assert control("PSF04.C3").name == "contracts.injection"
    assert control("psf04.c3") is control("contracts.injection")


@pytest.mark.parametrize("name", ["contracts.nothing", "PSF09.C1", ""])
def test_an_unknown_control_is_an_error(name: str) -> None:
    """With the way to the names."""
    with pytest.raises(ConfigError, match="psf explain"):
        control(name)


def test_numbers_follow_the_domains_without_gaps() -> None:
    """Each id names its domain's public number, counting from one."""
    counted: dict[str, int] = {}
    for one in controls():
        number = one.domain.number
        counted[number] = counted.get(number, 0) + 1
        assert f"PSF{number}.C{counted[number]}" == one.id
    assert [f"{n:02d}" for n in range(1, 9)] == sorted(counted)
    assert len({one.name for one in controls()}) == 26


def test_every_control_has_a_sentence_a_place_and_a_proof() -> None:
    """References are only to criteria whose wording is verified, or to whole domains."""
    for one in controls():
        assert re.fullmatch(r"[A-Z].{20,}\.", one.title), one.id
        assert one.implemented_by, one.id
        assert one.proved_by, one.id
        assert all(path.startswith("psf_runtime.") for path in one.implemented_by)
        assert set(one.references) <= VERIFIED, one.id


@pytest.mark.parametrize("one", controls(), ids=lambda one: one.name)
def test_what_implements_a_control_exists(one: Control) -> None:
    """Every dotted path leads to a class."""
    for path in one.implemented_by:
        module, _, name = path.rpartition(".")
        assert inspect.isclass(getattr(importlib.import_module(module), name)), path


@pytest.mark.parametrize("one", [one for one in controls() if one.domain in OURS], ids=lambda one: one.name)
def test_what_proves_a_control_exists(one: Control) -> None:
    """The test files are there."""
    assert all((ROOT / file).is_file() for file in one.proved_by)


def test_there_are_34_failure_modes_in_order() -> None:
    """Found by id in either case of letters."""
    assert [f"FM{n:02d}" for n in range(1, 35)] == [mode.id for mode in failure_modes()]
    assert failure_mode("fm07") is failure_modes()[6]
    for name in ("FM00", "FM35", "7"):
        with pytest.raises(ConfigError):
            failure_mode(name)


def test_every_failure_mode_says_what_we_do_and_what_to_do() -> None:
    """One sentence each, and only controls that exist; nothing is promised that a word like "compliant" would."""
    for mode in failure_modes():
        for sentence in (mode.what, mode.we, mode.you):
            assert re.fullmatch(r"[A-Z].{20,}\.", sentence), mode.id
        assert all(control(name).name == name for name in mode.controls), mode.id
        assert mode.response
        assert not re.search("compliant|certified by|makes AI safe", str(mode))


def test_outside_numbers_have_the_form_of_their_lists() -> None:
    """OWASP's ten and ten, and MITRE's technique numbers."""
    for mode in failure_modes():
        assert all(re.fullmatch(r"LLM(0[1-9]|10)", one) for one in mode.owasp_llm), mode.id
        assert all(re.fullmatch(r"ASI(0[1-9]|10)", one) for one in mode.owasp_asi), mode.id
        assert all(re.fullmatch(r"T\d{4}(\.\d{3})?", one) for one in mode.atlas), mode.id


def test_a_failure_mode_prints_for_people() -> None:
    """What, here, you, and where to read on."""
    assert str(failure_mode("FM07")).splitlines() == [
        "FM07 no lawful basis or consent: Data of a person is used for a purpose, or sent to a recipient, "
        "without a lawful basis or a valid consent.",
        "  here    Asks for purpose, basis and consent record before anything is sent, and again for every recipient.",
        "  you     Grant or renew the consent, declare another lawful basis, or do not make the call.",
        "  see     privacy.consent, privacy.residency",
    ]
    assert "see" not in str(failure_mode("FM27"))


def test_every_error_points_to_a_failure_mode_that_exists() -> None:
    """Errors without one point nowhere."""
    classes = [one for one in vars(errors).values() if inspect.isclass(one) and issubclass(one, PsfError)]
    named = {one.failure_mode for one in classes if one.failure_mode}
    assert len(named) > 8
    assert all(failure_mode(name).id == name for name in named)
