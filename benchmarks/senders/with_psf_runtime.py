"""psf_runtime with its full default chain: `Policy.standard()`, and a target that is named as users name it.

Logging is left as Python leaves it: the logger `psf_runtime` is at WARNING, so that no line is written for a good call.
"""

from __future__ import annotations

from benchmarks.conversation import MODEL, Messages
from psf_runtime import AsyncClient, Client, Policy
from psf_runtime.types.chunks import TextDelta

PACKAGE = "psf_runtime"
SYNC = True


class Sender:
    """One blocking and one async client."""

    def __init__(self, url: str) -> None:
        model = f"openai:{MODEL}"
        self._blocking = Client(model, base_url=url, api_key="benchmark", policy=Policy.standard())
        self._asynchronous = AsyncClient(model, base_url=url, api_key="benchmark", policy=Policy.standard())

    def complete(self, messages: Messages) -> str:
        return self._blocking.complete(messages).text

    def stream(self, messages: Messages) -> str:
        with self._blocking.stream(messages) as events:
            return "".join([event.text for event in events if isinstance(event, TextDelta)])

    async def acomplete(self, messages: Messages) -> str:
        return (await self._asynchronous.complete(messages)).text

    async def astream(self, messages: Messages) -> str:
        async with self._asynchronous.stream(messages) as events:
            return "".join([event.text async for event in events if isinstance(event, TextDelta)])

    async def aclose(self) -> None:
        self._blocking.close()
        await self._asynchronous.close()
