"""What both faces stand on: builds a client once, prepares each call, and turns its outcome into what a caller sees."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from psf_runtime.client.ambient import ambient, current_block, remember
from psf_runtime.client.arguments import (
    Arguments,
    DefaultFacts,
    check_options,
    contract_of,
    facts_of,
    request_of,
    trust_results,
)
from psf_runtime.client.border import bare
from psf_runtime.client.call_id import new_call_id
from psf_runtime.client.calls import Call, original_of
from psf_runtime.client.embedding import first_that_embeds
from psf_runtime.client.explain import Explanation, explain_layers
from psf_runtime.client.idempotency import Idempotency
from psf_runtime.client.outcomes import Outcomes
from psf_runtime.client.pipelines import PipelineShelf
from psf_runtime.client.preview import Reached, preview_of
from psf_runtime.client.result import Result
from psf_runtime.client.resuming import resumed_call
from psf_runtime.client.streams import AsyncCompletionStream, CompletionStream
from psf_runtime.client.targets import Targets, Wanted, gather_targets
from psf_runtime.errors import ConfigError, PsfError
from psf_runtime.flow.aio import AsyncDriver
from psf_runtime.flow.clock import SystemClock
from psf_runtime.flow.sync import SyncDriver
from psf_runtime.flow.tape import Tape
from psf_runtime.flow.world import Journey, World
from psf_runtime.guards.function import FunctionGuard
from psf_runtime.policy.build import Parts, needs_people
from psf_runtime.policy.environment import choose_policy
from psf_runtime.policy.policy import Policy
from psf_runtime.policy.state import State, open_state
from psf_runtime.ports import Clock
from psf_runtime.providers.mock import MockProvider
from psf_runtime.stores.sealing import Sealer
from psf_runtime.types.context import Context
from psf_runtime.types.request import Facts, Operation, Request

LOGGER = logging.getLogger("psf_runtime")


class Core:
    """One client, without its face."""

    def __init__(
        self,
        model: Wanted | None,
        *,
        fallbacks: Sequence[Wanted],
        policy: Any,
        state: Any,
        api_key: Any,
        base_url: str | None,
        region: str | None,
        http_client: Any,
        timeout: float | None,
        purpose: str | None,
        tenant: str | None,
        asynchronous: bool,
        clock: Clock | None = None,
        stores: State | None = None,
        targets: Targets | None = None,
        quiet: bool = False,
    ) -> None:
        if not isinstance(policy, Policy | str | os.PathLike | None) or not isinstance(state, str | None):
            raise ConfigError(
                f"policy= cannot be a {type(policy).__name__}, with a state= that is a {type(state).__name__}",
                change='policy=Policy.standard(...) or "psf.toml"; state="memory:"',
            )
        self.policy = choose_policy(policy, os.environ)
        self.clock: Clock = clock or _clock_of(model, fallbacks) or SystemClock()
        self.state = stores or open_state(self.policy, state, self.clock)
        self._durable = None if stores else self.state.durable  # what was opened here is closed here
        self.targets = targets or gather_targets(
            model,
            fallbacks=fallbacks,
            policy=self.policy,
            http_client=http_client,
            api_key=api_key,
            base_url=base_url,
            region=region,
            seals=Sealer(self.state.key),
        )
        if not asynchronous:
            _refuse_async_guards(self.policy)
        self._timeout = _checked_timeout(timeout, self.policy.resilience.timeout)
        self._defaults = DefaultFacts(purpose, tenant)
        self._world = World(self.targets.transport, self.state.tickets, self.clock)
        parts = Parts(
            self.policy, self.state, self.clock, self.targets.facts, self.targets.models, self.targets.default
        )
        driver = AsyncDriver if asynchronous else SyncDriver
        self._shelf = PipelineShelf(parts, lambda run: driver(run, self._world), self._declared)
        self._outcomes = Outcomes(self.policy, self.state, self.clock, self.targets.facts)
        self._idempotency = Idempotency(self.state.key)
        self._trusted_tools = frozenset(name for name, rule in self.policy.tools.items() if rule.trusted)
        self._closed = False
        self._shelf.today()  # a wrong order, or an irreversible tool without a reviewer, is an error now
        if not quiet:
            self._say_once()

    # ---- preparing

    def prepare(self, arguments: Arguments) -> Call:
        """Everything a call needs before it enters the layers. Raises ConfigError; nothing was sent."""
        self._check_open()
        check_options(arguments)
        facts = facts_of(arguments, self._defaults, self.policy.purposes)
        contract = contract_of(arguments.output)
        first = arguments.model or self._first_of(facts, arguments.operation)
        request = trust_results(request_of(arguments, facts, contract, first), self._trusted_tools)
        context = self.new_context(facts, arguments.timeout)
        pipelines = self._shelf.today()
        people = needs_people(self.policy, pipelines.modes, request, facts)
        original = original_of(request, call_id=context.call_id, policy=self.policy, contract=contract)
        context.shared["contracts.output"] = contract
        return Call(
            request=request,
            context=context,
            journey=Journey(context, Tape(pipelines.names), arguments.wait_for_approval, original),
            contract=contract,
            driver=pipelines.overseen if people else pipelines.plain,
            started=self.clock.monotonic(),
            block=current_block(),
        )

    def new_context(self, facts: Facts, timeout: float | None, call_id: str | None = None) -> Context:
        """The context of one call."""
        seconds = _checked_timeout(timeout, self._timeout)
        return Context(
            call_id or new_call_id(self.clock.time(), os.urandom),
            facts,
            self.clock.monotonic() + seconds,
            self.policy.resilience.attempts,
            recall=self.state.vault.recall,
        )

    def _declared(self) -> frozenset[str]:
        """Fact controls for which the state holds a fact."""
        return frozenset({"privacy.consent"}) if self.state.consents.holds_any else frozenset()

    def _check_open(self) -> None:
        if self._closed:
            raise ConfigError("this client is closed", change="make another one; it may be used until close()")

    # ---- whole answers

    def complete(self, arguments: Arguments) -> Result:
        """One call, sync."""
        call: Call | None = None
        try:
            call = self._ready(arguments)
            if call.answer is not None:
                return self._again(call)
            response = call.driver.complete(call.journey, call.request)
            return Result(self._idempotency.keep(call, self._outcomes.answered(call, response)))
        except Exception as error:
            return Result(error=self._failed(call, error))
        except BaseException as error:
            self._abandoned(call)
            raise bare(error)  # noqa: B904  # the same error, without the frames that hold the prompt

    async def acomplete(self, arguments: Arguments) -> Result:
        """One call, async."""
        call: Call | None = None
        try:
            call = self._ready(arguments)
            if call.answer is not None:
                return self._again(call)
            response = await call.driver.complete(call.journey, call.request)
            return Result(self._idempotency.keep(call, self._outcomes.answered(call, response)))
        except Exception as error:
            return Result(error=self._failed(call, error))
        except BaseException as error:
            self._abandoned(call)
            raise bare(error)  # noqa: B904  # the same error, without the frames that hold the prompt

    def _ready(self, arguments: Arguments) -> Call:
        """The call, or the resumed one that `facts(ticket=...)` around it names."""
        ticket = ambient().get("ticket")
        call = self.prepare(arguments)
        if ticket is not None:
            call = resumed_call(self, ticket, call.contract, call.context.facts, arguments.timeout, asked=call.request)
        self._idempotency.begin(call, arguments.idempotency_key)
        return call

    def _failed(self, call: Call | None, error: BaseException) -> PsfError:
        if call is not None:
            self._idempotency.give_up(call)
        return self._outcomes.failed(call, error)

    def _again(self, call: Call) -> Result:
        """The answer that the call's idempotency key has already."""
        remember(call.block, call.answer.decision)
        return Result(call.answer)

    def _abandoned(self, call: Call | None) -> None:
        """The call was cancelled: the log is told, and its idempotency key may be used again."""
        if call is not None:
            self._idempotency.give_up(call)
            self._outcomes.cancelled(call)

    # ---- streams

    def stream(self, arguments: Arguments) -> Result:
        """A stream, sync; nothing is sent before it is entered and read."""
        try:
            call = self._ready(arguments)
        except Exception as error:
            return Result(error=self._outcomes.failed(None, error))
        inner = call.driver.stream(call.journey, call.request)
        return Result(CompletionStream(inner, call, self._outcomes))

    def astream(self, arguments: Arguments) -> Result:
        """A stream, async."""
        try:
            call = self._ready(arguments)
        except Exception as error:
            return Result(error=self._outcomes.failed(None, error))
        inner = call.driver.stream(call.journey, call.request)
        return Result(AsyncCompletionStream(inner, call, self._outcomes))

    # ---- going on later

    def resume(
        self, ticket: str, *, output: Any, tenant: str | None, user: str | None, timeout: float | None
    ) -> Result:
        """A parked call, sync."""
        call: Call | None = None
        try:
            self._check_open()
            call = resumed_call(self, ticket, contract_of(output), self._asker(tenant, user), timeout)
            return Result(self._outcomes.answered(call, call.driver.complete(call.journey, call.request)))
        except Exception as error:
            return Result(error=self._outcomes.failed(call, error))
        except BaseException as error:
            self._abandoned(call)
            raise bare(error)  # noqa: B904

    async def aresume(
        self, ticket: str, *, output: Any, tenant: str | None, user: str | None, timeout: float | None
    ) -> Result:
        """A parked call, async."""
        call: Call | None = None
        try:
            self._check_open()
            call = resumed_call(self, ticket, contract_of(output), self._asker(tenant, user), timeout)
            return Result(self._outcomes.answered(call, await call.driver.complete(call.journey, call.request)))
        except Exception as error:
            return Result(error=self._outcomes.failed(call, error))
        except BaseException as error:
            self._abandoned(call)
            raise bare(error)  # noqa: B904

    def _asker(self, tenant: str | None, user: str | None) -> Facts:
        around = ambient()
        return Facts(
            tenant=tenant or around.get("tenant") or self._defaults.tenant or "default",
            user=user if user is not None else around.get("user"),
        )

    def driver_for(self, request: Request, facts: Facts) -> Any:
        """The engine that a request goes through."""
        pipelines = self._shelf.today()
        return pipelines.overseen if needs_people(self.policy, pipelines.modes, request, facts) else pipelines.plain

    # ---- looking

    def preview(self, arguments: Arguments) -> Result:
        """What would leave, sync. The layers above the wire wait for nothing but guards of your own."""
        try:
            call = self.prepare(arguments)
            SyncDriver(self._shelf.today().preview(), self._world).complete(call.journey, call.request)
        except Reached as reached:
            return Result(self._preview(call, reached.request))
        except Exception as error:
            return Result(error=self._outcomes.failed(None, error))
        except BaseException as error:
            raise bare(error)  # noqa: B904  # the same error, without the frames that hold the prompt
        raise AssertionError("a preview ends above the wire")

    async def apreview(self, arguments: Arguments) -> Result:
        """What would leave, async."""
        try:
            call = self.prepare(arguments)
            await AsyncDriver(self._shelf.today().preview(), self._world).complete(call.journey, call.request)
        except Reached as reached:
            return Result(self._preview(call, reached.request))
        except Exception as error:
            return Result(error=self._outcomes.failed(None, error))
        except BaseException as error:
            raise bare(error)  # noqa: B904  # the same error, without the frames that hold the prompt
        raise AssertionError("a preview ends above the wire")

    def _preview(self, call: Call, request: Request) -> Any:
        names = self._route_of(call.context.facts, call.request.model)
        codec = self.targets.codecs.get(names[0]) if names else None
        return preview_of(request.replace(model=names[0] if names else ""), call.context, codec, names)

    def _route_of(self, facts: Facts, first: str) -> tuple[str, ...]:
        purpose = self.policy.purposes.get(facts.purpose or "")
        names = tuple(purpose.targets) if purpose is not None and purpose.targets else self.targets.default
        return tuple(dict.fromkeys((first, *names) if (first and first in names) or not names else names))

    def _first_of(self, facts: Facts, operation: Operation) -> str:
        """The client's first model, unless the purpose has a plan without it: then the plan's order holds.

        For vectors it is the first in that order that may be asked for them.
        """
        purpose = self.policy.purposes.get(facts.purpose or "")
        planned = purpose is not None and purpose.targets and self.targets.first not in purpose.targets
        first = "" if planned else self.targets.first
        if operation == "embed":
            return first_that_embeds(self._route_of(facts, first), self.targets.facts) or first
        return first

    def explain(self) -> Explanation:
        """The chain of layers."""
        pipelines = self._shelf.today()
        return explain_layers(pipelines.layers, pipelines.modes, self.policy, self.targets.default, self.state.survives)

    def describe(self) -> str:
        """For the client's repr."""
        return f"{' -> '.join(self.targets.default)}, policy {self.policy.label}"

    def _say_once(self) -> None:
        day = datetime.fromtimestamp(self.clock.time(), UTC).date()
        state = "memory" if self.state.durable is None else "database"
        LOGGER.warning("%s", self.policy.one_line(day=day, declared=self._declared(), state=state))

    # ---- closing

    def close(self) -> None:
        """Close what was opened here."""
        self._closed = True
        self.targets.transport.close()
        self._close_state()

    async def aclose(self) -> None:
        """Close what was opened here."""
        self._closed = True
        await self.targets.transport.aclose()
        self._close_state()

    def _close_state(self) -> None:
        if self._durable is not None:
            self._durable.close()


def _clock_of(model: Any, fallbacks: Any) -> Clock | None:
    """The clock of the first mock provider that was given one: a test's time is then the client's too."""
    models = [model, *fallbacks] if isinstance(fallbacks, list | tuple) else [model]
    return next((model.clock for model in models if isinstance(model, MockProvider) and model.clock is not None), None)


def _refuse_async_guards(policy: Policy) -> None:
    names = [guard.name for guard in policy.guards if isinstance(guard, FunctionGuard) and guard.is_async]
    if names:
        raise ConfigError(
            f"guard {names[0]!r} is an async function", change="use AsyncClient, or make the guard a plain function"
        )


def _checked_timeout(timeout: Any, default: float) -> float:
    if timeout is None:
        return default
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < math.inf:
        raise ConfigError("timeout= is a number of seconds above 0", change="timeout=600")
    return float(timeout)
