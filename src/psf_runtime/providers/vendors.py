"""The vendors: where each is, which key goes there and how, and which codec speaks to it. A table.

Names of variables are those of the vendors' own SDKs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from psf_runtime.providers import anthropic, responses
from psf_runtime.providers.anthropic import AnthropicMessages
from psf_runtime.providers.base import Codec
from psf_runtime.providers.bedrock import BedrockConverse
from psf_runtime.providers.credentials import Credentials, KeyHeader, KeyOrToken
from psf_runtime.providers.keys import KeyGetter
from psf_runtime.providers.openai import (
    AZURE,
    COMPATIBLE,
    LOCAL,
    LOCAL_SERVERS,
    MISTRAL,
    OPENAI,
    Differences,
    OpenAIChat,
)
from psf_runtime.providers.openai.differences import CHAT
from psf_runtime.providers.responses import OpenAIResponses

_NO_SEED = CHAT - {"seed"}  # Anthropic's, Bedrock's and OpenAI's newer dialect have no place for one


@dataclass(frozen=True, slots=True)
class Place:
    """What a codec has to know about where it speaks.

    Attributes:
        model, target: the model's name on the wire, and the name of the target.
        at_vendor: the host is the vendor's own.
        dialect: name of the table of differences that the host asks for; empty for the usual one.
        server: which local server answers; empty when the application did not say.
        query: goes behind the path of every call.
    """

    model: str
    target: str
    at_vendor: bool
    dialect: str = ""
    server: str = ""
    query: str = ""


Made = tuple[Codec, frozenset[str]]  # a codec, and what calls may ask of it


@dataclass(frozen=True, slots=True)
class Vendor:
    """One provider of model strings.

    Attributes:
        vendor: whose hosts are its own, in the table of facts.
        make: the codec for a place, with its capabilities.
        url: its usual address; empty when there is none.
        url_variables, key_variables: where the environment may name another address, and the key for it. The first
            that is set counts.
        account: variables with ids of an account, and the header for each.
        missing: what to write when there is no address.
        drop: end of an address that people write and the codec's path repeats.
        needs_key: there is no host of this kind that lets a call in without one.
        credentials: how the key goes on a call.
    """

    vendor: str
    make: Callable[[Place], Made]
    url: str = ""
    url_variables: tuple[str, ...] = ()
    key_variables: tuple[str, ...] = ()
    account: tuple[tuple[str, str], ...] = ()
    missing: str = ""
    drop: str = ""
    needs_key: bool = False
    credentials: Callable[[KeyGetter], Credentials] = KeyHeader


def _chat(place: Place, differences: Differences) -> Made:
    codec = OpenAIChat(model=place.model, target=place.target, differences=differences)
    return codec, differences.capabilities


def _openai(place: Place) -> Made:
    if place.dialect:
        return _chat(place, _DIALECTS[place.dialect])
    return _chat(place, OPENAI if place.at_vendor else COMPATIBLE)


def _azure(place: Place) -> Made:
    path = f"/chat/completions{place.query}"
    return OpenAIChat(place.model, place.target, AZURE, path=path), AZURE.capabilities


def _responses(place: Place) -> Made:
    differences = responses.OPENAI if place.at_vendor else responses.COMPATIBLE
    codec = OpenAIResponses(model=place.model, target=place.target, differences=differences)
    return codec, _NO_SEED | ({"files"} if differences.files else set())


def _anthropic(place: Place) -> Made:
    differences = anthropic.ANTHROPIC if place.at_vendor else anthropic.COMPATIBLE
    codec = AnthropicMessages(model=place.model, target=place.target, differences=differences)
    can = _NO_SEED if differences.structured else _NO_SEED - {"json_schema"}
    return codec, can | ({"files"} if differences.files else set())


def _bedrock(place: Place) -> Made:
    return BedrockConverse(model=place.model, target=place.target), _NO_SEED | {"files"}


def _local(place: Place) -> Made:
    return _chat(place, LOCAL_SERVERS[place.server] if place.server else LOCAL)


def _x_api_key(key: KeyGetter) -> Credentials:
    return KeyHeader(key, "x-api-key", "")


_DIALECTS: Mapping[str, Differences] = {"mistral": MISTRAL}
_OPENAI_ACCOUNT = (("OPENAI_ORG_ID", "openai-organization"), ("OPENAI_PROJECT_ID", "openai-project"))

VENDORS: Mapping[str, Vendor] = {
    "openai": Vendor(
        "openai",
        _openai,
        url="https://api.openai.com/v1",
        url_variables=("OPENAI_BASE_URL",),
        key_variables=("OPENAI_API_KEY",),
        account=_OPENAI_ACCOUNT,
    ),
    "openai-responses": Vendor(
        "openai",
        _responses,
        url="https://api.openai.com/v1",
        url_variables=("OPENAI_BASE_URL",),
        key_variables=("OPENAI_API_KEY",),
        account=_OPENAI_ACCOUNT,
    ),
    "azure": Vendor(
        "azure",
        _azure,
        url_variables=("AZURE_OPENAI_ENDPOINT",),
        key_variables=("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"),
        missing="set AZURE_OPENAI_ENDPOINT=https://RESOURCE.openai.azure.com",
        needs_key=True,
        credentials=KeyOrToken,
    ),
    "anthropic": Vendor(
        "anthropic",
        _anthropic,
        url="https://api.anthropic.com",
        url_variables=("ANTHROPIC_BASE_URL",),
        key_variables=("ANTHROPIC_API_KEY",),
        drop="/v1",
        credentials=_x_api_key,
    ),
    "bedrock": Vendor(
        "aws",
        _bedrock,
        url_variables=("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL"),
        key_variables=("AWS_BEARER_TOKEN_BEDROCK",),
    ),
    "local": Vendor("local", _local, missing="write local:NAME@http://127.0.0.1:8000/v1"),
}
