"""An answer that is a refusal is not an answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from psf_runtime.errors import ModelRefused
from psf_runtime.flow.protocols import GuardBase, Session
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.response import Response
from psf_runtime.types.rules import Mode
from psf_runtime.types.verdict import ALLOW, Finding, Verdict

# Only the beginning of an answer is looked at: further down, such words are about something else.
_LOOKED_AT = 160
_GUESS = re.compile(
    r"^\W{0,8}(?:"
    r"(?:i['’]?m|i am) (?:really |very |so )?sorry,? (?:but )?(?:i|that)\b"
    r"|(?:sorry|i apologi[sz]e),? (?:but )?i (?:can['’]?t|cannot|can not|won['’]?t|am unable)"
    r"|i (?:can['’]?t|cannot|can not|won['’]?t|am unable to|am not able to) (?:help|assist|provide|do|comply|fulfil)"
    r"|(?:es )?tut mir (?:sehr )?leid,? (?:aber )?(?:ich|das)\b|ich kann (?:dir|ihnen|das|dabei) (?:\w+ )?nicht"
    r"|(?:je suis )?d[ée]sol[ée]e?,? (?:mais )?je ne|je ne peux pas (?:vous |t['’])?(?:aider|fournir|r[ée]pondre)"
    r"|lo siento,? (?:pero )?no puedo|no puedo (?:ayudar|proporcionar|cumplir)"
    r"|mi dispiace,? (?:ma )?non posso|desculpe,? (?:mas )?n[ãa]o posso|het spijt me,? (?:maar )?ik kan"
    r"|很?抱歉[,，]?我(?:不能|无法)|申し訳(?:ありません|ございません)"
    r")",
    re.IGNORECASE,
)


class RefusalSession(Session):
    """Looks at how the answer ended, and at how it begins."""

    def __init__(self, guard: ScreenRefusal, context: Context) -> None:
        self._guard = guard
        self._context = context

    def on_response(self, response: Response) -> Verdict:
        """Signalled by the vendor: raised. Guessed from the text: a finding only, for words are no proof."""
        if response.finish in ("refusal", "content_filter"):
            self._signalled(f"refusal.{response.finish}")
        elif not response.tool_calls and _GUESS.match(response.text[:_LOOKED_AT].lstrip()):
            self._context.findings.append(Finding("contracts.refusal", "refusal.guessed", "response", observed=True))
        return ALLOW

    def _signalled(self, kind: str) -> None:
        observed = self._guard.mode == "observe"
        finding = Finding("contracts.refusal", kind, "response", observed=observed)
        self._context.findings.append(finding)
        if observed:
            return
        filtered = kind == "refusal.content_filter"
        raise ModelRefused(
            "the provider's filter stopped the answer." if filtered else "the model declined to answer.",
            control="contracts.refusal",
            why="the provider said so in the answer itself",
            change="say what the task is for, or send it to another target",
            findings=(finding,),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenRefusal(GuardBase):
    """A refusal is an error of its own (`ModelRefused`), never an empty or polite answer that looks like success.

    What the vendor signals (a refusal, a content filter) is raised and never retried there. A refusal that can only be
    guessed from the first words, in eight languages, is a finding and the call goes on.

    Other languages and refusals in the middle of an answer are still to come. Source: framework domain 04.
    """

    name = "contracts.refusal"
    domain = Domain.CONTRACTS
    session = RefusalSession
    inside_of = ("contracts.output", "privacy.tokens")

    mode: Mode = "enforce"

    def open(self, context: Context) -> Session:
        """A session for one attempt."""
        return RefusalSession(self, context)
