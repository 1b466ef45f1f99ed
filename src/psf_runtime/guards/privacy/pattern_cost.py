"""Whether a regular expression of somebody else's can be slow: the most steps that it may take from one place."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from typing import Any

from psf_runtime.errors import ConfigError

_MOST_STEPS = 4_000  # from one place of a text: so the work grows with the length of the text only
_LONGEST = 1_000  # characters of a pattern
_UNKNOWN = 10 * _MOST_STEPS


def check_pattern(pattern: str) -> re.Pattern[str]:
    """The compiled pattern. Raises ConfigError when it is no pattern, matches nothing at all, or may be slow."""
    if len(pattern) > _LONGEST:
        raise _refused("it is too long", f"at most {_LONGEST} characters")
    try:
        compiled = re.compile(pattern)
        tree: Any = importlib.import_module("re._parser").parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        place = getattr(error, "pos", None) or 0
        raise _refused("it is not a regular expression", f"look at position {place}") from None
    if compiled.match("") is not None:
        raise _refused("it matches an empty text", "let it need at least one character")
    if _steps(tree) > _MOST_STEPS:
        raise _refused(
            "a text could make it slow",
            r"give every repetition an upper bound, such as \w{1,40}, nest none in another, and use no back-references",
        )
    return compiled


def _refused(why: str, change: str) -> ConfigError:
    return ConfigError("a pattern cannot be used", why=why, change=change)


def _steps(items: Iterable[Any]) -> int:
    """An upper bound of the ways in which a sequence can be tried at one place: the ways of its parts, multiplied."""
    total = 1
    for operation, argument in items:
        total *= _ways(str(operation), argument)
        if total > _UNKNOWN:
            return _UNKNOWN
    return total


def _ways(operation: str, argument: Any) -> int:
    if operation in ("LITERAL", "NOT_LITERAL", "IN", "ANY", "AT", "CATEGORY", "RANGE"):
        return 1
    if operation == "SUBPATTERN":
        return _steps(argument[3])
    if operation == "ATOMIC_GROUP":
        return _steps(argument)
    if operation in ("ASSERT", "ASSERT_NOT"):
        return _steps(argument[1])
    if operation == "BRANCH":
        return min(_UNKNOWN, sum(_steps(branch) for branch in argument[1]))
    if operation in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return _repeated(*argument)
    return _UNKNOWN  # back-references, and what a later Python brings


def _repeated(fewest: int, most: int, items: Any) -> int:
    """`x{2,5}` can be tried with four lengths, and each costs as many steps as it is long."""
    inner = _steps(items)
    if most > _MOST_STEPS:
        return _UNKNOWN
    if inner == 1:
        return max(1, most if most == fewest else most + 1)
    return _UNKNOWN if most > 12 else min(_UNKNOWN, max(1, most) * inner**most)
