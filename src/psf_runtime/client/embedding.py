"""`client.embed(...)`: the texts of a call, who is asked for vectors, and what the caller gets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from psf_runtime.errors import ConfigError, ProviderError
from psf_runtime.ports import TargetFacts
from psf_runtime.providers.embeddings.vectors import MOST
from psf_runtime.types.response import Response, Vector

Texts = str | Sequence[str]


def texts_of(texts: Any) -> tuple[str, ...]:
    """The texts of a call, one or several. Raises ConfigError, which says which one is wrong and never what it says."""
    if isinstance(texts, str):
        texts = (texts,)
    if not isinstance(texts, Sequence) or isinstance(texts, bytes | bytearray):
        raise ConfigError(
            f"embed takes a str or a list of strings, not a {type(texts).__name__}", change='client.embed(["a", "b"])'
        )
    if not texts:
        raise ConfigError("there is nothing to embed", why="the list of texts is empty", change="pass at least one")
    if len(texts) > MOST:
        raise ConfigError(
            f"{len(texts)} texts are too many for one call",
            why=f"one call takes at most {MOST}",
            change=f"embed them in portions of at most {MOST}",
        )
    for position, text in enumerate(texts):
        _check_text(text, position)
    return tuple(texts)


def _check_text(text: Any, position: int) -> None:
    if not isinstance(text, str):
        raise ConfigError(f"texts[{position}] is a {type(text).__name__}", change="pass strings only")
    if not text.strip():
        raise ConfigError(
            f"texts[{position}] is empty", why="nothing has no vector", change="leave empty texts out, or mark them"
        )


def first_that_embeds(names: Iterable[str], facts: Iterable[TargetFacts]) -> str:
    """The first of these targets that may be asked for vectors; "" when there is none."""
    able = {target.name for target in facts if "embeddings" in target.capabilities}
    return next((name for name in names if name in able), "")


def vectors_of(response: Response, texts: int) -> tuple[Vector, ...]:
    """The vectors of an answer that every guard agreed to. Raises ProviderError unless there is one per text.

    Words in their place, as a person may write them who was asked to decide, are no vectors.
    """
    if len(response.vectors) == texts and not response.parts:
        return response.vectors
    raise ProviderError(
        "the answer does not hold one vector per text, and nothing else",
        kind="bad_response",
        target=response.provider,
        retry_safe=False,
        why=f"{texts} texts were sent; {len(response.vectors)} vectors and {len(response.parts)} other parts came back",
    )
