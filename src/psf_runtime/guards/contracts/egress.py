"""The last look at an answer before the caller has it: no link may take data of the request away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from psf_runtime.errors import Blocked
from psf_runtime.flow.protocols import ChunkResult, GuardBase, Session
from psf_runtime.flow.text import PartKey, TextSession
from psf_runtime.guards.contracts.invisible import Cleaner, clean
from psf_runtime.guards.contracts.links import Fate, LinkScanner
from psf_runtime.guards.contracts.request_data import FindValues, RequestData, split, trimmed
from psf_runtime.guards.contracts.texts import change_arguments
from psf_runtime.types.chunks import Chunk, ReasoningDelta
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.request import Request
from psf_runtime.types.rules import Mode
from psf_runtime.types.verdict import Finding

_MOST_HELD_ARGUMENTS = 1_000_000
_SCRIPTS = ("javascript:", "vbscript:", "data:")


class _Judge:
    """Knows the request's data, and judges every address of the answer by it.

    An object of its own: were it the session, which holds the channels that hold it, only the garbage collector could
    free a call with everything in it.
    """

    __slots__ = ("_data", "_guard", "_request", "counts")

    def __init__(self, guard: ScreenEgress) -> None:
        self._guard = guard
        self._request: Request | None = None
        self._data: RequestData | None = None
        self.counts: dict[tuple[str, bool], int] = {}

    def learn(self, request: Request) -> None:
        """Judge by this request from now on."""
        self._request = request

    def __call__(self, address: str, loads: bool) -> Fate:
        """What becomes of an address."""
        plain = trimmed(address)
        lowered = plain.casefold()
        if lowered.startswith(_SCRIPTS):
            # A word like "data:" with nothing behind it is prose.
            return self._found("link.script", "remove") if lowered not in _SCRIPTS else "keep"
        host = split(plain)[1]
        data = self._request_data()
        if data is None:  # nothing is known about the request: nothing can be told to be harmless
            return self._found("link.unknown_request", "remove")
        if plain in data.trusted_urls:
            return "keep"
        if data.carried(plain, strict=loads and not self._allowed(host)):
            return self._found("link.carries_data", "remove")
        if not host or self._allowed(host):
            return "keep"
        if host in data.strange_hosts:
            return self._found("link.from_untrusted", "inert")
        if self._guard.mode == "enforce":
            return self._found("link.not_allowed", "inert")
        self._found("link.other_host", "keep", observed=True)
        return "keep"

    def _request_data(self) -> RequestData | None:
        """What counts as data. Collected when the first address is met: most answers hold none (140 us a call)."""
        if self._data is None and self._request is not None:
            self._data = RequestData(self._request, find_values=self._guard.find_values)
        return self._data

    def _allowed(self, host: str) -> bool:
        return any(host == name or host.endswith(f".{name}") for name in self._guard.allowed_hosts)

    def _found(self, kind: str, fate: Fate, *, observed: bool = False) -> Fate:
        self.counts[(kind, observed)] = self.counts.get((kind, observed), 0) + 1
        return fate


class _Channel:
    """One channel of an answer: invisible characters out first, for they could hide a link, then the links."""

    __slots__ = ("cleaner", "scanner")

    def __init__(self, judge: _Judge) -> None:
        self.cleaner = Cleaner()
        self.scanner = LinkScanner(judge)


class EgressSession(TextSession):
    """Sends every piece of the answer through its channel."""

    def __init__(self, guard: ScreenEgress, context: Context) -> None:
        self._guard = guard
        self._context = context
        self._judge = _Judge(guard)
        self._untrusted = False
        self._channels: dict[PartKey, _Channel] | None = None  # made with the answer: most of a call is waiting
        self._arguments: dict[int, list[str]] | None = None
        self._held = 0

    def on_request(self, request: Request) -> Request:
        """Remember the request, which goes on unchanged."""
        self._judge.learn(request)
        self._untrusted = request.holds_untrusted
        return request

    def on_chunk(self, chunk: Chunk) -> ChunkResult:
        """Reasoning is withheld unless it was asked for; the rest goes through the scanner."""
        if type(chunk) is ReasoningDelta and self._guard.reasoning == "withhold":
            if chunk.text:
                self._judge.counts[("reasoning.withheld", False)] = 1
            return None
        return super().on_chunk(chunk)

    def text(self, piece: str, part: PartKey) -> str:
        """The words of the piece that are whole and judged."""
        if isinstance(part, int):
            self._hold(piece, part)
            return ""
        channels = self._channels
        if channels is None:
            channels = self._channels = {}
        channel = channels.get(part)
        if channel is None:
            channel = channels[part] = _Channel(self._judge)
        return channel.scanner.feed(channel.cleaner.feed(piece))

    def flush(self, part: PartKey) -> str:
        """The word that was still open, judged as it stands."""
        if isinstance(part, int):
            whole = "".join(self._arguments.pop(part, ())) if self._arguments else ""
            return change_arguments(whole, self._screen_argument) if self._untrusted else whole
        channel = self._channels.get(part) if self._channels else None
        if channel is None:
            return ""
        waiting = channel.cleaner.end()
        before = channel.scanner.feed(waiting) if waiting else ""
        return before + channel.scanner.end_of_part()

    def on_end(self) -> tuple[Chunk, ...]:
        """The tail, and what was found."""
        tail = super().on_end()
        for (kind, observed), times in sorted(self._judge.counts.items()):
            self._context.findings.append(Finding("contracts.links", kind, "response", count=times, observed=observed))
        return tail

    def _screen_argument(self, text: str) -> str:
        scanner = LinkScanner(self._judge)
        return scanner.feed(clean(text)) + scanner.end_of_part()

    def _hold(self, piece: str, part: int) -> None:
        if self._arguments is None:
            self._arguments = {}
        self._arguments.setdefault(part, []).append(piece)
        self._held += len(piece)
        if self._held > _MOST_HELD_ARGUMENTS:
            raise Blocked(
                "the model wrote tool calls that are too long.",
                control="contracts.links",
                why=f"their arguments are longer than {_MOST_HELD_ARGUMENTS} characters",
                change="ask for less at once, or let the tool read a file",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenEgress(GuardBase):
    """Defangs links and pictures that would carry data of the request away, in clear text, before their first byte.

    It looks at restored text, in streams too: Markdown links, pictures, references and autolinks, HTML attributes and
    styles, bare addresses; in clear, percent-encoded, base64, hex, entities. What carries data becomes
    `[link removed]`; an address at a host that only untrusted parts mention stays readable but dead (`hxxps://...`);
    addresses that a person or the application wrote may come back verbatim. A word is held until it is whole, an open
    quoted attribute up to 4,096 characters, then it is judged as it stands. Invisible characters are removed on the
    way, for they can hide a link. Tool arguments are released whole, and screened once the request holds an untrusted
    part. This control has no observe mode.

    Still to come: addresses without a scheme (`evil.example/x`) that some chat programs turn into links, and data
    spread over many links. Source: framework domains 01 and 04; OWASP LLM02.

    Attributes:
        allowed: hosts of yours, subdomains included; they may still not carry personal data.
        mode: for hosts that are not in `allowed`: `observe` finds them, `enforce` makes their addresses dead.
        reasoning: `withhold` drops what the model thought and counts that; `deliver` screens and delivers it.
        find_values: spans of personal data in a text; without it values are guessed from digits and `@`.
    """

    name = "contracts.links"
    domain = Domain.CONTRACTS
    session = EgressSession
    outside_of = ("privacy.tokens",)

    allowed: Sequence[str] = ()
    mode: Mode = "observe"
    reasoning: Literal["withhold", "deliver"] = "withhold"
    find_values: FindValues | None = None

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """The allowed hosts as they are compared."""
        return tuple(host.casefold().rstrip(".") for host in self.allowed)

    def open(self, context: Context) -> Session:
        """A session for one attempt."""
        return EgressSession(self, context)
