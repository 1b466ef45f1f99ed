"""The dialects that a wrapped client may speak: how each is read, written and refused. A table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import orjson

from psf_runtime.errors import PsfError
from psf_runtime.providers import bedrock
from psf_runtime.providers.anthropic.requests import asks_for_stream as messages_stream
from psf_runtime.providers.anthropic.serve import StreamEncoder as MessagesEncoder
from psf_runtime.providers.bedrock.serve import StreamEncoder as ConverseEncoder
from psf_runtime.providers.openai.requests import asks_for_stream as chat_stream
from psf_runtime.providers.openai.serve import StreamEncoder as ChatEncoder
from psf_runtime.providers.responses.requests import asks_for_stream as responses_stream
from psf_runtime.providers.responses.serve import StreamEncoder as ResponsesEncoder
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.response import Response

_EVENTS = "text/event-stream; charset=utf-8"
_FRAMES = "application/vnd.amazon.eventstream"
_OPENAI_IDS = ("openai-organization", "openai-project")


class Encoder(Protocol):
    """Writes one stream."""

    def start(self) -> bytes:
        """The first bytes."""
        ...

    def chunk(self, chunk: Chunk) -> bytes:
        """The bytes for one chunk."""
        ...

    def end(self, head: Response) -> bytes:
        """The last bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """One dialect, as a client speaks it.

    Attributes:
        name: for errors and logs; `provider`: in front of the model string.
        embed: it asks for vectors.
        keys: headers that may carry the key, and what must stand in front of it; ids: headers with ids of an account.
        betas: the header whose words go to `extra[provider]["betas"]`; empty when it has none.
        prefix: in front of the call's id, for an id in the vendor's form.
        asks_for_stream: whether a body asks for a stream, and for the usage at its end; None where the path says it.
        encoder: writes a stream: model, id, seconds since the epoch, whether the usage is wanted.
        content_type: of a stream.
        error: the body of an error with this status; `event`: the end of a stream that broke.
    """

    name: str
    provider: str
    keys: Mapping[str, str]
    prefix: str
    error: Callable[[PsfError, int], bytes]
    event: Callable[[PsfError, int], bytes]
    asks_for_stream: Callable[[bytes], tuple[bool, bool]] | None = None
    encoder: Callable[[str, str, int, bool], Encoder] | None = None
    content_type: str = _EVENTS
    ids: tuple[str, ...] = ()
    betas: str = ""
    embed: bool = False


def _openai_error(error: PsfError, _status: int) -> bytes:
    code = type(error).__name__
    return orjson.dumps({"error": {"message": str(error), "type": "psf_runtime", "param": None, "code": code}})


def _openai_event(error: PsfError, status: int) -> bytes:
    return b"data: " + _openai_error(error, status) + b"\n\n"


_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def _anthropic_error(error: PsfError, status: int) -> bytes:
    kind = _ANTHROPIC_TYPES.get(status, "api_error")
    return orjson.dumps({"type": "error", "error": {"type": kind, "message": str(error)}})


def _anthropic_event(error: PsfError, status: int) -> bytes:
    return b"event: error\ndata: " + _anthropic_error(error, status) + b"\n\n"


_AWS_NAMES = {
    400: "ValidationException",
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    409: "ConflictException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
}


def aws_name(status: int) -> str:
    """The exception of Bedrock that fits a status."""
    return _AWS_NAMES.get(status, "InternalServerException")


def _aws_error(error: PsfError, _status: int) -> bytes:
    return orjson.dumps({"message": str(error)})


def _aws_event(error: PsfError, status: int) -> bytes:
    name = aws_name(status)
    headers = {":exception-type": name[0].lower() + name[1:], ":message-type": "exception"}
    headers[":content-type"] = "application/json"
    return bedrock.encode_frame(headers, _aws_error(error, status))


def _chat_encoder(model: str, answer: str, created: int, usage: bool) -> Encoder:
    return ChatEncoder(Response(model=model), id=answer, created=created, include_usage=usage)


def _responses_encoder(model: str, answer: str, created: int, _usage: bool) -> Encoder:
    return ResponsesEncoder(Response(model=model), id=answer, created=created, reasoning=True)


def _messages_encoder(model: str, answer: str, _created: int, _usage: bool) -> Encoder:
    return MessagesEncoder(Response(model=model), id=answer, reasoning=True)


def _converse_encoder(_model: str, _answer: str, _created: int, _usage: bool) -> Encoder:
    return ConverseEncoder(reasoning=True)


_BEARER = {"authorization": "Bearer "}

CHAT = Dialect(
    "chat completions",
    "openai",
    _BEARER,
    "chatcmpl-",
    _openai_error,
    _openai_event,
    asks_for_stream=chat_stream,
    encoder=_chat_encoder,
    ids=_OPENAI_IDS,
)
RESPONSES = Dialect(
    "responses",
    "openai-responses",
    _BEARER,
    "resp_",
    _openai_error,
    _openai_event,
    asks_for_stream=responses_stream,
    encoder=_responses_encoder,
    ids=_OPENAI_IDS,
)
EMBEDDINGS = Dialect("embeddings", "openai", _BEARER, "", _openai_error, _openai_event, ids=_OPENAI_IDS, embed=True)
MESSAGES = Dialect(
    "messages",
    "anthropic",
    {"x-api-key": "", "authorization": "Bearer "},
    "msg_",
    _anthropic_error,
    _anthropic_event,
    asks_for_stream=messages_stream,
    encoder=_messages_encoder,
    betas="anthropic-beta",
)
CONVERSE = Dialect(
    "Converse",
    "bedrock",
    _BEARER,
    "",
    _aws_error,
    _aws_event,
    encoder=_converse_encoder,
    content_type=_FRAMES,
)
AZURE_KEYS: Mapping[str, str] = {"api-key": "", "authorization": "Bearer "}
