"""Which client is used, and how: httpx, httpx2, injected or made here."""

from __future__ import annotations

import dataclasses
import threading
from types import ModuleType
from typing import Any

import anyio
import httpx
import httpx2
import pytest
import respx

from psf_runtime.errors import ConfigError, ProviderError, ProviderTimeout
from psf_runtime.ports import Transport
from psf_runtime.providers.base import Outgoing
from psf_runtime.providers.http import HttpTransport
from psf_runtime.providers.targets import bind
from psf_runtime.providers.wire import TargetTransport
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Request
from psf_runtime.types.response import accumulate
from psf_runtime.types.target import Target
from tests.wire.wire_loopback import DONE, HELLO, Loopback, body, delta

pytestmark = pytest.mark.psf(network=True)  # names of other machines stand here; none is reached

REQUEST = Request((Message.user("hello"),), model="t")
TARGET = bind(Target("openai:m@https://models.example/v1", api_key="k"), name="t", environ={})
URL = "https://models.example/v1/chat/completions"


@pytest.fixture(name="twin")
def _twin() -> ModuleType:
    """httpx's successor: the same interface, unrelated classes."""
    return httpx2


def read_all(sender: Transport, *, stream: bool = False) -> str:
    source = sender.open(REQUEST, stream=stream, left=5)
    chunks = []
    while (batch := source.read(5)) is not None:
        chunks += batch
    return accumulate(chunks, source.head()).text


async def aread_all(sender: Transport, stream: bool) -> str:
    source = await sender.aopen(REQUEST, stream=stream, left=5)
    chunks = []
    while (batch := await source.aread(5)) is not None:
        chunks += batch
    return accumulate(chunks, source.head()).text


@pytest.mark.parametrize("stream", [True, False])
def test_both_modules_work(twin: ModuleType, stream: bool) -> None:
    """A client of httpx2, whose classes are not httpx's, works blocking and async, streamed and not."""
    assert not issubclass(twin.Client, httpx.Client)
    content = delta("hello") + delta(finish="stop") + DONE

    def answer(module: Any) -> Any:
        def handle(request: Any) -> Any:
            assert type(request).__module__ == module.__name__
            if stream:
                return module.Response(200, content=content, headers={"content-type": "text/event-stream"})
            return module.Response(200, json=HELLO)

        return module.MockTransport(handle)

    for module in (httpx, twin):
        with module.Client(transport=answer(module)) as client:
            assert read_all(HttpTransport(TARGET, client=client), stream=stream) == "hello"
        aclient = module.AsyncClient(transport=answer(module))
        assert anyio.run(aread_all, HttpTransport(TARGET, client=aclient), stream) == "hello"
        anyio.run(aclient.aclose)


def test_errors_of_both_modules_are_understood(twin: ModuleType) -> None:
    """The exceptions of the client's own module are mapped, by class, without their texts."""

    def failing(module: Any, error: str) -> Any:
        def handle(request: Any) -> Any:
            raise getattr(module, error)("CANARY", request=request)

        return module.Client(transport=module.MockTransport(handle))

    for module in (httpx, twin):
        for name, cls, kind, again in (
            ("ConnectError", ProviderError, "connection", True),
            ("ConnectTimeout", ProviderTimeout, "timeout", True),
            ("PoolTimeout", ProviderTimeout, "timeout", True),
            ("ReadTimeout", ProviderTimeout, "timeout", None),
            ("ReadError", ProviderError, "connection", None),
            ("RemoteProtocolError", ProviderError, "connection", None),
            ("UnsupportedProtocol", ProviderError, "connection", None),
        ):
            with failing(module, name) as client, pytest.raises(cls) as caught:
                read_all(HttpTransport(TARGET, client=client))
            assert (caught.value.kind, caught.value.retry_safe, caught.value.why) == (kind, again, name)
            assert "CANARY" not in str(caught.value)
            assert caught.value.__context__ is None


def test_an_answer_from_elsewhere_is_refused() -> None:
    """A client whose hooks send the request elsewhere, or follow a redirect of their own, gets no answer through."""

    def elsewhere(request: httpx.Request) -> None:
        request.url = httpx.URL("https://evil.example/v1/chat/completions")

    with respx.mock(assert_all_called=False) as router:
        router.post("https://evil.example/v1/chat/completions").respond(json=HELLO)
        with httpx.Client(event_hooks={"request": [elsewhere]}) as client, pytest.raises(ProviderError) as caught:
            read_all(HttpTransport(TARGET, client=client))
    assert "another address" in caught.value.what


def test_respx_sees_the_call() -> None:
    """Users who mock httpx with respx see the call of a client that they inject."""
    with respx.mock() as router, httpx.Client() as client:
        route = router.post(URL).respond(json=HELLO)
        assert read_all(HttpTransport(TARGET, client=client)) == "hello"
    assert route.calls.last.request.headers["authorization"] == "Bearer k"


class SlowCredentials:
    """Credentials that may wait for the world, and note in which thread they were asked."""

    blocking = True

    def __init__(self) -> None:
        self.threads: list[int] = []

    def headers(self, outgoing: Outgoing, now: float) -> tuple[tuple[str, str], ...]:
        self.threads.append(threading.get_ident())
        return (("authorization", "Bearer from-afar"),)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_credentials_that_wait_do_not_hold_up_the_loop(backend: str) -> None:
    """They are asked once, in a thread of their own; blocking callers ask them in theirs."""
    credentials = SlowCredentials()
    here = threading.get_ident()
    with Loopback(body(HELLO)) as server:
        bound = bind(f"local:m@{server.url}", name="t", environ={})
        sender = HttpTransport(dataclasses.replace(bound, credentials=credentials))

        async def main() -> str:
            text = await aread_all(sender, False)
            await sender.aclose()
            return text

        assert anyio.run(main, backend=backend) == "hello"
        assert len(credentials.threads) == 1
        assert credentials.threads != [here]
        assert b"authorization: Bearer from-afar" in server.requests[0]
        assert read_all(HttpTransport(dataclasses.replace(bound, credentials=credentials))) == "hello"
        assert credentials.threads[1:] == [here]


def test_wrong_clients_are_refused() -> None:
    """Another kind of object, or a client of the other kind, is a ConfigError that says what to give."""
    with pytest.raises(ConfigError, match="HTTP client"):
        HttpTransport(TARGET, client=object())
    with pytest.raises(ConfigError, match="HTTP client"):
        HttpTransport(TARGET, client=httpx.Headers())
    with httpx.Client() as client, pytest.raises(ConfigError, match="AsyncClient"):
        anyio.run(aread_all, HttpTransport(TARGET, client=client), False)
    aclient = httpx.AsyncClient()
    with pytest.raises(ConfigError, match="no Client"):
        read_all(HttpTransport(TARGET, client=aclient))
    anyio.run(aclient.aclose)


def test_a_source_belongs_to_its_mode() -> None:
    """Reading a blocking source from async code, or the other way round, is a programming error and says so."""
    with Loopback(body(HELLO)) as server:
        target = bind(f"local:m@{server.url}", name="t", environ={})
        sender = HttpTransport(target)
        source = sender.open(REQUEST, stream=False, left=None)
        with pytest.raises(TypeError, match="read"):
            anyio.run(source.aread, 1)
        assert source.read(None) is not None
        assert source.read(None) is None
        anyio.run(source.aclose)
        sender.close()

        async def other() -> None:
            sender = HttpTransport(target)
            source = await sender.aopen(REQUEST, stream=False, left=None)
            with pytest.raises(TypeError, match="aread"):
                source.read(1)
            assert await source.aread(None) is not None
            assert await source.aread(None) is None
            source.close()
            await sender.aclose()

        anyio.run(other)


class Named:
    """A transport that remembers what was opened, and that it was closed."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []

    def open(self, request: Request, *, stream: bool, left: float | None) -> Any:
        self.opened.append(request.model)

    async def aopen(self, request: Request, *, stream: bool, left: float | None) -> Any:
        self.opened.append(request.model)

    def close(self) -> None:
        self.closed.append("close")


class AsyncNamed(Named):
    async def aclose(self) -> None:
        self.closed.append("aclose")


class Bare:
    """A transport that has nothing to close."""

    open = Named.open
    aopen = Named.aopen


def test_requests_go_to_the_target_they_name() -> None:
    """Each request reaches its own transport; an address or an unknown name reaches none; closing reaches all."""
    one, two = Named(), AsyncNamed()
    sender = TargetTransport({"one": one, "two": two, "bare": Bare()})  # type: ignore[dict-item]
    assert sender.names == ("one", "two", "bare")
    sender.open(Request((), model="one"), stream=False, left=None)

    async def main() -> None:
        await sender.aopen(Request((), model="two"), stream=False, left=None)
        await sender.aclose()

    anyio.run(main)
    sender.close()
    assert (one.opened, two.opened) == (["one"], ["two"])
    assert (one.closed, two.closed) == (["close", "close"], ["aclose", "close"])
    for name in ("", "local:m@http://169.254.169.254/v1"):
        with pytest.raises(ConfigError, match="no declared target") as caught:
            sender.open(Request((), model=name), stream=False, left=None)
        assert "169" not in str(caught.value)
