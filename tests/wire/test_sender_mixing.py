"""Nobody ever gets another's answer, however calls end."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from psf_runtime.errors import PsfError
from psf_runtime.providers.http import HttpTransport
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Request
from tests.wire.echo_http import EchoHttp
from tests.wire.fault_proxy import Fault, FaultProxy
from tests.wire.sender_calls import LOOPS, aonce, once, sender_to


def saying(number: int) -> Request:
    return Request((Message.user(f"number {number}"),), model="t")


@pytest.mark.parametrize("loop", LOOPS)
def test_cancelled_calls_leave_no_answer_behind(loop: str) -> None:
    """Of 150 calls many are cancelled at any moment; those that end have their own answer, and no place is lost."""
    chance = random.Random(7)
    waits = [chance.choice((0.0, 0.001, 0.003, 0.01, 5.0)) for _ in range(150)]
    texts: dict[int, str] = {}

    async def one(sender: HttpTransport, number: int) -> None:
        with anyio.move_on_after(waits[number]):
            texts[number] = (await aonce(sender, saying(number), left=20)).text

    async def main() -> None:
        sender = sender_to(proxy.port)
        sender._clients.asynchronous()[0].shelf.most = 12
        async with anyio.create_task_group() as group:
            for number in range(150):
                group.start_soon(one, sender, number)
        assert sender._clients.asynchronous()[0].shelf.counts[0] == 0
        assert (await aonce(sender, saying(999))).text == "number 999"
        await sender.aclose()

    with EchoHttp() as server, FaultProxy(server.port, Fault(latency=0.002, piece=40)) as proxy:
        anyio.run(main, backend=loop)
    patient = {number for number, seconds in enumerate(waits) if seconds == 5.0}
    assert patient <= set(texts)
    assert all(text == f"number {number}" for number, text in texts.items())


def test_sources_closed_from_elsewhere_leave_no_answer_behind() -> None:
    """Half of the sources are closed by another thread while they are read; the others have their own answers."""

    def one(number: int) -> str:
        if number % 2:
            return once(sender, saying(number)).text
        source = sender.open(saying(number), stream=False, left=20)
        closer = threading.Thread(target=source.close)
        closer.start()
        try:
            while source.read(20) is not None:
                pass
        except PsfError:
            return "closed"
        finally:
            closer.join()
        return "in time"

    with EchoHttp() as server, FaultProxy(server.port, Fault(piece=40)) as proxy:
        sender = sender_to(proxy.port)
        with ThreadPoolExecutor(8) as pool:
            said = list(pool.map(one, range(200)))
        assert once(sender, saying(999)).text == "number 999"
        assert sender._clients.blocking()[0].shelf.counts[0] == 0
        sender.close()
    assert said[1::2] == [f"number {number}" for number in range(1, 200, 2)]
    assert set(said[0::2]) <= {"closed", "in time"}
