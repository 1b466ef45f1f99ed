"""What a person is asked to agree to, as bytes: an approval holds for these bytes and no others.

The arguments of tool calls count by their JSON value, so spaces and the order of keys make no difference. Two
programs may read doubtful JSON differently (a key written twice, NaN, endless nesting): there the text itself counts.
Ids, usage and model names are no part of an action; neither is what the model thought before it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.types.as_data import (
    Data,
    chunks_from_data,
    chunks_to_data,
    facts_to_data,
    message_to_data,
    request_from_data,
    request_to_data,
    response_from_data,
    response_to_data,
)
from psf_runtime.types.messages import Text, ToolCall
from psf_runtime.types.plain import canonical_bytes, from_canonical_bytes, plain
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.response import Response

__all__ = [
    "action_digest",
    "action_of",
    "canonical_bytes",
    "chunks_from_data",
    "chunks_to_data",
    "digest_of",
    "from_canonical_bytes",
    "request_from_data",
    "request_to_data",
    "response_from_data",
    "response_to_data",
]

VERSION = 1


def action_of(facts: Facts, response: Response) -> Data:
    """The action that an answer proposes, for whom and why: its texts and tool calls with their resolved values."""
    steps: list[Data] = []
    for part in response.parts:
        if isinstance(part, ToolCall):
            steps.append({"tool": part.name, **_arguments(part.args)})
        elif isinstance(part, Text):
            steps.append({"text": part.text})
    return {
        "version": VERSION,
        "tenant": facts.tenant,
        "user": facts.user,
        "purpose": facts.purpose,
        "subject": facts.subject,
        "steps": steps,
    }


def digest_of(request: Request, response: Response | None) -> bytes:
    """Canonical bytes of what is asked about: the conversation and the action, or the request alone.

    Two calls have equal bytes when the same user, for the same purpose and subject, was given the same answer to the
    same conversation. The bytes hold content: digest them with a key before they are kept.
    """
    if response is None:
        return canonical_bytes({"request": request_to_data(request.replace(model=""))})
    asked = {
        "messages": [message_to_data(message) for message in request.messages],
        "facts": facts_to_data(request.facts),
    }
    return canonical_bytes({"asked": asked, "action": action_of(request.facts, response)})


def action_digest(control: str, request: Request, response: Response | None) -> str:
    """SHA-256 over the control that asks and `digest_of`, in hex.

    Not keyed, for the engine has no key: who keeps it digests it again with one (short contents could be guessed).
    """
    digest = hashlib.sha256(canonical_bytes({"version": VERSION, "control": control}))
    digest.update(b"\n")  # never occurs in canonical JSON
    digest.update(digest_of(request, response))
    return digest.hexdigest()


def _arguments(args: str) -> Data:
    """The arguments by value when everybody reads them alike, else by text."""
    try:
        value = json.loads(args or "{}", object_pairs_hook=_no_key_twice)
        if isinstance(value, dict):
            return {"arguments": plain(value)}
    except (ValueError, RecursionError, ConfigError):
        pass
    return {"text": args}


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is written twice")
    return value
