"""Every input of `psf demo`, sent to the real server as it is: what comes back is what the file scripts."""

from __future__ import annotations

import json
from importlib.resources import files

import httpx
import pytest

from psf_runtime.providers.openai import LOCAL, OpenAIChat
from psf_runtime.testing.llama_server import MODEL, EchoServer
from psf_runtime.types.messages import Message, Text
from psf_runtime.types.request import OutputSchema, Request, Tool
from psf_runtime.types.response import accumulate

FOLDER = files("psf_runtime.cli") / "demo_inputs"
NAMES = sorted(entry.name for entry in FOLDER.iterdir() if entry.name.endswith(".json"))


@pytest.mark.parametrize("name", NAMES)
def test_the_server_answers_as_scripted(echo_server: EchoServer, name: str) -> None:
    """Text comes back exact, a `<tool_call>` block as a call with its arguments, JSON as JSON."""
    data = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    functions = [tool["function"] for tool in data["tools"]]
    request = Request(
        tuple(Message(message["role"], (Text(message["content"]),)) for message in data["messages"]),
        tools=tuple(Tool(f["name"], f["description"], f["parameters"]) for f in functions),
        output=OutputSchema("answer", data["output"]) if data["output"] else None,
    )
    codec = OpenAIChat(model=MODEL, differences=LOCAL)
    wire = codec.encode(request, stream=True)
    reply = httpx.post(echo_server.base_url + wire.path, headers=list(wire.headers), content=wire.body, timeout=60)
    decoder = codec.decoder(stream=True)
    answer = accumulate([*decoder.feed(reply.content), *decoder.end()], decoder.head())
    script, _, call = data["messages"][-1]["content"].partition("<tool_call>\n")
    assert answer.text == script
    expected = json.loads(call.removesuffix("\n</tool_call>")) if call else None
    calls = [{"name": call.name, "arguments": call.arguments} for call in answer.tool_calls]
    assert calls == ([expected] if expected else [])
