"""Money and prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import BudgetExceeded, ConfigError, ContractViolation, NotEligible, ProviderError
from psf_runtime.guards.resilience import Allowance, Budget, cost_of, price_of
from psf_runtime.ports import Price
from psf_runtime.stores.cells import MemoryCells
from psf_runtime.types.media import Image
from psf_runtime.types.messages import Message, Reasoning, ToolCall, ToolResult
from psf_runtime.types.request import Limits, Request
from psf_runtime.types.response_head import NO_USAGE, Usage
from tests.unit.guards.playbook import Playbook, Step, answer, asking, context, failing, target

DAY = 86400.0
PRICED = target("a", price=(10.0, 20.0))  # USD per million: 1000 in + 500 out = 0.02 USD
FREE = target("own", price=(0, 0))
UNKNOWN = target("x")


class Purse:
    """Calls of one purpose, one after the other, on one clock."""

    def __init__(self, dollars: str, seconds: float = DAY, wall: float = 10 * DAY + 3600) -> None:
        self.cells = MemoryCells()
        allowance = Allowance(Decimal(dollars), seconds)
        self.budget = Budget(allowances={"p": allowance}, targets=[PRICED, FREE, UNKNOWN], cells=self.cells)
        self.wall = wall

    def call(self, outcome: Any, model: str = "a", purpose: str | None = "p", **fields: Any) -> Playbook:
        fields.setdefault("limits", Limits(max_tokens=500))
        book = Playbook(self.budget, [outcome], wall=self.wall, context=context(purpose=purpose))
        book.play(asking("x" * 2997, model=model, **fields))
        return book

    @property
    def spent(self) -> Decimal:
        return self.cells.update("budget:p", lambda spent: (spent, spent.amount))  # type: ignore[no-any-return]


def test_the_estimate_is_replaced_by_the_real_cost():
    """1000 + 500 tokens at 10 and 20 USD per million are 0.02 USD."""
    purse = Purse("1")
    purse.call(answer())
    assert Decimal("0.02") == purse.spent


def test_when_the_money_is_gone_nothing_is_sent_until_the_next_period():
    """A typed error with the seconds until midnight UTC; then the purse is full again."""
    purse = Purse("0.05")
    purse.call(answer())
    purse.call(answer())
    with pytest.raises(BudgetExceeded) as caught:
        purse.call(answer())
    assert (
        caught.value.retry_after,
        caught.value.failure_mode,
        caught.value.control,
    ) == (DAY - 3600, "FM15", "resilience.budget")
    purse.wall = 11 * DAY
    purse.call(answer())
    assert Decimal("0.02") == purse.spent


def test_a_call_that_could_overdraw_is_refused_before_it_is_sent():
    """The longest answer that the call allows is what counts."""
    with pytest.raises(BudgetExceeded):
        Purse("0.05").call(answer(), limits=Limits(max_tokens=5000))


def test_without_max_tokens_a_usual_answer_is_assumed():
    """1001 + 1024 tokens: about 0.03 USD."""
    with pytest.raises(BudgetExceeded):
        Purse("0.025").call(answer(), limits=Limits())
    Purse("0.031").call(answer(), limits=Limits())


def test_what_certainly_cost_nothing_is_given_back():
    """A connection that failed computed nothing."""
    purse = Purse("1")
    with pytest.raises(ProviderError):
        purse.call(failing("connection"))
    assert Decimal(0) == purse.spent


@pytest.mark.parametrize(
    "outcome",
    [failing("stream_interrupted"), failing("timeout"), Step(failing("connection"), commits=True)],
    ids=["interrupted", "timeout", "delivered"],
)
def test_what_may_have_cost_something_stays_counted(outcome: Any):
    """Too much is counted rather than too little."""
    purse = Purse("1")
    with pytest.raises(ProviderError):
        purse.call(outcome)
    assert purse.spent >= Decimal("0.02")


def test_an_answer_that_a_guard_refused_was_paid_for():
    """So was one whose provider reports no tokens: the estimate stands."""
    purse = Purse("1")
    with pytest.raises(ContractViolation):
        purse.call(ContractViolation("no"))
    first = purse.spent
    purse.call(answer(usage=NO_USAGE))
    assert 2 * first == purse.spent > 0


def test_an_unknown_price_is_no_price_of_zero():
    """The target may not serve a purpose that has a budget; the route may ask another."""
    with pytest.raises(NotEligible) as caught:
        Purse("1").call(answer(), model="x")
    assert (caught.value.target, caught.value.control) == ("x", "resilience.budget")  # type: ignore[attr-defined]


def test_a_machine_of_ones_own_costs_nothing():
    """A declared zero is a price."""
    purse = Purse("0.01")
    for _ in range(5):
        purse.call(answer(), model="own", limits=Limits(max_tokens=100_000))
    assert Decimal(0) == purse.spent


@pytest.mark.parametrize("purpose", [None, "another"])
def test_calls_without_a_budget_are_not_counted(purpose: str | None):
    """Neither asked for a price nor stopped."""
    purse = Purse("0.000001")
    assert purse.call(answer(), model="x", purpose=purpose).asked == ["x"]


def whole_budget(dollars: str, cells: MemoryCells) -> Budget:
    return Budget(
        allowances={"p": Allowance(Decimal("0.05"), DAY)},
        whole=Allowance(Decimal(dollars), DAY),
        targets=[PRICED, UNKNOWN],
        cells=cells,
    )


def spend(budget: Budget, purpose: str | None, model: str = "a") -> None:
    book = Playbook(budget, [answer()], context=context(purpose=purpose))
    book.play(asking("x" * 2997, model=model, limits=Limits(max_tokens=500)))


def test_a_budget_for_all_calls_counts_those_without_a_purpose_too():
    """0.07 USD hold three calls of 0.02, whoever makes them; what one purse refuses, the other gets back."""
    cells = MemoryCells()
    budget = whole_budget("0.07", cells)
    for purpose in ("p", None, "another"):
        spend(budget, purpose)
    with pytest.raises(BudgetExceeded) as caught:
        spend(budget, "p")
    assert "all calls together" in caught.value.what
    sums = [cells.update(key, lambda spent: (spent, spent.amount)) for key in ("budget:p", "budget")]
    assert [Decimal("0.02"), Decimal("0.06")] == sums


def test_with_a_budget_for_all_calls_every_price_must_be_known():
    """Also of a call that names no purpose."""
    with pytest.raises(NotEligible):
        spend(whole_budget("1", MemoryCells()), None, model="x")


def test_a_clock_that_goes_back_fills_no_purse():
    """What was spent in the later period still counts."""
    purse = Purse("0.03")
    purse.call(answer())
    purse.wall -= 2 * DAY
    with pytest.raises(BudgetExceeded):
        purse.call(answer())


def test_a_call_over_midnight_is_settled_in_its_own_period():
    """The new period is not charged for the old one's difference."""
    purse = Purse("1", wall=11 * DAY - 1)
    other = purse.budget

    def next_day() -> None:
        purse.wall = 11 * DAY + 5
        Playbook(other, [answer()], wall=purse.wall, context=context(purpose="p")).play(
            asking("x" * 2997, model="a", limits=Limits(max_tokens=500))
        )

    purse.call(Step(answer(usage=Usage(0, 0, reported=True)), meanwhile=next_day))
    assert Decimal("0.02") == purse.spent


def test_every_kind_of_text_is_part_of_the_estimate():
    """Tool calls, results and reasoning count; a picture has no text."""
    parts = (ToolCall("1", "f", "x" * 999), Reasoning("x" * 1000), Image(b"png"))
    request = Request(
        (Message("assistant", parts), Message("tool", (ToolResult("1", "x" * 997),))),
        model="a",
        limits=Limits(max_tokens=0),
    )
    purse = Purse("1")
    Playbook(purse.budget, [answer(usage=NO_USAGE)], wall=purse.wall, context=context(purpose="p")).play(request)
    assert Decimal("0.01") == purse.spent.quantize(Decimal("0.001"))


@pytest.mark.parametrize("allowance", [Allowance(Decimal(0), DAY), Allowance(Decimal(1), 0.0)])
def test_a_budget_that_allows_nothing_is_a_mistake(allowance: Allowance):
    """To stop calls there is the kill switch."""
    with pytest.raises(ConfigError, match="purpose 'p'"):
        Budget(allowances={"p": allowance}, targets=[], cells=MemoryCells())
    with pytest.raises(ConfigError, match="all calls together"):
        Budget(allowances={}, whole=allowance, targets=[], cells=MemoryCells())


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 500)), max_size=30))
@settings(max_examples=40, deadline=None)
def test_the_sum_is_exact_and_never_above_the_budget(usages: list[tuple[int, int]]):
    """Whatever answers cost (up to what they may), the sum is theirs, to the digit, and stays within the budget."""
    purse, total = Purse("0.1"), Decimal(0)
    for tokens_in, tokens_out in usages:
        used = Usage(min(tokens_in, 1000), tokens_out, reported=True)
        try:
            purse.call(answer(usage=used))
        except BudgetExceeded:
            continue
        total += (used.input_tokens * Decimal(10) + used.output_tokens * Decimal(20)) / 1_000_000
        assert total == purse.spent <= Decimal("0.1")


def test_prices_are_counted_by_their_digits():
    """0.15 USD is 0.15 USD: no binary dust; cached tokens have their own price where there is one."""
    usage = Usage(1_000_000, 1_000_000, cached_tokens=400_000, reported=True)
    assert Decimal("0.75") == cost_of(usage, Price(0.15, 0.6))
    assert Decimal("0.69") + Decimal("0.012") == cost_of(usage, Price(0.15, 0.6, cached=0.03))


def test_what_is_not_known_costs_none_and_never_zero():
    """No price, or no token counts."""
    assert cost_of(Usage(1, 1, reported=True), None) is None
    assert cost_of(NO_USAGE, Price(1, 1)) is None
    assert Decimal(0) == cost_of(Usage(reported=True), Price(1, 1))


def test_a_price_may_be_declared_in_two_ways():
    """A Price, a pair, or nothing."""
    assert (Price(1.0, 2.0), Price(3, 4), None) == (price_of((1, 2)), price_of(Price(3, 4)), price_of(None))
