"""Neighbouring guards fused into one frame. Fusing is invisible: hooks and closing run in the same order either way.

Inward: `open` and `on_request`, outermost first. Outward: chunks innermost first; at the end of the answer, per
guard and innermost first, `on_end`, then `on_response` on all it let through plus its tail, then the tail goes on
outward, then the next guard. `on_close` runs exactly once for every session that was opened, innermost first.
"""

from __future__ import annotations

from types import GeneratorType
from typing import Any

from psf_runtime.errors import GuardError, PsfError
from psf_runtime.flow.chunk_chain import Step, chunk_chain, held_back, tail, take
from psf_runtime.flow.effects import Flow
from psf_runtime.flow.leaf import Emit, Run, release
from psf_runtime.flow.naming import named
from psf_runtime.flow.outcomes import Abort, guard_answered, guard_failed
from psf_runtime.flow.pieces import accumulate, one_chunk
from psf_runtime.flow.protocols import Guard, Session
from psf_runtime.flow.settle import Seat, decide, respond, settle, verdict_of
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.context import Context
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response, explode
from psf_runtime.types.verdict import ALLOW, VERDICTS

Sessions = list[Session]


def guard_frame(guards: tuple[Guard, ...], inner: Run) -> Run:
    """Wrap `inner` in neighbouring guards, outermost first."""
    seats = tuple(seat for seat in map(Seat.of, guards) if not seat.idle)
    if not seats:
        return inner
    holds = any(seat.holds_all for seat in seats)
    outward = tuple(i for i in reversed(range(len(seats))) if seats[i].on_chunk or seats[i].on_response)

    def run(context: Context, request: Request, emit: Emit | None) -> Flow[Response]:
        sessions: Sessions = []
        error: BaseException | None = None
        try:
            for seat in seats:
                answer = _enter(context, seat, sessions, request)
                if type(answer) is not Request:
                    answer = yield from _admit(context, seat, request, answer)
                request = answer
            if not outward:
                return (yield from inner(context, request, emit))
            if emit is not None and not holds:
                return (yield from _stream(context, seats, sessions, outward, request, inner, emit))
            response = yield from inner(context, request, None)
            response = yield from _inspect(context, seats, sessions, outward, request, response)
            if emit is not None:
                yield from release(emit, response)
            return response
        except Abort as abort:
            error = abort.error
            raise
        except BaseException as failure:
            error = failure
            raise
        finally:
            _close(context, seats, sessions, error)
            error = None  # its traceback holds this frame: a circle that only the garbage collector could free

    return named(run, " + ".join(seat.name for seat in seats))


def _enter(context: Context, seat: Seat, sessions: Sessions, request: Request) -> Any:
    """Open a session and show it the request: what it says to that, the request itself when it has nothing to say.

    Measured: a flow only where an answer is one, instead of for each guard, saves 1 us a guard.
    """
    try:
        session = seat.open(context)
    except PsfError:
        raise
    except Exception as error:
        seat.failed(context, "open", error)
        session = Session()
    else:
        if not isinstance(session, seat.guard.session):  # its hooks would be skipped in silence
            wanted = f"a {seat.guard.session.__name__}, as `session` declares"
            raise guard_answered(seat.name, "open", session, wanted)
    sessions.append(session)
    if not seat.on_request:
        return request
    try:
        return session.on_request(request)
    except PsfError:
        raise
    except Exception as error:
        seat.failed(context, "on_request", error)
        return request


def _admit(context: Context, seat: Seat, request: Request, answer: Any) -> Flow[Request]:
    """The request that follows from a verdict, or from the flow of an answer."""
    if type(answer) is GeneratorType:
        try:
            answer = yield from answer
        except PsfError:
            raise
        except Exception as error:
            seat.failed(context, "on_request", error)
            return request
    if type(answer) is Request:
        return answer
    if type(answer) not in VERDICTS:
        raise guard_answered(seat.name, "on_request", answer, "a Request or a verdict")
    replacement = yield from settle(context, seat, "on_request", answer, request, None)
    if replacement is None:
        return request
    if type(replacement) is not Request:
        raise guard_answered(seat.name, "on_request", replacement, "Rewrite(request)")
    return replacement


def _inspect(
    context: Context,
    seats: tuple[Seat, ...],
    sessions: Sessions,
    outward: tuple[int, ...],
    request: Request,
    response: Response,
) -> Flow[Response]:
    """Run a whole response through the guards: the same hooks as a stream, with one chunk per part.

    A response is made of the chunks only when a guard wants to see it, and at the end.
    """
    chunks: list[Chunk] | None = None
    changed = False  # whether `chunks` say more than `response`
    for i in outward:
        seat, session = seats[i], sessions[i]
        if seat.on_chunk:
            if chunks is None:
                chunks = list(explode(response))
            change = _first_change(seat, session, chunks)
            passed = chunks
            if change is not None:
                passed = yield from _transform(context, seat, session, request, chunks, change)
            if passed is not chunks:
                chunks = one_chunk(passed)
                changed = chunks is not None
                if chunks is None:
                    response = accumulate(passed, response)
        if seat.on_response:
            if changed and chunks is not None:
                response, changed = accumulate(chunks, response), False
            verdict = verdict_of(context, seat, session, response)
            if verdict is not ALLOW:
                answered = yield from decide(context, seat, request, response, verdict)
                if answered is not response:
                    response, chunks = answered, None
    return accumulate(chunks, response) if changed and chunks is not None else response


def _first_change(seat: Seat, session: Session, chunks: list[Chunk], start: int = 0) -> tuple[int, Any] | None:
    """Where, from `start` on, a guard first answers something else than the chunk, and what; its tail is at the end.

    None when it changes nothing: most guards let most answers pass, and need no flow for it.
    """
    hook = session.on_chunk
    for position in range(start, len(chunks)):
        chunk = chunks[position]
        try:
            answer = hook(chunk)
        except PsfError:
            raise
        except Exception as error:
            raise guard_failed(seat.name, "on_chunk", error) from error
        if answer is not chunk:
            return position, answer
    rest: Any = held_back(seat, session)
    return (len(chunks), rest) if rest else None


def _transform(
    context: Context, seat: Seat, session: Session, request: Request, chunks: list[Chunk], change: tuple[int, Any]
) -> Flow[list[Chunk]]:
    """What a guard makes of all chunks, its tail included; the same list when it changed nothing after all.

    `change` is the first one that it makes.
    """
    passed: list[Chunk] = []
    done = 0
    following: tuple[int, Any] | None = change
    while following is not None:
        position, answer = following
        passed += chunks[done:position]
        if position == len(chunks):
            rest = yield from take(context, request, seat, "on_end", answer, None)
            if not rest and not done:
                return chunks
            passed.extend(rest)
            return passed
        passed.extend((yield from take(context, request, seat, "on_chunk", answer, chunks[position])))
        done = position + 1
        following = _first_change(seat, session, chunks, done)
    passed += chunks[done:]
    return passed


def _stream(
    context: Context,
    seats: tuple[Seat, ...],
    sessions: Sessions,
    outward: tuple[int, ...],
    request: Request,
    inner: Run,
    emit: Emit,
) -> Flow[Response]:
    kept: dict[int, list[Chunk]] = {i: [] for i in outward if seats[i].on_chunk}
    steps: tuple[Step, ...] = tuple((seats[i], sessions[i].on_chunk, kept[i].append) for i in kept)
    response = yield from inner(context, request, chunk_chain(context, request, steps, emit))
    done = 0
    for i in outward:
        seat, session = seats[i], sessions[i]
        rest: tuple[Chunk, ...] = ()
        if seat.on_chunk:
            done += 1
            rest = yield from tail(context, request, seat, session)
            response = accumulate(kept[i] + list(rest), response)
        if seat.on_response:
            yield from respond(context, seat, session, request, response)
        if rest:  # released only after this guard's verdict
            further = chunk_chain(context, request, steps[done:], emit)
            for chunk in rest:
                flow = further(chunk)
                if flow is not None:
                    yield from flow
    return response


def _close(context: Context, seats: tuple[Seat, ...], sessions: Sessions, error: BaseException | None) -> None:
    """Close what was opened, innermost first. An error here never masks an earlier one, and is counted."""
    failure: GuardError | None = None
    for seat, session in zip(reversed(seats[: len(sessions)]), reversed(sessions), strict=True):
        if not seat.on_close:
            continue
        try:
            session.on_close(error)
        except Exception as cause:
            context.note("close_failed", seat.name, "on_close")
            if failure is None and not seat.may_fail:
                failure = guard_failed(seat.name, "on_close", cause)
    if failure is not None and error is None:
        raise failure
