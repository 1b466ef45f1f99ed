"""Presidio's recognisers and NLP engines as a detector: offline, never in part, and only what it can really find.

Presidio is imported when the first `PresidioDetector` is made (about 2 s and 100 MB), never before.
Source: https://github.com/data-privacy-stack/presidio
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version as version_of
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from psf_runtime.adapters.presidio_names import PROBES, Samples, is_name, ours, theirs
from psf_runtime.adapters.presidio_windows import look_in_windows, settled
from psf_runtime.errors import ConfigError, GuardError, PsfError
from psf_runtime.ports import Detection

_CONTROL = "privacy.tokens"
_SURROGATES = dict.fromkeys(range(55296, 57344), "�")


class PresidioDetector:
    """Finds what Presidio's recognisers find, in texts of any length; safe to share between threads.

    Every entity is tried out when the detector is made, on sentences in which it must be found: `entities` is what
    passed. A pattern that takes too long, or anything else that goes wrong, is a GuardError, never a shorter list.
    It is `blocking`: it computes for long, so async callers run it in a thread.

    Args:
        languages: every text is read in each of them.
        entities: the ones that are needed, by our names or Presidio's; None: all.
        ignore: the ones that are not wanted; what they would find does not compete with the others.
        recognizers: Presidio recognisers of your own, beside its predefined ones. They are copied.
        nlp_engine: a loaded Presidio NlpEngine; None: a tokenizer without a model, with context scoring on.
        model_folder: folder of a spaCy model, for names, places and organisations. Not together with `nlp_engine`.
        probes: for entities of your own: sentence -> the value that must be found in it.
        score_threshold: finds with a lower score are dropped, 0..1.
        context: whether words before a find raise its score.
        timeout: seconds of CPU that a stretch of 5,000 characters may take.

    Raises ConfigError when Presidio is not installed, when there is no model where one was named, or when an entity of
    `entities` is found by nothing.
    """

    name = "presidio"
    blocking = True

    def __init__(
        self,
        *,
        languages: Sequence[str] = ("en",),
        entities: Iterable[str] | None = None,
        ignore: Iterable[str] = (),
        recognizers: Sequence[Any] = (),
        nlp_engine: Any = None,
        model_folder: str | Path | None = None,
        probes: Mapping[str, Samples] | None = None,
        score_threshold: float = 0.4,
        context: bool = True,
        timeout: float = 10.0,
    ) -> None:
        if find_spec("presidio_analyzer") is None:
            raise ConfigError(
                "the detector presidio needs presidio-analyzer",
                control=_CONTROL,
                why="it is not installed",
                change="pip install 'psf-runtime[presidio]'",
            )
        _check_settings(languages, nlp_engine, model_folder, score_threshold, timeout)
        _check_probes(probes or {})
        self._languages = tuple(dict.fromkeys(languages))
        self._threshold = score_threshold
        folder = None if model_folder is None else Path(model_folder)
        wanted = None if entities is None else frozenset(map(theirs, entities))
        self._load(recognizers, nlp_engine, folder, context, timeout)
        self._asked = self._entities_by_language(wanted, frozenset(map(theirs, ignore)))
        self._found = self._probe({**PROBES, **{theirs(name): one for name, one in (probes or {}).items()}})
        missing = sorted(map(ours, (wanted or frozenset()) - frozenset(map(theirs, self._found))))
        if missing:
            raise _nothing_finds(missing, named=folder is not None or nlp_engine is not None)
        if not self._asked:
            raise ConfigError(
                "the detector presidio has nothing to look for",
                control=_CONTROL,
                change="name something in entities, or leave it out, and ignore less",
            )
        given = (self._languages, sorted(self._found), self._asked, score_threshold, context, self._model)
        digest = hashlib.sha256(repr(given).encode()).hexdigest()[:16]
        # Findings are remembered under it. What a recogniser or an engine of somebody else does, nobody can name.
        self.version = "" if recognizers or nlp_engine is not None else f"{self._versions()}:{digest}"

    @property
    def entities(self) -> frozenset[str]:
        """What was found when it was tried out, by our names."""
        return self._found

    def find(self, text: str) -> list[Detection]:
        """The personal data in `text`, in order; no two spans of one entity overlap. Raises GuardError."""
        if not text:
            return []
        return look_in_windows(text.translate(_SURROGATES) if not _encodes(text) else text, self._look)

    def _look(self, text: str) -> list[Detection]:
        """What is found in one window, in every language."""
        problem: PsfError
        try:
            return self._analyse(text)
        except PsfError as caught:
            problem = caught.fresh()
        except (Exception, SystemExit) as error:  # spaCy's downloader ends the program
            problem = _crashed(type(error).__name__)
        # Raised out here: the frames inside hold the text, and Presidio's messages quote it.
        raise problem

    def _analyse(self, text: str) -> list[Detection]:
        found: list[Detection] = []
        for language, asked in self._asked.items():
            self._stopwatch.start()
            results = self._engine.analyze(
                text, language=language, entities=list(asked), score_threshold=self._threshold
            )
            self._stopwatch.left()
            found += [Detection(one.start, one.end, ours(one.entity_type), float(one.score)) for one in results]
        return settled(found)

    def _load(
        self, recognizers: Sequence[Any], nlp_engine: Any, folder: Path | None, context: bool, timeout: float
    ) -> None:
        """Import Presidio and make its engine; nothing is fetched."""
        problem: PsfError
        try:
            self._make(recognizers, nlp_engine, folder, context, timeout)
        except PsfError as caught:
            problem = caught.fresh()
        except (Exception, SystemExit) as error:
            problem = ConfigError(
                "the detector presidio cannot be made",
                control=_CONTROL,
                why=f"Presidio or spaCy raised {type(error).__name__}",
                change="look at recognizers, nlp_engine and model_folder, and at the versions in `psf check`",
            )
        else:
            return
        raise problem

    def _make(
        self, recognizers: Sequence[Any], nlp_engine: Any, folder: Path | None, context: bool, timeout: float
    ) -> None:
        # The one room that needs Presidio to be imported at all.
        import psf_runtime.adapters.presidio_engine as presidio

        self._model = "" if folder is None else "-".join(presidio.model_facts(folder).values())
        if folder is not None:
            nlp_engine = presidio.FolderEngine(folder, self._languages)
        elif nlp_engine is None:
            nlp_engine = presidio.BlankEngine(self._languages)
        presidio.check_self()
        self._stopwatch = presidio.Stopwatch(timeout)
        self._recognizers = [
            presidio.prepared(one, self._stopwatch)
            for one in (*presidio.default_recognizers(self._languages, nlp_engine), *recognizers)
        ]
        self._engine = presidio.make_engine(
            self._recognizers, languages=self._languages, nlp_engine=nlp_engine, context=context
        )

    def _entities_by_language(
        self, wanted: frozenset[str] | None, ignored: frozenset[str]
    ) -> dict[str, tuple[str, ...]]:
        """What to ask for in each language: Presidio warns, and will fail, when a language lacks an entity."""
        asked: dict[str, tuple[str, ...]] = {}
        for language in self._languages:
            claimed = {
                entity
                for one in self._recognizers
                if one.supported_language == language
                for entity in one.supported_entities
            }
            chosen = sorted((claimed if wanted is None else claimed & wanted) - ignored)
            if chosen:
                asked[language] = tuple(chosen)
        unfit = sorted({name for names in asked.values() for name in names if not is_name(ours(name))})
        if unfit:
            raise ConfigError(
                "an entity of a recogniser has a name that no token can have",
                control=_CONTROL,
                why="a name is words of 2 to 24 capital letters, joined by _",
                change="supported_entity='CUSTOMER_NUMBER'",
            )
        return asked

    def _probe(self, probes: Mapping[str, Samples]) -> frozenset[str]:
        """The entities that are found in one of the sentences where they must be found."""
        claimed = {name for names in self._asked.values() for name in names}
        samples = {name: {**probes.get(name, {}), **self._denied(name)} for name in claimed}
        looked = {sentence: self._look(sentence) for sentence in {s for each in samples.values() for s in each}}
        return frozenset(
            ours(name)
            for name, each in samples.items()
            if any(_holds(looked[sentence], ours(name), sentence, value) for sentence, value in each.items())
        )

    def _denied(self, entity: str) -> dict[str, str]:
        """The words of a deny list are samples themselves."""
        words = [
            str(word)
            for one in self._recognizers
            if entity in one.supported_entities
            for word in (getattr(one, "deny_list", None) or ())[:1]
        ]
        return {f"It is {word} here.": word for word in words}

    def _versions(self) -> str:
        packages = ("presidio-analyzer", "spacy", "phonenumbers", "tldextract")
        return " ".join(f"{name}-{version_of(name)}" for name in packages)


def _encodes(text: str) -> bool:
    """Whether a text is free of lone surrogates, at which spaCy fails."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _holds(found: Iterable[Detection], entity: str, sentence: str, value: str) -> bool:
    start = sentence.index(value)
    return any(one.entity == entity and one.start < start + len(value) and one.end > start for one in found)


def _check_settings(
    languages: Sequence[str], nlp_engine: Any, folder: str | Path | None, threshold: float, timeout: float
) -> None:
    problems = []
    if isinstance(languages, str) or not languages:
        problems.append(("languages", "must be one or more languages", '("en",)'))
    if not 0 <= threshold <= 1:
        problems.append(("score_threshold", "must be from 0 to 1", "0.4"))
    if not timeout > 0:
        problems.append(("timeout", "must be more than 0 seconds", "10.0"))
    if nlp_engine is not None and folder is not None:
        problems.append(("nlp_engine", "is given together with model_folder", "leave one of them out"))
    if nlp_engine is not None and not getattr(nlp_engine, "is_loaded", lambda: False)():
        problems.append(("nlp_engine", "is not loaded, and loading it may download", "call its load() yourself"))
    if problems:
        raise ConfigError("PresidioDetector(...) cannot be made", control=_CONTROL, problems=problems)


def _check_probes(probes: Mapping[str, Samples]) -> None:
    wrong = sorted(name for name, each in probes.items() if not all(value and value in s for s, value in each.items()))
    if wrong:
        problems = [(f"probes[{name!r}]", "holds a sentence without its value", "{sentence: value}") for name in wrong]
        raise ConfigError("PresidioDetector(...) cannot be made", control=_CONTROL, problems=problems)


def _nothing_finds(missing: Sequence[str], *, named: bool) -> ConfigError:
    names = ", ".join(missing)
    remedy = "probes={NAME: {sentence: value}} with samples of your own" if named else "model_folder=, a spaCy model"
    return ConfigError(
        f"the detector presidio finds no {names}",
        control=_CONTROL,
        why="it was tried out on sentences in which it must find them, whatever its recognisers say they can do",
        change=f"{remedy}, or remove it from entities",
    )


def _crashed(name: str) -> GuardError:
    return GuardError(
        f"the detector presidio raised {name}",
        layer=_CONTROL,
        hook="presidio",
        control=_CONTROL,
        why="a text that was not looked at whole may not leave",
        change="look at recognizers and nlp_engine, and report this with the versions in `psf check`",
    )
