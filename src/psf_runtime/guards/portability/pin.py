"""Pinned models: a dated name is asked for, and that very model answers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from psf_runtime.errors import Blocked, NotEligible
from psf_runtime.flow.effects import call_once
from psf_runtime.flow.protocols import NONE, GuardBase, Session
from psf_runtime.guards.portability.identity import same_model
from psf_runtime.ports import Cells, TargetFacts
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.rules import Mode
from psf_runtime.types.verdict import ALLOW, Finding, Verdict

CONTROL = "portability.pin"
_WHY = {
    "model.changed": "another model answered than the one that was asked for",
    "model.version_changed": "the same name is answered by another version than before",
    "model.unknown": "the provider does not say which model answered",
}


class PinSession(Session):
    """Checks one attempt at one target."""

    def __init__(self, pin: Pin, context: Context) -> None:
        self._pin = pin
        self._context = context
        self._target = ""

    def on_request(self, request: Request) -> Request:
        """Is the model's name dated? If not: a finding, or NotEligible when enforced, so that another may be asked."""
        self._target = request.model
        if self._pin.dated(request.model):
            return request
        self._found("model.undated")
        if self._pin.mode == "enforce":
            error = NotEligible(
                f"nothing was sent: the model of target '{request.model}' is not pinned to a version.",
                control=CONTROL,
                why="its name has no date, so the vendor may change the model behind it",
                change="name a dated version of the model",
            )
            error.target = request.model
            raise error
        return request

    def on_response(self, response: Response) -> Generator[Any, Any, Verdict]:
        """Did the model answer that was asked for, in the version that answered before?"""
        kinds = self._pin.compared(self._target, response)
        if response.model_version or response.model:
            version = response.model_version or response.model
            changed = yield from call_once(self._pin.cells.update, f"pin:{self._target}", _seen_before(version))
            if changed:
                kinds.append("model.version_changed")
        for kind in kinds:
            self._found(kind)
        if kinds and self._pin.mode == "enforce":
            raise Blocked(
                f"the answer of target '{self._target}' was stopped: {_WHY[kinds[0]]}.",
                control=CONTROL,
                why="what was tested is one version of one model",
                change="test the new version, then pin it",
                failure_mode="FM21",
            )
        return ALLOW

    def _found(self, kind: str) -> None:
        finding = Finding(CONTROL, kind, self._target, observed=self._pin.mode == "observe")
        if finding not in self._context.findings:
            self._context.findings.append(finding)


class Pin(GuardBase):
    """Checks that the model is pinned to a version, and that this version answers.

    Observing, it leaves findings: `model.undated`, `model.changed`, `model.version_changed`, `model.unknown`.
    Enforcing, an undated target is not eligible, and an answer by another model, or another version than the one that
    answered before, is `Blocked` (FM21): the world did not fail, the policy says no, and asking again would not help.
    A stream is stopped at its end, because only then the provider has said everything; nothing after that is
    delivered, and the caller sees the error in place of the finish.

    Args:
        targets: facts of the targets (`dated`).
        models: per target, the model's name as it goes to the provider; a target that is missing has none to compare.
        cells: where the version that answered last is remembered, in this process.

    Still to come: versions that outlive the process, and a fitness certificate that falls when the version changes.
    Source: PSF domain 03 and 06 (model version in every record).
    """

    name = CONTROL
    domain = Domain.PORTABILITY
    session = PinSession
    hold = NONE
    inside_of = ("resilience.route", "resilience.attempt")

    def __init__(
        self, *, targets: Sequence[TargetFacts], models: Mapping[str, str], cells: Cells, mode: Mode = "observe"
    ) -> None:
        self._dated = {target.name for target in targets if target.dated}
        self._models = dict(models)
        self.cells = cells
        self.mode = mode

    def open(self, context: Context) -> Session:
        """A session for one attempt."""
        return PinSession(self, context)

    def dated(self, target: str) -> bool:
        """Whether the target names one version of its model."""
        return target in self._dated

    def compared(self, target: str, response: Response) -> list[str]:
        """What is wrong with the name that answered: nothing, or one kind of finding."""
        if not response.model:
            return ["model.unknown"]
        asked = self._models.get(target)
        return [] if asked is None or same_model(asked, response.model) else ["model.changed"]


def _seen_before(version: str) -> Callable[[str | None], tuple[str, bool]]:
    def change(before: str | None) -> tuple[str, bool]:
        return version, before is not None and before != version

    return change
