"""Decides what becomes of each request of a wrapped client: through the layers, past them, or refused."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from psf_runtime.client.arguments import Arguments
from psf_runtime.client.core import Core
from psf_runtime.client.wrapped.engines import Account, Engines
from psf_runtime.errors import ConfigError
from psf_runtime.providers.openai.differences import COMPATIBLE
from psf_runtime.providers.openai.requests import asks_for_stream, decode_request

LOGGER = logging.getLogger("psf_runtime")
CHAT = "/chat/completions"
MODELS = "/models"
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_ACCOUNT_HEADERS = ("openai-organization", "openai-project")
_NOT_PLAIN = re.compile(r"%2e|%2f|%5c|\\|//|/\.{1,2}(/|$)", re.IGNORECASE)

Way = Literal["chat", "past"]


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """What an SDK asked: the engine and the arguments of the call, and how it wants the answer."""

    core: Core
    arguments: Arguments
    model: str
    stream: bool
    usage: bool

    def __repr__(self) -> str:
        return "Asked(...)"


class Gateway:
    """The rules of one wrapped client.

    Args:
        origin: scheme, host and port of the wrapped client; requests to any other are refused.
        path: of its base URL.
        engines: for the calls that go through the layers.
        passthrough: prefixes of paths that go past the layers.
        longest: seconds that a whole answer may take at most, whatever the SDK's own time-out says.

    Raises ConfigError for a prefix that would open more than one endpoint's family, or chat completions themselves.
    """

    def __init__(
        self,
        *,
        origin: tuple[str, str, int | None],
        path: str,
        engines: Engines,
        passthrough: Sequence[str],
        longest: float,
    ) -> None:
        self._origin = origin
        self._path = path.rstrip("/")
        self._passthrough = _checked_prefixes(passthrough, self._path)
        self._longest = longest
        self.engines = engines

    def way_of(self, method: str, url: Any) -> Way:
        """Where a request goes. Raises ConfigError for one that nothing here can read."""
        if (url.scheme, url.host, url.port) != self._origin:
            raise ConfigError(
                "nothing was sent: the request goes to another host than the wrapped client's",
                why="a wrapped client speaks to the address it was wrapped with",
                change="wrap a client that has this base_url",
            )
        if method == "POST" and url.path == self._path + CHAT:
            return "chat"
        path = url.raw_path.decode("ascii", "replace").partition("?")[0]
        if _NOT_PLAIN.search(path) is None:
            if method == "GET" and _is_below(path, self._path + MODELS):
                return "past"
            for prefix in self._passthrough:
                if _is_below(path, prefix):
                    LOGGER.warning("a request went past the controls: passthrough names %s", prefix)
                    return "past"
        raise ConfigError(
            "nothing was sent: a call of this endpoint cannot be screened",
            why="this version reads POST .../chat/completions, and lets GET .../models pass",
            change="use chat completions, or name the path's prefix in wrap(..., passthrough=[...])",
        )

    def read(self, body: bytes, headers: Mapping[str, str], timeouts: Any) -> Asked:
        """The call behind a request. Raises ConfigError, which names the field and never its value."""
        request = decode_request(body, COMPATIBLE)
        stream, usage = asks_for_stream(body)
        if not request.model:
            raise ConfigError("nothing was sent: the request names no model", change="pass model=")
        limits = request.limits
        arguments = Arguments(
            list(request.messages),
            None if request.output is None else dict(request.output.schema),
            tools=request.tools or None,
            tool_choice=request.tool_choice,
            max_tokens=limits.max_tokens,
            temperature=limits.temperature,
            top_p=limits.top_p,
            stop=limits.stop or None,
            seed=limits.seed,
            reasoning_effort=limits.reasoning_effort,
            extra=request.extra or None,
            timeout=None if stream else self._whole_call(timeouts),
        )
        return Asked(self.engines.get(request.model, account_of(headers)), arguments, request.model, stream, usage)

    def _whole_call(self, timeouts: Any) -> float | None:
        """Seconds for a whole answer: as long as the SDK would have waited for it. A stream has the policy's time."""
        seconds = timeouts.get("read") if isinstance(timeouts, Mapping) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
            return None
        return min(float(seconds), self._longest)


def account_of(headers: Mapping[str, str]) -> Account:
    """The key and the ids on a request. Nothing else of its headers is sent on. Raises ConfigError for other keys."""
    given = headers.get("authorization", "")
    scheme, _, key = given.partition(" ")
    if (given and (scheme.lower() != "bearer" or not key.strip())) or (not given and "api-key" in headers):
        raise ConfigError(
            "nothing was sent: the request's credentials cannot be taken over",
            why="this version sends a key as `Authorization: Bearer ...` only",
            change="give the wrapped client its key in that form",
        )
    found = []
    for name in _ACCOUNT_HEADERS:
        value = headers.get(name)
        if value is None:
            continue
        if not _ID.fullmatch(value):
            raise ConfigError(
                f"nothing was sent: the request's {name} does not look like an id",
                why="an id has letters, digits, '_' and '-' only",
                change="give the wrapped client the id that the vendor shows",
            )
        found.append((name, value))
    return Account(key.strip() or None, tuple(found))


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


def _checked_prefixes(passthrough: Any, base: str) -> tuple[str, ...]:
    if isinstance(passthrough, str) or not isinstance(passthrough, Sequence):
        raise ConfigError("passthrough= is a list of paths", change='passthrough=["/v1/files"]')
    found = []
    for prefix in passthrough:
        if not isinstance(prefix, str) or not prefix.startswith("/") or _NOT_PLAIN.search(prefix):
            raise ConfigError(
                "passthrough= holds what is no plain path",
                change='whole paths that start with "/", as passthrough=["/v1/files"]',
            )
        short = prefix.rstrip("/")
        if _is_below(base, short) or _is_below(base + CHAT, short) or _is_below(short, base + CHAT):
            raise ConfigError(
                "passthrough= would let chat completions go past the controls",
                why="a prefix stands for everything below it",
                change='name the endpoint alone, as passthrough=["/v1/files"]',
            )
        found.append(short)
    return tuple(found)
