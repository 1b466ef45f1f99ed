"""Drift: has the mean of a signal risen above what is tolerated? Asked after every call, without a sample size.

Each signal is a stream of numbers in 0..1, here always 0 or 1: the model refused; the answer was longer than usual;
it took longer than usual. Watched is whether their mean stays at or below a tolerated rate m. The statistic is the
e-detector of Shin, Ramdas and Rinaldo ("E-detectors: a nonparametric framework for sequential change detection",
2022), in its Shiryaev-Roberts form M <- (1 + M) * (1 + b * (x - m)), averaged over a few bets b. It may be looked at
after every call: while the mean is at most m, there are on average at least 1/alpha calls between false alarms,
whatever depends on what.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from psf_runtime.errors import ConfigError
from psf_runtime.flow.effects import Flow, call_once, monotonic
from psf_runtime.flow.protocols import NONE, Attempt, StrategyBase
from psf_runtime.ports import Cells
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.messages import Text
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.rules import Mode
from psf_runtime.types.verdict import Finding

_SUSPECTED = (1.25, 2.0, 4.0, 8.0)  # multiples of m that the bets are made for


def bets_against(tolerated: float) -> tuple[float, ...]:
    """For each suspected rate the best bet against `tolerated`, small enough that one loss is never ruin."""
    spread = tolerated * (1.0 - tolerated)
    best = ((min(factor * tolerated, 0.99) - tolerated) / spread for factor in _SUSPECTED)
    return tuple(min(bet, 0.99 / tolerated) for bet in best)


@dataclass(frozen=True, slots=True)
class DriftRules:
    """Settings.

    Attributes:
        refusal_rate: tolerated share of refused answers, 0..1.
        tail_rate: tolerated share of answers longer, or later, than 19 of 20 of the first ones were.
        baseline: so many first answers tell what is usual, per target; at least 100, because with fewer the limit
            that they suggest is too often wrong by more than the tolerance.
        alpha: at most one false alarm in 1/alpha calls, on average, per signal.
    """

    refusal_rate: float = 0.05
    tail_rate: float = 0.10
    baseline: int = 200
    alpha: float = 1e-5
    refusal_bets: tuple[float, ...] = field(init=False, repr=False)  # worked out here, once
    tail_bets: tuple[float, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rates = (self.refusal_rate, self.tail_rate, self.alpha)
        if self.baseline < 100 or not all(0.0 < rate < 1.0 for rate in rates):
            raise ConfigError(
                "the settings of the drift detectors make no sense",
                control="observability.drift",
                change="a baseline of at least 100, and rates and alpha between 0 and 1",
            )
        object.__setattr__(self, "refusal_bets", bets_against(self.refusal_rate))
        object.__setattr__(self, "tail_bets", bets_against(self.tail_rate))


DEFAULT_RULES = DriftRules()


@dataclass(frozen=True, slots=True)
class Evidence:
    """How much speaks against "the mean is at most m": one number per bet. 1/alpha is enough."""

    against: tuple[float, ...] = (0.0,) * len(_SUSPECTED)

    @property
    def mean(self) -> float:
        """The evidence of all bets together."""
        return sum(self.against) / len(self.against)

    def after(self, value: float, tolerated: float, bets: tuple[float, ...]) -> Evidence:
        """The evidence after one more value in 0..1."""
        surprise = value - tolerated
        return Evidence(
            tuple([(1.0 + before) * (1.0 + bet * surprise) for before, bet in zip(self.against, bets, strict=True)])
        )


@dataclass(frozen=True, slots=True)
class DriftState:
    """What is kept per target. `lengths` and `times` grow until the baseline is full, then turn into the limits."""

    lengths: tuple[float, ...] = ()
    times: tuple[float, ...] = ()
    longest: float | None = None
    latest: float | None = None
    evidence: tuple[Evidence, Evidence, Evidence] = (Evidence(), Evidence(), Evidence())


SIGNALS = ("drift.refusals", "drift.length", "drift.latency")


def watch(
    state: DriftState, rules: DriftRules, *, refused: bool, length: float, seconds: float
) -> tuple[DriftState, list[str]]:
    """The state after one answer, and the signals that are alarmed by it. An alarm starts that signal anew."""
    if state.longest is None or state.latest is None:
        state = _learn(state, rules, length, seconds)
        values: tuple[float | None, ...] = (float(refused), None, None)
    else:
        values = (float(refused), float(length > state.longest), float(seconds > state.latest))
    tail = (rules.tail_rate, rules.tail_bets)
    tolerated = ((rules.refusal_rate, rules.refusal_bets), tail, tail)
    alarms: list[str] = []
    evidence: list[Evidence] = []
    for signal, before, value, (rate, bets) in zip(SIGNALS, state.evidence, values, tolerated, strict=True):
        after = before if value is None else before.after(value, rate, bets)
        if after.mean >= 1.0 / rules.alpha:
            alarms.append(signal)
            after = Evidence()
        evidence.append(after)
    three = (evidence[0], evidence[1], evidence[2])
    return DriftState(state.lengths, state.times, state.longest, state.latest, three), alarms


def _learn(state: DriftState, rules: DriftRules, length: float, seconds: float) -> DriftState:
    lengths = (*state.lengths, length)
    times = (*state.times, seconds)
    if len(lengths) < rules.baseline:
        return DriftState(lengths, times, state.longest, state.latest, state.evidence)
    return DriftState((), (), _high(lengths), _high(times), state.evidence)


def _high(values: tuple[float, ...]) -> float:
    """The value that 19 of 20 do not exceed."""
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]


class Drift(StrategyBase):
    """Watches refusals, length and latency of each target's answers; an alarm is a finding on the call that tipped it.

    It stops no call in either mode: `enforce` only makes the finding count as found rather than observed. What is
    usual is learned from each target's first answers and then stays as it is, so a slow drift cannot become the new
    usual. The state lives in memory and begins anew with the process.

    Still to come: alerts to the purpose's owner, shape of the distributions (PSI), quality scores, kept baselines.
    Source: PSF domain 06; the statistic is in the module's text.
    """

    name = "observability.drift"
    domain = Domain.OBSERVABILITY
    hold = NONE
    inside_of = ("privacy.tokens",)
    outside_of = ("resilience.route", "resilience.attempt")

    def __init__(self, *, cells: Cells, rules: DriftRules = DEFAULT_RULES, mode: Mode = "observe") -> None:
        self._cells = cells
        self._rules = rules
        self._mode = mode

    def run(self, context: Context, request: Request, attempt: Attempt) -> Flow[Response]:
        """Ask, and feed what came back to the detectors of the target that answered."""
        started = yield from monotonic()
        response = yield from attempt(request)
        seconds = (yield from monotonic()) - started
        target = context.route[-1].target if context.route else request.model
        refused = response.finish in ("refusal", "content_filter")
        length = float(sum(len(part.text) for part in response.parts if isinstance(part, Text)))

        def change(state: DriftState | None) -> tuple[DriftState, list[str]]:
            return watch(state or DriftState(), self._rules, refused=refused, length=length, seconds=seconds)

        # Vectors have no length in characters: what is usual for them is learned apart from texts.
        kind = "drift" if request.operation == "chat" else "drift:embed"
        alarms = yield from call_once(self._cells.update, f"{kind}:{target}", change)
        observed = self._mode == "observe"
        context.findings.extend(Finding(self.name, alarm, target, observed=observed) for alarm in alarms)
        return response
