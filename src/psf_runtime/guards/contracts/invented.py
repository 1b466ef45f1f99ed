"""Values of persons that a model made up: they fit every check, and belong to nobody, or to somebody else.

A model that is made to write an address by a grammar, and has none, invents one. So an e-mail address, a telephone
number, an IBAN or a card number in an answer must come from somewhere: from the request, or from a token of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from psf_runtime.guards.contracts.raising import may_be_personal
from psf_runtime.guards.contracts.request_data import squash
from psf_runtime.guards.contracts.texts import change_texts
from psf_runtime.types.messages import ToolCall
from psf_runtime.types.request import Request

FindEntities = Callable[[str], Iterable[tuple[str, int, int]]]  # entity, begin, end
RESTORED = "privacy.restored"  # in `context.shared`: whether a value was restored from a token of this request
_WATCHED = frozenset({"EMAIL", "PHONE", "IBAN", "CREDIT_CARD"})
Steps = tuple[str | int, ...]


class Sources:
    """What the values of an answer may come from; looked through only once a value is found.

    Args:
        request: as the application wrote it.
        restored: whether a value was restored from a token.
    """

    def __init__(self, request: Request, restored: Callable[[str], bool] | None) -> None:
        self._request = request
        self._restored = restored or (lambda value: False)
        self._said: str | None = None

    def hold(self, value: str) -> bool:
        """Whether the value was restored, or stands in the request, however its signs are separated."""
        if self._restored(value):
            return True
        if self._said is None:
            self._said = "\0".join(map(squash, _said(self._request)))
        return squash(value) in self._said


def invented(data: Any, sources: Sources, find: FindEntities) -> Iterator[tuple[Steps, str, bool]]:
    """Values in an answer that come from nowhere: place, entity, and whether one fills its field."""
    for steps, text in _leaves(data, ()):
        for entity, start, end in find(text):
            if entity in _WATCHED and not sources.hold(text[start:end]):
                yield steps, entity, not text[:start].strip() and not text[end:].strip()


def _leaves(data: Any, steps: Steps) -> Iterator[tuple[Steps, str]]:
    if isinstance(data, str):
        yield steps, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _leaves(value, (*steps, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _leaves(value, (*steps, index))
    elif isinstance(data, int | float) and not isinstance(data, bool):
        names = [step for step in steps if isinstance(step, str)]
        if names and may_be_personal(names[-1]):
            yield steps, str(data)


def _said(request: Request) -> list[str]:
    """Every text of a request."""
    texts: list[str] = []

    def note(text: str) -> str:
        texts.append(text)
        return text

    change_texts(request, note)
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, ToolCall):
                texts.append(part.args)
    if request.output is not None:
        texts.append(json.dumps(request.output.schema, ensure_ascii=False, default=str))
    return texts
