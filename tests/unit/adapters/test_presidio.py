"""Presidio behind our port: offline, with context, and only what it can really find."""

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import util
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from presidio_analyzer import AnalyzerEngine, Pattern, PatternRecognizer, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from spacy import blank

from psf_runtime.adapters.presidio import PresidioDetector
from psf_runtime.adapters.presidio_engine import BlankEngine
from psf_runtime.adapters.presidio_names import PROBES
from psf_runtime.errors import ConfigError, GuardError
from psf_runtime.ports import Detection

SEVENTEEN = {
    "CREDIT_CARD", "CRYPTO", "DATE_TIME", "EMAIL", "IBAN", "IP", "MAC", "MEDICAL_LICENSE", "PHONE", "UK_NHS", "URL",
    "US_BANK_NUMBER", "US_DRIVER_LICENSE", "US_ITIN", "US_PASSPORT", "US_SSN", "UUID",
}  # fmt: skip
IDS = {"US_DRIVER_LICENSE", "US_PASSPORT"}
SENTENCES = [sentence for samples in PROBES.values() for sentence in samples]


@pytest.fixture(scope="module")
def detector() -> PresidioDetector:
    return PresidioDetector()


def customer_numbers() -> PatternRecognizer:
    return PatternRecognizer("CUSTOMER_NUMBER", patterns=[Pattern("customer", r"\bKD-\d{6}\b", 0.9)])


def scores(detector: PresidioDetector, text: str) -> dict[str, float]:
    return {one.entity: one.score for one in detector.find(text)}


def test_importing_the_package_imports_no_presidio() -> None:
    """It costs two seconds and 100 MB: only who makes a detector pays."""
    program = (
        "import sys; from psf_runtime import Client; import psf_runtime.adapters.presidio;"
        "print([name for name in ('presidio_analyzer', 'spacy', 'tldextract', 'regex') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_presidio_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing library is a setting to change, not a traceback."""
    monkeypatch.setattr("psf_runtime.adapters.presidio.find_spec", lambda name: None)
    with pytest.raises(ConfigError) as caught:
        PresidioDetector()
    assert caught.value.change == "pip install 'psf-runtime[presidio]'"
    assert util.find_spec("presidio_analyzer") is not None


def test_the_seventeen_default_entities_are_tried_out_and_found(detector: PresidioDetector) -> None:
    """Under our names where we have one, and no names of people, which nothing finds without a model."""
    assert detector.entities == SEVENTEEN
    assert (detector.name, detector.blocking) == ("presidio", True)


@pytest.mark.parametrize(
    ("text", "entity", "score"),
    [
        ("My phone number is 212-555-5555", "PHONE", 0.75),
        ("my ssn is 078-05-1121", "US_SSN", 0.85),
        ("passport number 912345678", "US_PASSPORT", 0.40),
    ],
)
def test_words_before_a_value_raise_its_score_without_any_model(
    detector: PresidioDetector, text: str, entity: str, score: float
) -> None:
    """Presidio's own engines without a model lose this in silence."""
    assert scores(detector, text)[entity] == pytest.approx(score)


def test_context_can_be_left_out() -> None:
    """Then scores are what the patterns give, and weak ones fall under the threshold."""
    plain = PresidioDetector(context=False)
    assert scores(plain, "My phone number is 212-555-5555") == {"PHONE": pytest.approx(0.40)}
    assert scores(plain, "passport number 912345678") == {}


@pytest.fixture(scope="module")
def reference() -> AnalyzerEngine:
    """Presidio's own engine and context scoring over the same words."""
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=BlankEngine(["en"]))
    return AnalyzerEngine(registry=registry, nlp_engine=BlankEngine(["en"]), supported_languages=["en"])


TEXTS = st.lists(
    st.one_of(st.sampled_from(SENTENCES), st.text(alphabet="aé ٣.@:-0159 \n\u00a0\tKſ", max_size=30)), max_size=6
).map(" ".join)


@given(text=TEXTS)
@settings(max_examples=60, deadline=None)
def test_answers_are_those_of_presidio(detector: PresidioDetector, reference: AnalyzerEngine, text: str) -> None:
    """The quick way to the words around a hit gives the same spans and scores; and the offline list of domains too."""
    expected: dict[tuple[int, int, str], float] = {}
    names = {"EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "IBAN_CODE": "IBAN", "IP_ADDRESS": "IP"}
    names["MAC_ADDRESS"] = "MAC"
    for one in reference.analyze(text, language="en", score_threshold=0.4):
        expected[one.start, one.end, names.get(one.entity_type, one.entity_type)] = one.score
    found = {(one.start, one.end, one.entity): one.score for one in detector.find(text)}
    assert {key: expected.get(key) for key in found} == {key: pytest.approx(score) for key, score in found.items()}
    # Presidio keeps overlapping finds of one entity: ours is a longer one that covers it.
    for start, end, entity in expected.keys() - found.keys():
        assert any(entity == each[2] and each[0] < end and start < each[1] for each in found)


def test_an_entity_that_is_only_advertised_is_not_offered() -> None:
    """An engine without a model says that it finds people, and finds nobody."""
    hollow = SpacyNlpEngine()
    hollow.nlp = {"en": blank("en")}
    assert "PERSON" in hollow.get_supported_entities()
    # Nor does it give lemmas, so that these, which only the words before them tell from any number, are lost as well.
    assert PresidioDetector(nlp_engine=hollow).entities == SEVENTEEN - {"US_BANK_NUMBER", *IDS}
    with pytest.raises(ConfigError) as caught:
        PresidioDetector(nlp_engine=hollow, entities=["EMAIL", "PERSON"])
    assert caught.value.what == "the detector presidio finds no PERSON"


def test_only_the_wanted_entities_are_looked_for_under_either_name() -> None:
    """`EMAIL` and Presidio's `EMAIL_ADDRESS` are the same wish."""
    few = PresidioDetector(entities=["EMAIL_ADDRESS", "PHONE"])
    assert few.entities == {"EMAIL", "PHONE"}
    assert [one.entity for one in few.find("ann@example.org, 192.0.2.17")] == ["EMAIL"]


def test_what_is_ignored_is_not_found() -> None:
    """So that a link that may leave does not hide the address inside of it."""
    text = "https://example.org/find?from=192.0.2.17"
    found = PresidioDetector(ignore=["URL"]).find(text)
    assert [(one.entity, text[one.start : one.end]) for one in found] == [("IP", "192.0.2.17")]


def test_nothing_is_asked_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not when it is made, and not for the first address, for which Presidio asks two servers for a list."""
    asked: list[Any] = []

    def refuse(*given: Any, **_: Any) -> Any:
        asked.append(given)
        raise OSError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    found = PresidioDetector().find("Write to ann@example.org")
    assert (asked, [one.entity for one in found]) == ([], ["EMAIL", "URL"])


def test_an_engine_that_is_not_loaded_is_refused() -> None:
    """Loading it here could end in a download, and a failed one ends the program."""
    with pytest.raises(ConfigError) as caught:
        PresidioDetector(nlp_engine=SpacyNlpEngine())
    assert [name for name, _, _ in caught.value.problems] == ["nlp_engine"]


@pytest.mark.parametrize("given", [{"languages": "en"}, {"languages": ()}, {"score_threshold": 2}, {"timeout": 0}])
def test_settings_that_make_no_sense_are_refused(given: dict[str, Any]) -> None:
    """By name."""
    with pytest.raises(ConfigError) as caught:
        PresidioDetector(**given)
    assert [name for name, _, _ in caught.value.problems] == list(given)


def test_every_language_brings_its_own_entities() -> None:
    """And the text is read in each."""
    several = PresidioDetector(languages=["en", "es", "it", "pl"])
    own = {"ES_NIE", "ES_NIF", "IT_DRIVER_LICENSE", "IT_FISCAL_CODE", "IT_IDENTITY_CARD", "IT_PASSPORT", "IT_VAT_CODE"}
    assert several.entities == SEVENTEEN | own | {"PL_PESEL"}
    spanish = PresidioDetector(languages=["es"])
    assert "US_SSN" not in spanish.entities
    assert {"EMAIL", "ES_NIF"} < spanish.entities


def test_a_language_that_nobody_knows_is_a_config_error() -> None:
    """Whatever spaCy raises for it."""
    with pytest.raises(ConfigError) as caught:
        PresidioDetector(languages=["xq"])
    assert caught.value.what == "the detector presidio cannot be made"
    assert caught.value.__context__ is None


def test_a_recogniser_of_your_own_is_believed_once_a_sample_is_found() -> None:
    """Without a sample it looks all the same, but nobody may ask for it."""
    text = "Customer KD-123456 called."
    unproven = PresidioDetector(recognizers=[customer_numbers()])
    assert "CUSTOMER_NUMBER" not in unproven.entities
    assert unproven.find(text) == [Detection(9, 18, "CUSTOMER_NUMBER", 0.9)]
    with pytest.raises(ConfigError):
        PresidioDetector(recognizers=[customer_numbers()], entities=["CUSTOMER_NUMBER"])
    proven = PresidioDetector(
        recognizers=[customer_numbers()], entities=["CUSTOMER_NUMBER"], probes={"CUSTOMER_NUMBER": {text: "KD-123456"}}
    )
    assert proven.entities == {"CUSTOMER_NUMBER"}


def test_a_probe_must_hold_its_value() -> None:
    """Else it would prove nothing."""
    with pytest.raises(ConfigError) as caught:
        PresidioDetector(recognizers=[customer_numbers()], probes={"CUSTOMER_NUMBER": {"Customer KD-1": "KD-123456"}})
    assert [name for name, _, _ in caught.value.problems] == ["probes['CUSTOMER_NUMBER']"]


@pytest.mark.parametrize("given", [{"entities": []}, {"entities": ["EMAIL"], "ignore": ["EMAIL_ADDRESS"]}])
def test_a_detector_that_looks_for_nothing_is_refused(given: dict[str, Any]) -> None:
    """It would call every text clean."""
    with pytest.raises(ConfigError):
        PresidioDetector(**given)


def test_a_deny_list_is_its_own_sample() -> None:
    """Its words must be found."""
    listed = PatternRecognizer("PROJECT", deny_list=["Bluebird", "Nightjar"])
    detector = PresidioDetector(recognizers=[listed], entities=["PROJECT"])
    assert detector.entities == {"PROJECT"}


def test_an_entity_name_that_no_token_can_have_is_refused() -> None:
    """A token begins with it."""
    with pytest.raises(ConfigError) as caught:
        PresidioDetector(recognizers=[PatternRecognizer("form-7b", deny_list=["x"])])
    assert caught.value.change == "supported_entity='CUSTOMER_NUMBER'"


def test_findings_are_remembered_only_where_the_detector_can_be_named(detector: PresidioDetector) -> None:
    """The version follows the settings; with a recogniser of somebody else there is none, and nothing is remembered."""
    assert detector.version == PresidioDetector().version
    assert detector.version != PresidioDetector(score_threshold=0.5).version
    assert detector.version != PresidioDetector(entities=["EMAIL"]).version
    assert PresidioDetector(recognizers=[customer_numbers()]).version == ""


def test_lone_surrogates_and_empty_texts_are_texts(detector: PresidioDetector) -> None:
    """spaCy fails at half a character; the spans are those of the text as given."""
    assert detector.find("") == []
    text = "\ud83d ann@example.org \udc00"
    assert ("EMAIL", "ann@example.org") in [(one.entity, text[one.start : one.end]) for one in detector.find(text)]


def test_threads_may_share_one_detector(detector: PresidioDetector) -> None:
    """Each gets the answers that it gets alone."""
    texts = [f"{sentence} {index}" for index, sentence in enumerate(SENTENCES * 3)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(detector.find, texts))
    assert together == [detector.find(text) for text in texts]


def test_a_long_text_is_looked_at_whole(detector: PresidioDetector) -> None:
    """Wherever a value stands, across the cuts of the windows too."""
    words = [f"word{index}" if index % 90 else f"mail ann{index}@example.org" for index in range(6_000)]
    text = " ".join(words)
    found = {text[one.start : one.end] for one in detector.find(text) if one.entity == "EMAIL"}
    assert found == {f"ann{index}@example.org" for index in range(0, 6_000, 90)}


def test_a_recogniser_that_crashes_stops_the_call() -> None:
    """Half a look is none. The error names a class and holds nothing of the text."""

    class Crashing(PatternRecognizer):  # type: ignore[misc,unused-ignore]
        def validate_result(self, pattern_text: str) -> bool | None:
            raise SystemExit(pattern_text)

    broken = Crashing("BROKEN", patterns=[Pattern("x", "boom", 0.9)])
    detector = PresidioDetector(recognizers=[broken])
    with pytest.raises(GuardError) as caught:
        detector.find("this goes boom")
    assert caught.value.what == "the detector presidio raised SystemExit"
    assert "boom" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
