"""The detectors that a policy names."""

from typing import Any

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.policy import Policy, Privacy
from psf_runtime.policy.detectors import detectors_of
from psf_runtime.types.rules import ToolRule

BOTH = ("builtin", "presidio")


def test_the_built_in_detector_is_the_default() -> None:
    """And nothing else is imported for it."""
    assert [detector.name for detector in detectors_of(Policy())] == ["builtin"]


def test_presidio_is_asked_beside_the_built_in_detector() -> None:
    """Under the name that the policy calls it by."""
    policy = Policy(privacy=Privacy(detectors=BOTH))
    assert [detector.name for detector in detectors_of(policy)] == list(BOTH)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"privacy": Privacy(detectors=BOTH, actions={"PERSON": "block", "NRP": "mask"})}, ["privacy.actions"]),
        (
            {"privacy": Privacy(detectors=BOTH), "tools": {"book": ToolRule(restore=["NRP"])}},
            ["tools.book.restore"],
        ),
    ],
)
def test_an_entity_that_no_detector_finds_is_refused(given: dict[str, Any], names: list[str]) -> None:
    """Without a model Presidio finds no places: a policy that counts on it must not seem to work."""
    with pytest.raises(ConfigError) as caught:
        detectors_of(Policy(**given))
    assert [name for name, _, _ in caught.value.problems] == names


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"detectors": ["presidio"]}, "detectors"),
        ({"detectors": ["builtin", "spacy"]}, "detectors"),
        ({"presidio_model": "models/en"}, "presidio_model"),
        ({"actions": {"NRP": "mask"}}, "actions"),
        ({"actions": {"LOCATOIN": "mask"}, "detectors": BOTH}, "actions"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_others(given: dict[str, Any], name: str) -> None:
    """When the settings are made, without loading Presidio."""
    with pytest.raises(ConfigError) as caught:
        Privacy(**given)
    assert [name for name, _, _ in caught.value.problems] == [f"privacy.{name}"]
