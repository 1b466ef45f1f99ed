"""From a reply to the deltas that a provider would send for it."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.providers.mock.answer import Script
from psf_runtime.providers.mock.files import text_of_file
from psf_runtime.providers.mock.quirk_answer import quirk_script
from psf_runtime.providers.mock.quirks import Quirk
from psf_runtime.providers.mock.replies import CallReply, ErrorFault, MarkFault, Reply, StallFault
from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.messages import Reasoning
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response, accumulate, explode

STOCK = ("This ", "answer ", "never ", "reaches ", "its ", "end.")  # what a lone cut or stall begins to say


def compile_reply(reply: Reply, request: Request, *, stream: bool, chunks: int | None, ids: Iterator[int]) -> Script:
    """The script for `reply`.

    Args:
        reply: what the mock was told to say; a function is asked first.
        request: what the function is given.
        stream: False joins the answer into one batch; a failure inside it then leaves nothing to deliver.
        chunks: characters per delta for an answer that is one text; None sends it whole.
        ids: numbers for tool calls, unique in one provider.
    """
    if callable(reply) and not isinstance(reply, type) and not hasattr(reply, "model_dump_json"):
        reply = reply(request)
    if isinstance(reply, Script):
        return reply
    if isinstance(reply, Quirk):
        return quirk_script(reply, stream=stream)
    items = list(reply) if isinstance(reply, list | tuple) else [reply]
    cut = chunks if len(items) == 1 and not isinstance(reply, list | tuple) else None
    script, deltas = _play(items, cut, ids)
    if stream:
        script.batches = [[delta] for delta in deltas]
    elif script.ending is None:
        script.batches = [list(explode(accumulate(deltas, Response())))]
    return script


def _play(items: list[Any], cut: int | None, ids: Iterator[int]) -> tuple[Script, list[Chunk]]:
    """The items in order, up to the one that ends the answer, or as far as it lets them."""
    script = Script()
    deltas: list[Chunk] = []
    tools = 0
    lone = len(items) == 1
    for item in items:
        if isinstance(item, ErrorFault | StallFault | Exception):
            script.ending = script.ending or item
            if getattr(item, "after", None) is None:
                break
        elif isinstance(item, MarkFault):
            script.finish = item.finish or script.finish
            script.usage = script.usage and item.usage
            script.pause = item.pause or script.pause
            if lone and item.text:
                deltas += _text(item.text, cut)
        elif isinstance(item, CallReply):
            deltas += _tool_call(item, tools, next(ids), cut)
            tools += 1
            script.finish = "tool_calls" if script.finish == "stop" else script.finish
        elif isinstance(item, Reasoning):
            deltas += [ReasoningDelta(piece) for piece in _pieces(item.text, cut)]
        else:
            deltas += _text(item if isinstance(item, str) else _json_text(item), cut)
    if script.ending is not None:
        _end(script, deltas, lone)
    return script, deltas


def _end(script: Script, deltas: list[Chunk], lone: bool) -> None:
    """The answer does not end well: keep what arrives before."""
    item = script.ending
    after = getattr(item, "after", None)
    if lone and after:
        deltas += [TextDelta(word) for word in STOCK]
    if after is not None:
        del deltas[after:]
    script.at_once = not deltas and (isinstance(item, Exception) or getattr(item, "at_once", False))


def _pieces(text: str, cut: int | None) -> list[str]:
    if cut is None or len(text) <= cut:
        return [text]
    return [text[start : start + cut] for start in range(0, len(text), cut)]


def _text(text: str, cut: int | None) -> list[Chunk]:
    return [TextDelta(piece) for piece in _pieces(text, cut)]


def _tool_call(item: CallReply, index: int, number: int, cut: int | None) -> list[Chunk]:
    arguments = json.dumps(dict(item.arguments), ensure_ascii=False)
    if cut is None:
        return [ToolCallDelta(index, f"call_{number}", item.name, arguments)]
    first = ToolCallDelta(index, f"call_{number}", item.name)
    return [first, *(ToolCallDelta(index, arguments=piece) for piece in _pieces(arguments, cut))]


def _json_text(item: Any) -> str:
    """The JSON of a dict, a model instance or a dataclass instance."""
    if isinstance(item, Quirk):
        raise ConfigError(
            "fault.quirk(...) is a whole answer and cannot stand in a list",
            change="make it a reply of its own: .reply(fault.quirk(...))",
        )
    if hasattr(item, "model_dump_json"):
        return str(item.model_dump_json())
    if isinstance(item, Path):
        return text_of_file(item)
    if isinstance(item, Mapping):
        return json.dumps(dict(item), ensure_ascii=False)
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return json.dumps(dataclasses.asdict(item), ensure_ascii=False)
    if inspect.iscoroutine(item):
        item.close()
    raise ConfigError(
        f"a mock reply cannot be of type {type(item).__name__}",
        change="reply with a str, a list of str, call(...), fault..., a dict, a model instance, a Path or a function",
    )
