"""Money: what a purpose may cost in a period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from psf_runtime.errors import BudgetExceeded, ConfigError, ProviderError
from psf_runtime.flow.effects import Flow, call, call_once, now
from psf_runtime.flow.protocols import NONE, Attempt, StrategyBase
from psf_runtime.guards.resilience.price import cost_of, price_of
from psf_runtime.guards.resilience.refusal import refusal
from psf_runtime.ports import Cells, Eligibility, Price, TargetFacts
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.messages import Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import Usage

CONTROL = "resilience.budget"
# Nothing was computed for these, so nothing is billed.
_FREE_KINDS = frozenset(
    (
        "connection",
        "rate_limited",
        "quota_exhausted",
        "auth",
        "not_found",
        "context_length",
        "bad_request",
        "overloaded",
    )
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much a purpose may cost: USD in each period of so many seconds. A day begins at midnight UTC."""

    amount: Decimal
    seconds: float


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent in the period that began at `since` (seconds since the epoch)."""

    since: float
    amount: Decimal


class Budget(StrategyBase):
    """Keeps each purpose within its money, counted in this process.

    Before a send, an estimate of its cost is taken from the purpose's budget; afterwards it is replaced by the real
    cost. The estimate stays when the real cost is not known (no token counts, a broken stream, an abandoned call):
    too much is counted rather than too little. Only what certainly cost nothing is given back. All tenants share the
    budget of a purpose: it is the application's own money.

    A target whose price is unknown may not serve a purpose that has a budget, because nobody could say when the
    budget is used up; another target may (`NotEligible` when there is none). Declare prices with
    `Target(..., price=(input, output))`; a machine of your own may cost `(0, 0)`.

    Args:
        allowances: per purpose. A call without a purpose, or with one that has no budget, counts for `whole` only.
        whole: of all calls together, with or without a purpose; None for no such limit.
        targets: facts of the targets, for their prices.
        cells: where the sums are kept.
        assumed_output: tokens that an answer is taken to have when the call sets no `max_tokens`.

    Raises:
        BudgetExceeded: with `retry_after`, the seconds until the next period.

    Still to come: one sum for several processes, a warning before the end, budgets per user.
    Source: PSF domain 07.
    """

    name = CONTROL
    domain = Domain.RESILIENCE
    hold = NONE
    inside_of = ("resilience.route",)
    outside_of = ("resilience.attempt",)

    def __init__(
        self,
        *,
        allowances: Mapping[str, Allowance],
        targets: Sequence[TargetFacts],
        cells: Cells,
        whole: Allowance | None = None,
        assumed_output: int = 1024,
    ) -> None:
        self._purses = {name: _Purse(f"purpose '{name}'", f"budget:{name}", one) for name, one in allowances.items()}
        self._whole = None if whole is None else _Purse("all calls together", "budget", whole)
        for purse in (*self._purses.values(), *([self._whole] if self._whole else [])):
            if purse.allowance.amount <= 0 or purse.allowance.seconds <= 0:
                raise ConfigError(
                    f"the budget of {purse.owner} allows nothing",
                    control=CONTROL,
                    change="an amount and a period above zero; to stop calls, use resilience.halt",
                )
        self._prices = {target.name: price_of(target.price) for target in targets}
        self._cells = cells
        self._assumed_output = assumed_output

    def run(self, context: Context, request: Request, attempt: Attempt) -> Flow[Response]:
        """Take an estimate, send, and settle."""
        purses = [purse for purse in (self._purses.get(context.facts.purpose or ""), self._whole) if purse is not None]
        if not purses:
            return (yield from attempt(request))
        price = self._price(purses[0], request)
        estimate = _estimate(request, price, self._assumed_output)
        taken = yield from self._take(purses, estimate)
        try:
            response = yield from attempt(request)
        except ProviderError as error:
            if error.kind in _FREE_KINDS and not attempt.committed:
                yield from self._settle(taken, -estimate)
            raise
        cost = cost_of(response.usage, price)
        if cost is not None:
            yield from self._settle(taken, cost - estimate)
        return response

    def _price(self, purse: _Purse, request: Request) -> Price:
        price = self._prices.get(request.model)
        if price is None:
            why = f"its price is unknown, and {purse.owner} has a budget: declare Target(..., price=(in, out))"
            raise refusal([(request.model, Eligibility(CONTROL, why))], target=request.model)
        return price

    def _take(self, purses: Sequence[_Purse], estimate: Decimal) -> Flow[list[_Taken]]:
        """Take the estimate from each purse, or from none."""
        time = yield from now()
        taken: list[_Taken] = []
        for purse in purses:
            since = time - time % purse.allowance.seconds
            change = partial(_take_from, since=since, limit=purse.allowance.amount, estimate=estimate)
            if not (yield from call_once(self._cells.update, purse.key, change)):
                yield from self._settle(taken, -estimate)
                raise _used_up(purse.owner, since + purse.allowance.seconds - time)
            taken.append((purse.key, since))
        return taken

    def _settle(self, taken: Sequence[_Taken], difference: Decimal) -> Flow[None]:
        """Correct what was taken."""
        for key, since in taken:
            yield from call(self._cells.update, key, partial(_correct, since=since, difference=difference))


@dataclass(frozen=True, slots=True)
class _Purse:
    owner: str  # in the words of an error
    key: str
    allowance: Allowance


_Taken = tuple[str, float]  # key of the purse, beginning of the period that the estimate was taken from


def _take_from(spent: Spent | None, *, since: float, limit: Decimal, estimate: Decimal) -> tuple[Spent | None, bool]:
    """The sum with the estimate, and True; or the sum as it was, and False, when that is more than the limit."""
    if spent is None or spent.since < since:
        spent = Spent(since, Decimal(0))
    if spent.amount + estimate > limit:
        return spent, False
    # A clock that goes back opens no fresh period: the later one counts on.
    return Spent(spent.since, spent.amount + estimate), True


def _correct(spent: Spent | None, *, since: float, difference: Decimal) -> tuple[Spent | None, None]:
    """The sum with the difference, unless its period is over."""
    if spent is None or spent.since != since:
        return spent, None
    return Spent(since, max(Decimal(0), spent.amount + difference)), None


def _used_up(owner: str, left: float) -> BudgetExceeded:
    return BudgetExceeded(
        f"nothing was sent: the budget of {owner} is used up, or too small for this call.",
        control=CONTROL,
        retry_after=left,
        why=f"the next period begins in {left:.0f} s",
        change="wait, raise the budget, or set a smaller max_tokens",
    )


def _estimate(request: Request, price: Price, assumed_output: int) -> Decimal:
    """What the call may cost: a token for every three bytes of text, and the longest answer that it allows."""
    size = sum(len(_content(part).encode("utf-8", "replace")) for message in request.messages for part in message.parts)
    output = request.limits.max_tokens if request.limits.max_tokens is not None else assumed_output
    if request.operation == "embed":
        output = 0  # vectors are not counted in tokens
    return cost_of(Usage(size // 3 + 1, output, reported=True), price) or Decimal(0)


def _content(part: Any) -> str:
    match part:
        case Text(text=text) | ToolResult(text=text) | Reasoning(text=text):
            return text
        case ToolCall(name=name, args=args):
            return name + args
        case _:
            return ""  # pictures and files: vendors count them in ways of their own
