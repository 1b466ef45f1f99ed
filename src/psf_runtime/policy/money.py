"""Budgets as people write them in a policy: `200 USD/day`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

_PERIODS = {"hour": 3600.0, "day": 86400.0, "week": 604800.0, "month": 2592000.0}
_BUDGET = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([A-Za-z]{3})\s*/\s*([A-Za-z]+)")
EXAMPLE = '"200 USD/day"'


@dataclass(frozen=True, slots=True)
class Budget:
    """How much money calls may cost in a period.

    Attributes:
        amount: US dollars, because prices of models are kept in them.
        period: `hour`, `day`, `week` or `month` (30 days); `seconds`: its length.
    """

    amount: Decimal
    period: str

    @property
    def seconds(self) -> float:
        """The length of the period."""
        return _PERIODS[self.period]


def parse_budget(text: str) -> Budget:
    """The budget that `text` means.

    Raises:
        ValueError: the text is not a budget, is nothing, or is in a currency other than USD. The message does not
            repeat the text.
    """
    match = _BUDGET.fullmatch(text.strip())
    if match is None or match[3].lower() not in _PERIODS:
        raise ValueError(f"is not a budget such as {EXAMPLE} (per hour, day, week or month)")
    if match[2].upper() != "USD":
        raise ValueError("is in another currency than USD, and prices are kept in USD")
    amount = Decimal(match[1])
    if amount <= 0:
        raise ValueError("is no money at all: to stop calls, use resilience.halt")
    return Budget(amount, match[3].lower())
