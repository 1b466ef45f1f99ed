"""The dialects that the server speaks: who reads a request, who writes an answer, a stream, and an error. A table.

Requests are read by the codecs of the library, field by field from their allow-lists: what is refused here is refused
in production too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from psf_runtime.providers.anthropic import AnthropicMessages
from psf_runtime.providers.anthropic import StreamEncoder as AnthropicEncoder
from psf_runtime.providers.anthropic import asks_for_stream as anthropic_asks
from psf_runtime.providers.bedrock import BedrockConverse, encode_frame
from psf_runtime.providers.bedrock import StreamEncoder as BedrockEncoder
from psf_runtime.providers.embeddings import BedrockEmbeddings, OpenAIEmbeddings
from psf_runtime.providers.embeddings.openai import asks_for_base64
from psf_runtime.providers.openai import COMPATIBLE, OpenAIChat
from psf_runtime.providers.openai import StreamEncoder as ChatEncoder
from psf_runtime.providers.openai import asks_for_stream as chat_asks
from psf_runtime.providers.responses import OpenAIResponses
from psf_runtime.providers.responses import StreamEncoder as ResponsesEncoder
from psf_runtime.providers.responses import asks_for_stream as responses_asks
from psf_runtime.testing.server.failures import Failure
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response

JSON = "application/json"
EVENTS = "text/event-stream"
FRAMES = "application/vnd.amazon.eventstream"


class StreamWriter(Protocol):
    """One stream, piece by piece."""

    def start(self) -> bytes:
        """What comes first."""
        ...

    def chunk(self, chunk: Chunk) -> bytes:
        """The bytes of one chunk."""
        ...

    def end(self, head: Response) -> bytes:
        """What comes last."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asked.

    Attributes:
        request: with the model that the body or the path names.
        stream: whether a stream is wanted; `usage`: and the counts at its end.
        base64: vectors are wanted as base64.
    """

    request: Request
    stream: bool = False
    usage: bool = False
    base64: bool = False


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way of speaking.

    Attributes:
        name: as quirks call it; `family`: as people do, who choose one with `--dialect`.
        event_type: content type of a stream.
        read: the request in a body; the second argument is the model that the path names.
        write: a whole answer; `stream`: what writes one in pieces.
        error: an error's body; `error_event`: the piece that ends a stream with one; `bad`: a piece nobody can read.
    """

    name: str
    family: str
    event_type: str
    read: Callable[[bytes, str], Asked]
    write: Callable[[Response, Asked, str, int], bytes]
    stream: Callable[[Response, Asked, str, int], StreamWriter]
    error: Callable[[Failure], bytes]
    error_event: Callable[[Failure], bytes]
    bad: bytes = b"data: {this is no JSON\n\n"


_CHAT = OpenAIChat(differences=COMPATIBLE)
_RESPONSES = OpenAIResponses()
_MESSAGES = AnthropicMessages()
_CONVERSE = BedrockConverse()
_VECTORS = OpenAIEmbeddings()


def _read_chat(body: bytes, model: str) -> Asked:
    request = _CHAT.decode_request(body)
    stream, usage = chat_asks(body)
    return Asked(request.replace(model=model or request.model), stream, usage)


def _read_responses(body: bytes, _model: str) -> Asked:
    return Asked(_RESPONSES.decode_request(body), responses_asks(body)[0], usage=True)


def _read_messages(body: bytes, _model: str) -> Asked:
    return Asked(_MESSAGES.decode_request(body), anthropic_asks(body)[0], usage=True)


def _read_converse(body: bytes, model: str) -> Asked:
    return Asked(_CONVERSE.decode_request(body).replace(model=model), usage=True)


def _read_vectors(body: bytes, model: str) -> Asked:
    request = _VECTORS.decode_request(body)
    return Asked(request.replace(model=model or request.model), base64=asks_for_base64(body))


def _read_invoke(body: bytes, model: str) -> Asked:
    return Asked(BedrockEmbeddings(model).decode_request(body))


def _write_vectors(response: Response, asked: Asked, answer_id: str, created: int) -> bytes:
    encoding: Any = "base64" if asked.base64 else "float"
    return _VECTORS.encode_response(response, id=answer_id, created=created, encoding=encoding)


def _write_invoke(response: Response, asked: Asked, answer_id: str, created: int) -> bytes:
    return BedrockEmbeddings(asked.request.model).encode_response(response, id=answer_id, created=created)


def _no_stream(_response: Response, _asked: Asked, _id: str, _created: int) -> StreamWriter:
    raise AssertionError("vectors come whole")


def _openai_error(failure: Failure) -> bytes:
    return orjson.dumps(
        {"error": {"message": failure.message, "type": failure.openai, "param": None, "code": failure.openai}}
    )


def _openai_event(failure: Failure) -> bytes:
    return b"data: " + _openai_error(failure) + b"\n\n"


def _responses_event(failure: Failure) -> bytes:
    value = {"type": "error", "code": failure.openai, "message": failure.message, "param": None, "sequence_number": 0}
    return b"event: error\ndata: " + orjson.dumps(value) + b"\n\n"


def _anthropic_error(failure: Failure) -> bytes:
    return orjson.dumps({"type": "error", "error": {"type": failure.anthropic, "message": failure.message}})


def _anthropic_event(failure: Failure) -> bytes:
    return b"event: error\ndata: " + _anthropic_error(failure) + b"\n\n"


def _bedrock_error(failure: Failure) -> bytes:
    return orjson.dumps({"message": failure.message})


def _bedrock_event(failure: Failure) -> bytes:
    kind = failure.bedrock[:1].lower() + failure.bedrock[1:]
    headers = {":exception-type": kind, ":content-type": JSON, ":message-type": "exception"}
    return encode_frame(headers, _bedrock_error(failure))


def _bad_frame() -> bytes:
    frame = encode_frame({":event-type": "contentBlockDelta", ":message-type": "event"}, b"{}")
    return frame[:-4] + bytes(byte ^ 0xFF for byte in frame[-4:])


CHAT = Dialect(
    "openai",
    "openai",
    EVENTS,
    _read_chat,
    lambda response, _, i, created: _CHAT.encode_response(
        response, id=f"chatcmpl-{i}", created=created, reasoning=True
    ),
    lambda head, asked, i, created: ChatEncoder(
        head, id=f"chatcmpl-{i}", created=created, include_usage=asked.usage, reasoning=True
    ),
    _openai_error,
    _openai_event,
)
RESPONSES = Dialect(
    "responses",
    "openai",
    EVENTS,
    _read_responses,
    lambda response, _, i, created: _RESPONSES.encode_response(
        response, id=f"resp_{i}", created=created, reasoning=True
    ),
    lambda head, _, i, created: ResponsesEncoder(head, id=f"resp_{i}", created=created, reasoning=True),
    _openai_error,
    _responses_event,
)
EMBEDDINGS = Dialect(
    "embeddings", "openai", EVENTS, _read_vectors, _write_vectors, _no_stream, _openai_error, _openai_event
)
MESSAGES = Dialect(
    "anthropic",
    "anthropic",
    EVENTS,
    _read_messages,
    lambda response, _, i, created: _MESSAGES.encode_response(response, id=f"msg_{i}", created=created, reasoning=True),
    lambda head, _, i, created: AnthropicEncoder(head, id=f"msg_{i}", reasoning=True),
    _anthropic_error,
    _anthropic_event,
)
CONVERSE = Dialect(
    "bedrock",
    "bedrock",
    FRAMES,
    _read_converse,
    lambda response, _, i, created: _CONVERSE.encode_response(response, id=i, created=created, reasoning=True),
    lambda head, _, i, created: BedrockEncoder(reasoning=True),
    _bedrock_error,
    _bedrock_event,
    _bad_frame(),
)
INVOKE = Dialect(
    "invoke", "bedrock", FRAMES, _read_invoke, _write_invoke, _no_stream, _bedrock_error, _bedrock_event, _bad_frame()
)
FAMILIES = ("openai", "anthropic", "bedrock")
