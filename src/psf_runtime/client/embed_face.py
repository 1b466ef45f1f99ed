"""`embed`, as both clients have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from psf_runtime.client.arguments import Arguments
from psf_runtime.client.embedding import Texts
from psf_runtime.types.embeddings import Embeddings

if TYPE_CHECKING:
    from psf_runtime.client.core import Core


class EmbedFace:
    """`client.embed(...)`."""

    _core: Core

    def embed(
        self,
        texts: Texts,
        *,
        model: str | None = None,
        purpose: str | None = None,
        subject: str | None = None,
        user: str | None = None,
        tenant: str | None = None,
        consent: str | None = None,
        tags: Mapping[str, str] | None = None,
        dimensions: int | None = None,
        timeout: float | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Embeddings:
        """One vector per text, through the same controls as `complete`.

        Personal data leaves as tokens. A value has the same token in all embed calls of a tenant, whatever the
        conversation: else a name in a question would never meet the same name in a document. Tokens are made with a
        key that in this version lives as long as the client: vectors that outlive it still find texts by what they
        say, but no longer by whom they name. Nothing is streamed, and a model that fails is never replaced by another
        one, only by another host of the same model.

        Args:
            texts: a str, or a list of strings, none of them empty.
            model: name of the target; without it, the first one that may be asked for vectors.
            purpose, subject, user, tenant, consent, tags: the facts of the call.
            dimensions: the length of the vectors, where the model lets you choose.
            timeout: seconds for the whole call, with retries.
            extra: fields for one provider only, as `{"bedrock": {"input_type": "search_query"}}`.

        Raises:
            ConfigError: your code or settings; nothing was sent.
            Blocked: policy said no; NotEligible when no target may be asked for vectors.
            ApprovalPending: the purpose wants a person to decide first; give search a purpose of its own.
            ProviderError: the provider failed, or sent something that is not one vector per text.
            GuardError, StateError: a guard crashed, or a store is out of reach.
        """
        arguments = _arguments(
            texts,
            model=model,
            purpose=purpose,
            subject=subject,
            user=user,
            tenant=tenant,
            consent=consent,
            tags=tags,
            dimensions=dimensions,
            timeout=timeout,
            extra=extra,
        )
        del texts, subject, user, tags, extra
        result = self._core.complete(arguments)
        del arguments
        answer: Embeddings = result.unwrap()
        return answer


class AsyncEmbedFace:
    """`await client.embed(...)`."""

    _core: Core

    async def embed(
        self,
        texts: Texts,
        *,
        model: str | None = None,
        purpose: str | None = None,
        subject: str | None = None,
        user: str | None = None,
        tenant: str | None = None,
        consent: str | None = None,
        tags: Mapping[str, str] | None = None,
        dimensions: int | None = None,
        timeout: float | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Embeddings:
        """As `Client.embed`."""
        arguments = _arguments(
            texts,
            model=model,
            purpose=purpose,
            subject=subject,
            user=user,
            tenant=tenant,
            consent=consent,
            tags=tags,
            dimensions=dimensions,
            timeout=timeout,
            extra=extra,
        )
        del texts, subject, user, tags, extra
        result = await self._core.acomplete(arguments)
        del arguments
        answer: Embeddings = result.unwrap()
        return answer


def _arguments(texts: Any, **settings: Any) -> Arguments:
    return Arguments(texts, operation="embed", **settings)
