"""Small layers that stress the shape of the engine: each does one thing, for real."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from psf_runtime.errors import ContractViolation, ProviderError
from psf_runtime.flow.effects import Flow, call, sleep
from psf_runtime.flow.outcomes import Stopped
from psf_runtime.flow.protocols import ALL, NONE, GuardBase, Session, StrategyBase, window
from psf_runtime.flow.text import TextSession
from psf_runtime.types.chunks import Chunk, TextDelta
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Message, Text, ToolCall
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.verdict import ALLOW, Block, Escalate, Reask, Rewrite

ADDRESS = re.compile(r"[\w.]+@[\w.]+\w")
TOKEN = re.compile(r"TKN\d{4}Q")
SHAPE = "TKN0000Q"


class TokenStore:
    """Value and token, both ways."""

    blocking = False

    def __init__(self) -> None:
        self.by_value: dict[str, str] = {}

    def put(self, value: str) -> str:
        return self.by_value.setdefault(value, f"TKN{len(self.by_value):04d}Q")


class Tokens(GuardBase):
    """Addresses out, tokens in; and back, in any cut."""

    name = "tokens"

    class session(TextSession):
        def __init__(self, store: TokenStore) -> None:
            self.store = store
            self.known: dict[str, str] = {}
            self.held: dict[Any, str] = {}

        def on_request(self, request: Request) -> Flow[Request]:
            messages = []
            for message in request.messages:
                text = message.text
                for value in dict.fromkeys(ADDRESS.findall(text)):
                    token = yield from call(self.store.put, value)
                    self.known[token] = value
                    text = text.replace(value, token)
                messages.append(Message(message.role, (Text(text),)))
            return request.replace(messages=tuple(messages))

        def text(self, piece: str, part: Any) -> str:
            text = self.held.get(part, "") + piece
            keep = next((n for n in range(min(len(SHAPE) - 1, len(text)), 0, -1) if _could_be_token(text[-n:])), 0)
            self.held[part] = text[len(text) - keep :]
            return self._restore(text[: len(text) - keep], part)

        def flush(self, part: Any) -> str:
            return self._restore(self.held.pop(part, ""), part)

        def _restore(self, text: str, part: Any) -> str:
            def value(match: re.Match[str]) -> str:
                found = self.known.get(match[0], match[0])
                return json.dumps(found)[1:-1] if isinstance(part, int) else found

            return TOKEN.sub(value, text)

    def __init__(self, store: TokenStore | None = None) -> None:
        self.store = store or TokenStore()

    def open(self, context: Context) -> Session:
        return self.session(self.store)


def _could_be_token(text: str) -> bool:
    return all(c == s or (s == "0" and c.isdigit()) for c, s in zip(text, SHAPE, strict=False))


class Conform(StrategyBase):
    """One more try when the answer lacks something."""

    name = "conform"
    hold = ALL

    def __init__(self, check: Callable[[Response], str | None] = lambda r: None if "a" in r.text else "no a") -> None:
        self.check = check

    def run(self, context: Context, request: Request, attempt: Any) -> Flow[Response]:
        for last in (False, True):
            try:
                response = yield from attempt(request)
            except Stopped as stopped:
                if last or type(stopped.verdict) is not Reask:
                    raise
                request = request.add(Message.user(stopped.verdict.feedback))
                continue
            problem = self.check(response)
            if problem is None:
                return response
            request = request.add(Message.assistant(response.text), Message.user(problem))
        raise ContractViolation("no answer fits")


class Fallback(StrategyBase):
    """The next model when one fails before anything was delivered."""

    name = "fallback"

    def __init__(self, *models: str) -> None:
        self.models = models

    def run(self, context: Context, request: Request, attempt: Any) -> Flow[Response]:
        errors: list[ProviderError] = []
        for model in self.models:
            try:
                return (yield from attempt(request.replace(model=model)))
            except ProviderError as error:
                if attempt.committed:
                    raise
                errors.append(error)
        raise errors[-1]


class Retry(StrategyBase):
    """The same again, after a while."""

    name = "retry"

    def __init__(self, times: int = 2, wait: float = 0.01) -> None:
        self.times = times
        self.wait = wait

    def run(self, context: Context, request: Request, attempt: Any) -> Flow[Response]:
        for number in range(self.times):
            try:
                return (yield from attempt(request))
            except ProviderError:
                if number == self.times - 1 or attempt.committed:
                    raise
            yield from sleep(self.wait * 2**number)
        raise AssertionError


class ScreenAll(GuardBase):
    """Blocks a word, looking at the whole answer."""

    name = "screen_all"
    hold = ALL

    class session(Session):
        def on_response(self, response: Response) -> Any:
            texts = [p.args if isinstance(p, ToolCall) else p.text for p in response.parts]
            return Block("bad") if any("bad" in text for text in texts) else ALLOW


class ScreenWindow(GuardBase):
    """Blocks a word as it streams, holding back only what may still become it."""

    name = "screen_window"

    class session(TextSession):
        def __init__(self, bad: str) -> None:
            self.bad = bad
            self.held: dict[Any, str] = {}
            self.found = False

        def on_chunk(self, chunk: Chunk) -> Any:
            answer = super().on_chunk(chunk)
            return Block("bad") if self.found else answer

        def on_end(self) -> Any:
            rest = super().on_end()
            return Block("bad") if self.found else rest

        def text(self, piece: str, part: Any) -> str:
            text = self.held.get(part, "") + piece
            if self.bad in text:
                self.found = True
                return ""
            cut = max(0, len(text) - len(self.bad) + 1)
            self.held[part] = text[cut:]
            return text[:cut]

        def flush(self, part: Any) -> str:
            return self.held.pop(part, "")

    def __init__(self, bad: str = "bad") -> None:
        self.bad = bad
        self.hold = window(len(bad))

    def open(self, context: Context) -> Session:
        return self.session(self.bad)


class NoOp(GuardBase):
    """Nothing at all."""

    name = "noop"


class Upper(GuardBase):
    """Shouts."""

    name = "upper"

    class session(Session):
        def on_chunk(self, chunk: Chunk) -> Chunk:
            return TextDelta(chunk.text.upper()) if isinstance(chunk, TextDelta) else chunk


class AddsAPart(GuardBase):
    """Rewrites the whole answer."""

    name = "adds_a_part"
    hold = ALL

    class session(Session):
        def on_response(self, response: Response) -> Any:
            return Rewrite(response.replace(parts=(*response.parts, Text("[checked]"))))


class AsksAgain(GuardBase):
    """Asks the model again when an answer holds no 'a'."""

    name = "asks_again"
    hold = NONE

    class session(Session):
        def on_response(self, response: Response) -> Any:
            return ALLOW if "a" in response.text else Reask("no a")


class Oversee(GuardBase):
    """A person looks at every tool call."""

    name = "oversee"
    hold = ALL

    class session(Session):
        def on_response(self, response: Response) -> Any:
            return Escalate("a tool call") if response.tool_calls else ALLOW


class Raises(GuardBase):
    """Raises in one hook, with a text that must not come out."""

    name = "raises"

    def __init__(self, hook: str, *, soft: bool = False) -> None:
        self.hook = hook
        self.on_error = "allow" if soft else "stop"

        def boom(*_: Any) -> Any:
            raise ValueError("secret alice@x.example")

        self.session = type("RaisingSession", (Session,), {} if hook == "open" else {hook: boom})
        if hook == "open":
            self.session = type("OpenSession", (Session,), {"on_request": lambda self, request: request})

    def open(self, context: Context) -> Session:
        if self.hook == "open":
            raise ValueError("secret alice@x.example")
        return self.session()


class Refuses(GuardBase):
    """Says no to every request."""

    name = "refuses"

    class session(Session):
        def on_request(self, request: Request) -> Any:
            return Block("no")


class Watch(GuardBase):
    """Writes down how each session ended."""

    name = "watch"

    def __init__(self, log: list[str | None], label: str = "") -> None:
        self.log = log
        self.label = label

        class WatchSession(Session):
            def on_close(self, error: BaseException | None) -> None:
                log.append(label or (type(error).__name__ if error else None))

        self.session = WatchSession


POOL: dict[str, Callable[[], Any]] = {
    "tokens": Tokens,
    "screen_all": ScreenAll,
    "screen_window": ScreenWindow,
    "conform": Conform,
    "fallback": lambda: Fallback("m1", "m2"),
    "retry": lambda: Retry(2, 0.0),
    "noop": NoOp,
    "upper": Upper,
    "adds_a_part": AddsAPart,
    "asks_again": AsksAgain,
}


def build(names: list[str]) -> list[Any]:
    """Layers by name, outermost first."""
    return [POOL[name]() for name in names]
