"""Driving the privacy guards by hand: effects are answered at once, the clock stands at 1,000 seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from psf_runtime.flow.effects import Call, Flow, Now, Offload
from psf_runtime.guards.privacy import Builtin, Tokenise
from psf_runtime.guards.privacy.tokenise import TokeniseSession
from psf_runtime.ports import Detection, Detector
from psf_runtime.stores.memory_vault import MemoryVault
from psf_runtime.types.chunks import Chunk, TextDelta, ToolCallDelta
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.response import Response, accumulate
from psf_runtime.types.rules import ToolRule

EMAIL = "jane.doe@example.com"


def drive(flow: Flow[Any], *, time: float = 1000.0) -> Any:
    """Run a flow whose effects are clocks and calls only."""
    answer: Any = None
    while True:
        try:
            effect = flow.send(answer)
        except StopIteration as end:
            return end.value
        if isinstance(effect, Now):
            answer = time
        else:
            assert isinstance(effect, Call | Offload)
            answer = effect.fn(*effect.args)


class Words:
    """A detector that finds the words it is given, and no others."""

    name = "words"

    def __init__(self, words: Mapping[str, str]) -> None:
        self.words = words

    @property
    def entities(self) -> frozenset[str]:
        return frozenset(self.words.values())

    def find(self, text: str) -> list[Detection]:
        found = []
        for word, entity in self.words.items():
            start = text.find(word)
            while start != -1:
                found.append(Detection(start, start + len(word), entity))
                start = text.find(word, start + len(word))
        return found


class Exchange:
    """A guard, and one session on it for one request."""

    def __init__(
        self,
        request: Request | str,
        *,
        vault: MemoryVault | None = None,
        detectors: Sequence[Detector] | None = None,
        actions: Mapping[str, str] | None = None,
        tools: Mapping[str, ToolRule] | None = None,
        **settings: Any,
    ) -> None:
        self.vault = vault or MemoryVault(b"v" * 32)
        self.guard = Tokenise(
            vault=self.vault,
            detectors=[Builtin()] if detectors is None else detectors,
            key=b"k" * 32,
            actions=actions,
            tools=tools,
            **settings,
        )
        self.request = request if isinstance(request, Request) else Request((Message.user(request),))
        self.context = Context("call-1", facts=self.request.facts)
        self.session: TokeniseSession = self.guard.open(self.context)
        self.sent = drive(self.session.on_request(self.request))

    @property
    def text(self) -> str:
        return self.sent.messages[-1].text

    def answer(self, *chunks: Chunk) -> Response:
        """What the caller gets when the model answers these chunks."""
        return answered(self.session, chunks)

    def says(self, text: str, *, cuts: Sequence[int] = ()) -> str:
        """The restored text when the model says `text`, cut at these places."""
        return self.answer(*(TextDelta(piece) for piece in cut(text, cuts))).text

    def calls(self, name: str, arguments: str, *, cuts: Sequence[int] = ()) -> str:
        """The restored arguments when the model calls a tool."""
        pieces = [ToolCallDelta(0, arguments=piece) for piece in cut(arguments, cuts)]
        return self.answer(ToolCallDelta(0, "id", name), *pieces).tool_calls[0].args

    def kinds(self, control: str = "privacy.tokens") -> list[str]:
        return [finding.kind for finding in self.context.findings if finding.control == control]


def answered(session: Any, chunks: Iterable[Chunk]) -> Response:
    """Everything a session lets through, as a response."""
    out: list[Chunk] = []
    for chunk in chunks:
        result = session.on_chunk(chunk)
        out.extend(result if isinstance(result, tuple) else () if result is None else (result,))
    out.extend(session.on_end())
    response = accumulate(out, Response())
    session.verdict = session.on_response(response)
    return response


def cut(text: str, cuts: Sequence[int]) -> list[str]:
    """The text in pieces, cut at these places (modulo its length)."""
    places = sorted({place % (len(text) + 1) for place in cuts})
    bounds = [0, *places, len(text)]
    return [text[start:end] for start, end in pairwise(bounds)]


def told(*parts: Any, **fields: Any) -> Request:
    """A request of one user message."""
    facts = {
        key: fields.pop(key) for key in ("tenant", "conversation", "purpose", "subject", "consent") if key in fields
    }
    return Request((Message.user(*parts),), facts=Facts(**facts), **fields)
