"""Which dialect a path belongs to, however a client's base URL ends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from psf_runtime.testing.server.dialects import (
    CHAT,
    CONVERSE,
    EMBEDDINGS,
    FAMILIES,
    INVOKE,
    MESSAGES,
    RESPONSES,
    Dialect,
)

_VERSION = re.compile(r"^(?:/(?:openai|anthropic))?(?:/v1)*(?=/)")
_AZURE = re.compile(r"^/(?:openai/)?deployments/([^/]+)(/chat/completions|/embeddings)$")
_BEDROCK = re.compile(r"^/model/([^/]+)/(converse|converse-stream|invoke)$")
_PLAIN: Mapping[str, Dialect] = {
    "/chat/completions": CHAT,
    "/embeddings": EMBEDDINGS,
    "/messages": MESSAGES,
    "/responses": RESPONSES,
}
SERVED = (
    "POST /v1/chat/completions, /v1/responses, /v1/embeddings, /v1/messages, /model/NAME/converse, "
    "/model/NAME/converse-stream, /model/NAME/invoke; GET /v1/models, /health"
)


def dialect_of(path: str, served: frozenset[str] = frozenset(FAMILIES)) -> tuple[Dialect, str, bool] | None:
    """The dialect of a path without its query, the model that it names, and whether it asks for a stream.

    None for a path that is not served, or whose family of dialects is not.
    """
    found = _found(path)
    return found if found is not None and found[0].family in served else None


def _found(path: str) -> tuple[Dialect, str, bool] | None:
    bedrock = _BEDROCK.match(path)
    if bedrock is not None:
        dialect = INVOKE if bedrock[2] == "invoke" else CONVERSE
        return dialect, unquote(bedrock[1]), bedrock[2] == "converse-stream"
    azure = _AZURE.match(path)
    if azure is not None:
        return _PLAIN[azure[2]], unquote(azure[1]), False
    dialect_here = _PLAIN.get(_VERSION.sub("", path))
    return None if dialect_here is None else (dialect_here, "", False)


def plain_path(path: str) -> str:
    """A path without the version in front."""
    return _VERSION.sub("", path)
