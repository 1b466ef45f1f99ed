"""Decides what becomes of each request of a wrapped client: through the layers, past them, or refused."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from psf_runtime.client.arguments import Arguments
from psf_runtime.client.core import Core
from psf_runtime.errors import ConfigError
from psf_runtime.providers.openai.differences import COMPATIBLE, OPENAI
from psf_runtime.providers.openai.requests import asks_for_stream, decode_request
from psf_runtime.types.target import Target

LOGGER = logging.getLogger("psf_runtime")
MODELS_KEPT = 32  # engines kept, one per model name

Way = Literal["chat", "past"]


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """What an SDK asked: the arguments of the call, and how it wants the answer."""

    arguments: Arguments
    model: str
    stream: bool
    usage: bool


class Gateway:
    """One wrapped client's rules and engines.

    Args:
        base_url: of the wrapped client; requests to any other origin are refused.
        api_key: returns the key that the wrapped client uses, at the time of the call.
        make_core: makes the engine for a target; `passthrough`: prefixes of paths that go past the layers.
    """

    def __init__(
        self,
        *,
        base_url: str,
        origin: tuple[str, str, int | None],
        path: str,
        api_key: Callable[[], str] | None,
        make_core: Callable[[Target], Core],
        passthrough: Sequence[str],
    ) -> None:
        self._base_url = base_url
        self._origin = origin
        self._path = path.rstrip("/")
        self._api_key = api_key
        self._make_core = make_core
        self._passthrough = tuple(passthrough)
        self._differences = OPENAI if origin[1] == "api.openai.com" else COMPATIBLE
        self._lock = threading.Lock()  # guards `_cores`
        self._cores: OrderedDict[str, Core] = OrderedDict()

    def way_of(self, method: str, url: Any) -> Way:
        """Where a request goes. Raises ConfigError for one that nothing here can read."""
        if (url.scheme, url.host, url.port) != self._origin:
            raise ConfigError(
                "nothing was sent: the request goes to another host than the wrapped client's",
                why="a wrapped client speaks to the address it was wrapped with",
                change="wrap a client that has this base_url",
            )
        path = url.path.removeprefix(self._path)
        if method == "POST" and path == "/chat/completions":
            return "chat"
        if method == "GET" and (path == "/models" or path.startswith("/models/")):
            return "past"
        if any(url.path.startswith(prefix) for prefix in self._passthrough):
            LOGGER.warning("a request went past the controls: passthrough names its path")
            return "past"
        raise ConfigError(
            f"nothing was sent: {method} on this endpoint cannot be screened",
            why="this version reads chat completions",
            change="use chat completions, or name the path's prefix in wrap(..., passthrough=[...])",
        )

    def read(self, body: bytes) -> Asked:
        """The call behind a body. Raises ConfigError, which names the field and never its value."""
        request = decode_request(body, self._differences)
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
        )
        return Asked(arguments, request.model, stream, usage)

    def core(self, model: str) -> Core:
        """The engine for a model name."""
        with self._lock:
            core = self._cores.get(model)
            if core is None:
                core = self._make_core(Target(f"openai:{model}", base_url=self._base_url, api_key=self._api_key))
                self._cores[model] = core
                if len(self._cores) > MODELS_KEPT:
                    self._cores.popitem(last=False)
            self._cores.move_to_end(model)
            return core
