"""Guards that hang: given up after their time-out, while other guards are unaffected and threads stay few."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from psf_runtime.errors import GuardError
from psf_runtime.flow.aio import AsyncDriver
from psf_runtime.flow.compose import compose
from psf_runtime.flow.effects import Lane, Offload
from psf_runtime.flow.lanes import run_inline_or_in_thread
from psf_runtime.flow.sync import SyncDriver
from psf_runtime.flow.world import Journey, World
from psf_runtime.guards.function import FunctionGuard, guard
from psf_runtime.testing.laws import STREAMS
from psf_runtime.testing.modes import MODES, Mode, default_request, run_in_mode
from psf_runtime.testing.scripted import ScriptedTransport
from psf_runtime.types.chunks import TextDelta
from psf_runtime.types.context import Context

BODY = [[TextDelta("abc")]]
BRIEF = 0.03


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Set at the end of a test, so that every hanging function ends."""
    event = threading.Event()
    yield event
    event.set()


def hanging(release: threading.Event, *, timeout: float = BRIEF, late: list[str] | None = None) -> FunctionGuard:
    """A guard whose function does not come back before the test is over."""

    @guard(timeout=timeout, name="hangs")
    def hangs(text: str) -> bool:
        release.wait(20)
        if late is not None:
            late.append(text)
        return True

    return hangs


def until(condition: Any) -> bool:
    """Whether a condition comes true within a few seconds."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.002)
    return False


@pytest.mark.parametrize("mode", MODES)
def test_a_hung_guard_is_a_guard_error(mode: Mode, release: threading.Event) -> None:
    """A plain function that does not come back stops the call after its time-out; nothing is delivered."""
    layer = hanging(release)
    outcome = run_in_mode(mode, [layer], lambda _: BODY)
    assert isinstance(outcome.error, GuardError)
    assert "did not come back" in str(outcome.error)
    assert outcome.error.layer == "hangs"
    assert outcome.delivered == []
    assert outcome.transport.live == 0
    assert layer.lane.abandoned == 1
    release.set()
    assert until(lambda: layer.lane.abandoned == 0)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("mode", ["async", "async-stream"])
def test_a_hung_async_guard_is_a_guard_error(mode: Mode, backend: str) -> None:
    """An async function that does not come back is cancelled after its time-out."""

    @guard(timeout=BRIEF, name="hangs")
    async def hangs(text: str) -> bool:
        await anyio.sleep(30)
        return True

    began = time.monotonic()
    outcome = run_in_mode(mode, [hangs], lambda _: BODY, backend=backend)
    assert isinstance(outcome.error, GuardError)
    assert outcome.delivered == []
    assert time.monotonic() - began < 5
    assert hangs.lane.abandoned == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_broken_lane_fails_at_once_and_other_guards_go_on(mode: Mode, release: threading.Event) -> None:
    """After as many abandoned calls as the lane is wide, it fails without waiting; a healthy guard still works."""
    layer = hanging(release)
    healthy = guard(timeout=5.0, name="healthy")(lambda text: True)
    for _ in range(layer.lane.width):
        assert "did not come back" in str(run_in_mode(mode, [layer], lambda _: BODY).error)
    ran = run_in_mode(mode, [layer], lambda _: BODY)
    assert isinstance(ran.error, GuardError)
    assert "never came back" in str(ran.error)
    assert layer.lane.abandoned == layer.lane.width
    assert run_in_mode(mode, [healthy], lambda _: BODY).error is None
    release.set()
    assert until(lambda: layer.lane.abandoned == 0)
    assert run_in_mode(mode, [layer], lambda _: BODY).error is None, "the lane works again once its calls came back"


@pytest.mark.parametrize("mode", MODES)
def test_late_results_are_thrown_away(mode: Mode, release: threading.Event) -> None:
    """What an abandoned function returns in the end changes nothing of the call that gave it up."""
    late: list[str] = []
    outcome = run_in_mode(mode, [hanging(release, late=late)], lambda _: BODY)
    assert isinstance(outcome.error, GuardError)
    findings, notes = list(outcome.context.findings), list(outcome.context.notes)
    release.set()
    assert until(lambda: late == ["abc"])
    assert (outcome.context.findings, outcome.context.notes) == (findings, notes)
    assert outcome.response is None


def test_a_hundred_sync_calls_at_once_are_all_stopped_and_use_few_threads(release: threading.Event) -> None:
    """A hundred callers of one hung guard: all get a GuardError quickly, in no more threads than the lane is wide."""
    layer = hanging(release, timeout=0.05)
    driver = SyncDriver(compose([layer]), World(ScriptedTransport(lambda _: BODY)))
    errors: list[BaseException] = []

    def caller() -> None:
        try:
            driver.complete(Journey(Context("c")), default_request())
        except GuardError as error:
            errors.append(error)

    callers = [threading.Thread(target=caller) for _ in range(100)]
    began = time.monotonic()
    for thread in callers:
        thread.start()
    hung = 0
    while any(thread.is_alive() for thread in callers):
        hung = max(hung, sum(t.name == "psf-hangs" for t in threading.enumerate()))
        time.sleep(0.001)
    assert len(errors) == 100
    assert time.monotonic() - began < 5
    assert hung <= layer.lane.width


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_hundred_async_calls_at_once_are_all_stopped_and_use_few_threads(
    backend: str, release: threading.Event
) -> None:
    """The same for a hundred tasks: and a healthy guard answers while they hang."""
    layer = hanging(release, timeout=0.05)
    healthy = guard(name="healthy")(lambda text: True)
    running = 0
    most = 0
    lock = threading.Lock()
    inner = layer.fn

    def counted(text: str) -> Any:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        try:
            return inner(text)
        finally:
            with lock:
                running -= 1

    layer.fn = counted
    errors: list[BaseException] = []

    async def main() -> None:
        driver = AsyncDriver(compose([layer]), World(ScriptedTransport(lambda _: BODY)))
        other = AsyncDriver(compose([healthy]), World(ScriptedTransport(lambda _: BODY)))

        async def one() -> None:
            try:
                await driver.complete(Journey(Context("c")), default_request())
            except GuardError as error:
                errors.append(error)

        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(one)
            for _ in range(5):
                assert (await other.complete(Journey(Context("c")), default_request())).text == "abc"
        release.set()

    began = time.monotonic()
    anyio.run(main, backend=backend)
    assert len(errors) == 100
    assert time.monotonic() - began < 5
    assert most <= 2 * layer.lane.width
    assert until(lambda: layer.lane.abandoned == 0)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_waiting_for_a_turn_is_not_hanging(backend: str) -> None:
    """Calls that were still waiting for a thread when they were given up do not break the lane."""
    lane_width = 4

    @guard(timeout=0.05, name="slow")
    def slow(text: str) -> bool:
        time.sleep(0.02)
        return True

    async def main() -> None:
        driver = AsyncDriver(compose([slow]), World(ScriptedTransport(lambda _: BODY)))

        async def one() -> None:
            try:
                await driver.complete(Journey(Context("c")), default_request())
            except GuardError:
                pass

        async with anyio.create_task_group() as group:
            for _ in range(10 * lane_width):
                group.start_soon(one)
        await anyio.to_thread.run_sync(until, lambda: not slow.lane.running and slow.lane.abandoned == 0)
        assert slow.lane.abandoned == 0
        assert (await driver.complete(Journey(Context("c")), default_request())).text == "abc"

    anyio.run(main, backend=backend)


def test_a_cancelled_task_gives_its_guard_up(release: threading.Event) -> None:
    """A task that is cancelled while its guard hangs ends at once; the call counts as abandoned until it returns."""
    layer = hanging(release, timeout=20.0)

    async def main() -> None:
        driver = AsyncDriver(compose([layer]), World(ScriptedTransport(lambda _: BODY)))
        with anyio.move_on_after(0.03) as scope:
            await driver.complete(Journey(Context("c")), default_request())
        assert scope.cancelled_caught
        assert layer.lane.abandoned == 1
        release.set()

    began = time.monotonic()
    anyio.run(main)
    assert time.monotonic() - began < 5
    assert until(lambda: layer.lane.abandoned == 0)


@pytest.mark.parametrize("mode", STREAMS)
def test_a_hung_window_guard_stops_a_stream(mode: Mode, release: threading.Event) -> None:
    """A guard that hangs in the middle of a stream stops it; the source is closed."""

    @guard(window=2, timeout=BRIEF, name="hangs")
    def hangs(text: str) -> bool:
        if "x" in text:
            release.wait(20)
        return True

    body = [[TextDelta("aaaa")], [TextDelta("bbbb")], [TextDelta("xxxx")], [TextDelta("cccc")]]
    outcome = run_in_mode(mode, [hangs], lambda _: body)
    assert isinstance(outcome.error, GuardError)
    assert "x" not in outcome.text
    assert outcome.text.startswith("aaaa")
    assert outcome.transport.live == 0


def test_errors_of_offloaded_functions_come_out_of_their_thread() -> None:
    """What a function raises in its thread is raised to the guard, and its place in the lane is free again."""
    lane = Lane("lane", timeout=5.0)

    def broken() -> None:
        raise LookupError("here")

    for _ in range(2 * lane.width):
        with pytest.raises(LookupError, match="here"):
            run_inline_or_in_thread(Offload(broken, (), lane), None)
    assert (lane.abandoned, lane.running) == (0, set())
