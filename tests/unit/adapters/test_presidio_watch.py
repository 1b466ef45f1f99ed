"""A pattern that takes too long is an error: what Presidio skips would leave in clear."""

import logging
from typing import Any

import pytest
import regex
from presidio_analyzer import LocalRecognizer, Pattern, PatternRecognizer
from presidio_analyzer.predefined_recognizers import IbanRecognizer

from psf_runtime.adapters.presidio import PresidioDetector
from psf_runtime.adapters.presidio_watch import Stopwatch, check_watch, prepared
from psf_runtime.errors import ConfigError, GuardError

BOMB = r"(?:a|aa)+b"
TEXT = "secret " + "a" * 60 + " c"


def slow_recogniser() -> PatternRecognizer:
    return PatternRecognizer("BOMB", patterns=[Pattern("bomb", BOMB, 0.9)])


def test_presidio_itself_skips_such_a_pattern(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What this module is for: no find, and a line in a log."""
    monkeypatch.setattr("presidio_analyzer.pattern_recognizer.REGEX_TIMEOUT_SECONDS", 0.1)
    with caplog.at_level(logging.WARNING, "presidio-analyzer"):
        assert slow_recogniser().analyze(TEXT, ["BOMB"]) == []
    assert "timed out" in caplog.text


def test_a_pattern_that_takes_too_long_stops_the_call() -> None:
    """With an error that holds nothing of the text, and without the warning's place in a log deciding anything."""
    detector = PresidioDetector(recognizers=[slow_recogniser()], timeout=1.0)
    logging.disable(logging.CRITICAL)
    try:
        with pytest.raises(GuardError) as caught:
            detector.find(TEXT)
    finally:
        logging.disable(logging.NOTSET)
    assert caught.value.what == "the detector presidio took longer than 1 s for a stretch of text"
    assert (caught.value.control, caught.value.__cause__, caught.value.__context__) == ("privacy.tokens", None, None)
    assert detector.find("mail ann@example.org") != []


def test_a_recogniser_that_hides_its_own_time_out_is_found_out() -> None:
    """As Presidio's IBAN recogniser does: its skip takes at least as long as the limit."""

    class Hiding(LocalRecognizer):  # type: ignore[misc,unused-ignore]
        def load(self) -> None:
            pass

        def analyze(self, text: str, entities: Any, nlp_artifacts: Any = None) -> list[Any]:
            try:
                regex.search(BOMB, text, timeout=1.2)
            except TimeoutError:
                return []
            return []

    detector = PresidioDetector(recognizers=[Hiding(["HIDDEN"], name="Hiding")], timeout=1.0)
    with pytest.raises(GuardError):
        detector.find(TEXT)


def test_the_limit_is_never_more_than_presidios_own() -> None:
    """Else Presidio would skip first."""
    assert Stopwatch(1_000.0).seconds == 60.0
    assert Stopwatch(5.0).seconds == 5.0


def test_recognisers_are_copied() -> None:
    """Another engine of the application that uses the same ones is not touched."""
    mine = slow_recogniser()
    before = (mine.patterns, mine.patterns[0].compiled_regex, mine.analyze)
    twin = prepared(mine, Stopwatch(1.0))
    assert (mine.patterns, mine.patterns[0].compiled_regex, mine.analyze) == before
    assert twin.patterns[0] is not mine.patterns[0]


def test_a_version_of_presidio_that_hides_the_error_is_refused() -> None:
    """The detector proves when it is made that a time-out gets through."""

    class Swallowing:
        def analyze(self, *_: Any, **__: Any) -> list[Any]:
            return []

    with pytest.raises(ConfigError) as caught:
        check_watch(lambda recognizers: Swallowing())
    assert caught.value.what == "this version of presidio-analyzer cannot be watched"


def test_values_do_not_reach_presidios_log(caplog: pytest.LogCaptureFixture) -> None:
    """Its IBAN recogniser writes one with the sign for kelvin, which counts as a letter, into an error line."""
    text = "The IBAN is DE8937040044053\u212a013000."
    detector = PresidioDetector(entities=["IBAN"])
    with caplog.at_level(logging.DEBUG):
        IbanRecognizer().validate_result("DE8937040044053\u212a013000")
        assert "370400" in caplog.text
        caplog.clear()
        assert detector.find(text) == []
    assert "370400" not in caplog.text
