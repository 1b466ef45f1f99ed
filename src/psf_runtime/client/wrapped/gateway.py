"""What a wrapped client may send: calls that are screened, a few that pass, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from psf_runtime.client.arguments import Arguments
from psf_runtime.client.core import Core
from psf_runtime.client.wrapped.accounts import account_of, betas_of
from psf_runtime.client.wrapped.choices import choices_of
from psf_runtime.client.wrapped.dialects import Dialect
from psf_runtime.client.wrapped.engines import Engine, Engines, Wanted
from psf_runtime.client.wrapped.paths import Paths, Way
from psf_runtime.errors import ConfigError
from psf_runtime.providers.base import Codec
from psf_runtime.providers.dialect.reading import json_object, text
from psf_runtime.providers.embeddings.openai import asks_for_base64
from psf_runtime.types.request import Request


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """What an SDK asked: the engine and the arguments of the call, and how it wants the answer.

    Attributes:
        codec: writes the answer.
        usage: a stream shall end with the usage; `base64`: vectors in that form.
        times: how many choices were asked for.
    """

    core: Core
    dialect: Dialect
    codec: Codec
    arguments: Arguments
    model: str
    stream: bool = False
    usage: bool = True
    base64: bool = False
    times: int = 1

    def __repr__(self) -> str:
        return "Asked(...)"


class Gateway:
    """The rules of one wrapped client.

    Args:
        paths: which dialect a path speaks.
        engines: for the calls that go through the layers.
        longest: seconds that a whole answer may take at most, whatever the SDK's own time-out says.
    """

    def __init__(self, *, paths: Paths, engines: Engines, longest: float) -> None:
        self._longest = longest
        self.paths = paths
        self.engines = engines

    def read(self, way: Way, body: bytes, headers: Mapping[str, str], timeouts: Any) -> Asked:
        """The call behind a request. Raises ConfigError, which names the field and never its value."""
        assert way.dialect is not None
        model = way.model or text(json_object(body).get("model"), "model")
        if not model:
            raise ConfigError("nothing was sent: the request names no model", change="pass model=")
        body, times = choices_of(way, body)
        account = account_of(headers, way)
        engine = self.engines.get(Wanted(way.provider, model, way.prefix, account, way.version))
        read = embedding_asked if way.dialect.embed else conversation_asked
        asked = read(engine, way, model, body)
        betas = betas_of(headers, way.dialect)
        if betas:
            asked.arguments.extra = _with_betas(asked.arguments.extra, way.dialect, betas)
        if not asked.stream:
            asked.arguments.timeout = self._whole_call(timeouts)
        return asked if times == 1 else replace(asked, times=times)

    def _whole_call(self, timeouts: Any) -> float | None:
        """Seconds for a whole answer: as long as the SDK would have waited for it. A stream has the policy's time."""
        seconds = timeouts.get("read") if isinstance(timeouts, Mapping) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
            return None
        return min(float(seconds), self._longest)


def conversation_asked(engine: Engine, way: Way, model: str, body: bytes) -> Asked:
    """A conversation. Raises ConfigError for what is not on the dialect's allow-list."""
    dialect = way.dialect
    assert dialect is not None
    codec = engine.target.codec
    request = codec.decode_request(body)
    asks = (bool(way.stream), True) if dialect.asks_for_stream is None else dialect.asks_for_stream(body)
    return Asked(engine.core, dialect, codec, _arguments(request), model, *asks)


def embedding_asked(engine: Engine, way: Way, model: str, body: bytes) -> Asked:
    """Texts that want vectors. Raises ConfigError as above, and for a target that has none."""
    assert way.dialect is not None
    codec = engine.target.embeddings
    if codec is None:
        raise ConfigError("nothing was sent: this model gives no vectors", change="name an embedding model")
    request = codec.decode_request(body)
    texts: Any = [message.text for message in request.messages]
    arguments = Arguments(
        texts,
        operation="embed",
        dimensions=request.limits.dimensions,
        extra=request.extra or None,
    )
    return Asked(engine.core, way.dialect, codec, arguments, model, base64=asks_for_base64(body))


def _arguments(request: Request) -> Arguments:
    limits = request.limits
    return Arguments(
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


def _with_betas(extra: Any, dialect: Dialect, betas: list[str]) -> dict[str, Mapping[str, Any]]:
    """The extra fields with the words of a header among them: the codec sends those that it knows, and no other."""
    fields = dict(extra or {})
    fields[dialect.provider] = {**fields.get(dialect.provider, {}), "betas": betas}
    return fields
