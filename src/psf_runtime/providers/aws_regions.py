"""Regions of AWS: the host for each, whose law holds there, and where an inference profile may take a request.

Sources: AWS, "Regions and Availability Zones" (the list); AWS CDK reference, "CrossRegionInferenceProfileRegion"
(what a profile may take in: `eu.` also London and Zurich, so it is not the EU; `global.` every commercial region).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from psf_runtime.errors import ConfigError

JURISDICTIONS: Mapping[str, str] = {
    "af-south-1": "ZA",
    "ap-east-1": "HK",
    "ap-east-2": "TW",
    "ap-northeast-1": "JP",
    "ap-northeast-2": "KR",
    "ap-northeast-3": "JP",
    "ap-south-1": "IN",
    "ap-south-2": "IN",
    "ap-southeast-1": "SG",
    "ap-southeast-2": "AU",
    "ap-southeast-3": "ID",
    "ap-southeast-4": "AU",
    "ap-southeast-5": "MY",
    "ap-southeast-6": "NZ",
    "ap-southeast-7": "TH",
    "ca-central-1": "CA",
    "ca-west-1": "CA",
    "cn-north-1": "CN",
    "cn-northwest-1": "CN",
    "eu-central-1": "EU",
    "eu-central-2": "CH",
    "eu-north-1": "EU",
    "eu-south-1": "EU",
    "eu-south-2": "EU",
    "eu-west-1": "EU",
    "eu-west-2": "GB",
    "eu-west-3": "EU",
    "eusc-de-east-1": "EU",
    "il-central-1": "IL",
    "me-central-1": "AE",
    "me-south-1": "BH",
    "mx-central-1": "MX",
    "sa-east-1": "BR",
    "us-east-1": "US",
    "us-east-2": "US",
    "us-gov-east-1": "US",
    "us-gov-west-1": "US",
    "us-west-1": "US",
    "us-west-2": "US",
}

# The part of a region's name that decides its partition, and the partition's domain.
_DOMAINS: Mapping[str, str] = {"cn": "amazonaws.com.cn", "eusc": "amazonaws.eu"}
_DOMAIN = "amazonaws.com"

# First part of a model's name when it is an inference profile, and the one jurisdiction it keeps to, if there is one.
PROFILES: Mapping[str, str | None] = {
    "apac": None,
    "au": "AU",
    "eu": None,
    "global": None,
    "jp": "JP",
    "us": "US",
    "us-gov": "US",
}

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]{2,10}){1,2}-\d{1,2}")
_ISOLATED = re.compile(r"[a-z]{2}-iso[a-z]?-")
_ARN = re.compile(r"arn:aws[a-z-]*:bedrock:(?P<region>[a-z0-9-]*):\d*:(?P<kind>[a-z-]+)/.+")


def region_url(region: str, label: str) -> str:
    """The address of Bedrock in a region. Raises ConfigError for what is no region."""
    if not _REGION.fullmatch(region):
        shown = f"'{region}'" if re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", region) else "what is given"
        raise ConfigError(
            f"{label}: {shown} is no region of AWS",
            why="a region is written in lower case, with hyphens and a number at its end",
            change='write it as "eu-central-1", in Target(region=), Client(region=) or AWS_REGION',
        )
    if _ISOLATED.match(region):
        raise ConfigError(
            f"{label}: the isolated regions of AWS are not known here",
            why="their hosts are in domains of their own",
            change="name the host: AWS_ENDPOINT_URL_BEDROCK_RUNTIME=https://...",
        )
    domain = _DOMAINS.get(region.partition("-")[0], _DOMAIN)
    return f"https://bedrock-runtime.{region}.{domain}"


def is_aws_host(host: str, region: str) -> bool:
    """Whether a host is Bedrock's own in that region: public, FIPS, or a private endpoint of a network in AWS."""
    domain = re.escape(_DOMAINS.get(region.partition("-")[0], _DOMAIN))
    name = re.escape(region)
    public = rf"bedrock-runtime(-fips)?\.{name}\.{domain}"
    private = rf"vpce-[a-z0-9-]+\.bedrock-runtime(-fips)?\.{name}\.vpce\.{domain}"
    return re.fullmatch(f"{public}|{private}", host) is not None


def region_in_arn(model: str) -> str:
    """The region that an ARN names; empty when the model is no ARN or names none."""
    found = _ARN.fullmatch(model)
    return found["region"] if found else ""


def jurisdiction_of(region: str, model: str) -> str | None:
    """Whose law holds for a call to this model from this region; None when that is not one, or not known."""
    here = JURISDICTIONS.get(region)
    arn = _ARN.fullmatch(model)
    if model.startswith("arn:"):
        # An inference profile of the account's own may span regions that its name does not show.
        single = arn is not None and arn["kind"] in ("foundation-model", "provisioned-model")
        return here if single else None
    profile = model.partition(".")[0]
    if profile not in PROFILES:
        return here
    # A profile used from outside its own geography may also use the region it was called from.
    return here if PROFILES[profile] == here else None
