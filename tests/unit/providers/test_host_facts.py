"""What is known about hosts, regions and models, and which addresses are never spoken to."""

from __future__ import annotations

from datetime import date

import pytest
from botocore.session import get_session

from psf_runtime.errors import ConfigError
from psf_runtime.providers.aws_regions import JURISDICTIONS, is_aws_host, jurisdiction_of, region_url
from psf_runtime.providers.host_facts import VENDOR_HOSTS
from psf_runtime.providers.hosts import parse_base_url
from psf_runtime.providers.model_facts import NOTHING_KNOWN, model_facts
from psf_runtime.providers.targets import BoundTarget, bind
from psf_runtime.types.target import Target

ENVIRON = {"OPENAI_API_KEY": "key", "ANTHROPIC_API_KEY": "key", "AWS_BEARER_TOKEN_BEDROCK": "key"}


def bound(target: Target | str) -> BoundTarget:
    return bind(target, environ=ENVIRON)


@pytest.mark.parametrize(
    ("host", "vendor", "jurisdiction", "retention"),
    [
        ("api.openai.com", "openai", None, 30),
        ("us.api.openai.com", "openai", "US", 30),
        ("eu.api.openai.com", "openai", "EEA+CH", 30),
        ("jp.api.openai.com", "openai", None, 30),
        ("api.anthropic.com", "anthropic", None, 30),
        ("api.scaleway.ai", "scaleway", "EU", 14),
        ("oai.endpoints.kepler.ai.cloud.ovh.net", "ovhcloud", "EU", 0),
        ("openai.inference.de-txl.ionos.com", "ionos", "EU", None),
        ("api.mistral.ai", "mistral", None, None),
    ],
)
def test_facts_of_each_host(host: str, vendor: str, jurisdiction: str | None, retention: int | None) -> None:
    """Facts come with the host, as its vendor documents them; what is not documented is unknown."""
    facts = parse_base_url(f"https://{host}/v1").facts
    assert facts is VENDOR_HOSTS[host]
    assert (facts.vendor, facts.jurisdiction, facts.retention_days) == (vendor, jurisdiction, retention)
    target = bound(f"openai:m@https://{host}/v1").facts
    assert (target.jurisdiction, target.retention_days) == (jurisdiction, retention)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com:8443/v1",
        "https://api.openai.com.evil.example/v1",
        "https://xapi.openai.com/v1",
        "https://openai.com/v1",
    ],
)
def test_a_host_that_only_looks_alike_has_no_facts(url: str) -> None:
    """The exact name, over https, at the usual port; nothing else."""
    assert parse_base_url(url).facts is None


@pytest.mark.parametrize(
    ("region", "model", "jurisdiction"),
    [
        ("eu-central-1", "anthropic.claude-v1:0", "EU"),
        ("eu-central-2", "anthropic.claude-v1:0", "CH"),
        ("eu-west-2", "anthropic.claude-v1:0", "GB"),
        ("us-gov-west-1", "us-gov.anthropic.claude-v1:0", "US"),
        ("cn-north-1", "m", "CN"),
        ("eusc-de-east-1", "m", "EU"),
        ("us-east-1", "us.anthropic.claude-v1:0", "US"),
        ("ca-central-1", "us.anthropic.claude-v1:0", None),
        ("eu-central-1", "eu.anthropic.claude-v1:0", None),
        ("eu-central-1", "global.anthropic.claude-v1:0", None),
        ("us-east-1", "global.anthropic.claude-v1:0", None),
        ("ap-southeast-1", "apac.amazon.nova-v1:0", None),
        ("ap-northeast-1", "jp.anthropic.claude-v1:0", "JP"),
        ("ap-southeast-2", "au.anthropic.claude-v1:0", "AU"),
        ("eu-west-1", "arn:aws:bedrock:eu-west-1::foundation-model/a.b", "EU"),
        ("eu-west-1", "arn:aws:bedrock:eu-west-1:1:application-inference-profile/x", None),
        ("eu-west-1", "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.a.b", None),
        ("eu-west-1", "arn:something-else", None),
        ("eu-north-9", "anthropic.claude-v1:0", None),
    ],
)
def test_where_a_call_to_aws_may_be_answered(region: str, model: str, jurisdiction: str | None) -> None:
    """A region has one law; a profile widens where the request may go, and then there is no longer one."""
    assert jurisdiction_of(region, model) == jurisdiction
    target = bound(Target(f"bedrock:{model}", region=region)) if not model.startswith("arn:") else None
    assert target is None or (target.facts.region, target.facts.jurisdiction) == (region, jurisdiction)


def test_a_declared_jurisdiction_wins_on_bedrock_too() -> None:
    """What a contract says about an inference profile is the application's to declare."""
    declared = Target("bedrock:eu.anthropic.claude-v1:0", region="eu-central-1", jurisdiction="EU", retention_days=0)
    facts = bound(declared).facts
    assert (facts.jurisdiction, facts.retention_days) == ("EU", 0)


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("eu-central-1", "https://bedrock-runtime.eu-central-1.amazonaws.com"),
        ("us-gov-east-1", "https://bedrock-runtime.us-gov-east-1.amazonaws.com"),
        ("cn-northwest-1", "https://bedrock-runtime.cn-northwest-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "https://bedrock-runtime.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_the_host_of_a_region(region: str, url: str) -> None:
    """Each partition of AWS has its own domain."""
    assert region_url(region, "t") == url
    assert is_aws_host(url.removeprefix("https://"), region)


def test_the_table_of_regions_is_that_of_botocore() -> None:
    """Every region that botocore knows in a public partition is here, at the host that botocore would call."""
    partitions = {each["partition"]: each for each in get_session().get_data("endpoints")["partitions"]}
    seen = set()
    for name in ("aws", "aws-cn", "aws-us-gov", "aws-eusc"):
        for region in partitions[name]["regions"]:
            seen.add(region)
            assert region_url(region, "t") == f"https://bedrock-runtime.{region}.{partitions[name]['dnsSuffix']}"
    assert seen == set(JURISDICTIONS)


@pytest.mark.parametrize(
    "region",
    ["eu-central1", "EU-CENTRAL-1", "frankfurt", "", "eu-central-1.evil.example", "eu-central-1/x", "CANARY x"],
)
def test_a_wrong_region_is_refused(region: str) -> None:
    """What is no region does not get into an address, and a sentence not into the error."""
    with pytest.raises(ConfigError) as caught:
        bind(Target("bedrock:m", region=region), environ={"AWS_BEARER_TOKEN_BEDROCK": "key"})
    assert "CANARY" not in str(caught.value)
    assert "eu-central-1" in caught.value.change


def test_isolated_regions_are_refused() -> None:
    """Their hosts are somewhere else, so none is guessed."""
    with pytest.raises(ConfigError, match="isolated"):
        region_url("us-iso-east-1", "t")


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("bedrock-runtime.eu-west-1.amazonaws.com", True),
        ("bedrock-runtime-fips.eu-west-1.amazonaws.com", True),
        ("vpce-0a.bedrock-runtime.eu-west-1.vpce.amazonaws.com", True),
        ("bedrock-runtime.eu-west-2.amazonaws.com", False),
        ("bedrock-runtime.eu-west-1.amazonaws.com.evil.example", False),
        ("evil.bedrock-runtime.eu-west-1.amazonaws.com", False),
        ("s3.eu-west-1.amazonaws.com", False),
    ],
)
def test_what_is_bedrocks_own_host(host: str, own: bool) -> None:
    """Only Bedrock's own names in the region that is called: credentials go there and nowhere else."""
    assert is_aws_host(host, "eu-west-1") is own


@pytest.mark.parametrize(
    ("name", "context", "sunset"),
    [
        ("gpt-4o", 128_000, None),
        ("gpt-4o-2024-08-06", 128_000, None),
        ("gpt-4.1-mini-2025-04-14", 1_047_576, None),
        ("gpt-5", 400_000, date(2026, 12, 11)),
        ("gpt-5-mini-2025-08-07", 400_000, date(2026, 12, 11)),
        ("gpt-5.1", None, None),
        ("gpt-5-codex", None, None),
        ("gpt-4o-audio-preview-2024-10-01", None, None),
        ("ft:gpt-4o-2024-08-06:acme::x", None, None),
    ],
)
def test_facts_of_models(name: str, context: int | None, sunset: date | None) -> None:
    """A known name stands for itself and its snapshots, not for others that begin alike."""
    target = bound(f"openai:{name}")
    assert (target.facts.context_tokens, target.sunset) == (context, sunset)


def test_facts_of_models_hold_at_the_vendors_host_only() -> None:
    """The same name elsewhere may be another model, and what the application declares wins."""
    assert model_facts("anthropic", "claude-sonnet-4-5-20250929").context_tokens == 200_000
    assert model_facts("aws", "gpt-4o") is NOTHING_KNOWN
    elsewhere = bound("openai:gpt-4o@https://h.example/v1")
    assert (elsewhere.facts.context_tokens, elsewhere.sunset) == (None, None)
    assert "reasoning" in elsewhere.facts.capabilities
    assert "reasoning" not in bound("openai:gpt-4o").facts.capabilities
    declared = bound(Target("openai:gpt-4o", context_tokens=5, capabilities=["reasoning"])).facts
    assert (declared.context_tokens, declared.capabilities) == (5, {"reasoning"})


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "metadata.google.internal",
        "METADATA.google.internal",
        "metadata",
        "instance-data",
        "2852039166",
        "0xA9FEA9FE",
        "0251.0376.0251.0376",
        "169.254.43518",
        "metadata.google.internal.",
        "api.openai.com.",
    ],
)
@pytest.mark.parametrize("own", [True, False])
def test_metadata_services_are_never_spoken_to(host: str, own: bool) -> None:
    """Not by their addresses, in no way of writing them, nor by their names, whatever was declared."""
    for scheme in ("http", "https"):
        with pytest.raises(ConfigError):
            parse_base_url(f"{scheme}://{host}/v1", declared_own=own)
