"""Where `psf demo` sends its calls: a real llama.cpp server on this machine, or a mock; and what that received."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

from psf_runtime.cli.demo_input import CALL_BEGINS, CALL_ENDS
from psf_runtime.cli.demo_policy import demo_policy
from psf_runtime.client.client import Client
from psf_runtime.errors import ConfigError
from psf_runtime.providers.mock import ECHO_CHUNK, MockProvider, echo
from psf_runtime.providers.mock.replies import call
from psf_runtime.testing.llama_process import EchoServerProcess
from psf_runtime.testing.llama_server import MODEL, EchoServer
from psf_runtime.types.request import Request
from psf_runtime.types.target import Target

Kind = Literal["server", "mock"]


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """One request as a provider received it: where to, and the exact bytes of its body."""

    to: str
    body: bytes


@dataclass(slots=True)
class Endpoint:
    """Two clients, and everything that their calls put on the wire.

    Attributes:
        says: what answers, for people.
        client: for every call but one; `dying`: its first provider dies as it is asked, and the fallback answers.
        death: what happens to the first provider of `dying`, for people.
    """

    kind: Kind
    says: str
    client: Client
    dying: Client
    death: str
    collect: Callable[[], list[Sent]]


@dataclass(slots=True)
class _Wire:
    """Every request that an HTTP client sends, taken down before the first byte leaves."""

    sent: list[Sent] = field(default_factory=list)
    before: dict[str, Callable[[], None]] = field(default_factory=dict)  # host and port -> what happens first

    def note(self, request: Any) -> None:
        """What httpx calls with each request that it is about to send."""
        self.sent.append(Sent(str(request.url), bytes(request.content)))
        self.before.get(request.url.netloc.decode(), _nothing)()

    def take(self) -> list[Sent]:
        """What was sent since the last time."""
        taken, self.sent = self.sent, []
        return taken


def _nothing() -> None:
    """Most hosts live on."""


def server_is_installed() -> bool:
    """Whether the embedded server and what builds its model are there."""
    return all(find_spec(name) is not None for name in ("xllamacpp", "gguf", "numpy"))


@contextmanager
def open_endpoint(wanted: Literal["auto", "server", "mock"]) -> Iterator[Endpoint]:
    """Start what was asked for, and stop it at the end. Raises ConfigError when the server cannot be had."""
    kind: Kind = "mock" if wanted == "mock" or (wanted == "auto" and not server_is_installed()) else "server"
    if kind == "server" and not server_is_installed():
        raise ConfigError(
            "the llama.cpp server is not installed",
            change="pip install 'psf-runtime[demo]', or psf demo --endpoint mock",
        )
    with ExitStack() as stack:
        yield _server(stack) if kind == "server" else _mock(stack)


def _server(stack: ExitStack) -> Endpoint:
    server = stack.enter_context(EchoServer())
    victim = stack.enter_context(EchoServerProcess())
    wire = _Wire(before={_host(victim.base_url): victim.kill})
    http = stack.enter_context(_http_client(wire))
    policy = demo_policy({"main": Target(server.target), "first": Target(victim.target)})
    client = stack.enter_context(Client("main", policy=policy, http_client=http))
    dying = stack.enter_context(Client("first", fallbacks=["main"], policy=policy, http_client=http))
    says = f"a real llama.cpp server at {server.base_url} with a model that repeats what it was sent"
    return Endpoint("server", says, client, dying, "its process is killed as the request goes out", wire.take)


def _mock(stack: ExitStack) -> Endpoint:
    mock = MockProvider(scripted_answer, name="mock:echo", strict=False, chunks=ECHO_CHUNK)
    wire = _Wire()
    http = stack.enter_context(_http_client(wire))
    nobody = f"local:{MODEL}@http://127.0.0.1:{stack.enter_context(_closed_port())}/v1"
    policy = demo_policy({"first": Target(nobody)})
    client = stack.enter_context(Client(mock, policy=policy))
    dying = stack.enter_context(Client("first", fallbacks=[mock], policy=policy, http_client=http))
    seen = 0

    def collect() -> list[Sent]:
        nonlocal seen
        new, seen = mock.calls[seen:], len(mock.calls)
        return [*wire.take(), *(Sent("mock:echo", sent.body) for sent in new)]

    says = "a mock inside this process, no server (for a real one: pip install 'psf-runtime[demo]')"
    return Endpoint("mock", says, client, dying, "nothing listens at its port any more", collect)


def scripted_answer(request: Request) -> Any:
    """What the echo model answers: the last text, and the tool call that is written in it."""
    text, begins, rest = echo(request).partition(CALL_BEGINS)
    if not begins:
        return text
    wanted = json.loads(rest.removesuffix(CALL_ENDS))
    return [text, call(wanted["name"], **wanted["arguments"])]


def _http_client(wire: _Wire) -> Any:
    import httpx

    # No proxy of the environment stands between this process and its own machine.
    return httpx.Client(event_hooks={"request": [wire.note]}, trust_env=False)


def _host(base_url: str) -> str:
    return base_url.removeprefix("http://").partition("/")[0]


@contextmanager
def _closed_port() -> Iterator[int]:
    """A port of this machine that refuses connections. It is held, so that nothing else begins to listen there."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
