"""AsyncClient: calls to any model through the controls of a policy, from asyncio or trio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, overload

from psf_runtime.client.arguments import Arguments, Messages, ToolLike
from psf_runtime.client.border import crossed
from psf_runtime.client.consents import AsyncConsents
from psf_runtime.client.core import Core
from psf_runtime.client.embed_face import AsyncEmbedFace
from psf_runtime.client.explain import Explanation
from psf_runtime.client.generic import T, U
from psf_runtime.client.preview import Preview
from psf_runtime.client.streams import AsyncCompletionStream
from psf_runtime.client.subjects import AsyncSubjects
from psf_runtime.client.targets import Wanted
from psf_runtime.client.tickets import AsyncTickets
from psf_runtime.guards.contracts.contract import Contract
from psf_runtime.policy.policy import Policy
from psf_runtime.types.completion import Completion


class AsyncClient(AsyncEmbedFace):
    """One interface to any model, with the controls of a policy around every call. May be shared between tasks.

    Args:
        model: a model string (`openai:gpt-4o`), a Target, or a MockProvider; None when the policy names targets.
        fallbacks: who is asked when the first fails, in order.
        policy: a Policy or the path of a psf.toml; None means $PSF_POLICY, else `Policy.standard()`.
        state: where tickets, consents and the log are kept; this version has `memory:`.
        api_key, base_url, region: of the first model only.
        http_client: an httpx or httpx2 client of yours (async); never closed here.
        timeout: seconds for a whole call, with retries, re-asks and fallbacks.
        purpose, tenant: default facts of every call.

    Raises ConfigError, listing everything that is wrong. Nothing connects before the first call.
    """

    def __init__(
        self,
        model: Any = None,
        *,
        fallbacks: Sequence[Wanted] = (),
        policy: Policy | str | None = None,
        state: str | None = None,
        api_key: Any = None,
        base_url: str | None = None,
        region: str | None = None,
        http_client: Any = None,
        timeout: float | None = None,
        purpose: str | None = None,
        tenant: str | None = None,
    ) -> None:
        built = crossed(
            partial(
                Core,
                model,
                fallbacks=fallbacks,
                policy=policy,
                state=state,
                api_key=api_key,
                base_url=base_url,
                region=region,
                http_client=http_client,
                timeout=timeout,
                purpose=purpose,
                tenant=tenant,
                asynchronous=True,
            )
        )
        del model, fallbacks, policy, api_key, base_url, http_client
        self._core: Core = built.unwrap()
        self.tickets = AsyncTickets(self._core.state.tickets)
        self.consents = AsyncConsents.of(self._core, tenant)
        self.subjects = AsyncSubjects.of(self._core, tenant)

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._core.policy

    @overload
    async def complete(
        self,
        messages: Messages,
        *,
        output: type[T] | Contract[T] | None = None,
        tools: Sequence[ToolLike] | None = None,
        tool_choice: str | None = None,
        system: str | None = None,
        purpose: str | None = None,
        subject: str | None = None,
        user: str | None = None,
        tenant: str | None = None,
        conversation: str | None = None,
        consent: str | None = None,
        tags: Mapping[str, str] | None = None,
        model: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        stop: str | Sequence[str] | None = None,
        seed: int | None = None,
        reasoning_effort: str | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
        timeout: float | None = None,
        wait_for_approval: float = 0.0,
        idempotency_key: str | None = None,
    ) -> Completion[T]: ...
    @overload
    async def complete(
        self,
        messages: Messages,
        *,
        output: Mapping[str, Any],
        tools: Sequence[ToolLike] | None = None,
        tool_choice: str | None = None,
        system: str | None = None,
        purpose: str | None = None,
        subject: str | None = None,
        user: str | None = None,
        tenant: str | None = None,
        conversation: str | None = None,
        consent: str | None = None,
        tags: Mapping[str, str] | None = None,
        model: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        stop: str | Sequence[str] | None = None,
        seed: int | None = None,
        reasoning_effort: str | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
        timeout: float | None = None,
        wait_for_approval: float = 0.0,
        idempotency_key: str | None = None,
    ) -> Completion[Any]: ...
    async def complete(
        self,
        messages: Messages,
        *,
        output: Any = None,
        tools: Sequence[ToolLike] | None = None,
        tool_choice: str | None = None,
        system: str | None = None,
        purpose: str | None = None,
        subject: str | None = None,
        user: str | None = None,
        tenant: str | None = None,
        conversation: str | None = None,
        consent: str | None = None,
        tags: Mapping[str, str] | None = None,
        model: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        stop: str | Sequence[str] | None = None,
        seed: int | None = None,
        reasoning_effort: str | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
        timeout: float | None = None,
        wait_for_approval: float = 0.0,
        idempotency_key: str | None = None,
    ) -> Completion[Any]:
        """Ask, and get the whole answer.

        Args:
            messages: a str, or a list of `Message`s and OpenAI-shaped dicts.
            output: the type of the answer: a model, dataclass, TypedDict, list, scalar, JSON schema or Contract.
            tools, tool_choice: what the model may ask you to run; nothing is run here.
            purpose, subject, user, tenant, conversation, consent, tags: the facts of the call.
            model: another first target for this call; fallbacks and eligibility stay.
            extra: fields for one provider only, as `{"openai": {"service_tier": "flex"}}`.
            timeout: seconds for the whole call, with retries, re-asks and fallbacks.
            wait_for_approval: seconds to wait for a person before ApprovalPending is raised.
            idempotency_key: a second call with the same key and content gets the first one's answer.

        Raises:
            ConfigError: your code or settings; nothing was sent.
            Blocked: policy said no (ConsentDenied, NotEligible, ContractViolation, ModelRefused, ...).
            ApprovalPending: a person has to decide first.
            ProviderError: the provider failed, retries and fallbacks included.
            GuardError, StateError: a guard crashed, or a store is out of reach.
        """
        arguments = Arguments(
            messages,
            output,
            tools=tools,
            tool_choice=tool_choice,
            system=system,
            purpose=purpose,
            subject=subject,
            user=user,
            tenant=tenant,
            conversation=conversation,
            consent=consent,
            tags=tags,
            model=model,
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            stop=stop,
            seed=seed,
            reasoning_effort=reasoning_effort,
            extra=extra,
            timeout=timeout,
            wait_for_approval=wait_for_approval,
            idempotency_key=idempotency_key,
        )
        del messages, output, tools, system, subject, user, conversation, tags, stop, extra, idempotency_key
        result = await self._core.acomplete(arguments)
        del arguments
        answer: Completion[Any] = result.unwrap()
        return answer

    def stream(
        self,
        messages: Messages,
        *,
        output: type[T] | Contract[T] | Mapping[str, Any] | None = None,
        tools: Sequence[ToolLike] | None = None,
        tool_choice: str | None = None,
        system: str | None = None,
        purpose: str | None = None,
        subject: str | None = None,
        user: str | None = None,
        tenant: str | None = None,
        conversation: str | None = None,
        consent: str | None = None,
        tags: Mapping[str, str] | None = None,
        model: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        stop: str | Sequence[str] | None = None,
        seed: int | None = None,
        reasoning_effort: str | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
        timeout: float | None = None,
        wait_for_approval: float = 0.0,
    ) -> AsyncCompletionStream[T]:
        """Ask, and get the answer in pieces, each agreed by the guards. Only as a context manager.

        Takes what `complete` takes. With `output=`, `.partial_stream` previews the value; a contract that fails
        raises at the end, and is not asked again once a piece has left.
        """
        arguments = Arguments(
            messages,
            output,
            tools=tools,
            tool_choice=tool_choice,
            system=system,
            purpose=purpose,
            subject=subject,
            user=user,
            tenant=tenant,
            conversation=conversation,
            consent=consent,
            tags=tags,
            model=model,
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            stop=stop,
            seed=seed,
            reasoning_effort=reasoning_effort,
            extra=extra,
            timeout=timeout,
            wait_for_approval=wait_for_approval,
        )
        del messages, output, tools, system, subject, user, conversation, tags, stop, extra
        result = self._core.astream(arguments)
        del arguments
        answer: AsyncCompletionStream[T] = result.unwrap()
        return answer

    async def preview(
        self,
        messages: Messages,
        *,
        output: Any = None,
        tools: Sequence[ToolLike] | None = None,
        tool_choice: str | None = None,
        system: str | None = None,
        purpose: str | None = None,
        subject: str | None = None,
        user: str | None = None,
        tenant: str | None = None,
        conversation: str | None = None,
        consent: str | None = None,
        tags: Mapping[str, str] | None = None,
        model: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        stop: str | Sequence[str] | None = None,
        seed: int | None = None,
        reasoning_effort: str | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Preview:
        """What a provider would receive. Nothing is sent, nothing is stored.

        Takes what `complete` takes. `.text` and `.wire` hold tokens in place of personal data; `.findings` says what
        was found; `.targets` who may be asked.
        """
        arguments = Arguments(
            messages,
            output,
            tools=tools,
            tool_choice=tool_choice,
            system=system,
            purpose=purpose,
            subject=subject,
            user=user,
            tenant=tenant,
            conversation=conversation,
            consent=consent,
            tags=tags,
            model=model,
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            stop=stop,
            seed=seed,
            reasoning_effort=reasoning_effort,
            extra=extra,
        )
        del messages, output, tools, system, subject, user, conversation, tags, stop, extra
        result = await self._core.apreview(arguments)
        del arguments
        answer: Preview = result.unwrap()
        return answer

    async def resume(
        self,
        ticket: str,
        *,
        output: type[U] | Contract[U] | None = None,
        tenant: str | None = None,
        user: str | None = None,
        timeout: float | None = None,
    ) -> Completion[U]:
        """Go on with a call that waited for a person. The model is not asked again.

        Args:
            ticket: the id that `ApprovalPending` carried.
            output: must be the call's own; without it `.value` is plain JSON.
            tenant, user: who asked; only they may have the answer.

        Raises:
            ApprovalPending: still open.
            ApprovalDenied: rejected, expired, already handed out, another requester, or another action.
        """
        result = await self._core.aresume(ticket, output=output, tenant=tenant, user=user, timeout=timeout)
        del user, output
        answer: Completion[U] = result.unwrap()
        return answer

    def explain(self) -> Explanation:
        """The chain of layers, outermost first: what each does, who set it, and who holds the first chunk."""
        return self._core.explain()

    async def close(self) -> None:
        """Close the connections that were opened here. The client cannot be used after that."""
        await self._core.aclose()

    async def __aenter__(self) -> AsyncClient:
        """Use it in an `async with` block, which closes it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()

    def __repr__(self) -> str:
        core = getattr(self, "_core", None)  # None: it could not be built
        return f"AsyncClient({core.describe() if core is not None else 'not built'})"
