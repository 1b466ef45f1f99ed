"""How large the largest number in a tool's arguments is. Doubt counts as too large."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

_DIGITS = re.compile(r"[+-]?\d[\d.,'_\s]*(?:[eE][+-]?\d+)?")
_CURRENCY = re.compile(r"^(?:[A-Za-z]{3}|\W)?\s*(.*?)\s*(?:[A-Za-z]{3}|[^\w.,])?$", re.DOTALL)
_LONGEST = 64  # characters; no amount is longer, and matching takes square time
_MARKS_ONLY = re.compile(r"[\d\s.,'_+\-eE]+")
_GROUPING = re.compile(r"[\s'_]")


def exceeds(value: Any, limit: float) -> bool:
    """Whether any number anywhere in a JSON value is larger than `limit`, signs aside.

    Strings count when they are written as a number or an amount (`"1,250.00 EUR"`): a model may write either. Where a
    comma or a point can be read in two ways, the larger reading counts. NaN and infinity exceed every limit.
    """
    bound = Decimal(str(limit))
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list | tuple):
            waiting.extend(item)
        elif _is_over(item, bound):
            return True
    return False


def _is_over(item: Any, bound: Decimal) -> bool:
    if isinstance(item, bool) or item is None:
        return False
    if isinstance(item, str):
        size = written_amount(item)
        return size is not None and size > bound
    size = Decimal(item if isinstance(item, int) else str(item)).copy_abs()
    return not size.is_finite() or size > bound


def written_amount(text: str) -> Decimal | None:
    """The size of a number or amount written as text, in its larger reading; None when it is no number."""
    text = text.strip()
    if len(text) > _LONGEST:
        return Decimal("Infinity") if _MARKS_ONLY.fullmatch(text) and any(map(str.isdigit, text)) else None
    match = _CURRENCY.match(text)
    body = match.group(1) if match else text
    if not _DIGITS.fullmatch(body):
        return None
    digits = _GROUPING.sub("", body)
    try:
        return Decimal(_with_one_point(digits)).copy_abs()
    except InvalidOperation:
        return Decimal("Infinity")  # an exponent beyond all bounds


def _with_one_point(digits: str) -> str:
    """The same digits with at most one point: the last mark, unless it groups thousands."""
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return digits
    whole, mark, fraction = digits[:last], digits[last], digits[last + 1 :]
    marks = digits.count(".") + digits.count(",")
    groups_thousands = len(fraction) == 3 and (marks == 1 or whole.count(mark) > 0)
    whole = whole.replace(".", "").replace(",", "")
    return whole + fraction if groups_thousands else f"{whole}.{fraction}"
