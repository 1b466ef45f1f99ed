"""Oversee: answers that a person must see first become tickets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psf_runtime.errors import Blocked, ConfigError
from psf_runtime.flow.protocols import ALL, NONE, GuardBase, Hold, Session
from psf_runtime.guards.oversight.triggers import Fired, fired_by_purpose, fired_by_tools, silent_triggers
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.messages import ToolCall
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.rules import Mode, Purpose, ToolRule
from psf_runtime.types.verdict import ALLOW, Escalate, Finding, Verdict

AUTONOMY = "oversight.autonomy"
TRIGGERS = "oversight.triggers"
SIGNALS = "oversight.signals"


class _Watch(Session):
    def __init__(self, guard: Oversee, context: Context) -> None:
        self._guard = guard
        self._context = context
        self._purpose = guard.purposes.get(context.facts.purpose or "")

    def on_request(self, request: Request) -> Request:
        """Look at what is declared; nothing about the content."""
        guard = self._guard
        if self._purpose is None or self._purpose.autonomy is None:
            self._undeclared_autonomy()
        for trigger in silent_triggers(self._purpose, guard.value_above):
            self._observe(TRIGGERS, f"unevaluated.{trigger}")
        return request

    def _undeclared_autonomy(self) -> None:
        if self._guard.autonomy == "enforce":
            named = "the purpose" if self._purpose is not None else "the call names no declared purpose, so it"
            raise Blocked(
                "nothing was sent: no autonomy level is declared.",
                control=AUTONOMY,
                why=f"{named} has no autonomy level, and the control is enforced",
                change='declare one: [purposes.NAME] autonomy = "L1"',
            )
        if self._purpose is not None:
            self._observe(AUTONOMY, "undeclared")

    def on_response(self, response: Response) -> Verdict:
        """Work out whether a person must agree."""
        fired = self._fired(response)
        if not fired:
            return ALLOW
        if self._guard.mode == "observe":
            for one in fired:
                self._observe(TRIGGERS, one.kind, one.where)
            return ALLOW
        self._context.shared[TRIGGERS] = tuple(dict.fromkeys(one.kind for one in fired))
        findings = tuple(Finding(TRIGGERS, one.kind, one.where) for one in fired)
        return Escalate("; ".join(dict.fromkeys(one.words for one in fired)), findings)

    def _fired(self, response: Response) -> list[Fired]:
        guard = self._guard
        signals: Any = self._context.shared.get(SIGNALS, ())
        fired = fired_by_purpose(self._purpose, signals)
        fired += fired_by_tools(response, guard.tools, self._purpose, guard.value_above)
        return fired + self._tools_without_rule(response)

    def _tools_without_rule(self, response: Response) -> list[Fired]:
        found: list[Fired] = []
        for position, part in enumerate(response.parts):
            if not isinstance(part, ToolCall) or part.name in self._guard.tools:
                continue
            where = f"parts[{position}]"
            if self._guard.autonomy == "observe":
                self._observe(AUTONOMY, "undeclared_tool", where)
            else:
                found.append(Fired("undeclared_tool", where, "a tool without a rule needs approval"))
        return found

    def _observe(self, control: str, kind: str, where: str = "") -> None:
        self._context.findings.append(Finding(control, kind, where, observed=True))


class Oversee(GuardBase):
    """Asks a person before an answer is handed out, where the policy says so. All its tool calls wait together.

    A person is asked when the purpose's autonomy is L0; when a tool's rule says `approval="always"`; and when one of
    these triggers fires:

    - `irreversible`: a tool whose rule says so, whatever the purpose lists;
    - `value_above`: a number in a tool's arguments above `value_above`, if the purpose lists the trigger, or if the
      call names no declared purpose;
    - `rights`, `legal`: a purpose that lists one says it of all its answers;
    - `low_confidence`, `novel`, `low_accuracy`, `first_occurrence`: when another layer has put the trigger's name into
      `context.shared["oversight.signals"]`. No built-in layer does so yet: a purpose that lists one gets the finding
      `unevaluated.NAME` on every call, so that it is never silent.

    A tool with `approval="never"` is left out of the tool triggers. A tool without a rule is treated as
    `ToolRule()`. Amounts in the answer's text are not looked at, only those in tool arguments. Not there yet: levels
    L1 to L4 differ only in what their triggers say, and one person decides (no quorum).

    Domain 05, oversight. Implements the controls `oversight.triggers` and `oversight.autonomy`.

    Args:
        tools: name -> rule, from the policy.
        purposes: name -> purpose, from the policy.
        value_above: figure of the trigger of that name, in whatever unit the tools' arguments have.
        mode: of `oversight.triggers`; `observe`: findings only, the call goes on, and streams are not held.
        autonomy: mode of `oversight.autonomy`. `enforce`: a call whose purpose declares no autonomy level is Blocked
            before anything is sent, and a tool without a rule needs approval. `observe`: findings.
        hold: `ALL` (default) where answers may have to wait; nothing else is accepted when enforcing.
    """

    name = TRIGGERS
    domain = Domain.OVERSIGHT
    session = _Watch
    inside_of = ("accountability.log", "resilience.halt", "privacy.consent")

    def __init__(
        self,
        *,
        tools: Mapping[str, ToolRule],
        purposes: Mapping[str, Purpose],
        mode: Mode = "enforce",
        autonomy: Mode = "observe",
        value_above: float | None = None,
        hold: Hold = ALL,
    ) -> None:
        asks = mode == "enforce"
        if asks and hold != ALL:
            raise ConfigError(
                "oversight cannot hold back less than the whole answer",
                control=TRIGGERS,
                why="what has been delivered can no longer be approved",
                change="leave `hold` out, or set the control to observe",
            )
        self.tools = dict(tools)
        self.purposes = dict(purposes)
        self.mode = mode
        self.autonomy = autonomy
        self.value_above = value_above
        self.hold = hold if asks else NONE

    def open(self, context: Context) -> Session:
        """A fresh session for one attempt."""
        return _Watch(self, context)
