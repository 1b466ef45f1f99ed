"""Which dialect the path of a request speaks, and what may go past the layers. A table; everything else is refused."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote

from psf_runtime.client.wrapped.dialects import CHAT, CONVERSE, EMBEDDINGS, MESSAGES, RESPONSES, Dialect
from psf_runtime.errors import ConfigError
from psf_runtime.providers.bedrock import model_of

LOGGER = logging.getLogger("psf_runtime")
_NOT_PLAIN = re.compile(r"%2e|%2f|%5c|\\|//|/\.{1,2}(/|$)", re.IGNORECASE)
# The end of a path, and the dialect that is spoken there. In front of it stands the path of the base URL.
_ENDS: Mapping[str, Dialect] = {
    "/chat/completions": CHAT,
    "/responses": RESPONSES,
    "/embeddings": EMBEDDINGS,
    "/messages": MESSAGES,
}
_V1 = "/v1"  # may stand between the base URL and the end; messages must have it in one of the two
_CONVERSE = re.compile(r"/model/[^/]+/converse(-stream)?")
_DEPLOYMENT = re.compile(r"/openai/deployments/([^/]+)(/chat/completions|/embeddings)")
_AZURE_V1 = "/openai/v1"
_AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")


@dataclass(frozen=True, slots=True)
class Way:
    """Where a request goes.

    Attributes:
        dialect: None for a request that goes past the layers.
        provider: in front of the model string.
        prefix: path of the base URL that the target gets.
        model: named in the path; empty when the body names it.
        stream: said by the path; None when the body says it.
        version: of Azure's API.
    """

    dialect: Dialect | None
    provider: str = ""
    prefix: str = ""
    model: str = ""
    stream: bool | None = None
    version: str = ""


PAST = Way(None)
_PAGING = ("after", "after_id", "api-version", "before_id", "limit", "order")
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9._:-]{0,128}")


class Paths:
    """The paths of one wrapped client.

    Args:
        origin: scheme, host and port of the wrapped client; requests to any other are refused.
        path: of its base URL.
        azure: it is a client of Azure OpenAI.
        passthrough: prefixes of paths that go past the layers.
        usual: the dialect of errors about a path that nothing here can read.

    Raises ConfigError for a prefix that would open more than one endpoint's family, or one that is screened.
    """

    def __init__(
        self,
        *,
        origin: tuple[str, str, int | None],
        path: str,
        azure: bool,
        passthrough: Sequence[str],
        usual: Dialect = CHAT,
    ) -> None:
        self.usual = usual
        self._origin = origin
        self._base = path.rstrip("/")
        self._azure = azure or origin[1].endswith(_AZURE_HOSTS)
        self._resource = self._base.partition("/openai")[0] if self._azure else ""
        self._ways = self._azure_ways() if self._azure else self._plain_ways()
        self._passthrough = checked_prefixes(passthrough, self._base, tuple(self._ways))

    def way_of(self, method: str, url: Any) -> Way:
        """Where a request goes. Raises ConfigError for one that nothing here can read."""
        if (url.scheme, url.host, url.port) != self._origin:
            raise ConfigError(
                "nothing was sent: the request goes to another host than the wrapped client's",
                why="a wrapped client speaks to the address it was wrapped with",
                change="wrap a client that has this base_url",
            )
        path, _, query = url.raw_path.decode("ascii", "replace").partition("?")
        if method == "POST":
            way = self._ways.get(path) or self._with_model(path, query)
            if way is not None:
                return way
        if _NOT_PLAIN.search(path) is None:
            if method == "GET" and self._lists_models(path) and _is_paging(query):
                return PAST
            if passes(path, self._passthrough):
                return PAST
        raise not_read()

    def _plain_ways(self) -> dict[str, Way]:
        """The paths whose model stands in the body."""
        base = self._base
        prefixes = (base,) if base.endswith(_V1) else (base, base + _V1)
        ways = {}
        for end, dialect in _ENDS.items():
            for prefix in prefixes:
                if dialect is not MESSAGES or prefix.endswith(_V1):
                    ways[prefix + end] = Way(dialect, dialect.provider, prefix)
        return ways

    def _azure_ways(self) -> dict[str, Way]:
        """The v1 API of Azure: the body names the deployment, and no version is needed."""
        prefix = self._resource + _AZURE_V1
        return {
            prefix + "/chat/completions": Way(CHAT, "azure", prefix),
            prefix + "/embeddings": Way(EMBEDDINGS, "azure", prefix),
            prefix + "/responses": Way(RESPONSES, "openai-responses", prefix),
        }

    def _with_model(self, path: str, query: str) -> Way | None:
        """The paths that name a model: deployments of Azure, and Converse."""
        if self._azure:
            return self._deployment(path, query)
        rest = path.removeprefix(self._base)
        if path.startswith(self._base) and _CONVERSE.fullmatch(rest):
            model, stream = model_of(rest)
            return Way(CONVERSE, "bedrock", self._base, model, stream)
        return None

    def _deployment(self, path: str, query: str) -> Way | None:
        if not path.startswith(self._resource):
            return None
        found = _DEPLOYMENT.fullmatch(path.removeprefix(self._resource))
        if found is not None:
            version = parse_qs(query).get("api-version", [""])[-1]
            if not version:
                raise ConfigError("nothing was sent: the request names no api-version", change="pass api_version=")
            return Way(_ENDS[found[2]], "azure", self._resource, unquote(found[1]), version=version)
        if path == self._resource + "/openai/responses":
            raise ConfigError(
                "nothing was sent: dated versions of Azure's responses are not spoken here",
                why="only its v1 API is",
                change='OpenAI(base_url="https://RESOURCE.openai.azure.com/openai/v1", api_key=...)',
            )
        return None

    def _lists_models(self, path: str) -> bool:
        return any(is_below(path, f"{prefix}/models") for prefix in (self._base, self._base + _V1))


def not_read() -> ConfigError:
    """The error for an endpoint that nothing here can screen."""
    return ConfigError(
        "nothing was sent: a call of this endpoint cannot be screened",
        why="this version reads POST .../chat/completions, /responses, /embeddings, /v1/messages and "
        "/model/.../converse, and lets GET .../models pass",
        change="use one of these, or name the path's prefix in wrap(..., passthrough=[...])",
    )


def passes(path: str, prefixes: Sequence[str]) -> bool:
    """Whether a path is below one of these prefixes. It is written down."""
    for prefix in prefixes:
        if is_below(path, prefix):
            LOGGER.warning("a request went past the controls: passthrough names %s", prefix)
            return True
    return False


def is_below(path: str, prefix: str) -> bool:
    """Whether a path is the prefix, or continues it after a slash."""
    return path == prefix or path.startswith(prefix + "/")


def checked_prefixes(passthrough: Any, base: str, screened: Sequence[str]) -> tuple[str, ...]:
    """The prefixes without a slash at the end. Raises ConfigError for one that opens too much."""
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
        opened = [path for path in screened if is_below(path, short) or is_below(short, path)]
        if opened or is_below(base, short) or _opens_models(short):
            raise ConfigError(
                "passthrough= would let calls that are screened go past the controls",
                why="a prefix stands for everything below it",
                change='name the endpoint alone, as passthrough=["/v1/files"]',
            )
        found.append(short)
    return tuple(found)


def _is_paging(query: str) -> bool:
    """Whether a query asks for a page of a list, and holds nothing else."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return all(name in _PAGING and _PLAIN_VALUE.fullmatch(value) for name, value in pairs)


def _opens_models(prefix: str) -> bool:
    """Whether calls of Converse, or of a deployment, are below a prefix: their paths hold names that are not known."""
    pieces = prefix.split("/")
    for mark, more in (("model", 2), ("deployments", 2)):
        if mark in pieces and len(pieces) - pieces.index(mark) <= more:
            return True
    return bool(_CONVERSE.search(prefix) or _DEPLOYMENT.search(prefix) or prefix.endswith("/openai"))
