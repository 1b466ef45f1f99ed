"""Requests, responses and chunks as plain JSON data, and back.

The round trip is exact, with two exceptions: a request's `stamp` is left out, because it holds a function (whoever
sends the request later stamps it anew), and a tuple inside a schema or in `extra` comes back as a list.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from psf_runtime.errors import StateError
from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Part, Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.plain import plain, unreadable
from psf_runtime.types.provenance import Provenance
from psf_runtime.types.request import Facts, Limits, Operation, OutputSchema, Request, Tool
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import Usage

VERSION = 1
Media = TypeVar("Media", Image, File)
Data = dict[str, Any]


def request_to_data(request: Request) -> Data:
    """The request as plain JSON data, without its stamp."""
    return {
        "version": VERSION,
        "messages": [message_to_data(message) for message in request.messages],
        "model": request.model,
        "tools": [_tool_to_data(tool) for tool in request.tools],
        "tool_choice": request.tool_choice,
        "output": None if request.output is None else _output_to_data(request.output),
        "limits": _limits_to_data(request.limits),
        "facts": facts_to_data(request.facts),
        "extra": plain(request.extra),
        "operation": request.operation,
    }


def request_from_data(data: Mapping[str, Any]) -> Request:
    """The request behind `request_to_data`. Raises StateError when the data is something else."""
    try:
        _check_version(data)
        return Request(
            tuple(message_from_data(message) for message in data["messages"]),
            model=data["model"],
            tools=tuple(Tool(**tool) for tool in data["tools"]),
            tool_choice=data["tool_choice"],
            output=None if data["output"] is None else OutputSchema(**data["output"]),
            limits=Limits(**{**data["limits"], "stop": tuple(data["limits"]["stop"])}),
            facts=Facts(**data["facts"]),
            extra=data["extra"],
            operation=_operation(data.get("operation", "chat")),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise unreadable("it is not a request") from None


def _check_version(data: Mapping[str, Any]) -> None:
    if data["version"] != VERSION:
        raise unreadable(f"its form is not version {VERSION}")


def _operation(name: Any) -> Operation:
    if name not in ("chat", "embed"):
        raise _unknown("operation")
    return name  # type: ignore[no-any-return]


def _tool_to_data(tool: Tool) -> Data:
    return {"name": tool.name, "description": tool.description, "parameters": plain(tool.parameters)}


def _output_to_data(output: OutputSchema) -> Data:
    return {"name": output.name, "schema": plain(output.schema), "strict": output.strict}


def _limits_to_data(limits: Limits) -> Data:
    return {
        "max_tokens": limits.max_tokens,
        "temperature": plain(limits.temperature),
        "top_p": plain(limits.top_p),
        "stop": list(limits.stop),
        "seed": limits.seed,
        "reasoning_effort": limits.reasoning_effort,
        "dimensions": limits.dimensions,
    }


def facts_to_data(facts: Facts) -> Data:
    """The facts of a call as plain JSON data."""
    return {
        "purpose": facts.purpose,
        "subject": facts.subject,
        "user": facts.user,
        "tenant": facts.tenant,
        "conversation": facts.conversation,
        "consent": facts.consent,
        "tags": plain(facts.tags),
    }


def message_to_data(message: Message) -> Data:
    """The message as plain JSON data."""
    return {"role": message.role, "name": message.name, "parts": [part_to_data(part) for part in message.parts]}


def message_from_data(data: Mapping[str, Any]) -> Message:
    """The message behind `message_to_data`."""
    return Message(data["role"], tuple(part_from_data(part) for part in data["parts"]), name=data["name"])


def part_to_data(part: Part) -> Data:
    """The part as plain JSON data; bytes as base64."""
    match part:
        case Text():
            return {"part": "text", "text": part.text, "provenance": _provenance_to_data(part.provenance)}
        case Image():
            return {"part": "image", "detail": part.detail, **_media_to_data(part)}
        case File():
            return {"part": "file", "name": part.name, **_media_to_data(part)}
        case ToolCall():
            return {"part": "tool_call", "id": part.id, "name": part.name, "args": part.args}
        case Reasoning():
            return {"part": "reasoning", "text": part.text, "signature": part.signature}
        case ToolResult():
            return {
                "part": "tool_result",
                "call_id": part.call_id,
                "text": part.text,
                "name": part.name,
                "is_error": part.is_error,
                "provenance": _provenance_to_data(part.provenance),
            }


def part_from_data(data: Mapping[str, Any]) -> Part:
    """The part behind `part_to_data`. Reads no file and fetches nothing, whatever the data says."""
    match data["part"]:
        case "text":
            return Text(data["text"], _provenance_from_data(data["provenance"]))
        case "image":
            return _media_from_data(Image, {"detail": data["detail"]}, data)
        case "file":
            return _media_from_data(File, {"name": data["name"]}, data)
        case "tool_call":
            return ToolCall(data["id"], data["name"], data["args"])
        case "reasoning":
            return Reasoning(data["text"], data["signature"])
        case "tool_result":
            provenance = _provenance_from_data(data["provenance"])
            return ToolResult(data["call_id"], data["text"], data["name"], data["is_error"], provenance)
        case _:
            raise _unknown("part")


def _unknown(what: str) -> StateError:
    return unreadable(f"it holds an unknown kind of {what}")


def _provenance_to_data(provenance: Provenance) -> Data:
    return {"trust": provenance.trust, "source": provenance.source}


def _provenance_from_data(data: Mapping[str, Any]) -> Provenance:
    if data["trust"] not in ("trusted", "user", "untrusted"):
        raise _unknown("provenance")
    return Provenance(data["trust"], data["source"])


def _media_to_data(media: Image | File) -> Data:
    return {
        "data": None if media.data is None else b64encode(media.data).decode("ascii"),
        "url": media.url,
        "media_type": media.media_type,
        "provenance": _provenance_to_data(media.provenance),
    }


def _media_from_data(kind: type[Media], own: Data, data: Mapping[str, Any]) -> Media:
    """Built field by field: the constructors would read a path, and stored data must never choose a file."""
    media = object.__new__(kind)
    fields = {
        "data": None if data["data"] is None else b64decode(data["data"], validate=True),
        "url": data["url"],
        "media_type": data["media_type"],
        "provenance": _provenance_from_data(data["provenance"]),
        **own,
    }
    for name, value in fields.items():
        object.__setattr__(media, name, value)
    return media


def response_to_data(response: Response) -> Data:
    """The response as plain JSON data."""
    usage = response.usage
    return {
        "version": VERSION,
        "parts": [part_to_data(part) for part in response.parts],
        "finish": response.finish,
        "usage": {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cached_tokens": usage.cached_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
            "reported": usage.reported,
        },
        "model": response.model,
        "model_version": response.model_version,
        "provider": response.provider,
        "handle": response.handle,
        "raw": plain(response.raw),
        "vectors": [list(vector) for vector in response.vectors],
    }


def response_from_data(data: Mapping[str, Any]) -> Response:
    """The response behind `response_to_data`. Raises StateError when the data is something else."""
    try:
        _check_version(data)
        parts = tuple(part_from_data(part) for part in data["parts"])
        if not all(isinstance(part, Text | Reasoning | ToolCall) for part in parts):
            raise _unknown("part for a response")
        return Response(
            parts,  # type: ignore[arg-type]  # checked above
            finish=data["finish"],
            usage=Usage(**data["usage"]),
            model=data["model"],
            model_version=data["model_version"],
            provider=data["provider"],
            handle=data["handle"],
            raw=data["raw"],
            vectors=tuple(tuple(map(float, vector)) for vector in data.get("vectors", ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise unreadable("it is not a response") from None


def chunks_to_data(chunks: Iterable[Chunk]) -> list[list[Any]]:
    """The chunks as short JSON lists: a letter for the kind, then the fields."""
    data: list[list[Any]] = []
    for chunk in chunks:
        if isinstance(chunk, TextDelta):
            data.append(["t", chunk.text])
        elif isinstance(chunk, ReasoningDelta):
            data.append(["r", chunk.text])
        else:
            data.append(["c", chunk.index, chunk.id, chunk.name, chunk.arguments])
    return data


def chunks_from_data(data: Iterable[list[Any]]) -> list[Chunk]:
    """The chunks behind `chunks_to_data`. Raises StateError when the data is something else."""
    kinds: dict[str, Any] = {"t": TextDelta, "r": ReasoningDelta, "c": ToolCallDelta}
    try:
        return [kinds[kind](*fields) for kind, *fields in data]
    except (KeyError, TypeError, ValueError):
        raise unreadable("it is not a list of chunks") from None
