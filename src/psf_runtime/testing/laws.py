"""The laws that every guard and strategy keeps, as plain checks. Call them from tests of your own guards.

Each check raises AssertionError with a readable difference. They need no test framework; `check_guard` runs them
over random answers with `hypothesis`.

1. One path: `complete(x) == accumulate(stream(x))`, unless a provider failed after the first release or a release
   preceded a block.
2. Stream law: transformed text and verdict do not depend on how the text was cut.
3. No leak: streaming never delivers what the same guards would have stopped on the whole text.
4. Fail closed: a guard that raises stops the call, unless it declares `on_error="allow"`, which is recorded.
5. Guards precede spend: nothing is sent until every `on_request` agreed.
8. After a part was delivered, a strategy may only finish or abort; before that, fallback is silent and complete.
9. Layers are immutable: two pipelines that share one never affect each other.
11. Layers that change nothing leave the response equal, part order included.
12. Fusing guards into one frame is invisible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from psf_runtime.errors import Blocked, GuardError
from psf_runtime.flow.protocols import Layer, StrategyBase
from psf_runtime.testing.modes import MODES, Mode, Outcome, run_in_mode, run_in_modes
from psf_runtime.testing.scripted import Script
from psf_runtime.types.chunks import Chunk, ToolCallDelta
from psf_runtime.types.messages import ToolCall
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response, ResponsePart, accumulate, explode

Layers = Callable[[], Sequence[Layer]]
Scripts = Callable[[], Script]
STREAMS: tuple[Mode, ...] = ("sync-stream", "async-stream")


class PassThrough(StrategyBase):
    """A strategy that does nothing: put between guards, it keeps the engine from fusing them."""

    name = "pass_through"


def parts_of(chunks: Sequence[Chunk]) -> tuple[ResponsePart, ...]:
    """The parts that chunks add up to."""
    return accumulate(chunks, Response()).parts


def verdict_of(outcome: Outcome) -> tuple[str, str]:
    """The class of the error and the layer that raised it; empty for a call that went through."""
    if outcome.error is None:
        return "", ""
    return type(outcome.error).__name__, getattr(outcome.error, "layer", "")


def check_one_path(layers: Layers, script: Scripts, *, request: Request | None = None) -> dict[Mode, Outcome]:
    """Law 1: all four modes agree on the answer or on the error, and a stream delivers exactly the answer."""
    outcomes = run_in_modes(layers, script, request=request)
    whole = outcomes["sync"]
    for mode, outcome in outcomes.items():
        assert outcome.transport.live == 0, f"{mode}: a source was left open"
        # Where two guards would both say no, a stream may hear the outer one first.
        both_refused = isinstance(outcome.error, Blocked) and isinstance(whole.error, Blocked)
        same = verdict_of(outcome) == verdict_of(whole)
        assert same or both_refused, f"{mode}: {verdict_of(outcome)} != {verdict_of(whole)}"
        if whole.response is None or outcome.response is None:
            continue
        assert outcome.response.parts == whole.response.parts, f"{mode}: another answer than in sync mode"
        if mode in STREAMS:
            assert parts_of(outcome.delivered) == whole.response.parts, f"{mode}: delivered another answer"
            assert outcome.finished, f"{mode}: no finish"
    return outcomes


def check_cuts(layers: Layers, chunks: Sequence[Chunk], *, request: Request | None = None) -> None:
    """Law 2: cut as given, cut at every character, and not cut at all: the same text and the same verdict."""
    whole = list(explode(accumulate(chunks, Response())))
    fine = [piece for chunk in chunks for piece in _cut(chunk)]
    results = []
    for pieces in (list(chunks), whole, fine):
        outcome = run_in_mode("sync-stream", layers(), lambda _, pieces=pieces: [pieces], request=request)  # type: ignore[misc]
        results.append((verdict_of(outcome), () if outcome.error else parts_of(outcome.delivered)))
    assert results[0] == results[1], "cut as given and not cut at all differ"
    assert results[0] == results[2], "cut as given and cut at every character differ"


def _cut(chunk: Chunk) -> list[Chunk]:
    if isinstance(chunk, ToolCallDelta):
        if len(chunk.arguments) < 2:
            return [chunk]
        first = ToolCallDelta(chunk.index, chunk.id, chunk.name, chunk.arguments[0])
        return [first, *(ToolCallDelta(chunk.index, arguments=sign) for sign in chunk.arguments[1:])]
    return [type(chunk)(sign) for sign in chunk.text] or [chunk]


def check_no_leak(
    layers: Layers, chunks: Sequence[Chunk], forbidden: Callable[[str], bool], *, request: Request | None = None
) -> None:
    """Law 3: whatever a stream delivered before it ended, no channel of it is `forbidden`."""
    for pieces in (list(chunks), [piece for chunk in chunks for piece in _cut(chunk)]):
        for mode in STREAMS:
            outcome = run_in_mode(mode, layers(), lambda _, pieces=pieces: [[p] for p in pieces], request=request)  # type: ignore[misc]
            for part in parts_of(outcome.delivered):
                text = part.args if isinstance(part, ToolCall) else part.text
                assert not forbidden(text), f"{mode}: delivered what the guards stop on the whole text"


def check_fails_closed(layers: Layers, *, hook: str, script: Scripts) -> None:
    """Law 4: with a layer in it that raises in `hook`, no mode finishes, and nothing of the error's text comes out."""
    for mode, outcome in run_in_modes(layers, script).items():
        assert isinstance(outcome.error, GuardError), f"{mode}: {outcome.error!r}"
        assert outcome.error.hook == hook, f"{mode}: {outcome.error.hook} != {hook}"
        assert not outcome.finished, f"{mode}: finished although a guard failed"
        assert outcome.transport.live == 0, f"{mode}: a source was left open"
        if hook in ("open", "on_request"):
            assert outcome.transport.requests == [], f"{mode}: something was sent"


def check_guards_precede_spend(layers: Layers, script: Scripts) -> None:
    """Law 5: with a layer in it that refuses the request, nothing is sent and nothing delivered."""
    for mode, outcome in run_in_modes(layers, script).items():
        assert outcome.error is not None, f"{mode}: nobody refused"
        assert outcome.transport.requests == [], f"{mode}: something was sent"
        assert outcome.delivered == [], f"{mode}: something was delivered"


def check_one_attempt_delivered(layers: Layers, script: Scripts, attempt_of: Callable[[str], set[str]]) -> None:
    """Law 8: what a stream delivered comes from one attempt. `attempt_of` tells the attempts a text came from."""
    for mode in STREAMS:
        outcome = run_in_mode(mode, layers(), script())
        attempts = attempt_of(outcome.text)
        assert len(attempts) <= 1, f"{mode}: pieces of several attempts: {sorted(attempts)}"


def check_transparent(layers: Layers, chunks: Sequence[Chunk], *, request: Request | None = None) -> None:
    """Law 11: layers that have nothing to change leave the response equal."""
    wanted = parts_of(chunks)
    for mode in MODES:
        outcome = run_in_mode(mode, layers(), lambda _: [list(chunks)], request=request)
        assert outcome.error is None, f"{mode}: {outcome.error!r}"
        assert outcome.response is not None
        assert outcome.response.parts == wanted, f"{mode}: the response changed"


def check_fusing(layers: Layers, script: Scripts, *, request: Request | None = None) -> None:
    """Law 12: with a strategy that does nothing between every two layers, everything comes out the same."""

    def apart() -> Sequence[Layer]:
        spread: list[Layer] = []
        for layer in layers():
            spread += [layer, PassThrough()]
        return spread

    fused = run_in_modes(layers, script, request=request)
    split = run_in_modes(apart, script, request=request)
    for mode in MODES:
        one, other = fused[mode], split[mode]
        assert verdict_of(one) == verdict_of(other), f"{mode}: {verdict_of(one)} != {verdict_of(other)}"
        assert one.delivered == other.delivered, f"{mode}: fused and not fused deliver differently"
        assert one.response == other.response, f"{mode}: fused and not fused answer differently"


def check_sharing(layers: Sequence[Layer], scripts: Sequence[Script], *, request: Request | None = None) -> None:
    """Law 9: the same layer objects, used by call after call, answer each as fresh ones would."""
    shared = [run_in_mode("sync", layers, script, request=request) for script in scripts]
    again = [run_in_mode("sync", layers, script, request=request) for script in reversed(scripts)]
    for first, second in zip(shared, reversed(again), strict=True):
        assert verdict_of(first) == verdict_of(second), "a layer remembers an earlier call"
        assert (first.response and first.response.parts) == (second.response and second.response.parts)
