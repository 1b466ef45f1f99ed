"""Runs one guard by hand, as the engine does: request, chunks in any cut, end, whole response."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psf_runtime.flow.protocols import GuardBase
from psf_runtime.types.chunks import DELTAS, Chunk, TextDelta
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response, accumulate
from psf_runtime.types.verdict import ALLOW, Allow, Verdict


def request(*messages: Message, **rest: Any) -> Request:
    return Request(messages=messages or (Message.user("hello"),), **rest)


class Run:
    """What came of it: chunks delivered, the response, the verdict; an error is kept with what was delivered before."""

    def __init__(
        self,
        guard: GuardBase,
        asked: Request,
        chunks: Sequence[Chunk],
        head: Response | None = None,
        context: Context | None = None,
    ) -> None:
        self.context = context or Context(call_id="c1")
        self.delivered: list[Chunk] = []
        self.error: Exception | None = None
        self.verdict: Verdict = ALLOW
        session = guard.open(self.context)
        try:
            session.on_request(asked)
            for chunk in chunks:
                self._take(session.on_chunk(chunk))
            tail = session.on_end()
            assert isinstance(tail, tuple)
            whole = accumulate([*self.delivered, *tail], head or Response())
            verdict = session.on_response(whole)
            assert isinstance(verdict, Verdict)
            self.verdict = verdict
            if isinstance(verdict, Allow):
                self._take(tail)
        except Exception as error:
            self.error = error
        self.response = accumulate(self.delivered, head or Response())

    def _take(self, out: Any) -> None:
        if out is None:
            return
        for chunk in out if isinstance(out, tuple) else (out,):
            assert type(chunk) in DELTAS
            self.delivered.append(chunk)

    @property
    def text(self) -> str:
        return self.response.text

    @property
    def kinds(self) -> list[str]:
        return [finding.kind for finding in self.context.findings]


def pieces(text: str, cuts: Sequence[int]) -> list[Chunk]:
    """Text deltas of the given sizes, in turn."""
    out: list[Chunk] = []
    position = turn = 0
    while position < len(text):
        size = max(1, cuts[turn % len(cuts)]) if cuts else len(text)
        out.append(TextDelta(text[position : position + size]))
        position, turn = position + size, turn + 1
    return out
