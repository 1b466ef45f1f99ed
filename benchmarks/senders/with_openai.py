"""The openai SDK as it comes, without retries."""

from __future__ import annotations

from typing import Any

import openai

from benchmarks.conversation import MODEL, Messages

PACKAGE = "openai"
SYNC = True
_USAGE = {"include_usage": True}


class Sender:
    """One blocking and one async client."""

    def __init__(self, url: str) -> None:
        self._blocking: Any = openai.OpenAI(base_url=url, api_key="benchmark", max_retries=0)
        self._asynchronous: Any = openai.AsyncOpenAI(base_url=url, api_key="benchmark", max_retries=0)

    def complete(self, messages: Messages) -> str:
        answer = self._blocking.chat.completions.create(model=MODEL, messages=messages)
        return str(answer.choices[0].message.content)

    def stream(self, messages: Messages) -> str:
        texts = []
        chunks = self._blocking.chat.completions.create(
            model=MODEL, messages=messages, stream=True, stream_options=_USAGE
        )
        for chunk in chunks:
            texts.append(chunk.choices[0].delta.content or "" if chunk.choices else "")
        return "".join(texts)

    async def acomplete(self, messages: Messages) -> str:
        answer = await self._asynchronous.chat.completions.create(model=MODEL, messages=messages)
        return str(answer.choices[0].message.content)

    async def astream(self, messages: Messages) -> str:
        texts = []
        chunks = await self._asynchronous.chat.completions.create(
            model=MODEL, messages=messages, stream=True, stream_options=_USAGE
        )
        async for chunk in chunks:
            texts.append(chunk.choices[0].delta.content or "" if chunk.choices else "")
        return "".join(texts)

    async def aclose(self) -> None:
        self._blocking.close()
        await self._asynchronous.close()
