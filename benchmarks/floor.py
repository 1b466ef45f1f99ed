"""How many calls a second the stub manages: whoever is slower than that is bound by something else.

Run: python -m benchmarks.floor
"""

from __future__ import annotations

import asyncio
import time

from benchmarks.stub import Stub, whole_answer

CONNECTIONS = 64
_BODY = b'{"model":"gpt-4o","messages":[{"role":"user","content":"Which spade?"}]}'
_REQUEST = b"POST /answer/v1/chat/completions HTTP/1.1\r\nhost: stub\r\ncontent-length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)


class FloorProtocol(asyncio.Protocol):
    """Asks again as soon as the answer is there: the least that a client can do."""

    def __init__(self, expected: int, until: float, over: asyncio.Future[int]) -> None:
        self._expected = expected
        self._until = until
        self._over = over
        self._got = 0
        self._done = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(_REQUEST)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._got += len(data)
        if self._got < self._expected:
            return
        self._got = 0
        self._done += 1
        if time.monotonic() < self._until:
            self._transport.write(_REQUEST)
        else:
            self._transport.close()
            self._over.set_result(self._done)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._over.done():
            self._over.set_exception(error or ConnectionError("the stub closed the connection"))


async def most_calls_per_second(port: int, seconds: float) -> float:
    """Calls a second that the stub at this port answers, asked over 64 bare sockets for so long."""
    loop = asyncio.get_running_loop()
    expected = len(whole_answer())
    began = time.monotonic()
    counts: list[asyncio.Future[int]] = [loop.create_future() for _ in range(CONNECTIONS)]
    for count in counts:
        protocol = FloorProtocol(expected, began + seconds, count)
        await loop.create_connection(lambda protocol=protocol: protocol, "127.0.0.1", port)  # type: ignore[misc]
    total = sum(await asyncio.gather(*counts))
    return total / (time.monotonic() - began)


def main() -> int:
    """Print the figure."""
    with Stub() as stub:
        print(f"{asyncio.run(most_calls_per_second(stub.port, 2.0)):,.0f} calls/s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
