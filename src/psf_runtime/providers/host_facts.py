"""What vendors document about their own hosts. A fact without a source is not here: unknown is the strictest.

The facts hold for accounts without a contract that says otherwise; what an application declares on a Target wins.
Each entry names the page that says it. A place is written as narrow as the vendor words it: "Europe" that takes in
Switzerland is not the EU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What a vendor says about one of its hosts.

    Attributes:
        vendor: whose host it is, and so whose keys may go there.
        region, jurisdiction: where requests are processed; None is unknown.
        retention_days: how long texts may be kept; None is unknown.
        dialect: name of the table of differences for this host; empty for the dialect's usual one.
    """

    vendor: str
    region: str | None = None
    jurisdiction: str | None = None
    retention_days: int | None = None
    dialect: str = ""


# OpenAI, "Data controls in the OpenAI platform": abuse monitoring logs are kept for up to 30 days.
# OpenAI, "Data residency": the global host processes without any constraint of place. The hosts of regions process
# in their region; that of Europe is the European Economic Area and Switzerland.
_OPENAI = HostFacts("openai", retention_days=30)

# Anthropic, "How long do you store my organization's data?": inputs and outputs are deleted within 30 days.
# Anthropic, "Data residency": unless a request says otherwise, inference may run in any geography.
_ANTHROPIC = HostFacts("anthropic", retention_days=30)

# Scaleway, "Understand the Generative APIs Privacy Policy": models run on its own machines in Europe, under the law
# of the EU, data is stored in Paris; texts are not kept, but for up to two weeks when a request makes trouble.
_SCALEWAY = HostFacts("scaleway", region="fr-par", jurisdiction="EU", retention_days=14)

# OVHcloud, "AI Endpoints - Features, capabilities and limitations": the machines are in Gravelines, France, and data is
# not stored during or after the use of a model.
_OVHCLOUD = HostFacts("ovhcloud", region="gra", jurisdiction="EU", retention_days=0)

# IONOS, "AI Model Hub: EU AI Act": all inference endpoints are in data centres in Germany.
_IONOS = HostFacts("ionos", region="de-txl", jurisdiction="EU")

VENDOR_HOSTS: Mapping[str, HostFacts] = {
    "api.openai.com": _OPENAI,
    "us.api.openai.com": HostFacts("openai", region="us", jurisdiction="US", retention_days=30),
    "eu.api.openai.com": HostFacts("openai", region="eu", jurisdiction="EEA+CH", retention_days=30),
    "au.api.openai.com": HostFacts("openai", region="au", retention_days=30),
    "in.api.openai.com": HostFacts("openai", region="in", retention_days=30),
    "jp.api.openai.com": HostFacts("openai", region="jp", retention_days=30),
    "api.anthropic.com": _ANTHROPIC,
    "api.scaleway.ai": _SCALEWAY,
    "oai.endpoints.kepler.ai.cloud.ovh.net": _OVHCLOUD,
    "openai.inference.de-txl.ionos.com": _IONOS,
    # Mistral, "Inference": requests run in the EU or, for some models, in the US; so nothing is known from the host.
    "api.mistral.ai": HostFacts("mistral", dialect="mistral"),
}


def facts_of(host: str) -> HostFacts | None:
    """What is known about a host, by its exact name."""
    return VENDOR_HOSTS.get(host)
