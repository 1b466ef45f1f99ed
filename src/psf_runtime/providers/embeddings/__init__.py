"""Vectors for texts: the dialects in which embedding models are asked, and which targets speak one."""

from __future__ import annotations

from psf_runtime.providers.base import DEFAULT_BOUNDS, Bounds
from psf_runtime.providers.embeddings.bedrock import BedrockEmbeddings, family_of
from psf_runtime.providers.embeddings.codec import EmbeddingCodec
from psf_runtime.providers.embeddings.openai import DIALECTS, PATH, OpenAIEmbeddings

__all__ = ["BedrockEmbeddings", "EmbeddingCodec", "OpenAIEmbeddings", "embedding_codec"]


def embedding_codec(
    provider: str,
    model: str,
    *,
    target: str = "",
    at_vendor: bool = False,
    query: str = "",
    bounds: Bounds = DEFAULT_BOUNDS,
) -> EmbeddingCodec | None:
    """The codec in which this target is asked for vectors, or None when it is known that it cannot give any.

    Whether a model behind OpenAI's dialect can embed is not known before it is asked, so it may be asked. On Bedrock
    every family has a form of its own, so only the known ones can be asked.

    Args:
        provider: the word in front of the model string; `model`: the model's name on the wire.
        target: name of the target, for errors and `Response.provider`.
        at_vendor: the host is the vendor's own, not one that speaks its dialect.
        query: of every call there, as `?api-version=2024-10-21`.
        bounds: how much of an answer is accepted.
    """
    if provider == "bedrock":
        return None if family_of(model) is None else BedrockEmbeddings(model=model, target=target, bounds=bounds)
    if provider == "openai" and not at_vendor:
        provider = "compatible"
    dialect = DIALECTS.get(provider)
    if dialect is None:
        return None
    return OpenAIEmbeddings(model=model, target=target, dialect=dialect, bounds=bounds, path=f"{PATH}{query}")
