"""Raw aiohttp: post JSON, parse JSON. It has no blocking side."""

from __future__ import annotations

import json

import aiohttp

from benchmarks.conversation import Messages, request_body

PACKAGE = "aiohttp"
SYNC = False


class Sender:
    """One session, without a limit of connections; made at the first call, inside the event loop."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/chat/completions"
        self._session: aiohttp.ClientSession | None = None
        self._headers = {"authorization": "Bearer benchmark"}

    def complete(self, messages: Messages) -> str:
        raise TypeError("aiohttp has no blocking calls")

    def stream(self, messages: Messages) -> str:
        raise TypeError("aiohttp has no blocking calls")

    async def acomplete(self, messages: Messages) -> str:
        body = request_body(messages, stream=False)
        async with self._open().post(self._url, json=body, headers=self._headers) as response:
            response.raise_for_status()
            return str((await response.json())["choices"][0]["message"]["content"])

    async def astream(self, messages: Messages) -> str:
        body = request_body(messages, stream=True)
        texts = []
        async with self._open().post(self._url, json=body, headers=self._headers) as response:
            response.raise_for_status()
            async for line in response.content:
                if line.startswith(b"data: ") and not line.startswith(b"data: [DONE]"):
                    choices = json.loads(line[6:])["choices"]
                    texts.append(choices[0]["delta"].get("content", "") if choices else "")
        return "".join(texts)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self._session
