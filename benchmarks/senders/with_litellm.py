"""LiteLLM's SDK as it comes, without retries, telemetry, and look-ups of prices on the network."""

from __future__ import annotations

from typing import Any

import litellm

from benchmarks.conversation import MODEL, Messages

PACKAGE = "litellm"
SYNC = True

litellm.telemetry = False
litellm.suppress_debug_info = True


class Sender:
    """Calls of the module's functions; LiteLLM keeps its clients itself."""

    def __init__(self, url: str) -> None:
        self._call: dict[str, Any] = {
            "model": f"openai/{MODEL}",
            "api_base": url,
            "api_key": "benchmark",
            "max_retries": 0,
        }
        self._streaming = {"stream": True, "stream_options": {"include_usage": True}}

    def complete(self, messages: Messages) -> str:
        answer: Any = litellm.completion(messages=messages, **self._call)
        return str(answer.choices[0].message.content)

    def stream(self, messages: Messages) -> str:
        texts = []
        chunks: Any = litellm.completion(messages=messages, **self._streaming, **self._call)
        for chunk in chunks:
            texts.append(chunk.choices[0].delta.content or "" if chunk.choices else "")
        return "".join(texts)

    async def acomplete(self, messages: Messages) -> str:
        answer: Any = await litellm.acompletion(messages=messages, **self._call)
        return str(answer.choices[0].message.content)

    async def astream(self, messages: Messages) -> str:
        texts = []
        chunks: Any = await litellm.acompletion(messages=messages, **self._streaming, **self._call)
        async for chunk in chunks:
            texts.append(chunk.choices[0].delta.content or "" if chunk.choices else "")
        return "".join(texts)

    async def aclose(self) -> None:
        closing: Any = litellm.close_litellm_async_clients  # type: ignore[attr-defined]
        await closing()
