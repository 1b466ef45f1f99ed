"""What an answer must not give away: the system prompt, secrets, tokens of somebody else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from psf_runtime.errors import Blocked
from psf_runtime.flow.protocols import GuardBase, Hold, Session, window
from psf_runtime.flow.text import PartKey, TextSession
from psf_runtime.guards.contracts.prompt_runs import PromptIndex, RunFinder
from psf_runtime.guards.contracts.texts import places, strings_of, text_of
from psf_runtime.types.chunks import Chunk, ReasoningDelta
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.messages import ToolCall
from psf_runtime.types.request import Request
from psf_runtime.types.rules import Mode
from psf_runtime.types.verdict import Finding

SecretFinder = Callable[[str], Iterable[tuple[int, int]]]

# EMAIL_M2T9AX4K: an entity, and eight signs of Crockford's base32 with a digit and a letter among them.
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9_])[A-Z][A-Z_]{1,39}_(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[0-9A-HJKMNP-TV-Z]{8}(?![A-Za-z0-9_])"
)
_WORD_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
_LONGEST_OPEN_WORD = 64
_SPACE = re.compile(r"\s")
_STRIDE = 128  # characters between two looks for secrets
_LONGEST_WORD = 4_096  # a secret without spaces may be so long
_MOST_HELD_ARGUMENTS = 1_000_000


class _Secrets:
    """Looks for secrets in overlapping windows whose edges are white space, wherever the text was cut."""

    def __init__(self, finder: SecretFinder | None) -> None:
        self._finder = finder
        self._text = ""  # from the last edge on
        self._start = 0  # where that edge stands in the whole text
        self._position = 0
        self.found = False

    @property
    def safe(self) -> int:
        """How far the text may go on."""
        return self._position if self._finder is None else self._start

    def feed(self, piece: str) -> None:
        self._position += len(piece)
        if self._finder is None:
            return
        self._text += piece
        while not self.found:
            first = _edge(self._text, 0)
            second = None if first is None else _edge(self._text, first)
            if first is None or second is None:
                return
            self.found = self._look(self._text[:second])
            self._start += first
            self._text = self._text[first:]

    def look_at_rest(self) -> None:
        """The part ends: what is left is looked at as it stands."""
        if self._finder is not None and self._text:
            self.found = self.found or self._look(self._text)

    def _look(self, text: str) -> bool:
        return self._finder is not None and any(True for _ in self._finder(text))


def _edge(text: str, start: int) -> int | None:
    """The first white space at least a stride after `start`; None while it is not in sight."""
    position = start + _STRIDE
    limit = position + _LONGEST_WORD
    space = _SPACE.search(text, position, limit)
    if space is not None:
        return space.start()
    return limit if len(text) >= limit else None


def _open_word(text: str) -> int:
    """Where the word begins that the text ends with, a line break after it or not; the end when it ends with none.

    Stripping is ten times faster than a pattern that has to be tried at every place.
    """
    line = text[:-1] if text.endswith("\n") else text
    length = len(line) - len(line.rstrip(_WORD_SIGNS))
    return len(line) - min(length, _LONGEST_OPEN_WORD) if length else len(text)


class _Known:
    """The tokens that a request holds. Collected when the answer holds one: a long history costs a millisecond.

    An object of its own: were it the session, which holds the channels that ask it, only the garbage collector could
    free a call with everything in it.
    """

    __slots__ = ("_request", "_tokens")

    def __init__(self) -> None:
        self._request: Request | None = None
        self._tokens: frozenset[str] | None = None

    def learn(self, request: Request) -> None:
        """Answer for this request from now on."""
        self._request, self._tokens = request, None

    def __call__(self) -> frozenset[str]:
        """The tokens that went out."""
        if self._tokens is None:
            self._tokens = frozenset() if self._request is None else frozenset(_tokens_of(self._request))
        return self._tokens


class _Tokens:
    """Counts token-shaped words that this request does not hold."""

    def __init__(self, known: _Known) -> None:
        self._known = known
        self._text = ""
        self._before = ""  # the sign before the text, so that the end of a longer word is not taken for a token
        self._start = 0
        self.foreign = 0

    @property
    def safe(self) -> int:
        """How far the text may go on: not into a word that may yet become a token."""
        return self._start

    def feed(self, piece: str, *, at_end: bool = False) -> None:
        self._text += piece
        cut = len(self._text) if at_end else _open_word(self._text)
        joined, shift = self._before + self._text, len(self._before)
        for match in _TOKEN.finditer(joined):
            if match.end() <= cut + shift and match.group() not in self._known():
                self.foreign += 1
        if cut:
            self._before = self._text[cut - 1]
        self._text, self._start = self._text[cut:], self._start + cut


class _Channel:
    """One channel of an answer: held back until all three have nothing against it."""

    def __init__(self, session: LeakSession) -> None:
        self.runs = RunFinder(session.index)
        self.secrets = _Secrets(session.guard.secret_finder)
        self.tokens = _Tokens(session.known)
        self.held = ""
        self.gone = 0
        self.withheld = False

    def feed(self, piece: str) -> str:
        """What may go on; findings are read from the three finders by the session."""
        self.runs.feed(piece)
        self.secrets.feed(piece)
        self.tokens.feed(piece)
        self.held += piece
        safe = min(self.runs.safe, self.secrets.safe, self.tokens.safe)
        return self._release(safe - self.gone)

    def end(self) -> str:
        """Everything that is still held."""
        self.secrets.look_at_rest()
        self.tokens.feed("", at_end=True)
        return self._release(len(self.held))

    def _release(self, count: int) -> str:
        if count <= 0:
            return ""
        out, self.held = self.held[:count], self.held[count:]
        self.gone += len(out)
        return out


class LeakSession(TextSession):
    """Reads the answer as the model wrote it, tokens in place of personal data."""

    def __init__(self, guard: ScreenLeak, context: Context) -> None:
        self.guard = guard
        self._context = context
        self.known = _Known()
        self._index: PromptIndex | None = None
        self._request: Request | None = None
        self._channels: dict[PartKey, _Channel] | None = None  # made with the answer: most of a call is waiting
        self._arguments: dict[int, list[str]] | None = None
        self._held = 0
        self._foreign = 0
        self._seen: tuple[str, ...] = ()

    def on_request(self, request: Request) -> Request:
        """Remember the request. The system prompt, and the tokens that went out, are looked up when needed."""
        self._request, self._index = request, None
        self.known.learn(request)
        return request

    @property
    def index(self) -> PromptIndex:
        """The system prompt, ready to be searched for. Made with the answer: it need not be there while a call waits.

        What others wrote is read only when a run of the prompt was found.
        """
        if self._index is None:
            messages = () if self._request is None else self._request.messages
            parts = [part for message in messages if message.role == "system" for part in message.parts]
            system = [text for text in map(text_of, parts) if text is not None]
            others = _texts_of_others(self._request)
            self._index = PromptIndex(system, length=self.guard.system_run, allowed=others)
        return self._index

    def text(self, piece: str, part: PartKey) -> str:
        """What may go on."""
        if isinstance(part, int):
            self._hold(piece, part)
            return ""
        channels = self._channels
        if channels is None:
            channels = self._channels = {}
        channel = channels.get(part)
        if channel is None:
            channel = channels[part] = _Channel(self)
        if channel.withheld:
            return ""
        before = channel.tokens.foreign
        out = channel.feed(piece)
        self._foreign += channel.tokens.foreign - before
        return self._judged(out, channel, part)

    def flush(self, part: PartKey) -> str:
        """What was held of a part that has ended."""
        if isinstance(part, int):
            return self._flush_arguments(part)
        channel = self._channels.get(part) if self._channels else None
        if channel is None or channel.withheld:
            return ""
        before = channel.tokens.foreign
        out = channel.end()
        self._foreign += channel.tokens.foreign - before
        return self._judged(out, channel, part)

    def on_end(self) -> tuple[Chunk, ...]:
        """The tail, and the tokens that nobody here had sent."""
        tail = super().on_end()
        if self._foreign:
            found = Finding("contracts.leak", "leak.foreign_token", "response", count=self._foreign, observed=True)
            self._context.findings.append(found)
        return tail

    def _judged(self, out: str, channel: _Channel, part: PartKey) -> str:
        for kind, hit in self._hits(channel):
            if hit and not self._stop(kind, part):
                channel.withheld = True
                channel.held = ""
                return ""
        return out

    def _hits(self, channel: _Channel) -> tuple[tuple[str, bool], ...]:
        return (
            ("leak.system_prompt", channel.runs.found),
            ("leak.secret", channel.secrets.found),
            ("leak.foreign_tokens", self._foreign > self.guard.max_foreign_tokens),
        )

    def _stop(self, kind: str, part: PartKey) -> bool:
        """Raise; or True when the control observes; or False when only the rest of this channel must be dropped."""
        observed = self.guard.mode == "observe"
        finding = Finding("contracts.leak", kind, "response", observed=observed or part is ReasoningDelta)
        if kind not in self._seen:
            self._seen = (*self._seen, kind)
            self._context.findings.append(finding)
        if observed:
            return True
        if part is ReasoningDelta:
            return False
        raise Blocked(
            f"the answer was stopped: {_WORDS[kind]}.",
            control="contracts.leak",
            why=kind,
            change=_REMEDIES[kind],
            failure_mode="FM05",
            findings=(finding,),
        )

    def _hold(self, piece: str, part: int) -> None:
        if self._arguments is None:
            self._arguments = {}
        self._arguments.setdefault(part, []).append(piece)
        self._held += len(piece)
        if self._held > _MOST_HELD_ARGUMENTS:
            raise Blocked(
                "the model wrote tool calls that are too long.",
                control="contracts.leak",
                why=f"their arguments are longer than {_MOST_HELD_ARGUMENTS} characters",
                change="ask for less at once, or let the tool read a file",
            )

    def _flush_arguments(self, part: int) -> str:
        whole = "".join(self._arguments.pop(part, ())) if self._arguments else ""
        try:
            strings = list(strings_of(json.loads(whole)))
        except (ValueError, RecursionError):
            strings = [whole]
        for text in strings:
            channel = _Channel(self)
            channel.feed(text)
            channel.end()
            self._foreign += channel.tokens.foreign
            self._judged("", channel, part)
        return whole


def _texts_of_others(request: Request | None) -> Iterator[str]:
    """Every text of a request that is not the application's own instructions."""
    for place in places(request) if request is not None else ():
        if place.role != "system":
            yield place.text


def _tokens_of(request: Request) -> Iterator[str]:
    """Every token-shaped word of a request."""
    for place in places(request):
        yield from _TOKEN.findall(place.text)
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, ToolCall):
                yield from _TOKEN.findall(part.args)
    for tool in request.tools:
        yield from _TOKEN.findall(json.dumps([tool.description, tool.parameters], default=str))


_WORDS = {
    "leak.system_prompt": "it repeats the system prompt",
    "leak.secret": "it holds a secret",
    "leak.foreign_tokens": "it holds tokens that this request did not send",
}
_REMEDIES = {
    "leak.system_prompt": "keep texts that users may read out of the system prompt, or raise system_run",
    "leak.secret": "remove the secret from what the model can read, and replace it",
    "leak.foreign_tokens": "look for a document with tokens of another conversation in the request",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenLeak(GuardBase):
    """Stops answers that repeat the system prompt, hold a secret, or are full of tokens from elsewhere.

    A run of `system_run` letters and digits that stands in a system message and in no other part of the request is a
    leak, whatever spaces or signs are put between them. Secrets are found by `secret_finder` (spans in a text). Tokens
    that the request does not hold are counted, and too many stop the call: somebody guesses. A stream is held back as
    far as a leak may reach, so that nothing of it is delivered. In the reasoning channel a hit drops the rest of that
    channel, for models quote their instructions to themselves. With `mode="observe"` all are findings only.

    A paraphrased or translated system prompt is still to come. Source: framework domain 04; OWASP LLM02, LLM07.

    Attributes:
        system_run: letters and digits in a row that make a leak.
        max_foreign_tokens: how many are let through.
    """

    name = "contracts.leak"
    domain = Domain.CONTRACTS
    session = LeakSession
    inside_of = ("contracts.output", "privacy.tokens")

    mode: Mode = "enforce"
    secret_finder: SecretFinder | None = None
    system_run: int = 48
    max_foreign_tokens: int = 3

    @property
    def hold(self) -> Hold:  # type: ignore[override]
        """About one run of the prompt, and two looks for secrets if they are looked for."""
        return window(self.system_run if self.secret_finder is None else max(self.system_run, 2 * _STRIDE))

    def open(self, context: Context) -> Session:
        """A session for one attempt."""
        return LeakSession(self, context)
