"""Several choices in one answer: each is a call of its own, so that each runs through every layer.

A vendor would write all of them in one answer. Here the model is asked once for each, one after the other: every
choice has its own decision and record, and its own share of the budget. What they cost differs in one thing: the prompt
is counted as often as there are choices.
"""

from __future__ import annotations

from typing import Any

import orjson

from psf_runtime.client.ambient import ambient
from psf_runtime.client.wrapped.dialects import CHAT
from psf_runtime.client.wrapped.paths import Way
from psf_runtime.errors import ConfigError
from psf_runtime.providers.dialect.reading import json_object

MOST = 8  # choices of one answer


def choices_of(way: Way, body: bytes) -> tuple[bytes, int]:
    """The body without `n`, and how many choices were asked for.

    Raises ConfigError for a number that is none, and where several choices make no sense.
    """
    fields = json_object(body)
    wanted = fields.get("n")
    if way.dialect is not CHAT or wanted is None:
        return body, 1
    if isinstance(wanted, bool) or not isinstance(wanted, int) or not 1 <= wanted <= MOST:
        raise ConfigError(f"nothing was sent: n must be a number from 1 to {MOST}", change="ask several times")
    if wanted == 1:
        return body, 1
    for given, name in (
        (fields.get("stream"), "stream"),
        (fields.get("seed") is not None, "seed"),
        (ambient().get("ticket"), "facts(ticket=...)"),
    ):
        if given:
            raise ConfigError(
                f"nothing was sent: n above 1 does not go with {name}",
                why="each choice is a call of its own",
                change="leave one of the two out, or ask several times",
            )
    del fields["n"]
    return orjson.dumps(fields), wanted


def joined(bodies: list[bytes]) -> bytes:
    """One `chat.completion` of several: its choices in order, its usage the sum."""
    if len(bodies) == 1:
        return bodies[0]
    answers = [orjson.loads(body) for body in bodies]
    whole = answers[0]
    whole["choices"] = [{**answer["choices"][0], "index": index} for index, answer in enumerate(answers)]
    usages = [answer["usage"] for answer in answers if "usage" in answer]
    if usages:
        whole["usage"] = _sum(usages)
    return orjson.dumps(whole)


def _sum(usages: list[dict[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in usages[0].items():
        values = [usage[name] for usage in usages]
        out[name] = _sum(values) if isinstance(value, dict) else sum(values)
    return out
