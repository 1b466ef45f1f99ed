"""A target made ready: what the application wrote, checked and bound to a host, a codec and a key. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from psf_runtime.errors import ConfigError
from psf_runtime.ports import Price, TargetFacts
from psf_runtime.providers.base import Codec
from psf_runtime.providers.credentials import NO_CREDENTIALS, Credentials, KeyHeader
from psf_runtime.providers.hosts import BaseUrl, HostFacts, parse_base_url
from psf_runtime.providers.keys import KeyGetter, key_from, no_key
from psf_runtime.providers.models import ModelString, parse_model, require_spoken
from psf_runtime.providers.openai import COMPATIBLE, LOCAL, OPENAI, OpenAIChat
from psf_runtime.types.target import Target

_OPENAI_URL = "https://api.openai.com/v1"
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}|(?<!\d)20\d{6}(?!\d)")
# What the dialect can say. Whether the model behind it can do it too is not known before it is asked.
_CHAT = frozenset({"images", "json_schema", "reasoning", "seed", "stream", "tools", "usage"})


@dataclass(frozen=True, slots=True)
class BoundTarget:
    """A target that can be sent to.

    Attributes:
        name: as routes and records show it; `facts`: of its host.
        codec: speaks its dialect.
        origin: scheme, host and port that every byte goes to; `prefix`: path in front of the codec's.
        headers: further headers, never secret.
        credentials: makes the headers that let a call in.
        loopback: whether the host is this machine.
    """

    name: str
    facts: TargetFacts
    codec: Codec = field(repr=False)
    origin: str
    prefix: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    credentials: Credentials = NO_CREDENTIALS
    loopback: bool = False


def bind(target: Target | str, *, name: str = "", environ: Mapping[str, str]) -> BoundTarget:
    """The target, checked and ready. Nothing connects here.

    Args:
        target: a model string, or a Target with what the application declares about the host.
        name: of the target in the policy; empty takes the model string without its URL.
        environ: the environment. A key in it goes to its vendor's host or the `*_BASE_URL` beside it, nowhere else.

    Raises ConfigError for an unknown provider, a URL that may not be used, and a missing key.
    """
    wanted = Target(target) if isinstance(target, str) else target
    model = parse_model(wanted.model)
    require_spoken(model.provider)
    if model.provider == "mock":
        raise ConfigError(
            "'mock:' has no host to bind",
            why="it answers inside this process",
            change="give the model string to Client(...), or a MockProvider",
        )
    label = name or f"{model.provider}:{model.name}"
    base, declared_here = _base_url(wanted, model, environ)
    vendor = base.facts
    at_vendor = vendor is not None and vendor.vendor == "openai"
    imitation = LOCAL if model.provider == "local" else COMPATIBLE
    differences = OPENAI if model.provider == "openai" and at_vendor else imitation
    trusted = model.provider == "openai" and (at_vendor or not declared_here)
    return BoundTarget(
        name=label,
        facts=_facts(wanted, model, base, vendor, label, files=differences.files),
        codec=OpenAIChat(model=model.name, target=label, differences=differences),
        origin=base.origin,
        prefix=base.prefix,
        headers=_account_headers(environ) if trusted else (),
        credentials=KeyHeader(_key(wanted, environ, label, trusted)),
        loopback=base.is_loopback,
    )


def _base_url(target: Target, model: ModelString, environ: Mapping[str, str]) -> tuple[BaseUrl, bool]:
    """The address, and whether the application wrote it itself (then no key of the environment goes there)."""
    own = target.boundary == "own"
    written = [url for url in (model.base_url, target.base_url) if url]
    if len(written) == 2 and written[0].rstrip("/") != written[1].rstrip("/"):
        raise ConfigError(
            f"'{model.provider}:{model.name}' has two base URLs",
            why="one stands in the model string, another in base_url",
            change="leave one of them out",
        )
    if written:
        return parse_base_url(written[0], declared_own=own), True
    if model.provider == "local":
        raise ConfigError(
            f"'local:{model.name}' needs the address of its server",
            why="a local model has no usual host",
            change=f"write local:{model.name}@http://127.0.0.1:8000/v1",
        )
    url = environ.get("OPENAI_BASE_URL", "").strip()
    return parse_base_url(url or _OPENAI_URL, declared_own=own), False


def _key(target: Target, environ: Mapping[str, str], label: str, trusted: bool) -> KeyGetter:
    if target.api_key is not None:
        return key_from(target.api_key, environ, label)
    if not trusted:
        return no_key
    if not environ.get("OPENAI_API_KEY", "").strip():
        raise ConfigError(
            f"{label}: there is no key",
            why="OPENAI_API_KEY is not set, and the target has no api_key",
            change="set OPENAI_API_KEY, or give api_key=",
        )
    return key_from("env:OPENAI_API_KEY", environ, label)


def _account_headers(environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Which of an account's organisations and projects pays. Ids only: what does not look like one is refused."""
    headers = []
    for variable, header in (("OPENAI_ORG_ID", "openai-organization"), ("OPENAI_PROJECT_ID", "openai-project")):
        value = environ.get(variable, "").strip()
        if not value:
            continue
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", value):
            raise ConfigError(
                f"{variable} does not look like an id",
                why="an id has letters, digits, '_' and '-' only",
                change=f"set {variable} to the id that the vendor shows, or unset it",
            )
        headers.append((header, value))
    return tuple(headers)


def _facts(
    target: Target, model: ModelString, base: BaseUrl, vendor: HostFacts | None, label: str, *, files: bool
) -> TargetFacts:
    """What is known: the host's own facts, overruled by what the application declares."""
    known = TargetFacts(
        name=label,
        provider=model.provider,
        boundary=target.boundary or base.boundary,
        capabilities=_CHAT | {"files"} if files else _CHAT,
        context_tokens=target.context_tokens,
        dated=_DATED.search(model.name) is not None,
        price=None if target.price is None else Price(*target.price, source="declared by the application"),
    )
    if vendor is not None:
        known = replace(
            known,
            region=vendor.region,
            jurisdiction=vendor.jurisdiction,
            retention_days=vendor.retention_days,
        )
    declared = {
        "region": target.region,
        "jurisdiction": target.jurisdiction,
        "retention_days": target.retention_days,
    }
    # A declared region without a jurisdiction leaves none: the vendor's usual one may not hold there.
    if target.region is not None and target.jurisdiction is None:
        known = replace(known, jurisdiction=None)
    changes = {key: value for key, value in declared.items() if value is not None}
    return replace(known, **changes) if changes else known  # type: ignore[arg-type]
