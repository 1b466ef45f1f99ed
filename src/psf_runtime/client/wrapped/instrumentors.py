"""Instrumentation of an SDK (tracing, monitoring) stands above the controls, and may write prompts in clear.

Such packages put functions of their own in front of an SDK's methods. They are found by what stands there now; nothing
is imported, called or taken away.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from psf_runtime.errors import ConfigError

LOGGER = logging.getLogger("psf_runtime")
# Module and class, below the SDK's package; the methods that are instrumented.
_WATCHED = {
    "openai": (
        ("resources.chat.completions.completions", ("Completions", "AsyncCompletions")),
        ("resources.responses.responses", ("Responses", "AsyncResponses")),
        ("resources.embeddings", ("Embeddings", "AsyncEmbeddings")),
    ),
    "anthropic": (("resources.messages.messages", ("Messages", "AsyncMessages")),),
    "botocore": (("client", ("BaseClient",)), ("endpoint", ("Endpoint",))),
}
_METHODS = ("create", "stream", "parse", "_make_api_call", "make_request")
# Wrappers that the SDKs themselves use.
_OWN_HELPERS = ("functools", "typing_extensions", "warnings", "contextlib")


def check_instrumentors(sdk: str, http: Any, *, strict: bool, client: Any = None) -> None:
    """Say what stands above the controls; under `strict` it is a ConfigError."""
    found = sorted({*_foreign_methods(sdk), *_foreign_sends(http), *_own_tracing(sdk, client)})
    if not found:
        return
    shown = ", ".join(found)
    if strict:
        raise ConfigError(
            f"something else stands in front of the SDK's methods: {shown}",
            why="instrumentation there sees prompts and answers in clear, and may write them down",
            change="take it away, or instrument below: psf_runtime writes spans without content",
        )
    LOGGER.warning("instrumentation above the controls may write prompts in clear: %s", shown)


def _foreign_methods(sdk: str) -> Iterator[str]:
    for name, classes in _WATCHED.get(sdk, ()):
        module = sys.modules.get(f"{sdk}.{name}")  # what is not loaded is not instrumented
        for each in classes if module is not None else ():
            members = vars(getattr(module, each, object))
            for method in _METHODS:
                if method in members and _is_foreign(members[method], (sdk,)):
                    yield f"{each}.{method}"


def _foreign_sends(http: Any) -> Iterator[str]:
    """`send` of the HTTP client, where a class of its library does not hold its own function any more."""
    for base in type(http).__mro__ if http is not None else ():
        top = base.__module__.partition(".")[0]
        if top in ("httpx", "httpx2") and "send" in vars(base) and _is_foreign(vars(base)["send"], (top,)):
            yield f"{base.__name__}.send"


def _own_tracing(sdk: str, client: Any) -> Iterator[str]:
    """The SDK's own tracing, when it was told to write content down."""
    options = getattr(client, "_open_telemetry", None)
    traces = options.get("traces") if isinstance(options, dict) else None
    if isinstance(traces, dict) and traces.get("enabled") and traces.get("content_mode") == "content":
        yield f"{sdk}'s own tracing with content"


def _is_foreign(function: Any, tops: tuple[str, ...]) -> bool:
    """Whether a link in the chain of wrappers around a method was not made by its own package."""
    seen = 0
    while function is not None and seen < 20:
        if not isinstance(function, FunctionType):
            return True
        if function.__globals__.get("__name__", "").partition(".")[0] not in (*tops, *_OWN_HELPERS):
            return True
        function = vars(function).get("__wrapped__")
        seen += 1
    return False
