"""The quirks themselves: a table. Each row is what a server was seen to send, or what its own issues say it sends.

Sources: captured traffic of llama.cpp, llama-cpp-python and transformers serve; ollama/ollama#4357 and #7881;
BerriAI/litellm#35663; vllm-project/vllm#19662; the documentation of Groq, Mistral, Anthropic and Amazon Bedrock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import orjson

from psf_runtime.providers.mock.quirk_bytes import (
    DONE,
    TEXT,
    USAGE,
    chat_body,
    chat_chunk,
    converse_body,
    converse_end,
    converse_text,
    exception_frame,
    frame,
    message_body,
    message_end,
    message_start,
    message_text,
    sse,
    tool_entry,
    usage_chunk,
)

ECHOED = "PSF_QUIRK_ECHOED_PROMPT"  # stands for what a careless server repeats of the request
_FIRST = chat_chunk({"role": "assistant"})
_HALF = chat_chunk({"content": TEXT[:20]})
_REST = chat_chunk({"content": TEXT[20:]})
_LAST = chat_chunk({}, "stop")
_OBJECTS = [tool_entry(0, "call_a", "look_up", {"order": 1}), tool_entry(0, "call_b", "look_up", {"order": 2})]
_CALLS = [tool_entry(0, "call_a", "look_up", '{"order": 1}'), tool_entry(1, "call_b", "look_up", '{"order": 2}')]
_LEGACY = {"name": "look_up", "arguments": '{"order": 1}'}


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """One quirk, without its name. `status` is that of the body; a stream begins with 200."""

    says: str
    body: bytes
    events: tuple[bytes, ...] = ()
    dialect: Literal["anthropic", "bedrock", "openai", "responses"] = "openai"
    status: int = 200
    server: str = ""


def _error(code: str | None, message: str, kind: str) -> bytes:
    return orjson.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}})


_CHAT: Mapping[str, Row] = {
    "groq.error_in_stream": Row(
        "an error object inside a stream that began with status 200",
        chat_body({"content": TEXT}),
        (_FIRST, _HALF, sse({"error": {"message": "over capacity", "type": "internal_server_error"}})),
    ),
    "llama.cpp.comments": Row(
        "comment lines while it reads the prompt: the first byte is not the first word",
        chat_body({"content": TEXT}),
        (b": reading\n\n", b": reading\n\n", _FIRST, _HALF, b": \n\n", _REST, _LAST, DONE),
        server="llama.cpp",
    ),
    "llama.cpp.cut_arguments": Row(
        "the limit of tokens ends a tool call in the middle of its arguments",
        chat_body({"content": "", "tool_calls": [tool_entry(0, "a1", "look_up", '{"order": 77')]}, "length"),
        (
            chat_chunk({"role": "assistant", "content": None}),
            chat_chunk({"tool_calls": [tool_entry(0, "a1", "look_up", "")]}),
            chat_chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"order": 77'}}]}),
            chat_chunk({}, "length"),
            DONE,
        ),
        server="llama.cpp",
    ),
    "llama.cpp.thinks_only": Row(
        "all tokens go to the thinking, and the answer is empty",
        chat_body({"content": "", "reasoning_content": "Let me think"}, "length"),
        (_FIRST, chat_chunk({"reasoning_content": "Let me think"}), chat_chunk({}, "length"), DONE),
        server="llama.cpp",
    ),
    "llama.cpp.usage_chunk": Row(
        "usage and timings in an event of their own, without a choice, before the end mark",
        chat_body({"content": TEXT}, timings={"prompt_n": 12, "predicted_n": 7}),
        (_FIRST, _HALF, _REST, _LAST, usage_chunk(timings={"prompt_n": 12, "predicted_n": 7}), DONE),
        server="llama.cpp",
    ),
    "llama-cpp-python.echoed_prompt": Row(
        "a validation error with status 500 whose message repeats what was sent",
        _error(None, f"[{{'type': 'literal_error', 'input': '{ECHOED}'}}]", "internal_server_error"),
        status=500,
        server="llama-cpp-python",
    ),
    "llama-cpp-python.empty_stream": Row(
        "a request that is too long is answered with status 200 and not one event",
        _error("context_length_exceeded", "This model's maximum context length is 512 tokens", "invalid_request_error"),
        (b"",),
        status=400,
        server="llama-cpp-python",
    ),
    "llama-cpp-python.function_call": Row(
        "the same call twice, in `tool_calls` and in the old `function_call`",
        chat_body({"content": None, "tool_calls": _CALLS[:1], "function_call": _LEGACY}, "tool_calls"),
        (
            _FIRST,
            chat_chunk({"tool_calls": _CALLS[:1], "function_call": _LEGACY}),
            chat_chunk({}, "tool_calls"),
            DONE,
        ),
        server="llama-cpp-python",
    ),
    "mistral.thinking_list": Row(
        "the content is a list of thinking and text, not a text",
        chat_body(
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Let me think"}]},
                    {"type": "text", "text": TEXT},
                ]
            }
        ),
        (
            _FIRST,
            chat_chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Let me think"}]}]}),
            _HALF,
            _REST,
            chat_chunk({"content": ""}, "stop", usage=USAGE),
            DONE,
        ),
    ),
    "ollama.arguments_object": Row(
        "parallel calls all with index 0, and arguments as an object in place of a text",
        chat_body({"content": "", "tool_calls": _OBJECTS}, "tool_calls"),
        (
            _FIRST,
            chat_chunk({"content": "", "tool_calls": _OBJECTS[:1]}),
            chat_chunk({"content": "", "tool_calls": _OBJECTS[1:]}),
            chat_chunk({"content": ""}, "tool_calls"),
            DONE,
        ),
        server="ollama",
    ),
    "ollama.empty_finish": Row(
        "an empty text for the finish reason where there is none yet",
        chat_body({"content": TEXT}),
        (chat_chunk({"content": TEXT[:20]}, ""), chat_chunk({"content": TEXT[20:]}, ""), _LAST, DONE),
        server="ollama",
    ),
    "ollama.stop_after_calls": Row(
        "`stop` as the finish reason where the model called tools",
        chat_body({"content": "", "tool_calls": _CALLS}, "stop"),
        (_FIRST, chat_chunk({"tool_calls": _CALLS}), _LAST, DONE),
        server="ollama",
    ),
    "openai.quota": Row(
        "status 429 for an account without money: waiting does not help",
        _error("insufficient_quota", "You exceeded your current quota", "insufficient_quota"),
        status=429,
    ),
    "transformers.no_done": Row(
        "no end mark; the usage stands on the event with the finish reason",
        chat_body({"content": TEXT}),
        (_FIRST, _HALF, _REST, chat_chunk({}, "stop", usage=USAGE)),
        server="transformers",
    ),
    "vllm.no_finish_key": Row(
        "events that lack the key of the finish reason",
        chat_body({"content": TEXT}),
        (
            sse({"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": TEXT}}]}),
            _LAST,
            DONE,
        ),
        server="vllm",
    ),
    "vllm.reasoning": Row(
        "the thinking in a field called `reasoning`, not `reasoning_content`",
        chat_body({"content": TEXT, "reasoning": "Let me think", "reasoning_content": None}),
        (_FIRST, chat_chunk({"reasoning": "Let me "}), chat_chunk({"reasoning": "think"}), _HALF, _REST, _LAST, DONE),
        server="vllm",
    ),
}

_OTHERS: Mapping[str, Row] = {
    "anthropic.overloaded_in_stream": Row(
        "an error event inside a stream that began with status 200",
        message_body([{"type": "text", "text": TEXT}]),
        (
            message_start(),
            *message_text(TEXT[:20]),
            sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, name="error"),
        ),
        "anthropic",
    ),
    "anthropic.ping": Row(
        "events that say nothing, and a kind of event that nobody has heard of",
        message_body([{"type": "text", "text": TEXT}]),
        (
            message_start(),
            sse({"type": "ping"}, name="ping"),
            *message_text(TEXT),
            sse({"type": "not_yet_invented", "value": 1}, name="not_yet_invented"),
            *message_end(),
        ),
        "anthropic",
    ),
    "bedrock.bad_checksum": Row(
        "a frame whose checksum does not fit",
        converse_body([{"text": TEXT}]),
        (*converse_text(TEXT[:20]), converse_text(TEXT[20:])[1][:-4] + b"\x00\x00\x00\x00"),
        "bedrock",
    ),
    "bedrock.filtered": Row(
        "the vendor's own guardrail ends the answer",
        converse_body([{"text": TEXT[:20]}], "guardrail_intervened"),
        (*converse_text(TEXT[:20]), *converse_end("guardrail_intervened")),
        "bedrock",
    ),
    "bedrock.throttled_in_stream": Row(
        "an exception frame inside a stream that began with status 200",
        converse_body([{"text": TEXT}]),
        (*converse_text(TEXT[:20]), exception_frame("throttlingException", "Too many tokens")),
        "bedrock",
    ),
    "bedrock.tool_input_in_pieces": Row(
        "the arguments of a call cut in the middle of a word",
        converse_body([{"toolUse": {"toolUseId": "t1", "name": "look_up", "input": {"order": 7781}}}], "tool_use"),
        (
            frame("messageStart", {"role": "assistant"}),
            frame(
                "contentBlockStart",
                {"start": {"toolUse": {"toolUseId": "t1", "name": "look_up"}}, "contentBlockIndex": 0},
            ),
            frame("contentBlockDelta", {"delta": {"toolUse": {"input": '{"ord'}}, "contentBlockIndex": 0}),
            frame("contentBlockDelta", {"delta": {"toolUse": {"input": 'er": 7781}'}}, "contentBlockIndex": 0}),
            *converse_end("tool_use"),
        ),
        "bedrock",
    ),
}

TABLE: Mapping[str, Row] = {**_CHAT, **_OTHERS}
