"""A target made ready: what the application wrote, checked and bound to a host, a codec and a key. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from psf_runtime.errors import ConfigError
from psf_runtime.ports import Price, TargetFacts
from psf_runtime.providers.address import Address, address_of
from psf_runtime.providers.base import Codec
from psf_runtime.providers.credentials import NO_CREDENTIALS, Credentials
from psf_runtime.providers.embeddings import EmbeddingCodec, embedding_codec
from psf_runtime.providers.keys import key_from
from psf_runtime.providers.model_facts import NOTHING_KNOWN, ModelFacts, model_facts
from psf_runtime.providers.models import ModelString, parse_model
from psf_runtime.providers.vendors import VENDORS, Place, Vendor
from psf_runtime.types.request import Request
from psf_runtime.types.target import Target

_DATED = re.compile(r"\d{4}-\d{2}-\d{2}|(?<!\d)20\d{6}(?!\d)")
_BEDROCK_KEY = "AWS_BEARER_TOKEN_BEDROCK"
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")

MakeSigner = Callable[[str], Credentials]  # from a region


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
        embeddings: speaks to it when vectors are asked for; None when it is known that it has none.
        sunset: the day on which the vendor stops serving the model, if one is announced.
    """

    name: str
    facts: TargetFacts
    codec: Codec = field(repr=False)
    origin: str
    prefix: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    credentials: Credentials = NO_CREDENTIALS
    loopback: bool = False
    embeddings: EmbeddingCodec | None = field(default=None, repr=False)
    sunset: date | None = None

    def codec_for(self, request: Request) -> Codec:
        """What speaks to this target about one request. Raises ConfigError when it has no vectors to give."""
        if request.operation == "embed":
            if self.embeddings is None:
                raise ConfigError(
                    f"{self.name}: this target gives no vectors",
                    why="its dialect has no call for them",
                    change='name an embedding model, as "openai:text-embedding-3-small"',
                )
            return self.embeddings.for_request(request)
        adapt = getattr(self.codec, "for_request", None)
        return self.codec if adapt is None else adapt(request)


def bind(
    target: Target | str, *, name: str = "", environ: Mapping[str, str], aws: MakeSigner | None = None
) -> BoundTarget:
    """The target, checked and ready. Nothing connects here.

    Args:
        target: a model string, or a Target with what the application declares about the host.
        name: of the target in the policy; empty takes the model string without its URL.
        environ: the environment. A key in it goes to its vendor's host or the address beside it, nowhere else.
        aws: makes what signs calls to a region of AWS, from the usual places for credentials.

    Raises ConfigError for an unknown provider, a URL that may not be used, and a missing key.
    """
    wanted = Target(target) if isinstance(target, str) else target
    model = parse_model(wanted.model)
    vendor = VENDORS.get(model.provider)
    if vendor is None:
        raise ConfigError(
            f"'{model.provider}:' has no host to bind",
            why="it answers inside this process",
            change="give the model string to Client(...), or a MockProvider",
        )
    label = name or f"{model.provider}:{model.name}"
    _check_server(wanted, model, label)
    address = address_of(wanted, model, vendor, environ, label)
    place = Place(
        model.name,
        label,
        address.at_vendor,
        address.facts.dialect if address.facts else "",
        wanted.server or "",
        address.query,
    )
    codec, capabilities = vendor.make(place)
    embeddings = embedding_codec(
        model.provider, model.name, target=label, at_vendor=address.at_vendor, query=address.query
    )
    known = model_facts(vendor.vendor, model.name) if address.at_vendor else NOTHING_KNOWN
    can = capabilities - known.lacks | ({"embeddings"} if embeddings is not None else set())
    return BoundTarget(
        name=label,
        facts=_facts(wanted, model, address, label, can=can, known=known),
        codec=codec,
        origin=address.base.origin,
        prefix=address.base.prefix,
        headers=_account_headers(vendor, environ) if address.trusted else (),
        credentials=_credentials(wanted, model, vendor, address, environ, label, aws),
        loopback=address.base.is_loopback,
        embeddings=embeddings,
        sunset=known.sunset,
    )


def _check_server(target: Target, model: ModelString, label: str) -> None:
    if target.server is not None and model.provider != "local":
        raise ConfigError(
            f"{label}: server= is for local servers",
            why=f"'{model.provider}:' has differences of its own",
            change=f"leave server= out, or write local:{model.name}@URL",
        )


def _credentials(
    target: Target,
    model: ModelString,
    vendor: Vendor,
    address: Address,
    environ: Mapping[str, str],
    label: str,
    aws: MakeSigner | None,
) -> Credentials:
    """What lets a call in: the target's own key, else the environment's where it may go."""
    if target.api_key is not None:
        return vendor.credentials(key_from(target.api_key, environ, label))
    if not address.trusted:
        if vendor.needs_key and not address.base.is_loopback:
            raise _no_key(vendor, label, f"a key of the environment goes to {vendor.url_variables[0]} only")
        return NO_CREDENTIALS
    for variable in vendor.key_variables:
        if environ.get(variable, "").strip():
            return vendor.credentials(key_from(f"env:{variable}", environ, label))
    if model.provider != "bedrock":
        raise _no_key(vendor, label, f"{vendor.key_variables[0]} is not set, and the target has no api_key")
    if aws is None:
        raise _no_key(vendor, label, f"{_BEDROCK_KEY} is not set, and nothing here signs calls")
    return aws(address.signing)


def _no_key(vendor: Vendor, label: str, why: str) -> ConfigError:
    variable = vendor.key_variables[0]
    beside = f" beside {vendor.url_variables[0]}" if vendor.needs_key else ""
    return ConfigError(f"{label}: there is no key", why=why, change=f"set {variable}{beside}, or give api_key=")


def _account_headers(vendor: Vendor, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Which of an account's organisations and projects pays. Ids only: what does not look like one is refused."""
    headers = []
    for variable, header in vendor.account:
        value = environ.get(variable, "").strip()
        if not value:
            continue
        if not _ID.fullmatch(value):
            raise ConfigError(
                f"{variable} does not look like an id",
                why="an id has letters, digits, '_' and '-' only",
                change=f"set {variable} to the id that the vendor shows, or unset it",
            )
        headers.append((header, value))
    return tuple(headers)


def _facts(
    target: Target, model: ModelString, address: Address, label: str, *, can: frozenset[str], known: ModelFacts
) -> TargetFacts:
    """What is known: the host's own facts, overruled by what the application declares."""
    vendor = address.facts
    facts = TargetFacts(
        name=label,
        provider=model.provider,
        boundary=target.boundary or address.base.boundary,
        region=vendor.region if vendor else address.region or None,
        jurisdiction=vendor.jurisdiction if vendor else address.jurisdiction,
        retention_days=vendor.retention_days if vendor else None,
        capabilities=can if target.capabilities is None else frozenset(target.capabilities),
        context_tokens=known.context_tokens,
        dated=_DATED.search(model.name) is not None,
        price=None if target.price is None else Price(*target.price, source="declared by the application"),
        vendor=vendor.vendor if vendor else "aws" if address.region else "",
    )
    # A declared region without a jurisdiction leaves none: the host's usual one may not hold there. Where the region
    # decides the host, its law is known.
    if target.region is not None and target.jurisdiction is None and not address.region:
        facts = replace(facts, jurisdiction=None)
    declared = {
        "region": target.region,
        "jurisdiction": target.jurisdiction,
        "retention_days": target.retention_days,
        "context_tokens": target.context_tokens,
    }
    changes = {key: value for key, value in declared.items() if value is not None}
    return replace(facts, **changes) if changes else facts  # type: ignore[arg-type]
