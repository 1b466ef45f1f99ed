"""The fixture `echo_server`: one real llama.cpp server for the whole test run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from psf_runtime.testing.llama_server import EchoServer


@pytest.fixture(scope="session")
def echo_server() -> Iterator[EchoServer]:
    """A running server that answers with the last message; tests must not stop it."""
    with EchoServer() as server:
        yield server
