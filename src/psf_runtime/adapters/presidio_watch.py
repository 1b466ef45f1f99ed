"""Recognisers of Presidio made fit to be relied on: copies that fail instead of skipping, and that never go online.

Presidio skips a pattern that takes too long, with a warning: what it would have found stays in clear. Here the copy's
patterns carry a clock of ours, whose error Presidio does not catch. A recogniser that runs patterns of its own cannot
be given one; for these holds that a skip takes at least as long as Presidio's limit, so more than that is an error.
"""

from __future__ import annotations

import copy
import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

import presidio_analyzer.pattern_recognizer as presidio_patterns
from presidio_analyzer import Pattern, PatternRecognizer

from psf_runtime.errors import ConfigError, GuardError

regex: Any = import_module("regex")  # what Presidio compiles its patterns with
tldextract: Any = import_module("tldextract")
PRESIDIO_LIMIT = float(getattr(presidio_patterns, "REGEX_TIMEOUT_SECONDS", 60))


class Stopwatch:
    """How much CPU time one look at a window may take, for each thread by itself: a busy machine is no slow pattern."""

    def __init__(self, seconds: float) -> None:
        self.seconds = min(seconds, PRESIDIO_LIMIT)
        self._own = threading.local()

    def start(self) -> None:
        """Begin to count."""
        self._own.began = (time.thread_time(), time.process_time(), time.monotonic())

    def left(self) -> float:
        """Seconds that are left. Raises GuardError when there are none."""
        own, everybody, wall = self._own.began
        left: float = own + self.seconds - time.thread_time()
        # The regex library counts what all threads use: a skip of Presidio comes after its limit on one of these.
        skipped = max(time.process_time() - everybody, time.monotonic() - wall) >= PRESIDIO_LIMIT
        if left <= 0 or skipped:
            raise too_slow(self.seconds)
        return left


def too_slow(seconds: float) -> GuardError:
    """The error for a look that took too long."""
    return GuardError(
        f"the detector presidio took longer than {seconds:g} s for a stretch of text",
        layer="privacy.tokens",
        hook="presidio",
        control="privacy.tokens",
        why="what a pattern skips would leave in clear",
        change="mend the pattern that takes so long, or raise timeout= (REGEX_TIMEOUT_SECONDS is the most)",
    )


class WatchedRegex:
    """A compiled pattern whose time-out is an error that Presidio does not catch."""

    def __init__(self, compiled: Any, stopwatch: Stopwatch) -> None:
        self._compiled = compiled
        self._stopwatch = stopwatch

    def finditer(self, text: str, **_: Any) -> Iterator[Any]:
        """Every match, within the time that is left."""
        try:
            yield from self._compiled.finditer(text, timeout=self._stopwatch.left())
        except TimeoutError:
            late = True
        else:
            late = False
        if late:  # raised out here: an error inside `except` would carry the other one along
            raise too_slow(self._stopwatch.seconds)


def prepared(recognizer: Any, stopwatch: Stopwatch) -> Any:
    """A copy under the stopwatch; the recogniser itself, which others may use, stays as it is."""
    twin: Any = copy.copy(recognizer)
    if isinstance(recognizer, PatternRecognizer):
        twin.patterns = [_watched(pattern, twin.global_regex_flags, stopwatch) for pattern in twin.patterns]
    kind = type(twin).__name__
    if kind == "EmailRecognizer":
        twin.validate_result = _offline_domain_check()
    elif kind == "IbanRecognizer":
        twin.validate_result = functools.partial(_ascii_only, twin.validate_result)
    twin.analyze = functools.partial(_timed, twin.analyze, stopwatch)
    return twin


def check_watch(engine_of: Callable[[Sequence[Any]], Any]) -> None:
    """Raise ConfigError unless this version of Presidio lets the error of a watched pattern through."""
    stopwatch = Stopwatch(1.0)
    recognizer = PatternRecognizer("SELF_TEST", patterns=[Pattern("self test", "x", 0.5)])
    twin: Any = prepared(recognizer, stopwatch)
    twin.patterns[0].compiled_regex = WatchedRegex(_Late(), stopwatch)
    stopwatch.start()
    try:
        engine_of([twin]).analyze("x", language="en")
    except GuardError:
        return
    raise ConfigError(
        "this version of presidio-analyzer cannot be watched",
        control="privacy.tokens",
        why="it would skip a pattern that takes too long, and what that finds would leave in clear",
        change="pip install -U 'psf-runtime[presidio]'",
    )


class _Late:
    """A pattern that takes too long, at once."""

    def finditer(self, *_: Any, **__: Any) -> Iterator[Any]:
        raise TimeoutError


def _watched(pattern: Any, flags: int, stopwatch: Stopwatch) -> Any:
    twin = copy.copy(pattern)
    twin.compiled_with_flags = flags
    twin.compiled_regex = WatchedRegex(regex.compile(pattern.regex, flags=flags), stopwatch)
    return twin


def _timed(analyze: Callable[..., Any], stopwatch: Stopwatch, **given: Any) -> Any:
    results = analyze(**given)
    stopwatch.left()
    return results


def _offline_domain_check() -> Callable[[str], bool]:
    """Whether an address has a domain that exists, by the list that comes with tldextract: no address is asked."""
    extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    return lambda value: bool(extract(value).fqdn)


def _ascii_only(validate: Callable[[str], Any], value: str) -> Any:
    """Presidio writes a value with letters outside of ASCII to its log, and then says no: here only the no."""
    return validate(value) if value.isascii() else False
