"""psf.toml: what loads, and what is said about what does not."""

import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.policy import Contracts, Oversight, Policy, Privacy, Purpose, Resilience, Target, ToolRule, Waiver

DAY = date(2026, 11, 24)
Write = Callable[[str], Path]

FULL = """\
preset = "standard"
state = "memory:"
guards = ["acme_guards:no_competitors"]
privacy.consent = "enforce"                  # a control's name is its key in this file
privacy.actions = { SECRET = "block", CREDIT_CARD = "mask" }
privacy.detectors = ["builtin"]
portability.pin = "enforce"
contracts.allowed_links = ["acme.example"]
oversight.reviewers = { claims-leads = ["lee@acme.example", "kim@acme.example"] }
oversight.value_above = 1000
oversight.deadline = "4h"
observability.drift = "enforce"
resilience.halt = "file:/run/psf.halt"
accountability.owner = "enforce"
waivers = [{ control = "contracts.unicode", approver = "lee@acme.example", reason = "archive has bidi controls", \
expires = 2027-03-31, compensating_control = "plain-text view" }]
[targets]
claude = { model = "bedrock:eu.anthropic.claude-sonnet-4-5-20250929-v1:0", region = "eu-central-1" }
qwen = { model = "openai:qwen3-32b@https://llm.example.eu/v1", api_key = "env:EUHOST_KEY", jurisdiction = "EU", \
retention_days = 0, price = [0.5, 2] }
[purposes.claims-triage]
owner = "dana@acme.example"
lawful_basis = "contract"
jurisdictions = ["EU"]
targets = ["claude", "qwen"]
certificate = "required"
tools = ["lookup_claim", "pay_out"]
autonomy = "L1"
triggers = ["irreversible", "low_confidence", "value_above"]
budget = "200 USD/day"
safe_message = "We are looking into it and will call you back."
[tools.pay_out]
approval = "always"
restore = ["PERSON", "IBAN"]
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a policy file that only its owner may write."""

    def write_file(text: str) -> Path:
        path = tmp_path / "psf.toml"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
        return path

    return write_file


@pytest.fixture
def acme_guards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module with a guard in it, and one that fails."""
    (tmp_path / "acme_guards.py").write_text(
        "from psf_runtime.flow.protocols import GuardBase\n"
        "class NoCompetitors(GuardBase):\n    name = 'no_competitors'\n"
        "no_competitors = NoCompetitors()\nnumber = 5\n"
    )
    (tmp_path / "acme_broken.py").write_text("raise RuntimeError('hunter2')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "acme_guards", raising=False)


def refused(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        Policy.from_file(path)
    return caught.value


def rows(path: Path) -> list[tuple[str, str, str]]:
    return list(refused(path).problems)


@pytest.mark.usefixtures("acme_guards")
def test_a_full_file_is_the_policy_that_python_would_make(write: Write) -> None:
    """Every key is the Python keyword of the same name."""
    policy = Policy.from_file(write(FULL))
    import acme_guards  # type: ignore[import-not-found]

    expected = Policy.standard(
        state="memory:",
        guards=[acme_guards.no_competitors],
        privacy=Privacy(consent="enforce", actions={"SECRET": "block", "CREDIT_CARD": "mask"}),
        contracts=Contracts(allowed_links=["acme.example"]),
        oversight=Oversight(
            reviewers={"claims-leads": ["lee@acme.example", "kim@acme.example"]}, value_above=1000, deadline="4h"
        ),
        resilience=Resilience(halt="file:/run/psf.halt"),
        portability=policy.portability,
        observability=policy.observability,
        accountability=policy.accountability,
        targets={
            "claude": Target("bedrock:eu.anthropic.claude-sonnet-4-5-20250929-v1:0", region="eu-central-1"),
            "qwen": Target(
                "openai:qwen3-32b@https://llm.example.eu/v1",
                api_key="env:EUHOST_KEY",
                jurisdiction="EU",
                retention_days=0,
                price=(0.5, 2),
            ),
        },
        purposes={
            "claims-triage": Purpose(
                owner="dana@acme.example",
                lawful_basis="contract",
                jurisdictions=["EU"],
                targets=["claude", "qwen"],
                certificate="required",
                tools=["lookup_claim", "pay_out"],
                autonomy="L1",
                triggers=["irreversible", "low_confidence", "value_above"],
                budget="200 USD/day",
                safe_message="We are looking into it and will call you back.",
            )
        },
        tools={"pay_out": ToolRule(approval="always", restore=["PERSON", "IBAN"])},
        waivers=[
            Waiver(
                "contracts.unicode",
                approver="lee@acme.example",
                reason="archive has bidi controls",
                expires=date(2027, 3, 31),
                compensating_control="plain-text view",
            )
        ],
    )
    assert expected == policy
    assert expected.digest == policy.digest
    assert (
        policy.portability.pin,
        policy.observability.drift,
        policy.accountability.owner,
    ) == ("enforce", "enforce", "enforce")


@pytest.mark.usefixtures("acme_guards")
def test_a_control_knows_the_line_that_set_it(write: Write) -> None:
    """Also a waiver, a fact, and what nobody set."""
    policy = Policy.from_file(write(FULL))
    modes = policy.modes(day=DAY)
    assert "psf.toml:4" == policy.source_of("privacy.consent") == modes["privacy.consent"].source
    assert (modes["contracts.unicode"].source, modes["contracts.unicode"].mode) == ("psf.toml:15", "waived")
    assert (modes["fitness.certificate"].source, modes["fitness.certificate"].mode) == ("psf.toml:19", "enforce")
    assert modes["contracts.size"].source == "standard"
    assert policy.source_of("no_competitors") == "acme_guards"


def test_an_empty_file_is_the_standard_preset(write: Write) -> None:
    """Nothing said, nothing changed."""
    assert Policy() == Policy.from_file(write("# nothing\n"))


@pytest.mark.usefixtures("acme_guards")
@pytest.mark.parametrize(
    ("line", "name", "words"),
    [
        ('state = "sqlite://psf.db"', "state", "is no whole sqlite address"),
        ('state = "postgresql://psf:hunter2@db/psf"', "state", "is no whole postgresql address"),
        ('key = "hunter2"', "key", "must say where the keys of the state are"),
        ('privacy.actions = { PERSON = "surrogate" }', "privacy.actions", "there are no surrogates for PERSON"),
        (
            'privacy.actions = { DATE = "block" }',
            "privacy.actions",
            "no detector of this version finds DATE",
        ),
        (
            'fitness.signers = ["keys/evaluator.pub"]',
            "fitness.signers",
            "signed certificates are not in this version yet",
        ),
        ('privacy.special = "observe"', "privacy.special", "is not in this version yet"),
        ('privacy.media = "enforce"', "privacy.media", '"enforce" is not in this version yet'),
        ('contracts.injection = "enforce"', "contracts.injection", '"enforce" is not in this version yet'),
        ('oversight.on_expiry = "safe_message"', "oversight.on_expiry", '"safe_message" is not in this version yet'),
        ('resilience.mid_stream = "restart"', "resilience.mid_stream", '"restart" is not in this version yet'),
        (
            "purposes.p.retention_days = 90",
            "purposes.p.retention_days",
            "retention of records is not in this version yet",
        ),
    ],
)
def test_each_feature_that_is_not_there_is_refused_with_its_line(
    write: Write, line: str, name: str, words: str
) -> None:
    """Never accepted and ignored."""
    ((found, what, change),) = rows(write(f"\n{line}\n"))
    assert name == found
    assert words in what
    assert change.endswith("   (psf.toml:2)")
    assert "hunter2" not in f"{what} {change}"


def test_every_unknown_key_is_listed_with_its_line_and_the_nearest_right_one(write: Write) -> None:
    """In the order of the file, at every depth."""
    path = write(
        'presett = "strict"\n'
        'privacy.consnt = "enforce"\n'
        "[contract]\n"
        "[purposes.support]\n"
        'onwer = "dana"\n'
        "[tools.pay]\n"
        'aproval = "always"\n'
        "[targets]\n"
        'a = { model = "mock:echo", regoin = "eu" }\n'
        "[resilience]\n"
        'limits = "enforce"\n'
        "zzz = 1\n"
    )
    error = refused(path)
    assert error.what == "psf.toml has 8 problems:"
    assert list(error.problems[:6]) == [
        ("presett", "unknown key", "preset   (psf.toml:1)"),
        ("privacy.consnt", "unknown key", "privacy.consent   (psf.toml:2)"),
        ("contract", "unknown key", "contracts   (psf.toml:3)"),
        ("purposes.support.onwer", "unknown key", "purposes.support.owner   (psf.toml:5)"),
        ("tools.pay.aproval", "unknown key", "tools.pay.approval   (psf.toml:7)"),
        ("targets.a.regoin", "unknown key", "targets.a.region   (psf.toml:9)"),
    ]
    assert "holds no mode" in error.problems[6][1]
    assert error.problems[7][2].startswith("one of timeout, ")


def test_a_key_at_the_top_is_sent_to_its_domain(write: Write) -> None:
    """`consent` belongs to `privacy`."""
    assert rows(write('consent = "enforce"\n')) == [("consent", "unknown key", "privacy.consent   (psf.toml:1)")]


def test_a_key_that_may_be_a_secret_is_not_repeated(write: Write) -> None:
    """Unknown keys that do not look like names are not shown."""
    text = str(refused(write('"sk live hunter2" = 1\nprivacy."sk live hunter3" = 1\n')))
    assert "hunter" not in text
    assert "(psf.toml:1)" in text
    assert "(psf.toml:2)" in text


@pytest.mark.parametrize(
    ("line", "name", "what"),
    [
        ("preset = 5", "preset", "must be a text"),
        ('preset = "loose"', "preset", 'must be one of "standard" | "strict"'),
        ('privacy = "enforce"', "privacy", "must be a table"),
        ('privacy.consent = "enforced"', "privacy.consent", 'must be one of "enforce" | "observe"'),
        ("privacy.consent = true", "privacy.consent", 'must be one of "enforce" | "observe"'),
        ('privacy.tokens = "observe"', "privacy.tokens", 'has no "observe" mode'),
        ('resilience.timeout = "long"', "resilience.timeout", "must be a number"),
        ("resilience.retries = 2.5", "resilience.retries", "must be a whole number"),
        ('oversight.deadline = "soon"', "oversight.deadline", 'is not a duration such as "30s", "15m", "4h" or "2d"'),
        ('oversight.on_expiry = "approve"', "oversight.on_expiry", 'must be one of "reject"'),
        ('contracts.reasoning = "show"', "contracts.reasoning", 'must be one of "withhold" | "deliver"'),
        ('guards = "acme:x"', "guards", "must be a list of paths"),
        ("guards = [5]", "guards.0", "is not the path of a guard"),
        ('waivers = "none"', "waivers", "must be a list of tables"),
        ("waivers = [5]", "waivers.0", "must be a table"),
        ("targets = 5", "targets", "must be a table"),
        ('targets.a = "mock:echo"', "targets.a", "must be a table"),
        ("targets.a = {}", "targets.a", "has no model"),
        ('targets.a = { model = "mock:echo", price = [1] }', "targets.a.price", "must be a list of 2 numbers"),
        ('purposes.p.lawful_basis = "because"', "purposes.p.lawful_basis", "must be one of"),
        ('purposes.p.triggers = ["angry"]', "purposes.p.triggers", "entry 1 must be one of"),
        ('purposes.p.budget = "5 EUR/day"', "purposes.p.budget", "is in another currency"),
        ("tools.t.irreversible = true", "tools.t", "is irreversible, and there is no reviewer"),
    ],
)
def test_a_wrong_value_is_described_with_its_line(write: Write, line: str, name: str, what: str) -> None:
    """One problem, one row."""
    ((found, wrong, change),) = rows(write(f"# first\n{line}\n"))
    assert name == found
    assert wrong.startswith(what)
    assert change.endswith("(psf.toml:2)")


def test_a_waiver_is_found_by_its_own_line(write: Write) -> None:
    """Each wrong waiver of a list, and each wrong field in it."""
    path = write(
        "waivers = [\n"
        '  { control = "contracts.unicode", approver = "lee", reason = "r", expires = "2027-03-31", '
        'compensating_control = "c" },\n'
        '  { control = "contracts.unicode" },\n'
        "]\n"
    )
    found = rows(path)
    assert found[0][:2] == ("waivers.0.expires", "must be a date, not a text")
    assert found[0][2].endswith("(psf.toml:2)")
    assert [what for _, what, _ in found[1:]] == [
        "has no approver",
        "has no reason",
        "has no expires",
        "has no compensating_control",
    ]
    assert all(change.endswith("(psf.toml:3)") for _, _, change in found[1:])


def test_a_key_in_the_file_is_refused_and_never_shown(write: Write) -> None:
    """A policy file is passed around; keys are not."""
    path = write(
        '[targets]\na = { model = "mock:echo", api_key = "sk-hunter2" }\nb = { model = 5, api_key = "env:" }\n'
    )
    error = refused(path)
    assert "hunter2" not in str(error)
    assert [name for name, _, _ in error.problems] == ["targets.a.api_key", "targets.b.model", "targets.b.api_key"]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('a = 1\nprivacy.consent = "enforce\n', 2, "closing quote"),
        ('privacy.consent = "enforce"\nprivacy.consent = "observe"\n', 2, "the same key or table twice"),
        ("[privacy]\n[privacy]\n", 2, "the same key or table twice"),
        ('privacy.consent = "enforce"\n[privacy]\nmedia = "enforce"\n', 2, "the same key or table twice"),
        ("\nx = { a = 1, a = 2 }\n", 2, "the same key or table twice"),
        ("\n\nprivacy.consent = enforce\n", 3, "texts need quotes"),
        ("privacy.consent\n", 1, "no = after the key"),
        ("x = 2027-02-30\n", 1, "not a day that exists"),
        ("x = 2027-13-41\n", 1, "a day that exists"),
        ("x = [1,\n2\n", 2, "closing bracket"),
        ('x = """\nsk-hunter2\n', 2, "closing quote"),
        ("x = sk-hunter2\n", 1, "texts need quotes"),
        ("= 5\n", 1, "not TOML"),
    ],
)
def test_a_syntax_error_has_its_line_and_no_content(write: Write, text: str, line: int, reason: str) -> None:
    """The parser's own words may quote the file, ours never do."""
    error = refused(write(text))
    assert f"psf.toml:{line}: " in error.what
    assert reason in error.what
    assert "hunter2" not in str(error)
    assert error.__cause__ is None


@pytest.mark.parametrize("text", ["x = " + "[" * 5000 + "]" * 5000, "x = " + "9" * 5000])
def test_a_hostile_file_is_a_typed_error(write: Write, text: str) -> None:
    """Endless nesting and endless numbers crash nothing."""
    assert "not TOML" in refused(write(text)).what


def test_a_file_that_others_may_write_is_refused(write: Write) -> None:
    """By group or by all; whoever writes it would decide."""
    path = write('preset = "standard"\n')
    for mode in (0o664, 0o646, 0o666):
        path.chmod(mode)
        error = refused(path)
        assert f"psf.toml may be written by others (mode {mode:04o})." == error.what
        assert error.change == "chmod go-w psf.toml"
    path.chmod(0o600)
    assert Policy.from_file(path).name == "standard"


def test_a_file_that_cannot_be_read_is_a_typed_error(tmp_path: Path, write: Write) -> None:
    """Missing, a folder, a pipe, not text, or far too large."""
    assert "FileNotFoundError" in refused(tmp_path / "missing.toml").what
    assert "IsADirectoryError" in refused(tmp_path).what
    path = write("")
    path.write_bytes(b"a = 1\nb = '\xff'\n")
    assert refused(path).what == "psf.toml:2: not UTF-8."
    assert "larger than" in refused(write("#" * 1_000_001)).what
    assert "not a regular file" in refused(Path(os.devnull)).what


def test_a_byte_order_mark_and_windows_line_ends_are_read(write: Write) -> None:
    """As editors on other systems write them, with the right lines."""
    path = write("")
    path.write_bytes('\ufeffpreset = "standard"\r\nprivacy.consnt = 1\r\n'.encode())
    assert rows(path) == [("privacy.consnt", "unknown key", "privacy.consent   (psf.toml:2)")]


@pytest.mark.usefixtures("acme_guards")
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("acme_missing:x", "acme_missing cannot be imported: ModuleNotFoundError"),
        ("acme_broken:x", "acme_broken cannot be imported: RuntimeError"),
        ("acme_guards:nothing", "acme_guards has no nothing"),
        ("acme_guards:number", "is not a guard"),
        ("acme_guards:NoCompetitors", "is not a guard"),
        ("acme_guards", "is not the path of a guard"),
        ("acme_guards:a b", "is not the path of a guard"),
    ],
)
def test_a_guard_that_cannot_be_had_is_a_typed_error(write: Write, path: str, words: str) -> None:
    """The class of what went wrong, never its text."""
    ((_, what, change),) = rows(write(f'guards = [\n  "{path}",\n]\n'))
    assert words in what
    assert "hunter2" not in what
    assert change.endswith("(psf.toml:2)")


def test_strict_from_a_file_lists_what_it_lacks_with_lines(write: Write) -> None:
    """A purpose without an owner is pointed to by the line of its table."""
    path = write('preset = "strict"\n[purposes.support]\nlawful_basis = "contract"\n')
    error = refused(path)
    assert error.what.startswith("Policy.strict() lacks ")
    assert ("purposes.support", "has no owner", '[purposes.support] owner = "..."   (psf.toml:2)') in error.problems


def test_strict_from_a_file_refuses_a_mode_that_the_file_lowers(write: Write) -> None:
    """Raising it in silence would ignore a line of the file."""
    found = rows(
        write('preset = "strict"\nprivacy.residency = "observe"\ncontracts.links = "both"\nprivacy.media = "observe"\n')
    )
    lowered = [name for name, what, _ in found if what == "strict enforces every control"]
    assert lowered == ["privacy.residency", "contracts.links"]


def test_wrong_keys_and_what_strict_lacks_are_in_one_error(write: Write) -> None:
    """Nobody has to run it twice to see the second half."""
    error = refused(write('preset = "strict"\nprivacy.consnt = "enforce"\n'))
    names = [name for name, _, _ in error.problems]
    assert "privacy.consnt" in names
    assert "oversight.reviewers" in names
    assert error.what == f"psf.toml has {len(names)} problems:"


def test_both_ways_of_writing_a_table_are_the_same(write: Write) -> None:
    """`privacy.consent = ...` and `[privacy] consent = ...`, `waivers = [...]` and `[[waivers]]`."""
    dotted = Policy.from_file(write('privacy.consent = "enforce"\n'))
    assert dotted == Policy.from_file(write('[privacy]\nconsent = "enforce"\n'))
    fields = (
        'control = "contracts.size"',
        'approver = "a"',
        'reason = "r"',
        "expires = 2027-03-31",
        'compensating_control = "c"',
    )
    inline = Policy.from_file(write(f"waivers = [{{ {', '.join(fields)} }}]\n"))
    tables = Policy.from_file(write("[[waivers]]\n" + "\n".join(fields) + "\n"))
    assert inline == tables
    assert tables.modes(day=DAY)["contracts.size"].source == "psf.toml:1"
