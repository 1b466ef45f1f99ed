"""Every control that a policy switches: what kind it is, and what the two presets do with it.

Four kinds:

- `transforming`: changes or stops what leaves or what arrives. It has no `observe`, because observing it would mean
  clear text on the wire or a live link. Only a waiver switches it off.
- `fact`: needs something that only the application knows. It observes until the first such fact is declared, and
  enforces from then on, for the whole client.
- `detector`: judges. It may observe.
- `fixed`: always at work; there is nothing to observe.

A control with `standard="both"` has two halves: one enforced, and one that often errs and is only observed
(`rest` names it). Strict does the most that this version can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from psf_runtime.policy.spelling import nearest

Kind = Literal["transforming", "fact", "detector", "fixed"]
Preset = Literal["standard", "strict"]
Setting = Literal["enforce", "observe", "both"]
MODES: Mapping[str, int] = MappingProxyType({"observe": 0, "both": 1, "enforce": 2})  # and their strength


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control.

    Attributes:
        name: `contracts.unicode`, also its key in psf.toml; `id`: its number in the control catalogue (`PSF04.C2`).
        what: what it does, in a few words.
        standard: the mode under `Policy.standard()` while no facts are declared.
        most: the strictest mode that this version can keep, and the one that strict gives.
        fact: for the kind `fact`: what turns it on.
        word: how the one line of a client names it while it observes; `rest`: the same for the observed half.
        waivable: `always`, `standard` (a strict policy cannot waive it) or `never`.
        here: False for a control that this version does not have: no setting of it is accepted.
    """

    name: str
    id: str
    kind: Kind
    what: str
    standard: Setting = "enforce"
    most: Setting = "enforce"
    fact: str = ""
    word: str = ""
    rest: str = ""
    waivable: Literal["always", "standard", "never"] = "always"
    here: bool = True

    @property
    def may_observe(self) -> bool:
        """Whether `"observe"` is a mode of this control."""
        return self.kind in ("fact", "detector")

    def default(self, preset: Preset) -> Setting:
        """The mode that a preset gives it, before facts and waivers."""
        return self.most if preset == "strict" else self.standard

    def is_weaker(self, mode: str, than: Setting) -> bool:
        """Whether one mode of this control is weaker than another."""
        return MODES.get(mode, len(MODES)) < MODES[than]


_ALL = (
    Control(
        name="privacy.tokens",
        id="PSF01.C1",
        kind="transforming",
        what="personal data becomes tokens before the wire and is restored for the caller",
        waivable="standard",
    ),
    Control(
        name="privacy.consent",
        id="PSF01.C2",
        kind="fact",
        what="purpose and lawful basis, and a valid record where the basis is consent",
        standard="observe",
        fact="a purpose or a consent record",
        word="lawful-basis",
    ),
    Control(
        name="privacy.secrets",
        id="PSF01.C3",
        kind="transforming",
        what="keys, passwords and URLs with credentials are masked for good, and blocked in answers",
    ),
    Control(
        name="privacy.special",
        id="PSF01.C4",
        kind="detector",
        what="words of health, religion and orientation",
        standard="observe",
        word="special-categories",
        here=False,
    ),
    Control(
        name="privacy.media",
        id="PSF01.C5",
        kind="detector",
        what="images and files that leave uninspected",
        standard="observe",
        most="observe",
        word="media",
    ),
    Control(
        name="privacy.residency",
        id="PSF01.C6",
        kind="fact",
        what="the jurisdiction of every recipient fits the purpose",
        standard="observe",
        fact="a region or jurisdiction",
        word="region",
    ),
    Control(
        name="fitness.certificate",
        id="PSF02.C1",
        kind="fact",
        what="a valid fitness certificate covers the target for the purpose",
        standard="observe",
        fact="a purpose that requires a certificate",
        word="certificate",
    ),
    Control(
        name="portability.capability",
        id="PSF03.C1",
        kind="fixed",
        what="what the target cannot do is emulated or refused before sending",
    ),
    Control(
        name="portability.pin",
        id="PSF03.C2",
        kind="detector",
        what="the model's name is dated, and the model that answered is the one expected",
        standard="observe",
        word="model-version",
    ),
    Control(
        name="contracts.size",
        id="PSF04.C1",
        kind="detector",
        what="the request fits the window of the model",
        word="size",
    ),
    Control(
        name="contracts.unicode",
        id="PSF04.C2",
        kind="detector",
        what="tag characters, bidi overrides and stray joiners are removed",
        word="unicode",
    ),
    Control(
        name="contracts.injection",
        id="PSF04.C3",
        kind="detector",
        what="instructions hidden in untrusted parts; in the user's own words a finding",
        standard="both",
        most="both",
        word="injection",
        rest="injection-in-user-text",
    ),
    Control(
        name="contracts.leak",
        id="PSF04.C4",
        kind="detector",
        what="system prompt, secrets and foreign tokens in the answer",
        word="leak",
    ),
    Control(
        name="contracts.output",
        id="PSF04.C5",
        kind="transforming",
        what="the answer fits its contract, with one re-ask",
    ),
    Control(
        name="contracts.tools",
        id="PSF04.C6",
        kind="detector",
        what="tool arguments are valid and the tool is allowed for the purpose",
        word="tools",
    ),
    Control(
        name="contracts.links",
        id="PSF04.C7",
        kind="transforming",
        what="links and images that carry data of the request are defanged; other hosts are a finding",
        standard="both",
        rest="links-to-other-hosts",
    ),
    Control(
        name="contracts.refusal",
        id="PSF04.C8",
        kind="detector",
        what="a refusal that the vendor signals stops the call; one guessed from the text is a finding",
        standard="both",
        most="both",
        word="refusal",
        rest="guessed-refusals",
    ),
    Control(
        name="oversight.autonomy",
        id="PSF05.C1",
        kind="fact",
        what="tools that no rule declares",
        standard="observe",
        fact="an autonomy level of a purpose",
        word="autonomy",
    ),
    Control(
        name="oversight.triggers",
        id="PSF05.C2",
        kind="fact",
        what="the triggers that open tickets",
        standard="observe",
        fact="a reviewer, a trigger, or a tool that is irreversible or always needs approval",
        word="reviewer",
    ),
    Control(
        name="observability.record",
        id="PSF06.C1",
        kind="fixed",
        what="record, log line and span of every call, without content",
        waivable="standard",
    ),
    Control(
        name="observability.drift",
        id="PSF06.C2",
        kind="detector",
        what="drift of answers over time",
        standard="observe",
        word="drift",
    ),
    Control(
        name="resilience.limits",
        id="PSF07.C1",
        kind="fixed",
        what="time limits, retries, attempts, and fallbacks in order",
        waivable="never",
    ),
    Control(
        name="resilience.halt",
        id="PSF07.C2",
        kind="fixed",
        what="the kill switch",
        waivable="never",
    ),
    Control(
        name="resilience.budget",
        id="PSF07.C3",
        kind="fixed",
        what="the money a purpose may cost",
    ),
    Control(
        name="accountability.owner",
        id="PSF08.C1",
        kind="fact",
        what="a named owner for the purpose",
        standard="observe",
        fact="an owner of a purpose",
        word="owner",
    ),
    Control(
        name="accountability.log",
        id="PSF08.C2",
        kind="fixed",
        what="the decision log: an intent before the first byte, an outcome after the last",
    ),
)

CONTROLS: Mapping[str, Control] = MappingProxyType({control.name: control for control in _ALL})
_BY_ID: Mapping[str, Control] = MappingProxyType({control.id: control for control in _ALL})


def find_control(name_or_id: str) -> Control | None:
    """The control of that name (`contracts.injection`) or id (`PSF04.C3`), or None."""
    return CONTROLS.get(name_or_id) or _BY_ID.get(name_or_id.upper())


def nearest_control(name: str) -> str | None:
    """The name of the control that looks most like `name`, if one does."""
    return nearest(name, CONTROLS)
