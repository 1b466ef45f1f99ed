"""From a policy to its layers, outermost first. The one place that knows every guard by name.

The order is fixed by meaning:

    log > halt > consent > certificate > size, unicode, injection > your input guards > oversight
        > output contract > tools > links > TOKENS > your output guards > secrets, leak, refusal
        > record > drift > route > budget > attempt > halt watch, pin > the provider

Above TOKENS the text is clear, below it is tokens. `compose` checks the order again from what the layers declare.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psf_runtime.adapters.logs import LogSink
from psf_runtime.adapters.otel import OtelSink
from psf_runtime.flow.protocols import Layer
from psf_runtime.guards.accountability.evidence import Evidence
from psf_runtime.guards.contracts.conform import Conform
from psf_runtime.guards.contracts.egress import ScreenEgress
from psf_runtime.guards.contracts.injection import ScreenInjection
from psf_runtime.guards.contracts.leak import ScreenLeak
from psf_runtime.guards.contracts.refusal import ScreenRefusal
from psf_runtime.guards.contracts.size import ScreenSize
from psf_runtime.guards.contracts.tools import ScreenTools
from psf_runtime.guards.contracts.unicode import ScreenUnicode
from psf_runtime.guards.fitness.gate import CertificateGate
from psf_runtime.guards.function import FunctionGuard
from psf_runtime.guards.observability.digests import Digests
from psf_runtime.guards.observability.drift import Drift
from psf_runtime.guards.observability.record import Record
from psf_runtime.guards.oversight.oversee import Oversee
from psf_runtime.guards.portability.capability import Capability
from psf_runtime.guards.portability.pin import Pin
from psf_runtime.guards.privacy.consent import Consent
from psf_runtime.guards.privacy.secrets import SecretAnswers
from psf_runtime.guards.privacy.tokenise import Tokenise
from psf_runtime.guards.resilience.attempt import Retry
from psf_runtime.guards.resilience.budget import Allowance, Budget
from psf_runtime.guards.resilience.halt import Halt, HaltWatch
from psf_runtime.guards.resilience.price import cost_of, price_of
from psf_runtime.guards.resilience.route import Route
from psf_runtime.guards.resilience.switches import AnySwitch, EnvironmentSwitch
from psf_runtime.policy.detectors import detectors_of
from psf_runtime.policy.modes import Effective
from psf_runtime.policy.money import parse_budget
from psf_runtime.policy.policy import Policy
from psf_runtime.policy.recipients import Recipients
from psf_runtime.policy.state import State
from psf_runtime.ports import Clock, Detector, Eligible, HaltSwitch, TargetFacts
from psf_runtime.stores.halt_file import HaltFile
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.rules import Mode

Modes = Mapping[str, Effective]
SECRETS = frozenset({"SECRET", "URL_CREDENTIALS"})


@dataclass(frozen=True, slots=True, repr=False)
class Parts:
    """What layers are made of.

    Attributes:
        targets: facts of every target, in the order in which they are asked.
        models: per target, the model's name as the provider knows it.
        default: names of the targets for calls whose purpose has no plan of its own.
        detectors: what looks for personal data, for the life of the client.
    """

    policy: Policy
    state: State
    clock: Clock
    targets: Sequence[TargetFacts]
    models: Mapping[str, str]
    default: Sequence[str]
    detectors: tuple[Detector, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "detectors", detectors_of(self.policy))


class Builder:
    """Makes the layers of one client for the modes that hold on a day."""

    def __init__(self, parts: Parts, modes: Modes) -> None:
        self.parts = parts
        self.policy = parts.policy
        self.state = parts.state
        self.modes = modes
        self.detectors = parts.detectors
        self.recipients = self._recipients()
        self.switch = _switch(parts.policy)
        purposes, clock = parts.policy.purposes, parts.clock
        self.consent = Consent(
            purposes=purposes,
            consents=parts.state.consents,
            clock=clock.time,
            mode=self._mode("privacy.consent"),
            residency=self._mode("privacy.residency"),
        )
        self.gate = CertificateGate(
            certificates=parts.state.certificates, purposes=purposes, mode=self._mode("fitness.certificate")
        )

    def layers(self, *, overseen: bool) -> list[Layer]:
        """Every layer. `overseen`: whether people may have to see the answer before it is released."""
        return [*self._guards_above(overseen), *self._below()]

    def preview(self, vault: Any) -> list[Layer]:
        """What a request goes through before it would be sent, over an ephemeral vault; nothing is recorded."""
        guards = [layer for layer in self._guards_above(overseen=False) if not hasattr(layer, "run")]
        return [
            layer.with_vault(vault) if isinstance(layer, Tokenise) else layer
            for layer in guards
            if not isinstance(layer, Halt)
        ]

    def _on(self, control: str) -> bool:
        return self.modes[control].on

    def _mode(self, control: str) -> Mode:
        """The mode of a control that shares a layer with others: a waived one goes on looking, and stops nothing."""
        effective = self.modes[control]
        return effective.main if effective.on else "observe"

    def _guards_above(self, overseen: bool) -> list[Layer]:
        """Everything down to and including the line below which no personal data goes."""
        policy, state = self.policy, self.state
        evidence = Evidence(
            ledger=state.ledger,
            purposes=policy.purposes,
            policy_digest=policy.label,
            key=state.key,
            mode_owner=self._mode("accountability.owner"),
        )
        layers: list[Layer] = [evidence, Halt(switch=self.switch)]
        if self._on("privacy.consent") or self._on("privacy.residency"):
            layers.append(self.consent)
        if self._on("fitness.certificate"):
            layers.append(self.gate)
        layers += self._screens()
        layers += [guard for guard in policy.guards if isinstance(guard, FunctionGuard) and guard.on == "input"]
        layers += self._oversight(overseen)
        layers += self._contracts()
        layers.append(
            Tokenise(
                vault=state.vault,
                detectors=self.detectors,
                key=state.key,
                tables=self.recipients.table_for,
                tools=policy.tools,
                invented=policy.privacy.invented,
            )
        )
        return layers

    def _recipients(self) -> Recipients:
        """What happens to each entity. Where a waiver is in force, the layer stays and lets those values through."""
        policy = self.policy
        forced: dict[str, str] = dict.fromkeys(SECRETS, "block") if policy.preset == "strict" else {}
        if not self._on("privacy.tokens"):
            found = frozenset[str]().union(*(detector.entities for detector in self.detectors))
            forced.update(dict.fromkeys(found - SECRETS, "allow"))
        if not self._on("privacy.secrets"):
            forced.update(dict.fromkeys(SECRETS, "allow"))
        return Recipients(
            actions=policy.privacy.actions,
            by_jurisdiction=policy.privacy.actions_by_jurisdiction,
            forced=forced,
            targets=self.parts.targets,
            plans=self._plans(),
            default=self.parts.default,
        )

    def _screens(self) -> list[Layer]:
        modes = self.modes
        windows = [target.context_tokens for target in self.parts.targets if target.context_tokens is not None]
        if len(windows) < len(self.parts.targets):  # one whose window is unknown may have a larger one
            windows = []
        layers: list[Layer] = []
        if self._on("contracts.size"):
            layers.append(
                ScreenSize(mode=modes["contracts.size"].main, context_tokens=max(windows) if windows else None)
            )
        if self._on("contracts.unicode"):
            layers.append(ScreenUnicode(mode=modes["contracts.unicode"].main))
        if self._on("contracts.injection"):
            layers.append(ScreenInjection(mode=modes["contracts.injection"].main))
        return layers

    def _oversight(self, overseen: bool) -> list[Layer]:
        """Holding back a stream for people only where people may have to see it."""
        policy = self.policy
        if not self._on("oversight.triggers"):
            return []
        oversee = Oversee(
            tools=policy.tools,
            purposes=policy.purposes,
            mode=self._mode("oversight.triggers") if overseen else "observe",
            autonomy=self._mode("oversight.autonomy"),
            value_above=policy.oversight.value_above,
        )
        return [oversee]

    def _contracts(self) -> list[Layer]:
        policy, modes = self.policy, self.modes
        layers: list[Layer] = [Conform(find_entities=self._entities)] if self._on("contracts.output") else []
        if self._on("contracts.tools"):
            layers.append(
                ScreenTools(
                    mode=modes["contracts.tools"].main,
                    purposes=policy.purposes,
                    require_list=policy.preset == "strict",
                )
            )
        if self._on("contracts.links"):
            layers.append(
                ScreenEgress(
                    allowed=policy.contracts.allowed_links,
                    mode=modes["contracts.links"].rest,
                    reasoning=policy.contracts.reasoning,
                    find_values=self._spans,
                )
            )
        return layers

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Values for the screen of links, which looks in the middle of a stream: slow detectors would hold it up.

        What only these find is data all the same as soon as it has six letters or digits.
        """
        return [(start, end) for _, start, end in self._entities(text)]

    def _entities(self, text: str) -> list[tuple[str, int, int]]:
        """What the quick detectors find in a text: entity, begin, end."""
        quick = (detector for detector in self.detectors if not getattr(detector, "blocking", False))
        return [(found.entity, found.start, found.end) for detector in quick for found in detector.find(text)]

    def _below(self) -> list[Layer]:
        """Everything that sees tokens only."""
        policy, modes, targets, cells = self.policy, self.modes, self.parts.targets, self.state.cells
        layers: list[Layer] = [
            guard for guard in policy.guards if not (isinstance(guard, FunctionGuard) and guard.on == "input")
        ]
        if self._on("privacy.secrets"):
            layers.append(SecretAnswers())
        if self._on("contracts.leak"):
            layers.append(ScreenLeak(mode=modes["contracts.leak"].main))
        if self._on("contracts.refusal"):
            layers.append(ScreenRefusal(mode=modes["contracts.refusal"].main))
        if self._on("observability.record"):
            layers.append(self._record())
        if self._on("observability.drift"):
            layers.append(Drift(cells=cells, mode=modes["observability.drift"].main))
        layers.append(
            Route(
                targets=targets,
                eligible=self._eligible(),
                required_profile=self.recipients.required,
                plans=self._plans(),
                default=self.parts.default,
                models=self.parts.models,
            )
        )
        layers += self._budgets()
        layers.append(
            Retry(
                targets=targets,
                retries=policy.resilience.retries,
                late_checks=self._eligible(),
                switch=self.switch,
                cells=cells,
            )
        )
        layers.append(HaltWatch(switch=self.switch))
        if self._on("portability.pin"):
            mode = modes["portability.pin"].main
            layers.append(Pin(targets=targets, models=self.parts.models, cells=cells, mode=mode))
        return layers

    def _record(self) -> Record:
        prices = {target.name: price_of(target.price) for target in self.parts.targets}
        return Record(
            sinks=(LogSink(), OtelSink()),
            digests=Digests(self.state.key),
            targets=self.parts.targets,
            models=self.parts.models,
            cost=lambda target, usage: cost_of(usage, prices.get(target)),
        )

    def _eligible(self) -> tuple[Eligible, ...]:
        eligible: list[Eligible] = []
        if self._on("privacy.consent") or self._on("privacy.residency"):
            eligible.append(self.consent.eligible)
        if self._on("fitness.certificate"):
            eligible.append(self.gate.eligible)
        if self._on("portability.capability"):
            eligible.append(Capability())
        return tuple(eligible)

    def _plans(self) -> Mapping[str, Sequence[str]]:
        return {name: tuple(rule.targets) for name, rule in self.policy.purposes.items() if rule.targets}

    def _budgets(self) -> list[Layer]:
        policy, targets, cells = self.policy, self.parts.targets, self.state.cells
        if not self._on("resilience.budget"):
            return []
        allowances = {}
        for name, rule in policy.purposes.items():
            if rule.budget is not None:
                budget = parse_budget(rule.budget)
                allowances[name] = Allowance(budget.amount, budget.seconds)
        whole = policy.resilience.budget_value
        return [
            Budget(
                allowances=allowances,
                whole=None if whole is None else Allowance(whole.amount, whole.seconds),
                targets=targets,
                cells=cells,
            )
        ]


def _switch(policy: Policy) -> HaltSwitch:
    switches: list[HaltSwitch] = [EnvironmentSwitch(os.environ)]
    if policy.resilience.halt_file is not None:
        switches.append(HaltFile(policy.resilience.halt_file))
    return AnySwitch(switches)


def needs_people(policy: Policy, modes: Modes, request: Request, facts: Facts) -> bool:
    """Whether a person may have to see this call's answer, so that its stream must be held."""
    if not modes["oversight.triggers"].on or modes["oversight.triggers"].main == "observe":
        return False
    purpose = policy.purposes.get(facts.purpose or "")
    return bool(request.tools) or (purpose is not None and (bool(purpose.triggers) or purpose.autonomy == "L0"))
