"""What looks for personal data, as a policy names it. Made once for a client: a model takes seconds to load."""

from __future__ import annotations

from psf_runtime.adapters.presidio import PresidioDetector
from psf_runtime.errors import ConfigError, Problem
from psf_runtime.guards.privacy.actions import profile_of
from psf_runtime.guards.privacy.detect import Builtin
from psf_runtime.policy.entities import ENTITIES
from psf_runtime.policy.policy import Policy
from psf_runtime.ports import Detector


def detectors_of(policy: Policy) -> tuple[Detector, ...]:
    """The detectors of `privacy.detectors`.

    Raises ConfigError when Presidio is named and not installed, when there is no model in `privacy.presidio_model`, or
    when `privacy.actions` or a tool's `restore` speak of an entity that none of the detectors can find.
    """
    actions = policy.entity_actions
    # What may leave is not looked for, so that it cannot win over something that may not.
    builtin = Builtin(entities=(one for one in ENTITIES if profile_of(actions).get(one) != "allow"))
    if "presidio" not in policy.privacy.detectors:
        return (builtin,)  # its entities are checked with the settings
    # What may leave must not win over something inside of it that may not: an address in a link.
    ignored = sorted(entity for entity, action in actions.items() if action == "allow")
    detectors = (builtin, PresidioDetector(model_folder=policy.privacy.presidio_model, ignore=ignored))
    found = frozenset(ignored).union(*(detector.entities for detector in detectors))
    problems: list[Problem] = [
        ("privacy.actions", f"{entity} is found by no detector", _REMEDY) for entity in sorted(set(actions) - found)
    ]
    for name, rule in policy.tools.items():
        missing = sorted(set(rule.restore or ()) - found)
        problems += [(f"tools.{name}.restore", f"{entity} is found by no detector", _REMEDY) for entity in missing]
    if problems:
        raise ConfigError("the policy speaks of entities that its detectors cannot find:", problems=problems)
    return detectors


_REMEDY = "remove it, or privacy.presidio_model = the folder of a spaCy model"
