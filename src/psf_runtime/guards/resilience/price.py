"""What a call cost, from declared prices. An unknown price is never taken for nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from psf_runtime.ports import Price
from psf_runtime.types.response_head import Usage

_MILLION = Decimal(1_000_000)


def price_of(declared: Any) -> Price | None:
    """The price that a target declares: a `Price`, a pair `(input, output)` in USD per million tokens, or None."""
    if declared is None or isinstance(declared, Price):
        return declared
    paid_in, paid_out = declared
    return Price(float(paid_in), float(paid_out))


def cost_of(usage: Usage, price: Price | None) -> Decimal | None:
    """USD for this usage; None when the price is unknown or the provider sent no token counts.

    Cached tokens are part of the input tokens, reasoning tokens part of the output tokens. Without a price of their
    own, cached tokens cost as much as others.
    """
    if price is None or not usage.reported:
        return None
    cached = min(usage.cached_tokens, usage.input_tokens)
    cached_price = price.input if price.cached is None else price.cached
    total = (
        (usage.input_tokens - cached) * _decimal(price.input)
        + cached * _decimal(cached_price)
        + usage.output_tokens * _decimal(price.output)
    )
    return total / _MILLION


def _decimal(number: float) -> Decimal:
    return Decimal(str(number))  # by its digits: Decimal(0.15) would be 0.1499999...
