"""The settings of the eight domains."""

import copy
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.guards.privacy.recognise import ENTITIES as RECOGNISED
from psf_runtime.policy import (
    Accountability,
    Contracts,
    Fitness,
    Observability,
    Oversight,
    Portability,
    Privacy,
    Resilience,
)
from psf_runtime.policy.controls import CONTROLS, find_control, nearest_control
from psf_runtime.policy.entities import ENTITIES
from psf_runtime.policy.settings import DOMAINS
from psf_runtime.types.domain import Domain

TRANSFORMING = ("privacy.tokens", "privacy.secrets", "contracts.output", "contracts.links")


def problems(cls: type, **values: Any) -> tuple[tuple[str, str, str], ...]:
    with pytest.raises(ConfigError) as caught:
        cls(**values)
    return caught.value.problems


def test_there_is_one_class_for_every_domain() -> None:
    """The eight tables of psf.toml are the eight domains."""
    assert [domain.value for domain in Domain] == list(DOMAINS)


def test_every_mode_of_a_class_is_the_standard_preset() -> None:
    """The default of a field that is named like a control is the mode that the table of controls gives it."""
    for name, control in CONTROLS.items():
        domain, _, key = name.partition(".")
        values = DOMAINS[domain]().values()
        if key in values and name not in ("resilience.halt", "resilience.budget"):
            assert control.standard == values[key], name


@pytest.mark.parametrize("name", TRANSFORMING)
def test_a_transforming_control_has_no_observe(name: str) -> None:
    """Observing it would mean clear text on the wire; the refusal points to a waiver."""
    domain, _, key = name.partition(".")
    (found,) = problems(DOMAINS[domain], **{key: "observe"})
    assert (name, 'has no "observe" mode') == found[:2]
    assert f"Waiver for {name}" in found[2]
    assert CONTROLS[name].kind == "transforming"


@pytest.mark.parametrize("name", ["observability.record", "accountability.log", "portability.capability"])
def test_a_fixed_control_has_no_observe(name: str) -> None:
    """There is nothing to observe about a record."""
    domain, _, key = name.partition(".")
    (found,) = problems(DOMAINS[domain], **{key: "observe"})
    assert found[1] == 'has no "observe" mode'


def test_every_control_takes_the_modes_that_it_can_keep() -> None:
    """Facts and detectors observe; a mode stricter than this version can keep is refused as not there yet."""
    for name, control in CONTROLS.items():
        domain, _, key = name.partition(".")
        if control.may_observe and control.here:
            for mode in ("observe", control.most):
                assert DOMAINS[domain](**{key: mode}).values()[key] == mode
        if control.most != "enforce":
            assert problems(DOMAINS[domain], **{key: "enforce"}) == (
                (name, '"enforce" is not in this version yet', f'"{control.most}"'),
            )


@pytest.mark.parametrize("name", sorted(CONTROLS))
def test_no_control_can_be_switched_off(name: str) -> None:
    """There is no "off": that is a waiver."""
    domain, _, key = name.partition(".")
    if DOMAINS[domain].has(key):
        assert problems(DOMAINS[domain], **{key: "off"})


def test_all_problems_of_one_class_are_listed_at_once() -> None:
    """Not only the first."""
    found = problems(Privacy, consent="enforced", actions={"CREDIT_CRAD": "mask"}, detectors=["builtin", "spacy"])
    assert [name for name, _, _ in found] == ["privacy.consent", "privacy.actions", "privacy.detectors"]
    assert found[1][2] == "CREDIT_CARD"


@pytest.mark.parametrize(
    ("cls", "values", "words"),
    [
        (Privacy, {"special": "enforce"}, ""),
        (Fitness, {"signers": ["keys/evaluator.pub"]}, "signed certificates"),
        (Resilience, {"mid_stream": "restart"}, "restart"),
        (Oversight, {"on_expiry": "safe_message"}, "safe_message"),
    ],
)
def test_what_this_version_does_not_have_is_refused_and_not_ignored(cls: type, values: Any, words: str) -> None:
    """The refusal names the feature and says that it is not there yet."""
    (found,) = problems(cls, **values)
    assert words in found[1]
    assert "not in this version yet" in found[1]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"actions": {"PERSON": "surrogate"}}, "there are no surrogates for PERSON"),
        ({"actions_by_jurisdiction": {"US": {"IBAN": "surrogate"}}}, "US: there are no surrogates for IBAN"),
        ({"actions_by_jurisdiction": {"US": {"SECRET": "allow"}}}, "US: SECRET can only be masked or blocked"),
        ({"actions_by_jurisdiction": {"US": {"EMAIL": "shred"}}}, "entry US entry EMAIL must be one of"),
        ({"invented": "guess"}, '"leave"'),
    ],
)
def test_actions_that_cannot_be_are_refused(values: Any, words: str) -> None:
    """A surrogate without a reserved range, a secret that leaves, and actions that nobody knows; also in one place."""
    (found,) = problems(Privacy, **values)
    assert words in found[1]


def test_an_entity_of_a_later_detector_is_refused() -> None:
    """An action for something that nothing finds would never happen."""
    (found,) = problems(Privacy, actions={"DATE": "block"})
    assert found[1] == "no detector of this version finds DATE"


def test_secrets_are_masked_or_blocked_and_nothing_else() -> None:
    """A secret as a token could be restored; leaving it in clear needs a waiver."""
    assert Privacy(actions={"SECRET": "block"}).actions == {"SECRET": "block"}
    for action in ("allow", "token", "hash"):
        (found,) = problems(Privacy, actions={"SECRET": action})
        assert "masked or blocked" in found[1]


def test_detectors_are_the_ones_that_exist() -> None:
    """Neither none nor unknown ones."""
    assert problems(Privacy, detectors=[])[0][2] == '["builtin"]'
    assert "nobody knows" in problems(Privacy, detectors=["builtin", "own"])[0][1]


def test_links_are_allowed_by_the_bare_name_of_a_host() -> None:
    """An address with a scheme or a path is not a host."""
    assert Contracts(allowed_links=["acme.example"]).allowed_links == ("acme.example",)
    for wrong in ("https://acme.example", "acme.example/x", "", "-a.example"):
        assert problems(Contracts, allowed_links=[wrong])


def test_oversight_takes_groups_amounts_and_a_deadline() -> None:
    """A deadline is understood as seconds; empty groups, amounts of nothing and other deadlines are refused."""
    oversight = Oversight(reviewers={"leads": ["lee@acme.example"]}, value_above=1000, deadline="30m")
    assert oversight.deadline_seconds == 1800.0
    found = problems(Oversight, reviewers={"leads": []}, value_above=0, deadline="soon")
    assert [name for name, _, _ in found] == ["oversight.reviewers", "oversight.value_above", "oversight.deadline"]


def test_limits_are_positive_and_bounded() -> None:
    """No time at all, endless retries and no attempt are refused."""
    found = problems(Resilience, timeout=0, connect_timeout=-1, idle_timeout=0.0, retries=11, attempts=0, budget="5")
    assert len(found) == 6
    assert found[0][0] == "resilience.timeout"
    assert problems(Resilience, timeout="600")[0][1] == "must be a number"


def test_the_halt_is_a_file_by_its_whole_path() -> None:
    """A relative path would depend on the working directory."""
    assert Resilience(halt="file:/run/psf.halt").halt_file == "/run/psf.halt"
    assert Resilience().halt_file is None
    for wrong in ("file:psf.halt", "/run/psf.halt", "file:/", 1):
        assert problems(Resilience, halt=wrong)


def test_the_budget_of_a_client_is_parsed() -> None:
    """`5 USD/hour` gives an amount and seconds; none gives none."""
    budget = Resilience(budget="5 USD/hour").budget_value
    assert budget is not None
    assert budget.seconds == 3600.0
    assert Resilience().budget_value is None


def test_settings_cannot_be_changed() -> None:
    """Neither fields nor what is in them; lists given are copied."""
    hosts = ["acme.example"]
    contracts = Contracts(allowed_links=hosts)
    hosts.append("evil.example")
    assert contracts.allowed_links == ("acme.example",)
    privacy = Privacy(actions={"EMAIL": "hash"})
    with pytest.raises(FrozenInstanceError):
        privacy.consent = "enforce"  # type: ignore[misc]
    with pytest.raises(TypeError, match="replace"):
        privacy.actions["EMAIL"] = "allow"  # type: ignore[index]
    with pytest.raises(TypeError, match="replace"):
        privacy.actions.clear()  # type: ignore[attr-defined]


def test_settings_with_the_same_content_are_equal_and_copy() -> None:
    """Lists and tuples make no difference, and a copy is equal."""
    one = Oversight(reviewers={"leads": ["lee"]})
    assert one == Oversight(reviewers={"leads": ("lee",)})
    assert hash(one) == hash(Oversight(reviewers={"leads": ("lee",)}))
    assert one == copy.deepcopy(one) == copy.copy(one)
    assert one == pickle.loads(pickle.dumps(one))
    assert one != Oversight()


def test_settings_take_names_only() -> None:
    """No positional argument, and no name that nobody knows."""
    for cls in (Privacy, Fitness, Portability, Contracts, Oversight, Observability, Resilience, Accountability):
        with pytest.raises(TypeError):
            cls("enforce")
        with pytest.raises(TypeError):
            cls(unknown="enforce")


def test_a_control_is_found_by_name_and_by_id() -> None:
    """Either is accepted; a typo finds the nearest."""
    assert find_control("contracts.injection") is find_control("PSF04.C3") is find_control("psf04.c3")
    assert find_control("contracts.unicod") is None
    assert nearest_control("contracts.unicod") == "contracts.unicode"


def test_names_and_ids_of_controls_fit_their_domains() -> None:
    """`PSF04.C3` belongs to the fourth domain, and no id is used twice."""
    assert len(CONTROLS) == len({control.id for control in CONTROLS.values()})
    for name, control in CONTROLS.items():
        domain = Domain(name.partition(".")[0])
        assert control.id.startswith(f"PSF{domain.number}.C")
        assert bool(control.fact) == (control.kind == "fact")
        assert bool(control.rest) == (control.standard == "both")
        assert control.word or not control.may_observe


def test_the_entities_of_a_policy_are_those_that_are_found() -> None:
    """What `privacy.actions` may speak of is what the built-in recognisers know."""
    assert set(ENTITIES) == set(RECOGNISED)
