"""Long texts are looked at and restored beside the event loop, and come out as short ones do."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from psf_runtime import AsyncClient
from psf_runtime.flow import aio
from psf_runtime.flow.effects import Offload
from psf_runtime.testing import MockProvider
from tests.modes.clients import MODES, Mode, ask, assert_absent, client_for

EMAIL = "zoe.quill@canary-mail.example"
LONG = "".join(f"Line {number}: {EMAIL} or user{number}@crowd.example, order {number}.\n" for number in range(1_500))


@pytest.mark.parametrize("mode", MODES)
def test_a_long_text_goes_out_as_tokens_and_comes_back(mode: Mode) -> None:
    """100 KB with 1,501 addresses: none of them leaves, all of them return, in every mode."""
    mock = MockProvider(lambda request: request.messages[-1].text)
    got = ask(mode, client_for(mode, mock), LONG)

    assert got.value().text == LONG
    assert got.value().decision.tokens["EMAIL"] == 1_501
    assert_absent([EMAIL, "user7@crowd.example"], mock.last.outgoing().body, "the bytes on the wire")


@pytest.mark.parametrize(("text", "aside"), [("hello there", 0), (LONG, 4)])
def test_an_event_loop_is_asked_to_wait_only_for_short_ones(
    monkeypatch: pytest.MonkeyPatch, text: str, aside: int
) -> None:
    """Looking, minting, rewriting and restoring of a long text run in a thread; a short text is done at once."""
    offloaded: list[str] = []
    through = aio.AsyncDriver._offload

    async def watched(self: Any, journey: Any, effect: Offload, left: float | None) -> Any:
        if effect.lane.name == "privacy.tokens":
            offloaded.append(getattr(effect.fn, "__name__", ""))
        return await through(self, journey, effect, left)

    monkeypatch.setattr(aio.AsyncDriver, "_offload", watched)

    async def run() -> None:
        client = AsyncClient(MockProvider(lambda request: request.messages[-1].text, strict=False))
        await client.complete("the first call loads what detectors need")
        offloaded.clear()
        await client.complete(text)

    anyio.run(run)
    assert (len(offloaded) >= aside) if aside else offloaded == []
