"""Plays a cassette back: a provider whose replies are what was recorded."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

from psf_runtime.errors import ConfigError
from psf_runtime.ports import Clock
from psf_runtime.providers.mock import MockProvider
from psf_runtime.providers.mock.replies import Reply
from psf_runtime.providers.mock.wire import MockCall
from psf_runtime.testing.cassettes.answers import script_of
from psf_runtime.testing.cassettes.asked import asked_data, differences
from psf_runtime.testing.cassettes.tape import Cassette, Entry, load

_MOST = 8  # differences that an error lists


class CassetteProvider(MockProvider):
    """Answers from a cassette. Works as the `model` of a Client.

    Each recorded call is played once. A request that was not recorded is a ConfigError that says what differs.

    Args:
        path: of the cassette. `pytest --psf-record` writes it, or `RecordingProvider`.
        clock: as for a MockProvider.

    Raises ConfigError for a file that is missing or no cassette.
    """

    def __init__(self, path: str | os.PathLike[str], *, clock: Clock | None = None) -> None:
        self.path = Path(path)
        self.cassette: Cassette = load(self.path)
        super().__init__(name=self.cassette.target, clock=clock)
        self.capabilities = frozenset(self.cassette.capabilities) or self.capabilities
        self.facts = replace(self.facts, capabilities=self.capabilities)
        self._playing = threading.Lock()  # guards `_left`
        self._left = list(self.cassette.entries)

    def next_reply(self, sent: MockCall) -> tuple[Reply, int | None]:
        """What was recorded for this request."""
        return self._play(sent), None

    def next_vectors(self, sent: MockCall) -> Reply | None:
        """As `next_reply`."""
        return self._play(sent)

    def unused(self) -> list[str]:
        """The recorded calls that nobody asked for."""
        count = len(self._left)
        return [f"cassette {self.path.name}: {count} of {len(self.cassette.entries)} calls not asked for"] * (count > 0)

    def _play(self, sent: MockCall) -> Reply:
        asked, names = asked_data(sent.request)
        with self._playing:
            entry = next((entry for entry in self._left if entry.asked == asked), None)
            if entry is not None:
                self._left.remove(entry)
                return script_of(entry.answer, names, stream=sent.stream)
            following = self._left[0] if self._left else None
        self.note_unmatched(sent)
        raise self._unlike(following, asked)

    def _unlike(self, following: Entry | None, asked: dict[str, object]) -> ConfigError:
        count = len(self.cassette.entries)
        if following is None:
            why = f"all {count} recorded calls were played"
        else:
            lines = list(differences(following.asked, asked))
            more = f"and {len(lines) - _MOST} more" if len(lines) > _MOST else ""
            why = "\n           ".join(["the next recorded call differs:", *lines[:_MOST], *([more] if more else [])])
        return ConfigError(
            f"the cassette {self.path.name!r} has no answer for this request",
            why=why,
            change="write it anew with pytest --psf-record, or make the call as it was (unmatched[-1].wire)",
        )
