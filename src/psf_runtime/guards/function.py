"""`@guard`: a plain function as a guard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import CoroutineType
from typing import Any, Literal, overload

from psf_runtime.errors import ConfigError
from psf_runtime.flow.effects import Flow, Lane, offload
from psf_runtime.flow.lanes import is_coroutine_function, needs_async_client
from psf_runtime.flow.outcomes import guard_answered
from psf_runtime.flow.protocols import ALL, NONE, Hold, Session, window
from psf_runtime.flow.text import PartKey
from psf_runtime.types.chunks import Chunk, ToolCallDelta
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.media import File
from psf_runtime.types.messages import Part, Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.verdict import ALLOW, VERDICTS, Allow, Block, Finding, Rewrite, Verdict

Judge = Callable[..., Any]


class FunctionGuard:
    """A guard made from a function; `@guard` makes it. Calling it calls the function."""

    domain: Domain | None = None
    inside_of: tuple[str, ...] = ()
    outside_of: tuple[str, ...] = ()

    def __init__(
        self,
        fn: Judge,
        *,
        on: Literal["input", "output"],
        characters: int | None,
        inline: bool,
        on_error: Literal["stop", "allow"],
        timeout: float | None,
        name: str | None,
    ) -> None:
        self.fn = fn
        self.on = on
        self.name: str = name or getattr(fn, "__name__", "") or type(fn).__name__
        self.on_error = on_error
        self.characters = characters
        self.lane = Lane(self.name, timeout=timeout, inline=inline)
        self.is_async = is_coroutine_function(fn)
        self.wants_context = _wants_context(fn)
        self._session: type[_FunctionSession] = _InputSession if on == "input" else _WholeSession
        self.hold: Hold = NONE if on == "input" else ALL
        if on == "output" and characters is not None:
            self._session = _WindowSession
            self.hold = window(2 * characters)
        self.session: type[Session] = self._session

    def __call__(self, *args: Any) -> Any:
        """Call the function itself, as in a unit test of it."""
        return self.fn(*args)

    def open(self, context: Context) -> Session:
        """A session for one attempt."""
        return self._session(self, context)

    def judge(self, context: Context, text: str, hook: str) -> Flow[Verdict]:
        """Ask the function about one text; True and None allow, False blocks."""
        args = (text, context) if self.wants_context else (text,)
        answer = yield from offload(self.fn, *args, lane=self.lane)
        if answer is True or answer is None:
            return ALLOW
        if answer is False:
            return Block(f"the guard {self.name!r} said no", (Finding(self.name, "blocked"),))
        if isinstance(answer, CoroutineType):  # a plain function that hands on what an async one gives
            answer.close()
            raise needs_async_client(self.name)
        if type(answer) not in VERDICTS:
            raise guard_answered(self.name, hook, answer, "True, False, None or a verdict")
        if type(answer) is Rewrite and not isinstance(answer.value, str):
            raise guard_answered(self.name, hook, answer.value, "Rewrite(str)")
        return answer  # type: ignore[no-any-return]


def _wants_context(fn: Judge) -> bool:
    """Whether the function has a second parameter for the Context; one with a default is the function's own setting."""
    bound = 1 if getattr(fn, "__self__", None) is not None else 0
    if getattr(fn, "__code__", None) is None:
        fn, bound = type(fn).__call__, 1
    code = getattr(fn, "__code__", None)
    if code is None:
        return False
    names = code.co_varnames[bound : code.co_argcount]
    required = len(names) - len(getattr(fn, "__defaults__", None) or ())
    return required > 1 or (len(names) > 1 and names[1] == "context")


class _FunctionSession(Session):
    def __init__(self, guard: FunctionGuard, context: Context) -> None:
        self.guard = guard
        self.context = context


class _InputSession(_FunctionSession):
    """Every user, tool and file text of a request, one by one."""

    def on_request(self, request: Request) -> Flow[Request | Verdict]:
        messages = []
        findings: list[Finding] = []
        for message in request.messages:
            parts: list[Part] = []
            for part in message.parts:
                text = _input_text(message.role, part)
                verdict = ALLOW if text is None else (yield from self.guard.judge(self.context, text, "on_request"))
                if not isinstance(verdict, Allow | Rewrite):
                    self.context.findings.extend(findings)
                    return verdict
                findings.extend(verdict.findings)
                parts.append(_with_text(part, verdict.value) if isinstance(verdict, Rewrite) else part)
            messages.append(replace(message, parts=tuple(parts)))
        self.context.findings.extend(findings)
        return request.replace(messages=tuple(messages))


def _input_text(role: str, part: Part) -> str | None:
    """The text that an input guard is asked about, or None for what it does not see."""
    if isinstance(part, Text) and role in ("user", "tool"):
        return part.text
    if isinstance(part, ToolResult):
        return part.text
    if isinstance(part, File) and part.data is not None and part.media_type.startswith("text/"):
        return part.data.decode("utf-8", errors="replace")
    return None


def _with_text(part: Part, text: str) -> Part:
    if isinstance(part, File):
        return File(text.encode(), name=part.name, media_type=part.media_type, provenance=part.provenance)
    assert isinstance(part, Text | ToolResult)
    return replace(part, text=text)


class _WholeSession(_FunctionSession):
    """The whole answer: its text, its reasoning, and each tool call's arguments."""

    def on_response(self, response: Response) -> Flow[Verdict]:
        rewritten: dict[str, str] = {}
        findings: list[Finding] = []
        for channel, text in _channels(response):
            verdict = yield from self.guard.judge(self.context, text, "on_response")
            if not isinstance(verdict, Allow | Rewrite):
                self.context.findings.extend(findings)
                return verdict
            findings.extend(verdict.findings)
            if isinstance(verdict, Rewrite):
                rewritten[channel] = verdict.value
        if not rewritten:
            return Allow(tuple(findings))
        return Rewrite(_rewrite(response, rewritten), tuple(findings))


def _channels(response: Response) -> Iterator[tuple[str, str]]:
    if response.text:
        yield "text", response.text
    reasoning = "".join(part.text for part in response.parts if isinstance(part, Reasoning))
    if reasoning:
        yield "reasoning", reasoning
    for number, tool in enumerate(response.tool_calls):
        yield f"tool {number}", tool.args


def _rewrite(response: Response, rewritten: dict[str, str]) -> Response:
    """The response with some channels replaced; a channel of several parts becomes one, where its first part was."""
    parts: list[Any] = []
    tools = 0
    for part in response.parts:
        if isinstance(part, ToolCall):
            parts.append(replace(part, args=rewritten.get(f"tool {tools}", part.args)))
            tools += 1
            continue
        channel = "text" if isinstance(part, Text) else "reasoning"
        if channel not in rewritten:
            parts.append(part)
        elif not any(type(earlier) is type(part) for earlier in parts):
            parts.append(replace(part, text=rewritten[channel]))
    return response.replace(parts=tuple(parts))


class _Channel:
    """A text, reasoning or tool channel: characters from the start of its window on, and how many of them have left."""

    __slots__ = ("left", "text")

    def __init__(self) -> None:
        self.text = ""
        self.left = 0


class _WindowSession(_FunctionSession):
    """A channel as it streams, in overlapping windows.

    A window is 2n characters and the next one begins n characters later, so every hit of at most n characters lies
    whole in one of them; and where windows begin depends on the text alone, never on how it was cut. When another
    part begins, what text is held is judged and leaves, so that the parts keep their order; the channel runs on all
    the same, and a hit that goes over such a switch is stopped before its last character leaves.
    """

    def __init__(self, guard: FunctionGuard, context: Context) -> None:
        super().__init__(guard, context)
        self.channels: dict[PartKey, _Channel] = {}
        self.current: PartKey | None = None  # the text or reasoning channel that is being written

    def on_chunk(self, chunk: Chunk) -> Flow[Any]:
        key, piece = _piece(chunk)
        begins = key not in self.channels if isinstance(key, int) else bool(piece) and key is not self.current
        out: list[Chunk] = []
        if begins and self.current is not None:
            refused = yield from self._flush(self.current, out, "on_chunk")
            if refused is not None:
                return refused
            self.current = None
        if begins and not isinstance(key, int):
            self.current = key
        channel = self.channels.setdefault(key, _Channel())
        channel.text += piece
        text = ""
        size = self.guard.characters or 1
        while len(channel.text) >= 2 * size:
            refused = yield from self._judge(channel.text[: 2 * size], "on_chunk")
            if refused is not None:
                return refused
            text += channel.text[channel.left : size]
            channel.text = channel.text[size:]
            channel.left = max(0, channel.left - size)
        if isinstance(chunk, ToolCallDelta):
            if text or begins or chunk.id or chunk.name:
                out.append(ToolCallDelta(chunk.index, chunk.id, chunk.name, text))
        elif text:
            out.append(type(chunk)(text))
        return tuple(out)

    def on_end(self) -> Flow[Any]:
        out: list[Chunk] = []
        waiting = [self.current] if self.current is not None else []
        waiting += [key for key in self.channels if isinstance(key, int)]
        for key in waiting:
            refused = yield from self._flush(key, out, "on_end")
            if refused is not None:
                return refused
        return tuple(out)

    def _flush(self, key: PartKey, out: list[Chunk], hook: str) -> Flow[Verdict | None]:
        """Judge what a channel still holds and let it go; returns a verdict that says no."""
        channel = self.channels[key]
        held = channel.text[channel.left :]
        if not held:
            return None
        refused = yield from self._judge(channel.text, hook)
        if refused is None:
            out.append(ToolCallDelta(key, arguments=held) if isinstance(key, int) else key(held))
            channel.left = len(channel.text)
        return refused

    def _judge(self, text: str, hook: str) -> Flow[Verdict | None]:
        verdict = yield from self.guard.judge(self.context, text, hook)
        if isinstance(verdict, Rewrite):
            wanted = "Rewrite only without window=: a window cannot be rewritten the same way for every cut"
            raise guard_answered(self.guard.name, hook, verdict, wanted)
        if not isinstance(verdict, Allow):
            return verdict
        self.context.findings.extend(verdict.findings)
        return None


def _piece(chunk: Chunk) -> tuple[PartKey, str]:
    if isinstance(chunk, ToolCallDelta):
        return chunk.index, chunk.arguments
    return type(chunk), chunk.text


@overload
def guard(fn: Judge, /) -> FunctionGuard: ...
@overload
def guard(
    *,
    on: Literal["input", "output"] = "output",
    window: int | None = None,
    inline: bool = False,
    on_error: Literal["stop", "allow"] = "stop",
    timeout: float | None = None,
    name: str | None = None,
) -> Callable[[Judge], FunctionGuard]: ...
def guard(
    fn: Judge | None = None,
    /,
    *,
    on: Literal["input", "output"] = "output",
    window: int | None = None,
    inline: bool = False,
    on_error: Literal["stop", "allow"] = "stop",
    timeout: float | None = None,
    name: str | None = None,
) -> FunctionGuard | Callable[[Judge], FunctionGuard]:
    """Make a guard from a function of a text, and, if it has a second parameter, of the call's Context.

    The function returns True or None to allow, False to block, or a verdict. If it raises, the call stops.

    Args:
        on: `input` gets each user, tool and file text, before tokens; `output` gets the answer, with tokens.
        window: characters that may hold a hit. Left out, the first chunk waits for the whole answer.
        inline: run a plain function in the event loop's own thread: for quick ones.
        on_error: `allow` lets the call go on when the function raises; recorded. Not together with `window`.
        timeout: seconds until a call that does not come back is given up; in sync mode it then runs in a thread.
        name: shown by `explain()` and in errors; the function's name when left out.

    Raises ConfigError for options that contradict each other.
    """
    if on not in ("input", "output"):
        raise ConfigError(f"a guard is on 'input' or 'output', not {on!r}")
    if window is not None and (on == "input" or window < 1):
        raise ConfigError("window= is for guards on output, and at least 1 character")
    if window is not None and on_error == "allow":
        raise ConfigError("a guard with window= transforms chunks and may not fail: leave out on_error='allow'")

    def make(function: Judge) -> FunctionGuard:
        return FunctionGuard(
            function,
            on=on,
            characters=window,
            inline=inline,
            on_error=on_error,
            timeout=timeout,
            name=name,
        )

    return make if fn is None else make(fn)
