"""Presidio's engine, offline: a tokenizer without a model that keeps context scoring on, or a spaCy model's folder."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer
from presidio_analyzer.nlp_engine import NerModelConfiguration, NlpArtifacts, NlpEngine, SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import SpacyRecognizer

from psf_runtime.adapters.presidio_watch import Stopwatch, check_watch, prepared
from psf_runtime.errors import ConfigError

__all__ = ["BlankEngine", "FolderEngine", "Stopwatch", "check_self", "default_recognizers", "make_engine", "prepared"]

spacy: Any = import_module("spacy")

# What spaCy's models mark and what is no personal data.
_IGNORED = (
    "CARDINAL",
    "EVENT",
    "FAC",
    "LANGUAGE",
    "LAW",
    "MISC",
    "MONEY",
    "ORDINAL",
    "PERCENT",
    "PRODUCT",
    "QUANTITY",
    "WORK_OF_ART",
)


_PREDEFINED = ("en", "es", "it", "pl")  # languages that Presidio has recognisers of its own for


class BlankEngine(NlpEngine):  # type: ignore[misc,unused-ignore]
    """Words without a model: a word's lemma is the word in lower case.

    Presidio's own engines without a model give no lemmas, and then no word of context ever raises a score.
    """

    engine_name = "blank"
    is_available = True

    def __init__(self, languages: Sequence[str]) -> None:
        self._by_language = {language: spacy.blank(language) for language in languages}

    def load(self) -> None:
        """Nothing to load."""

    def is_loaded(self) -> bool:
        """Always."""
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """The words of a text."""
        tokens = self._by_language[language].make_doc(text)
        return NlpArtifacts(
            entities=[],
            tokens=tokens,
            tokens_indices=[token.idx for token in tokens],
            lemmas=[token.lower_ for token in tokens],
            nlp_engine=self,
            language=language,
            scores=[],
        )

    def process_batch(
        self, texts: Iterable[str], language: str, batch_size: int = 1, n_process: int = 1, **_: Any
    ) -> Iterator[tuple[str, NlpArtifacts]]:
        """The words of several texts."""
        for text in texts:
            yield text, self.process_text(text, language)

    def is_stopword(self, word: str, language: str) -> bool:
        """Whether a word says nothing by itself."""
        return bool(self._by_language[language].vocab[word].is_stop)

    def is_punct(self, word: str, language: str) -> bool:
        """Whether it is a mark and no word."""
        return bool(self._by_language[language].vocab[word].is_punct)

    def get_supported_entities(self) -> list[str]:
        """None: this engine finds nothing itself."""
        return []

    def get_supported_languages(self) -> list[str]:
        """The languages it was made for."""
        return list(self._by_language)


class FolderEngine(SpacyNlpEngine):  # type: ignore[misc,unused-ignore]
    """A spaCy model from a folder; languages without one get the blank tokenizer. Nothing is ever downloaded."""

    def __init__(self, folder: Path, languages: Sequence[str]) -> None:
        super().__init__(ner_model_configuration=NerModelConfiguration(labels_to_ignore=list(_IGNORED)))
        self._blank = BlankEngine(languages)
        own = model_facts(folder)["lang"]
        if own not in languages:
            raise ConfigError(
                f"the model in model_folder speaks {own!r}, which is none of languages",
                control="privacy.tokens",
                change=f"languages=({own!r},)",
            )
        self._models: dict[str, Any] = {own: spacy.load(folder)}
        vars(self)["nlp"] = self._models

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """Words, lemmas and names where there is a model; words alone elsewhere."""
        if language not in self._models:
            return self._blank.process_text(text, language)
        return super().process_text(text, language)


class LinearContext(LemmaContextAwareEnhancer):  # type: ignore[misc,unused-ignore]
    """Presidio's context scoring, with the same answers: the word of a hit is looked up, not counted up to.

    Presidio walks through the text from its first word for every hit, and through a list for every word around it.
    """

    def _extract_surrounding_words(self, nlp_artifacts: Any, word: str, start: int) -> list[str]:
        tokens = nlp_artifacts.tokens
        if not tokens:
            return [""]
        words: Any = nlp_artifacts.keywords
        if not isinstance(words, frozenset):
            words = frozenset(words)
            nlp_artifacts.keywords = words  # once for all hits of this text
        index = max(0, bisect_right(nlp_artifacts.tokens_indices, start) - 1)
        if nlp_artifacts.tokens_indices[index] + len(tokens[index]) <= start:
            index = min(index + 1, len(tokens) - 1)
        around = self._add_n_words_backward(
            index, self.context_prefix_count, nlp_artifacts.lemmas, words
        ) + self._add_n_words_forward(index, self.context_suffix_count, nlp_artifacts.lemmas, words)
        return list(set(around))


class NoContext(LemmaContextAwareEnhancer):  # type: ignore[misc,unused-ignore]
    """Scores as the patterns give them."""

    def enhance_using_context(self, text: str, raw_results: list[Any], *_: Any, **__: Any) -> list[Any]:
        """The same results."""
        return raw_results


def model_facts(folder: Path) -> Mapping[str, str]:
    """Language, name and version of a spaCy model. Raises ConfigError when the folder holds none."""
    facts: Any = None
    if (folder / "config.cfg").is_file():
        try:
            facts = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            facts = None
    if not isinstance(facts, dict) or not isinstance(facts.get("lang"), str):
        raise ConfigError(
            "model_folder holds no spaCy model",
            control="privacy.tokens",
            why="there is no readable config.cfg and meta.json in it, and nothing is downloaded",
            change="the folder that nlp.to_disk(...) wrote, or the one inside an installed model package",
        )
    return {name: str(facts.get(name, "")) for name in ("lang", "name", "version")}


def default_recognizers(languages: Sequence[str], nlp_engine: Any) -> list[Any]:
    """Presidio's own recognisers for these languages; those of names only where the engine has names."""
    named = bool(nlp_engine.get_supported_entities())
    engine_with_names: Any = nlp_engine if named else None
    # Presidio warns once for each recogniser of a language that is left out: so they are all made, and left out here.
    every = list(dict.fromkeys((*languages, *_PREDEFINED)))
    registry = RecognizerRegistry(supported_languages=every)
    registry.load_predefined_recognizers(languages=every, nlp_engine=engine_with_names)
    return [
        one
        for one in registry.recognizers
        if one.supported_language in languages and (named or not isinstance(one, SpacyRecognizer))
    ]


def make_engine(recognizers: Sequence[Any], *, languages: Sequence[str], nlp_engine: Any, context: bool) -> Any:
    """An AnalyzerEngine over exactly these recognisers."""
    return AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=list(recognizers), supported_languages=list(languages)),
        nlp_engine=nlp_engine,
        supported_languages=list(languages),
        context_aware_enhancer=LinearContext() if context else NoContext(),
    )


def check_self() -> None:
    """Raise ConfigError when this version of Presidio would hide that a pattern took too long."""
    check_watch(lambda one: make_engine(one, languages=["en"], nlp_engine=BlankEngine(["en"]), context=False))
