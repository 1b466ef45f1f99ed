"""Where a target is: the address it was given, the vendor's usual one, or the one beside the key in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from psf_runtime.errors import ConfigError
from psf_runtime.providers.aws_regions import is_aws_host, jurisdiction_of, region_in_arn, region_url
from psf_runtime.providers.azure import deployment
from psf_runtime.providers.host_facts import HostFacts
from psf_runtime.providers.hosts import BaseUrl, parse_base_url
from psf_runtime.providers.models import ModelString
from psf_runtime.providers.vendors import Vendor
from psf_runtime.types.target import Target

_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address, and what follows from it.

    Attributes:
        base: scheme, host, port and path.
        facts: of the host, when it is a known vendor's.
        at_vendor: the host is this vendor's own.
        trusted: a key of the environment may go there.
        region, jurisdiction: of AWS, where the region decides the host; else empty.
        signing: the region of AWS that a signature names.
        query: goes behind the path of every call.
    """

    base: BaseUrl
    facts: HostFacts | None
    at_vendor: bool
    trusted: bool
    region: str = ""
    jurisdiction: str | None = None
    signing: str = ""
    query: str = ""


def address_of(target: Target, model: ModelString, vendor: Vendor, environ: Mapping[str, str], label: str) -> Address:
    """The address of a target. Raises ConfigError when there is none, two, or one that may not be used."""
    written = _written(target, model)
    if model.provider == "bedrock":
        return _bedrock(target, model, vendor, environ, label, written)
    given = _first(environ, vendor.url_variables)
    text = written or given or vendor.url
    if not text:
        raise ConfigError(
            f"'{model.provider}:{model.name}' needs the address of its server",
            why="it has no usual host",
            change=vendor.missing.replace("NAME", model.name),
        )
    base = _parse(text, target)
    facts = base.facts
    at_vendor = facts is not None and facts.vendor == vendor.vendor
    if vendor.drop:
        base = replace(base, prefix=base.prefix.removesuffix(vendor.drop))
    query = ""
    if model.provider == "azure":
        base, query = deployment(base, model.name, environ)
    trusted = bool(vendor.key_variables) and (at_vendor or not written)
    return Address(base, facts, at_vendor, trusted, query=query)


def _written(target: Target, model: ModelString) -> str:
    """The address that the application wrote itself; empty when it wrote none."""
    written = [url for url in (model.base_url, target.base_url) if url]
    if len(written) == 2 and written[0].rstrip("/") != written[1].rstrip("/"):
        raise ConfigError(
            f"'{model.provider}:{model.name}' has two base URLs",
            why="one stands in the model string, another in base_url",
            change="leave one of them out",
        )
    return written[0] if written else ""


def _bedrock(
    target: Target, model: ModelString, vendor: Vendor, environ: Mapping[str, str], label: str, written: str
) -> Address:
    """Bedrock is where its region is, unless an address says otherwise."""
    region = _region(target, model, environ, label)
    given = _first(environ, vendor.url_variables)
    text = written or given
    if region:
        usual = region_url(region, label)
        text = text or usual
    elif not written:
        raise ConfigError(
            f"{label}: Bedrock needs a region",
            why="it decides the host, and whose law holds there",
            change='set AWS_REGION, or write Target(region="eu-central-1") or Client(region="eu-central-1")',
        )
    base = _parse(text, target)
    own = bool(region) and base.scheme == "https" and base.port == 443 and is_aws_host(base.host, region)
    return Address(
        base,
        facts=None,
        at_vendor=own,
        trusted=own or not written,
        region=region if own else "",
        jurisdiction=jurisdiction_of(region, model.name) if own else None,
        signing=region,
    )


def _region(target: Target, model: ModelString, environ: Mapping[str, str], label: str) -> str:
    named = region_in_arn(model.name)
    if named and target.region and named != target.region:
        raise ConfigError(
            f"{label}: the model's ARN and region= name two regions",
            why="a call goes to one of them only",
            change="leave region= out: the ARN decides",
        )
    return named or target.region or _first(environ, _REGION_VARIABLES)


def _first(environ: Mapping[str, str], variables: tuple[str, ...]) -> str:
    """The first of these variables that is set."""
    return next((value for name in variables if (value := environ.get(name, "").strip())), "")


def _parse(text: str, target: Target) -> BaseUrl:
    return parse_base_url(text, declared_own=target.boundary == "own")
