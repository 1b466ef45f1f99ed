"""A provider without a network: it answers what a test or a demonstration told it, and remembers what it was sent.

MockProvider("first", "second")                          # two calls, two answers
MockProvider(fault.rate_limit(retry_after=2), "fine")    # fails once
mock.on(text="refund").reply(call("pay_out", amount=40)) # answers by rule
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable
from types import FunctionType

from psf_runtime.errors import ConfigError
from psf_runtime.flow.clock import SystemClock
from psf_runtime.ports import Clock, Price, TargetFacts
from psf_runtime.providers.base import Outgoing
from psf_runtime.providers.mock.answer import Script
from psf_runtime.providers.mock.replies import Ending, ErrorFault, Reply, check_chunks
from psf_runtime.providers.mock.router import Matcher, Router, Rule, describe
from psf_runtime.providers.mock.script import compile_reply
from psf_runtime.providers.mock.source import MockSource, error_of
from psf_runtime.providers.mock.vectors import embedding_script, is_ending
from psf_runtime.providers.mock.wire import MockCall
from psf_runtime.providers.tripwire import check_outgoing
from psf_runtime.types.chunks import TextDelta
from psf_runtime.types.request import Request

CAPABILITIES = frozenset(
    {"embeddings", "files", "images", "json_schema", "reasoning", "seed", "stream", "tools", "usage"}
)
ECHO_CHUNK = 6  # characters per delta of mock:echo: shorter than any token, so that streams cut them
KEEP = 1_000  # calls remembered; older ones are forgotten, so that a long run does not fill the memory


def echo(request: Request) -> str:
    """The reply of `mock:echo`: the last text of a user or a tool."""
    for message in reversed(request.messages):
        if message.role == "tool":
            return "".join(getattr(part, "text", "") for part in message.parts)
        if message.role == "user":
            return message.text
    return ""


class MockProvider:
    """Answers from a script. Works as the `model` of a Client, in tests and in demonstrations.

    A reply is a text; a list of texts, each of which is one delta; `call(name, ...)`; a dict or a model instance
    (sent as JSON); `fault...`; an exception to raise; a function of the request; or a list that mixes these. Rules
    made with `on` come first, then the positional replies in order.

    An embed call uses up no text: it gets the vectors of its texts, in which equal words are alike. A failure that
    stands next among the replies meets it too, and a rule may reply with lists of numbers.

    Args:
        replies: one per request. With `strict=False` the last one is repeated, and without any the mock echoes.
        name: of the target, in routes and records.
        strict: a request for which no reply is left is a ConfigError.
        capabilities: from `embeddings files images json_schema reasoning seed stream tools usage`.
        chunks: characters per delta for replies that are one text; None sends such a text as one delta.
        require_stamp: refuse requests that no privacy layer has prepared.
        clock: on which silence and time-outs pass; None is real time.
        keep: how many calls are remembered.

    Attributes:
        calls: what it was sent, oldest first, at most `keep`.
        facts: what is known of this target: it is on this machine, keeps nothing and costs nothing.
        live: how many answers are open now; 0 after every call has ended.
    """

    def __init__(
        self,
        *replies: Reply,
        name: str = "mock",
        strict: bool = True,
        capabilities: frozenset[str] = CAPABILITIES,
        chunks: int | None = None,
        require_stamp: bool = False,
        clock: Clock | None = None,
        keep: int = KEEP,
    ) -> None:
        unknown = sorted(set(capabilities) - CAPABILITIES)
        if unknown:
            raise ConfigError(f"unknown capability {unknown[0]!r}", change=f"choose from {sorted(CAPABILITIES)}")
        check_chunks(chunks)
        self.name = name
        self.strict = strict
        self.capabilities = frozenset(capabilities)
        self.facts = TargetFacts(
            name,
            "mock",
            boundary="own",
            retention_days=0,
            capabilities=self.capabilities,
            dated=True,
            price=Price(0.0, 0.0, source="mock"),
        )
        self._replies = replies or (() if strict else (echo,))
        self._chunks = chunks
        self._require_stamp = require_stamp
        self._clock = clock
        self._router = Router()
        self._taken = 0
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._open_sources: set[MockSource] = set()
        self._calls: deque[MockCall] = deque(maxlen=keep)
        self._unmatched: deque[MockCall] = deque(maxlen=keep)

    def open(self, request: Request, *, stream: bool, left: float | None) -> MockSource:
        """The scripted answer. Raises what the script says instead, or Blocked when a known value would leave."""
        source = self.start(request, stream=stream)
        if isinstance(source, MockSource):
            return source
        delay = _delay(source, left)
        if delay:
            (self._clock or SystemClock()).sleep(delay)
        raise error_of(source, request.model or self.name)

    async def aopen(self, request: Request, *, stream: bool, left: float | None) -> MockSource:
        """As `open`."""
        source = self.start(request, stream=stream)
        if isinstance(source, MockSource):
            return source
        delay = _delay(source, left)
        if delay:
            await (self._clock or SystemClock()).asleep(delay)
        raise error_of(source, request.model or self.name)

    def on(
        self,
        *,
        text: Matcher | None = None,
        tool_result: Matcher | None = None,
        tool: Matcher | None = None,
        model: Matcher | None = None,
        purpose: Matcher | None = None,
        system: Matcher | None = None,
        output: Matcher | None = None,
        when: Callable[[Request], bool] | None = None,
        optional: bool = False,
    ) -> Rule:
        """A rule for the requests that match every keyword; go on with `.reply(...)`.

        Args:
            text: the last user message; `tool_result`: a tool's answer; `system`: a system message.
            tool: the name of a declared tool; `model`, `purpose`, `output`: the target, the purpose, the schema's name.
            when: a function of the request, for everything else.
            optional: `unused()` does not report this rule.

        A str matches what contains it, a pattern what it is found in, a function what it says yes to.
        """
        given = {
            "text": text,
            "tool_result": tool_result,
            "tool": tool,
            "model": model,
            "purpose": purpose,
            "system": system,
            "output": output,
        }
        matchers = {keyword: matcher for keyword, matcher in given.items() if matcher is not None}
        return self._router.add(Rule(matchers, when=when, optional=optional))

    def unused(self) -> list[str]:
        """Rules and replies that no request has asked for: one line each, empty when all were used."""
        lines = self._router.unused()
        if self.strict and self._taken < len(self._replies):
            lines.append(f"replies: {len(self._replies) - self._taken} of {len(self._replies)} not asked for")
        return lines

    @property
    def calls(self) -> tuple[MockCall, ...]:
        """What it was sent, oldest first; at most the last `keep`."""
        return tuple(self._calls)

    @property
    def unmatched(self) -> tuple[MockCall, ...]:
        """What it was asked and had no reply for; at most the last `keep`."""
        return tuple(self._unmatched)

    @property
    def last(self) -> MockCall:
        """What it was sent last. Raises ConfigError when it was sent nothing."""
        if not self._calls:
            raise ConfigError("the mock provider was sent nothing", change="make a call first")
        return self._calls[-1]

    @property
    def clock(self) -> Clock | None:
        """The clock it was given; a client on this provider keeps the same time."""
        return self._clock

    @property
    def live(self) -> int:
        """How many answers are open now."""
        return len(self._open_sources)

    def start(self, request: Request, *, stream: bool, received: Outgoing | None = None) -> MockSource | Ending:
        """The answer, or the failure that stands in its place: what `open` returns and raises.

        `received` is the request as a server got it, which is then what the call is remembered as.
        """
        sent = MockCall(request, stream, received)
        if request.stamp is not None or self._require_stamp:
            check_outgoing(sent.outgoing(), request, self.facts, require_stamp=self._require_stamp)
        if request.operation == "embed":
            return self._start_embedding(sent)
        reply, chunks = self.next_reply(sent)
        self._calls.append(sent)
        if type(reply) is FunctionType:
            reply = reply(request)
        if type(reply) is str and (chunks is None or not stream):
            script = Script([[TextDelta(reply)]])
        else:
            script = compile_reply(reply, request, stream=stream, chunks=chunks, ids=self._ids)
            if script.at_once and script.ending is not None:
                return script.ending
        return MockSource(script, request, self.name, self._open_sources, self._clock)

    def _start_embedding(self, sent: MockCall) -> MockSource | Ending:
        request = sent.request
        reply = self.next_vectors(sent)
        self._calls.append(sent)
        script = embedding_script(reply, request)
        if script.at_once and script.ending is not None:
            return script.ending
        return MockSource(script, request, self.name, self._open_sources, self._clock)

    def next_vectors(self, sent: MockCall) -> Reply | None:
        """The reply for an embed call; None lets the texts make their vectors."""
        with self._lock:
            turn = self._router.take(sent.request)
            if turn is not None:
                return turn.reply
            if self._taken < len(self._replies) and is_ending(self._replies[self._taken]):
                self._taken += 1
                return self._replies[self._taken - 1]
        return None

    def next_reply(self, sent: MockCall) -> tuple[Reply, int | None]:
        """The reply for this request and its characters per delta. Raises ConfigError when there is none."""
        request = sent.request
        with self._lock:
            if self._router.rules:
                turn = self._router.take(request)
                if turn is not None:
                    return turn.reply, turn.chunks or self._chunks
            taken = self._taken
            if taken < len(self._replies):
                self._taken = taken + 1
                return self._replies[taken], self._chunks
        if not self.strict:
            return self._replies[-1], self._chunks
        self.note_unmatched(sent)
        raise self._nothing_left(request)

    def note_unmatched(self, sent: MockCall) -> None:
        """Remember a call that has no reply."""
        self._unmatched.append(sent)

    def _nothing_left(self, request: Request) -> ConfigError:
        asked = ", ".join(f"{key} {value}" for key, value in describe(request).items())
        count = len(self._replies)
        said = f"{count} replies were given and all were used" if count else "no replies were given"
        rules = self._router.differences(request)
        lines = [f"it was asked with {asked}", said if rules or count else "it has neither replies nor rules", *rules]
        return ConfigError(
            f"the mock provider {self.name!r} has no reply left for this request",
            why="\n           ".join(lines),
            change="give it one more reply, a rule that matches, or strict=False (unmatched[-1].wire is what came)",
        )

    def __repr__(self) -> str:
        return f"MockProvider({self.name!r}, {len(self._replies)} replies, {len(self._calls)} calls)"


def _delay(ending: Ending, left: float | None) -> float:
    """Seconds until an error comes; never more than are left."""
    seconds = ending.seconds if isinstance(ending, ErrorFault) else 0.0
    return seconds if left is None else min(seconds, left)


def mock_named(name: str) -> MockProvider:
    """The provider behind the model string `mock:NAME`. Only `echo` answers by itself.

    Raises ConfigError for other names.
    """
    if name != "echo":
        raise ConfigError(
            f"there is no mock model {name!r}",
            why="only mock:echo answers by itself",
            change="use 'mock:echo', or MockProvider('your reply') in place of the string",
        )
    return MockProvider(name="mock:echo", strict=False, chunks=ECHO_CHUNK)
