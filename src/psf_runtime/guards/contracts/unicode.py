"""Invisible characters are taken out of everything that goes in and comes out."""

from __future__ import annotations

from dataclasses import dataclass

from psf_runtime.errors import Blocked
from psf_runtime.flow.protocols import GuardBase, Session
from psf_runtime.flow.text import PartKey, TextSession
from psf_runtime.guards.contracts.invisible import Cleaner, clean, is_clean
from psf_runtime.guards.contracts.texts import change_arguments, change_texts
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.request import Request
from psf_runtime.types.rules import Mode
from psf_runtime.types.verdict import Finding

_MOST_HELD_ARGUMENTS = 1_000_000  # characters of one tool call
_KIND = "contracts.unicode 1"  # whether a text is clean is remembered under it: it changes with what is invisible


class UnicodeSession(TextSession):
    """Cleans the request at once, the answer piece by piece, and tool arguments when they are complete."""

    def __init__(self, guard: ScreenUnicode, context: Context) -> None:
        self._observed = guard.mode == "observe"
        self._context = context
        self._cleaners: dict[PartKey, Cleaner] = {}
        self._arguments: dict[PartKey, list[str]] = {}
        self._held: dict[PartKey, int] = {}
        self._counts: dict[str, int] = {}

    def on_request(self, request: Request) -> Request:
        """Every string of the request: messages, names, tool results, arguments, tools, schemas."""
        counts: dict[str, int] = {}

        def cleaned_text(text: str) -> str:
            if text.isascii() or self._context.found(_KIND, text, _looked_at)[0]:
                return text
            return clean(text, counts)

        cleaned = change_texts(request, cleaned_text)
        self._report(counts, "request")
        return request if self._observed or not counts else cleaned

    def text(self, piece: str, part: PartKey) -> str:
        """What of the piece can go on; tool arguments wait until they are complete, for they are escaped JSON."""
        if isinstance(part, int):
            self._hold(piece, part)
            return ""
        cleaner = self._cleaners.get(part)
        if cleaner is None:
            cleaner = self._cleaners[part] = Cleaner()
        out = cleaner.feed(piece)
        return piece if self._observed else out

    def flush(self, part: PartKey) -> str:
        """The end of a part: held tool arguments, cleaned."""
        if isinstance(part, int):
            whole = "".join(self._arguments.pop(part, ()))
            cleaned = change_arguments(whole, lambda text: clean(text, self._counts))
            return whole if self._observed else cleaned
        cleaner = self._cleaners.pop(part, None)
        if cleaner is not None:
            cleaner.end()
            for kind, times in cleaner.counts.items():
                self._counts[kind] = self._counts.get(kind, 0) + times
        return ""

    def on_end(self) -> tuple[object, ...]:  # type: ignore[override]
        """The tail, and one finding for each kind of character."""
        tail = super().on_end()
        self._report(self._counts, "response")
        return tail

    def _hold(self, piece: str, part: int) -> None:
        self._arguments.setdefault(part, []).append(piece)
        self._held[part] = self._held.get(part, 0) + len(piece)
        if self._held[part] > _MOST_HELD_ARGUMENTS:
            raise Blocked(
                "the model wrote a tool call that is too long.",
                control="contracts.unicode",
                why=f"its arguments are longer than {_MOST_HELD_ARGUMENTS} characters",
                change="ask for less at once, or let the tool read a file",
            )

    def _report(self, counts: dict[str, int], where: str) -> None:
        for kind, times in sorted(counts.items()):
            found = Finding("contracts.unicode", f"unicode.{kind}", where, count=times, observed=self._observed)
            self._context.findings.append(found)


def _looked_at(text: str) -> tuple[bool]:
    return (is_clean(text),)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenUnicode(GuardBase):
    """Removes what people cannot see: tag characters, bidi overrides, stray joiners, zero-width signs.

    Joiners stay inside emoji and in the scripts that are written with them. What was removed is counted in findings
    (`unicode.tag`, `unicode.bidi`, ...), never shown. With `mode="observe"` nothing is changed.

    Letters that only look alike (a Cyrillic "a") are still to come. Source: framework domain 04; Unicode UTR 36.
    """

    name = "contracts.unicode"
    domain = Domain.CONTRACTS
    session = UnicodeSession
    outside_of = ("contracts.injection", "privacy.tokens")

    mode: Mode = "enforce"

    def open(self, context: Context) -> Session:
        """A session for one attempt."""
        return UnicodeSession(self, context)
