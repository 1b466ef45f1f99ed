"""`Policy`: presets, equality, digest, modes."""

from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError
from psf_runtime.flow.protocols import GuardBase
from psf_runtime.policy import (
    Contracts,
    Observability,
    Oversight,
    Policy,
    Portability,
    Privacy,
    Purpose,
    Resilience,
    Target,
    ToolRule,
    Waiver,
)
from psf_runtime.policy.controls import CONTROLS
from psf_runtime.policy.modes import Effective

DAY = date(2026, 11, 24)
LATER = date(2027, 3, 31)
REVIEWED = Oversight(reviewers={"leads": ["lee@acme.example"]})


class MyGuard(GuardBase):
    name = "no_competitors"


def waiver(control: str, expires: date = LATER, **changes: str) -> Waiver:
    fields = {"approver": "lee@acme.example", "reason": "archive", "compensating_control": "plain-text view", **changes}
    return Waiver(control, expires=expires, **fields)


def modes_of(policy: Policy, **more: Any) -> Mapping[str, Effective]:
    return policy.modes(day=DAY, **more)


def problems(**values: Any) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        Policy.standard(**values)
    return [(name, what) for name, what, _ in caught.value.problems]


def strict_values() -> dict[str, Any]:
    return {
        "targets": {"gpt": Target("openai:gpt-4o-2024-08-06")},
        "purposes": {
            "support": Purpose(
                owner="dana@acme.example", lawful_basis="contract", targets=["gpt"], tools=[], budget="5 USD/day"
            )
        },
        "oversight": REVIEWED,
        "waivers": [waiver("accountability.log")],
    }


def test_the_default_is_the_standard_preset() -> None:
    """`Policy() == Policy.standard()`, with the same digest."""
    assert Policy() == Policy.standard()
    assert Policy().digest == Policy.standard().digest
    assert Policy().name == "standard"
    assert f"standard@{Policy().digest}" == Policy().label
    assert hash(Policy()) == hash(Policy.standard())


def test_without_facts_a_standard_policy_has_the_modes_of_its_table() -> None:
    """What needs facts or errs often observes, the rest enforces, and what is not there is absent."""
    effective = modes_of(Policy())
    assert set(CONTROLS) == set(effective)
    for name, entry in effective.items():
        absent = name == "resilience.budget" or not CONTROLS[name].here
        expected = "absent" if absent else CONTROLS[name].standard
        assert expected == entry.mode
        assert entry.source == "standard"


@pytest.mark.parametrize(
    ("control", "values", "source"),
    [
        ("privacy.consent", {"purposes": {"support": Purpose()}}, "purposes.support"),
        ("privacy.residency", {"purposes": {"support": Purpose(jurisdictions=["EU"])}}, "purposes.support"),
        ("privacy.residency", {"targets": {"eu": Target("mock:echo", region="eu-central-1")}}, "targets.eu"),
        ("fitness.certificate", {"purposes": {"p": Purpose(certificate="required")}}, "purposes.p"),
        ("oversight.autonomy", {"purposes": {"p": Purpose(autonomy="L1")}}, "purposes.p"),
        ("oversight.triggers", {"purposes": {"p": Purpose(triggers=["legal"])}}, "purposes.p"),
        ("oversight.triggers", {"oversight": REVIEWED}, "oversight.reviewers"),
        ("oversight.triggers", {"tools": {"pay": ToolRule(approval="always")}}, "tools.pay"),
        (
            "oversight.triggers",
            {"tools": {"wipe": ToolRule(irreversible=True)}, "oversight": REVIEWED},
            "oversight.reviewers",
        ),
        ("accountability.owner", {"purposes": {"p": Purpose(owner="dana@acme.example")}}, "purposes.p"),
    ],
)
def test_the_first_declared_fact_turns_its_control_on(control: str, values: Any, source: str) -> None:
    """The control enforces, for the whole client, and says which fact did it."""
    assert modes_of(Policy())[control].mode == "observe"
    entry = modes_of(Policy.standard(**values))[control]
    assert ("enforce", source) == (entry.mode, entry.source)
    assert source in entry.note


def test_a_fact_in_the_store_turns_its_control_on() -> None:
    """A consent record counts as the first fact of consent, and of nothing else."""
    effective = modes_of(Policy(), declared=["privacy.consent"])
    assert (effective["privacy.consent"].mode, effective["privacy.consent"].source) == ("enforce", "state")
    assert effective["accountability.owner"].mode == "observe"


def test_what_is_set_in_python_has_code_as_its_source() -> None:
    """Who set a control can be told from the preset."""
    policy = Policy.standard(
        privacy=Privacy(consent="enforce"), contracts=Contracts(links="enforce", allowed_links=["acme.example"])
    )
    assert modes_of(policy)["privacy.consent"].mode == "enforce"
    assert modes_of(policy)["contracts.links"].rest == "enforce"
    assert tuple(
        policy.source_of(name) for name in ("privacy.consent", "contracts.allowed_links", "contracts.size")
    ) == ("code", "code", "standard")
    assert (policy.source_of("state"), Policy(state="memory:").source_of("state")) == ("standard", "code")


def test_a_control_in_two_halves_enforces_one_and_observes_the_other() -> None:
    """`both` is main enforced, rest observed; `observe` is both observed; strict enforces both where that exists."""
    both = modes_of(Policy())["contracts.links"]
    assert (both.main, both.rest, both.on) == ("enforce", "observe", True)
    observed = modes_of(Policy.standard(contracts=Contracts(injection="observe")))["contracts.injection"]
    assert (observed.main, observed.rest) == ("observe", "observe")
    strict = modes_of(Policy.strict(**strict_values()))
    assert (strict["contracts.links"].main, strict["contracts.links"].rest) == ("enforce", "enforce")
    assert (strict["contracts.injection"].main, strict["contracts.injection"].rest) == ("enforce", "observe")


def test_a_budget_acts_once_it_is_set() -> None:
    """Of a purpose, or of the client."""
    assert not modes_of(Policy())["resilience.budget"].on
    assert modes_of(Policy(resilience=Resilience(budget="5 USD/day")))["resilience.budget"].on
    assert modes_of(Policy(purposes={"p": Purpose(budget="5 USD/day")}))["resilience.budget"].on


def test_a_waiver_holds_to_its_last_day_and_no_longer() -> None:
    """After it the control is on again."""
    policy = Policy.standard(waivers=[waiver("contracts.unicode", DAY)])
    entry = policy.modes(day=DAY)["contracts.unicode"]
    assert (entry.mode, entry.note, entry.on) == ("waived", "until 2026-11-24 by lee@acme.example", False)
    assert policy.modes(day=DAY + timedelta(days=1))["contracts.unicode"].mode == "enforce"


def test_a_waiver_may_name_the_id_of_a_control() -> None:
    """`PSF04.C2` is `contracts.unicode`."""
    assert modes_of(Policy.standard(waivers=[waiver("PSF04.C2")]))["contracts.unicode"].mode == "waived"


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (waiver("contracts.unicod"), "contracts.unicod is no control of this version"),
        (waiver("resilience.halt"), "resilience.halt cannot be waived"),
        (waiver("contracts.unicode", approver=" "), "is empty"),
        (waiver("contracts.unicode", reason=""), "is empty"),
        (waiver("contracts.unicode", compensating_control=""), "is empty"),
        (waiver("contracts.unicode", expires="2027-03-31"), "must be a date, not a text"),  # type: ignore[arg-type]
    ],
)
def test_a_waiver_without_its_five_fields_is_refused(given: Waiver, what: str) -> None:
    """So is one for something that cannot be waived."""
    assert what in [wrong for _, wrong in problems(waivers=[given])]


def test_an_irreversible_tool_needs_a_reviewer() -> None:
    """Otherwise it would run unseen."""
    tools = {"wipe": ToolRule(irreversible=True)}
    assert problems(tools=tools) == [("tools.wipe", "is irreversible, and there is no reviewer")]
    assert tools == Policy.standard(tools=tools, oversight=REVIEWED).tools


@pytest.mark.parametrize(
    ("values", "name", "words"),
    [
        ({"state": "sqlite:///:memory:"}, "state", "names no file of its own"),
        ({"state": "postgresql+psycopg://u:hunter2@db"}, "state", "names no database"),
        ({"state": "mysql://db"}, "state", "no state that this library knows"),
        ({"state": 5}, "state", "must be a text"),
        ({"key": "hunter2"}, "key", "must say where the keys of the state are"),
        ({"purposes": {"p": Purpose(retention_days=90)}}, "purposes.p.retention_days", "not in this version yet"),
        ({"purposes": {"p": Purpose(targets=["gpt"])}}, "purposes.p.targets", "gpt is no target of this policy"),
        ({"purposes": {"p": Purpose(budget="much")}}, "purposes.p.budget", "is not a budget"),
        ({"purposes": {"p": Purpose(triggers=["value_above"])}}, "purposes.p.triggers", "has no amount"),
        ({"purposes": {"p": Purpose(autonomy="L9")}}, "purposes.p.autonomy", "must be one of"),  # type: ignore[arg-type]
        ({"purposes": {"p": {"owner": "x"}}}, "purposes.p", "must be a Purpose(...)"),
        ({"tools": {"t": ToolRule(restore=["PERSN"])}}, "tools.t.restore", "PERSN is no entity"),
        ({"targets": {"t": Target(5)}}, "targets.t.model", "must be a text"),  # type: ignore[arg-type]
        ({"privacy": Contracts()}, "privacy", "must be a Privacy(...)"),
        ({"guards": [print]}, "guards.0", "is not a guard"),
        ({"guards": [MyGuard]}, "guards.0", "is not a guard"),
        ({"guards": None}, "guards", "must be a list"),
        ({"waivers": "none"}, "waivers", "must be a list"),
        ({"purposes": ["support"]}, "purposes", "must be a table of Purpose(...) by name"),
        ({"purposes": {"p": Purpose(targets="gpt")}}, "purposes.p.targets", "must be a list, each a text"),
        ({"waivers": ["contracts.unicode"]}, "waivers.0", "must be a Waiver(...)"),
    ],
)
def test_a_wrong_value_is_named_and_described(values: Any, name: str, words: str) -> None:
    """With the name of the setting, in words, and never with a password in it."""
    found = problems(**values)
    assert name in [where for where, _ in found]
    assert any(words in what for _, what in found)
    assert "hunter2" not in str(found)


def test_an_unknown_preset_is_refused() -> None:
    """There are two."""
    with pytest.raises(ConfigError, match="the policy has 1 problem"):
        Policy(preset="loose")  # type: ignore[arg-type]


def test_all_problems_are_in_one_error() -> None:
    """Over all tables."""
    found = problems(state="sqlite://x", tools={"wipe": ToolRule(irreversible=True)}, waivers=[waiver("nothing.such")])
    assert [name for name, _ in found] == ["state", "tools.wipe", "waivers.0"]


def test_strict_lists_everything_that_it_lacks() -> None:
    """In one error, in the shape of every ConfigError."""
    with pytest.raises(ConfigError) as caught:
        Policy.strict(purposes={"support": Purpose()}, targets={"gpt": Target("openai:gpt-4o")})
    text = str(caught.value)
    assert text.startswith("Policy.strict() lacks 7 things:\n")
    assert [(name, what) for name, what, _ in caught.value.problems] == [
        ("state", "memory keeps nothing"),
        ("targets.gpt", "its model has no date"),
        ("purposes.support", "has no owner"),
        ("purposes.support", "has no lawful basis"),
        ("purposes.support", "has no list of tools"),
        ("purposes.support", "has no budget"),
        ("oversight.reviewers", "there are none"),
    ]
    assert '  purposes.support      has no owner            change: [purposes.support] owner = "..."' in text


def test_what_is_wrong_and_what_is_lacking_are_in_one_error() -> None:
    """Each name once: a state that is not there is not also missing."""
    with pytest.raises(ConfigError, match="the policy has 4 problems") as caught:
        Policy.strict(**{**strict_values(), "state": "sqlite://x", "waivers": [waiver("no.such")], "targets": {}})
    assert [name for name, _, _ in caught.value.problems] == [
        "state",
        "purposes.support.targets",
        "waivers.0",
        "targets",
    ]


def test_strict_without_targets_and_purposes_says_so() -> None:
    """A strict policy names what it may call, and why."""
    with pytest.raises(ConfigError) as caught:
        Policy.strict()
    assert [name for name, _, _ in caught.value.problems] == ["state", "targets", "purposes", "oversight.reviewers"]


def test_strict_with_all_it_needs_does_the_most_that_there_is() -> None:
    """It enforces also what standard observes; the waived control is waived, and what is not there stays absent."""
    policy = Policy.strict(**strict_values())
    assert policy.name == "strict"
    expected = {name: control.most if control.here else "absent" for name, control in CONTROLS.items()}
    expected["accountability.log"] = "waived"
    assert {name: entry.mode for name, entry in modes_of(policy).items()} == expected
    assert [name for name, mode in expected.items() if mode in ("observe", "both")] == [
        "privacy.media",
        "contracts.injection",
        "contracts.refusal",
    ]
    assert policy.entity_actions["SECRET"] == "block"
    assert "SECRET" not in Policy().entity_actions


@pytest.mark.parametrize(
    ("part", "value", "lacking"),
    [
        ("waivers", [], "state"),
        ("targets", {}, "targets"),
        ("purposes", {}, "purposes"),
        ("oversight", Oversight(), "oversight.reviewers"),
        ("contracts", Contracts(unicode="observe"), "contracts.unicode"),
    ],
)
def test_strict_needs_each_of_its_parts(part: str, value: Any, lacking: str) -> None:
    """Taking one away is noticed, and a lowered mode is one of them."""
    values = strict_values()
    if part == "targets":
        values["purposes"] = {"p": Purpose(owner="d", lawful_basis="contract", tools=[], budget="5 USD/day")}
    with pytest.raises(ConfigError) as caught:
        Policy.strict(**{**values, part: value})
    assert [lacking] == [name for name, _, _ in caught.value.problems]


def test_a_waiver_exempts_from_what_a_control_needs() -> None:
    """A strict policy with a waiver for the pin takes a model without a date."""
    values = strict_values()
    values["targets"] = {"gpt": Target("openai:gpt-4o")}
    values["waivers"] = [waiver("accountability.log"), waiver("portability.pin")]
    assert modes_of(Policy.strict(**values))["portability.pin"].mode == "waived"


@pytest.mark.parametrize("control", ["privacy.tokens", "observability.record"])
def test_strict_cannot_waive_tokens_and_records(control: str) -> None:
    """Standard can."""
    assert modes_of(Policy.standard(waivers=[waiver(control)]))[control].mode == "waived"
    with pytest.raises(ConfigError, match=f"{control} cannot be waived in strict"):
        Policy.strict(**{**strict_values(), "waivers": [waiver("accountability.log"), waiver(control)]})


@pytest.mark.parametrize(
    ("model", "lacks"),
    [
        ("openai:gpt-4o", True),
        ("openai:gpt-4o-2024-08-06", False),
        ("bedrock:eu.anthropic.claude-sonnet-4-5-20250929-v1:0", False),
        ("openai:gpt-4-0613", False),
        ("anthropic:claude-sonnet-4-5", True),
        ("local:llama3@http://127.0.0.1:8000/v1", False),
        ("mock:echo", False),
    ],
)
def test_strict_wants_dated_models_from_vendors(model: str, lacks: bool) -> None:
    """A model that you run yourself is what you run."""
    values = {**strict_values(), "targets": {"gpt": Target(model)}}
    if lacks:
        with pytest.raises(ConfigError, match="its model has no date"):
            Policy.strict(**values)
    else:
        assert Policy.strict(**values).name == "strict"


def test_a_policy_that_is_weaker_than_its_preset_is_called_custom() -> None:
    """The name of a preset is not lent out; being stricter keeps it."""
    assert Policy.standard(contracts=Contracts(leak="observe")).name == "custom"
    assert Policy.standard(contracts=Contracts(leak="observe")).label.startswith("custom@")
    assert Policy.standard(contracts=Contracts(links="enforce")).name == "standard"


def test_strict_blocks_secrets_whatever_is_set() -> None:
    """The stricter of the two holds; other entities keep their action."""
    privacy = Privacy(actions={"SECRET": "mask", "EMAIL": "hash"})
    assert Policy.standard(privacy=privacy).entity_actions == {"SECRET": "mask", "EMAIL": "hash"}
    strict = Policy.strict(**strict_values(), privacy=privacy)
    assert strict.entity_actions == {"SECRET": "block", "URL_CREDENTIALS": "block", "EMAIL": "hash"}


def test_replace_changes_parts_and_nothing_else() -> None:
    """The old policy stays as it was; what was replaced is checked again."""
    policy = Policy.standard(privacy=Privacy(consent="enforce"), guards=[MyGuard()])
    changed = policy.replace(contracts=Contracts(allowed_links=["acme.example"]))
    assert policy.privacy == changed.privacy
    assert policy.guards == changed.guards
    assert changed.contracts.allowed_links == ("acme.example",)
    assert policy.contracts.allowed_links == ()
    assert policy == changed.replace(contracts=Contracts())
    assert policy.digest != changed.digest
    with pytest.raises(ConfigError):
        policy.replace(state="sqlite://x")


def test_replace_forgets_who_set_what_it_replaces() -> None:
    """The line of a file no longer counts for it."""
    policy = Policy(
        contracts=Contracts(size="observe"), sources={"contracts.size": "psf.toml:3", "state": "psf.toml:1"}
    )
    assert policy.source_of("contracts.size") == "psf.toml:3"
    changed = policy.replace(contracts=Contracts(size="observe"))
    assert (changed.source_of("contracts.size"), changed.source_of("state")) == ("code", "psf.toml:1")


def test_the_source_of_a_guard_of_your_own_is_its_module() -> None:
    """As explain() prints it."""
    assert MyGuard.__module__ == Policy.standard(guards=[MyGuard()]).source_of("no_competitors")


def test_a_policy_cannot_be_changed() -> None:
    """Neither its parts nor its tables, and not through what was handed in."""
    purposes = {"support": Purpose(targets=[], tools=["a"])}
    policy = Policy.standard(purposes=purposes)
    purposes["other"] = Purpose()
    assert list(policy.purposes) == ["support"]
    assert policy.purposes["support"].tools == ("a",)
    with pytest.raises(FrozenInstanceError):
        policy.state = "memory:"  # type: ignore[misc]
    with pytest.raises(TypeError):
        policy.purposes["x"] = Purpose()  # type: ignore[index]


def test_a_repr_holds_names_of_presets_and_counts_only() -> None:
    """No key, no person, no purpose."""
    values = strict_values()
    values["targets"]["gpt"] = Target("openai:gpt-4o-2024-08-06", api_key="sk-secret")
    text = repr(Policy.strict(**values))
    assert text.startswith("Policy(strict@")
    assert "1 target, 1 purpose, 1 waiver, 0 guards" in text
    assert not any(word in text for word in ("sk-secret", "acme", "gpt", "support"))


CHANGES: list[dict[str, Any]] = [
    {"state": "memory:"},
    {"guards": [MyGuard()]},
    {"targets": {"a": Target("mock:echo")}},
    {"targets": {"a": Target("mock:echo", region="eu")}},
    {"purposes": {"a": Purpose()}},
    {"purposes": {"a": Purpose(owner="x")}},
    {"tools": {"a": ToolRule()}},
    {"tools": {"a": ToolRule(egress=True)}},
    {"waivers": [waiver("contracts.unicode")]},
    {"waivers": [waiver("contracts.unicode", DAY)]},
    {"privacy": Privacy(residency="enforce")},
    {"privacy": Privacy(actions={"EMAIL": "hash"})},
    {"portability": Portability(pin="enforce")},
    {"observability": Observability(drift="enforce")},
    {"resilience": Resilience(timeout=601.0)},
    {"oversight": REVIEWED},
]


def test_every_change_of_content_changes_the_digest() -> None:
    """No two of these policies share one, and each has the form of a digest."""
    digests = {Policy.standard(**change).digest for change in CHANGES}
    assert len(CHANGES) == len(digests - {Policy().digest})
    assert all(len(digest) == 8 and int(digest, 16) >= 0 for digest in digests)


@given(st.permutations([("a", Purpose()), ("b", Purpose(owner="x")), ("c", Purpose(tools=["t"]))]))
@settings(max_examples=10)
def test_the_digest_does_not_depend_on_the_order_of_tables(items: list[tuple[str, Purpose]]) -> None:
    """Equal policies have equal digests."""
    one, other = Policy.standard(purposes=dict(items)), Policy.standard(purposes=dict(sorted(items)))
    assert one == other
    assert one.digest == other.digest


def test_the_digest_does_not_hold_a_key_or_a_place() -> None:
    """Two keys give the same digest, so it gives nothing away; neither does a file's line count."""
    one, other = (Policy(targets={"a": Target("mock:echo", api_key=key)}) for key in ("sk-1", lambda: "sk-2"))
    assert one.digest == other.digest
    named = Policy(targets={"a": Target("mock:echo", api_key="env:ONE")})
    assert named.digest != Policy(targets={"a": Target("mock:echo", api_key="env:TWO")}).digest
    assert Policy() == Policy(sources={"state": "psf.toml:1"})
    assert Policy().digest == Policy(sources={"state": "psf.toml:1"}).digest
