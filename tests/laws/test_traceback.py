"""The traceback of a failing user guard, deep inside a realistic chain, is short and reads like the chain."""

from __future__ import annotations

import traceback
from typing import Any

import anyio
import pytest

from psf_runtime.errors import GuardError
from psf_runtime.flow.aio import AsyncDriver
from psf_runtime.flow.compose import compose
from psf_runtime.flow.protocols import GuardBase, Session
from psf_runtime.flow.sync import SyncDriver
from psf_runtime.flow.world import Journey, World
from psf_runtime.guards.function import guard
from psf_runtime.testing.modes import default_request
from psf_runtime.testing.scripted import ScriptedTransport
from psf_runtime.types.chunks import TextDelta
from psf_runtime.types.context import Context
from tests.laws.layers import Conform, Fallback, Retry, ScreenAll, ScreenWindow, Tokens, Watch


@guard(name="no_competitors")
def no_competitors(text: str) -> bool:
    """A user's guard with a mistake in it."""
    raise KeyError("the customer's text")


class Careful(GuardBase):
    """A guard with a hook that raises while the answer streams."""

    name = "careful"

    class session(Session):
        def on_chunk(self, chunk: Any) -> Any:
            raise KeyError("the customer's text")


def chain(failing: Any) -> list[Any]:
    """Eight layers: five guards, three strategies, the failing one in the middle."""
    return [Watch([]), ScreenAll(), Conform(), Tokens(), ScreenWindow("zzz"), failing, Fallback("m1", "m2"), Retry()]


def error_of(failing: Any, driver: str) -> GuardError:
    world = World(ScriptedTransport(lambda _: [[TextDelta("a b c")]]))
    run = compose(chain(failing))
    with pytest.raises(GuardError) as caught:
        if driver == "sync":
            SyncDriver(run, world).complete(Journey(Context("c")), default_request())
        else:
            anyio.run(AsyncDriver(run, world).complete, Journey(Context("c")), default_request())
    return caught.value


def frames_of(error: BaseException) -> list[str]:
    """The names of the frames of our own, from the driver down."""
    frames = [frame.name for frame in traceback.extract_tb(error.__traceback__) if "psf_runtime" in frame.filename]
    return frames[next(i for i, name in enumerate(frames) if name == "complete") :]


@pytest.mark.parametrize("driver", ["sync", "async"])
def test_a_failing_function_guard_has_a_short_traceback(driver: str) -> None:
    """From the driver to the guard's hook there are 11 frames for 8 layers, and they read

    complete > drive > (step) > watch + screen_all > conform > tokens + screen_window + no_competitors > ...
    """
    error = error_of(no_competitors, driver)
    frames = frames_of(error)
    assert len(frames) <= 12, frames
    chain_frames = [name for name in frames if name in NAMES]
    assert chain_frames == NAMES
    assert error.layer == "no_competitors"
    assert error.hook == "on_response"


NAMES = ["watch", "screen_all", "conform", "tokens + screen_window", "no_competitors"]


@pytest.mark.parametrize("driver", ["sync", "async"])
def test_the_message_says_where_the_guard_raised_and_not_what(driver: str) -> None:
    """The error names the layer, the hook, the class and the place; never the text of the guard's own exception."""
    for failing, hook, function in (
        (no_competitors, "on_response", "no_competitors"),
        (Careful(), "on_chunk", "on_chunk"),
    ):
        error = error_of(failing, driver)
        assert hook in error.what
        assert "KeyError" in error.what
        assert error.why.startswith("raised at test_traceback.py:")
        assert error.why.endswith(f"in {function}")
        assert "customer" not in str(error)
