"""The tape: what a call asked of the world and what it got, so that it can go on later, or be replayed offline.

Recorded are the effects whose results cannot be had again: what a provider answered (below the line where personal
data has become tokens), times, random numbers, and writes. Look-ups of stores and guards' functions run again on a
replay, so the tape never holds what they returned. A person's answer is asked for again.

Entries are kept per branch, so that branches which raced each other replay in any order. A replay that asks for
something else than what the tape holds is TapeDiverged: the layers have changed since.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

from psf_runtime import errors
from psf_runtime.errors import ProviderError, PsfError, TapeDiverged
from psf_runtime.flow.effects import Call, Effect, Monotonic, Now, Open, Pull, Random, Sleep
from psf_runtime.types.canonical import (
    canonical_bytes,
    chunks_from_data,
    chunks_to_data,
    request_to_data,
    response_from_data,
    response_to_data,
)
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.response import Response

MISSED: Any = object()  # the tape has nothing: ask the world
EVERY = -1  # a race that no single branch decided: all of them ran to their end
_KEPT = (Open, Pull, Sleep, Now, Monotonic, Random)

Branch = tuple[int, ...]
_FIELDS = 3  # of an entry: what was asked, the kind of its result, the result


class RecordedSource:
    """An answer that exists only on the tape."""

    def __init__(self, head: Response) -> None:
        self._head = head

    def head(self) -> Response:
        """The answer without its parts."""
        return self._head

    def read(self, left: float | None) -> list[Chunk] | None:
        """Never called: pulls are replayed before they reach a source."""
        raise TapeDiverged("a recorded answer ended before the layers had read it")

    async def aread(self, left: float | None) -> list[Chunk] | None:
        """Never called either."""
        return self.read(left)

    def close(self) -> None:
        """Nothing to close."""

    async def aclose(self) -> None:
        """Nothing to close."""


class Tape:
    """Records a call; with `entries`, replays them first.

    Args:
        layers: names of the layers, outermost first, kept in the header.
        key: for the digests of what was sent; a fresh one when None.
    """

    def __init__(self, layers: tuple[str, ...] = (), *, key: bytes | None = None) -> None:
        self.layers = layers
        self._given_key = key
        self._old: dict[Branch, list[list[Any]]] = {}
        # One entry after the other, flat: a list for each would be 15 more objects that live as long as the call, and
        # that the garbage collector goes through again and again while hundreds of calls wait.
        self._new: dict[Branch, list[Any]] = {}
        self._at: dict[Branch, int] = {}
        self.replayed = 0
        self.replays = False  # whether there is anything to replay: most tapes only record

    @property
    def _key(self) -> bytes:
        """For the digests of what was sent: drawn when the tape is first written out, which few are."""
        if self._given_key is None:
            self._given_key = os.urandom(16)
        return self._given_key

    def replay(self, branch: Branch, effect: Effect) -> Any:
        """The recorded result of an effect, or MISSED. Raises a recorded error, or TapeDiverged."""
        entries = self._old.get(branch)
        position = self._at.get(branch, 0)
        if entries is None or position >= len(entries) or not _is_kept(effect):
            return MISSED
        key, kind, value = entries[position]
        asked = self._key_of(effect)
        if key != asked:
            raise _diverged(position, key[0], asked[0])
        self._at[branch] = position + 1
        self._new.setdefault(branch, []).extend(entries[position])
        self.replayed += 1
        if kind == "error":
            raise _error_from(value)
        if kind == "source":
            return RecordedSource(response_from_data(value))
        return None if value is None else chunks_from_data(value) if type(effect) is Pull else _plain(effect, value)

    def race_decided(self, branch: Branch) -> int:
        """The branch that decided the recorded race, EVERY when none did or nothing is recorded."""
        entries, position = self._old.get(branch, ()), self._at.get(branch, 0)
        if position >= len(entries):
            return EVERY
        key, _, number = entries[position]
        if key[0] != "Together":
            raise _diverged(position, key[0], "Together")
        self._at[branch] = position + 1
        return int(number)

    def record_race(self, branch: Branch, number: int) -> None:
        """Keep which branch decided a race."""
        self._new.setdefault(branch, []).extend((["Together", ""], "branch", number))

    def check_used_up(self) -> None:
        """Raise TapeDiverged when the layers asked for less than what was recorded."""
        for branch, entries in self._old.items():
            position = self._at.get(branch, 0)
            if position < len(entries) and self._was_replayed(branch):
                raise _diverged(position, entries[position][0][0], "nothing more")

    def _was_replayed(self, branch: Branch) -> bool:
        return not branch or branch in self._at

    def record(self, branch: Branch, effect: Effect, value: Any) -> None:
        """Keep the result of an effect. Cheap: it is turned into data only when the tape is written out."""
        kind = type(effect)
        if kind in _KEPT or (isinstance(effect, Call) and effect.once):  # as _is_kept, without a call
            entries = self._new.get(branch)
            if entries is None:
                entries = self._new[branch] = []
            entries += (effect, "source" if kind is Open else "value", value)

    def failed(self, branch: Branch, effect: Effect, error: Exception) -> None:
        """Keep the error of an effect, without its traceback: those frames hold the tape, and would keep each other."""
        if _is_kept(effect) and isinstance(error, PsfError):
            self._new.setdefault(branch, []).extend((effect, "error", error.fresh()))

    def to_data(self) -> dict[str, Any]:
        """The tape as JSON data. It holds tokenised text: seal it before it is stored."""
        branches = []
        for branch, entries in self._new.items():
            each = zip(*(entries[field::_FIELDS] for field in range(_FIELDS)), strict=True)
            branches.append([list(branch), [self._entry(*entry) for entry in each]])
        return {"layers": list(self.layers), "key": self._key.hex(), "branches": branches}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Tape:
        """A tape to replay."""
        tape = cls(tuple(data["layers"]), key=bytes.fromhex(data["key"]))
        tape._old = {tuple(branch): entries for branch, entries in data["branches"]}
        tape.replays = bool(tape._old)
        return tape

    def _entry(self, effect: Any, kind: str, value: Any) -> list[Any]:
        if isinstance(effect, list):  # replayed before, so it is data already
            return [effect, kind, value]
        key = self._key_of(effect)
        if kind == "error":
            return [key, kind, _error_to(value)]
        if kind == "source":
            return [key, kind, response_to_data(value.head())]
        if type(effect) is Pull:
            return [key, kind, None if value is None else chunks_to_data(value)]
        return [key, kind, value.hex() if isinstance(value, bytes) else value]

    def _key_of(self, effect: Effect) -> list[str]:
        name = type(effect).__name__
        if type(effect) is Open:
            sent = canonical_bytes(request_to_data(effect.request))
            return [name, hashlib.blake2b(sent, key=self._key, digest_size=16).hexdigest()]
        if type(effect) is Call:
            return [name, getattr(effect.fn, "__qualname__", "")]
        return [name, ""]


def _diverged(position: int, recorded: str, asked: str) -> TapeDiverged:
    return TapeDiverged(
        f"step {position} of the recorded call is {recorded}, but the layers now ask for {asked}",
        why="the layers, their settings or their order have changed since the call was recorded",
        change="resume it with the release that recorded it, or reject the ticket",
    )


def _is_kept(effect: Effect) -> bool:
    return type(effect) in _KEPT or (type(effect) is Call and effect.once)


def _plain(effect: Effect, value: Any) -> Any:
    return bytes.fromhex(value) if type(effect) is Random else value


def _error_to(error: PsfError) -> dict[str, Any]:
    data: dict[str, Any] = {"class": type(error).__name__, "what": error.what, "control": error.control}
    if isinstance(error, ProviderError):
        data["provider"] = {
            "kind": error.kind,
            "target": error.target,
            "status": error.status,
            "retry_safe": error.retry_safe,
            "retry_after": error.retry_after,
        }
    return data


def _error_from(data: dict[str, Any]) -> PsfError:
    found = getattr(errors, data["class"], PsfError)
    cls = found if isinstance(found, type) and issubclass(found, PsfError) else PsfError
    return cls(data["what"], control=data["control"], **data.get("provider", {}))
