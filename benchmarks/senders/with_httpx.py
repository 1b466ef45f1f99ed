"""Raw httpx: post JSON, parse JSON."""

from __future__ import annotations

import json

import httpx

from benchmarks.conversation import Messages, request_body

PACKAGE = "httpx"
SYNC = True
_NO_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None)


class Sender:
    """One blocking and one async client, without a limit of connections."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/chat/completions"
        self._blocking = httpx.Client(limits=_NO_LIMITS, timeout=60)
        self._asynchronous = httpx.AsyncClient(limits=_NO_LIMITS, timeout=60)
        self._headers = {"authorization": "Bearer benchmark"}

    def complete(self, messages: Messages) -> str:
        body = request_body(messages, stream=False)
        response = self._blocking.post(self._url, json=body, headers=self._headers)
        return str(response.raise_for_status().json()["choices"][0]["message"]["content"])

    def stream(self, messages: Messages) -> str:
        body = request_body(messages, stream=True)
        texts = []
        with self._blocking.stream("POST", self._url, json=body, headers=self._headers) as response:
            for line in response.raise_for_status().iter_lines():
                texts.append(text_of(line))
        return "".join(texts)

    async def acomplete(self, messages: Messages) -> str:
        body = request_body(messages, stream=False)
        response = await self._asynchronous.post(self._url, json=body, headers=self._headers)
        return str(response.raise_for_status().json()["choices"][0]["message"]["content"])

    async def astream(self, messages: Messages) -> str:
        body = request_body(messages, stream=True)
        texts = []
        async with self._asynchronous.stream("POST", self._url, json=body, headers=self._headers) as response:
            async for line in response.raise_for_status().aiter_lines():
                texts.append(text_of(line))
        return "".join(texts)

    async def aclose(self) -> None:
        self._blocking.close()
        await self._asynchronous.aclose()


def text_of(line: str) -> str:
    """The text in a line of server-sent events; nothing when it holds none."""
    if not line.startswith("data: ") or line == "data: [DONE]":
        return ""
    choices = json.loads(line[6:])["choices"]
    return str(choices[0]["delta"].get("content", "")) if choices else ""
