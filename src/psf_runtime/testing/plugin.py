"""The pytest plugin: fixtures for tests of an application, and a network that ends at this machine.

It loads next to nothing: the parts of the test kit are imported by the tests that use them.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import Any

import pytest

import psf_runtime
from psf_runtime import testing
from psf_runtime.providers.network import ANY, LOOPBACK, VARIABLE
from psf_runtime.testing.clock import ManualClock
from psf_runtime.testing.mark import MARK, Mark, mark_of

_BEFORE = pytest.StashKey[str | None]()
_FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option: whether cassettes are written."""
    group = parser.getgroup("psf", "psf_runtime")
    group.addoption("--psf-record", action="store_true", help="write the cassettes of the tests that run, anew")


def pytest_configure(config: pytest.Config) -> None:
    """Calls of psf_runtime end at this machine, unless the environment says otherwise already."""
    config.addinivalue_line("markers", MARK)
    config.stash[_BEFORE] = os.environ.get(VARIABLE)
    os.environ.setdefault(VARIABLE, LOOPBACK)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The environment is as it was."""
    _set(config.stash.get(_BEFORE, None))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test that is marked may leave this machine, its fixtures included."""
    before = os.environ.get(VARIABLE)
    try:
        if mark_of(item, recording=_is_recording(item.config)).network:
            os.environ[VARIABLE] = ANY
    except ValueError:
        pass  # said when the test is set up, as an error of that test
    try:
        return (yield)
    finally:
        _set(before)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A mark with a mistake in it is an error of its test."""
    mark_of(item, recording=_is_recording(item.config))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether a test failed: then replies that it did not ask for say nothing new."""
    report = yield
    if report.when == "call":
        item.stash[_FAILED] = report.failed
    return report


@pytest.fixture
def psf_clock() -> ManualClock:
    """A clock that no test waits for: `psf_clock.advance(60)` drives retries, deadlines and expiries."""
    return ManualClock()


@pytest.fixture
def psf_policy() -> Any:
    """The policy of `psf_client`. Override it in `conftest.py` with your own; here it is `Policy.standard()`."""
    return psf_runtime.Policy.standard()


@pytest.fixture
def psf_mock(request: pytest.FixtureRequest, psf_clock: ManualClock) -> Iterator[Any]:
    """A strict MockProvider on `psf_clock`: what it has no reply for fails, and so does a reply nobody asked for.

    With `@pytest.mark.psf(cassette="refund.json")` it plays that file, which lies beside the test's.
    """
    mark = mark_of(request.node, recording=_is_recording(request.config))
    mock = _mock(mark, psf_clock)
    yield mock
    if mark.is_recording:
        mock.close()
        if not request.node.stash.get(_FAILED, True):
            mock.save()
        return
    stop = getattr(mock, "stop", None)
    if stop is not None:
        stop()
    unused = mock.unused()
    if unused and not request.node.stash.get(_FAILED, True):
        pytest.fail("psf_mock has replies that nobody asked for:\n  " + "\n  ".join(unused), pytrace=False)


@pytest.fixture
def psf_client(psf_mock: Any, psf_policy: Any) -> Iterator[Any]:
    """A Client on `psf_mock` under `psf_policy`, with its state in memory."""
    with psf_runtime.Client(psf_mock, policy=psf_policy, state="memory:") as client:
        yield client


def _mock(mark: Mark, clock: ManualClock) -> Any:
    if mark.is_recording:
        return testing.RecordingProvider(mark.path, record=mark.record)
    if mark.cassette:
        return testing.CassetteProvider(mark.path, clock=clock)
    return testing.MockProvider(clock=clock)


def _is_recording(config: pytest.Config) -> bool:
    return bool(config.getoption("--psf-record"))


def _set(value: str | None) -> None:
    if value is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = value
