"""The pytest plugin, in test runs of its own: fixtures, strictness, marks, and a network that ends at this machine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

HEAD = """
import os
import pytest
from psf_runtime import Client, ConfigError, Policy
from psf_runtime.testing import assert_no_personal_data_sent, call, fault
"""


def run(pytester: pytest.Pytester, text: str, *options: str, **files: str) -> pytest.RunResult:
    """The result of a test file in a run of its own, in this process."""
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    pytester.makepyfile(HEAD + text)
    return pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider", "-q", *options)


def test_the_documented_test_passes(pytester: pytest.Pytester) -> None:
    """Rule, fault with a wait, tool call, restored arguments, nothing personal sent; and no second is waited."""
    result = run(
        pytester,
        '''
def pay_out(amount: int, to: str) -> str:
    """Pay money out."""

def test_refund(psf_mock, psf_client, psf_clock):
    first = psf_mock.on(text="refund", purpose="support").reply(fault.rate_limit(retry_after=2))
    first.then(lambda request: call("pay_out", amount=40, to=request.messages[-1].text.split()[-1]))
    answer = psf_client.complete("Send the refund to jane@acme.example", purpose="support", tools=[pay_out])
    assert answer.tool_calls[0].arguments["amount"] == 40
    assert psf_clock.slept == [2.0]
    assert_no_personal_data_sent(psf_mock, "jane@acme.example")
    assert "EMAIL_" in psf_mock.last.wire
''',
    )
    result.assert_outcomes(passed=1)


def test_a_reply_that_nobody_asked_for_fails_the_test(pytester: pytest.Pytester) -> None:
    """At the end, by the rule's name; not when the rule is optional, and not on top of a failure."""
    result = run(
        pytester,
        """
def test_unused(psf_mock, psf_client):
    psf_mock.on(text="never").reply("x")

def test_optional(psf_mock):
    psf_mock.on(text="never", optional=True).reply("x")

def test_failed(psf_mock):
    psf_mock.on(text="never").reply("x")
    assert False
""",
    )
    result.assert_outcomes(passed=2, failed=1, errors=1)
    result.stdout.fnmatch_lines(["psf_mock has replies that nobody asked for:", "  rule 1 on(text): used 0 times"])


def test_an_unmatched_call_fails_with_a_difference(pytester: pytest.Pytester) -> None:
    """The run shows what the rule wanted and what came, and no text of the request."""
    result = run(
        pytester,
        """
def test_unmatched(psf_mock, psf_client):
    psf_mock.on(text="refund", purpose="support").reply("x")
    psf_client.complete("SECRET" + "-WORD", purpose="billing")
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*rule 1 on(text, purpose): text * wanted a text with 'refund', came 11 characters*"])
    result.stdout.fnmatch_lines(["*purpose  wanted a text with 'support', came 'billing'"])
    assert "SECRET-WORD" not in result.stdout.str()


def test_our_calls_end_at_this_machine_and_others_sockets_do_not(pytester: pytest.Pytester) -> None:
    """Another host is refused before anything is sent, also through an injected client; a mark lets one test out."""
    result = run(
        pytester,
        """
import httpx
import openai
from psf_runtime import wrap

def ask(**settings):
    with Client("openai:gpt-4o", base_url="https://models.invalid/v1", api_key="k", **settings) as client:
        client.complete("hello", timeout=1)

def test_refused():
    with pytest.raises(ConfigError, match="is on another machine"):
        ask()

def test_refused_through_an_injected_client():
    with httpx.Client() as injected, pytest.raises(ConfigError, match="is on another machine"):
        ask(http_client=injected)

def test_a_mock_transport_leaves_nothing():
    transport = httpx.MockTransport(lambda request: httpx.Response(500, json={}))
    with httpx.Client(transport=transport) as injected, pytest.raises(Exception) as caught:
        ask(http_client=injected)
    assert "another machine" not in str(caught.value)

@pytest.mark.psf(network=True)
def test_let_out():
    assert os.environ["PSF_NETWORK"] == "any"
    with pytest.raises(Exception) as caught:
        ask()
    assert "another machine" not in str(caught.value)

def test_kept_in_again():
    assert os.environ["PSF_NETWORK"] == "loopback"

def test_other_libraries_are_not_touched():
    with pytest.raises(httpx.ConnectError):
        httpx.get("http://models.invalid/")

def test_a_wrapped_client_is_refused():
    with openai.OpenAI(base_url="https://models.invalid/v1", api_key="k") as original, wrap(original) as safe:
        with pytest.raises(openai.BadRequestError, match="is on another machine"):
            safe.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])

def test_this_machine_can_be_called(psf_mock):
    psf_mock.on().reply("from the socket")
    with Client(f"local:m@{psf_mock.url}/v1") as client:
        assert client.complete("hello").text == "from the socket"
""",
    )
    result.assert_outcomes(passed=8)


def test_the_environment_is_left_as_it_was(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the run the variable is what it was before; one that somebody set is not overruled."""
    monkeypatch.delenv("PSF_NETWORK", raising=False)
    run(pytester, "def test_in(): assert os.environ['PSF_NETWORK'] == 'loopback'\n").assert_outcomes(passed=1)
    assert "PSF_NETWORK" not in os.environ
    monkeypatch.setenv("PSF_NETWORK", "any")
    run(pytester, "def test_any(): assert os.environ['PSF_NETWORK'] == 'any'\n").assert_outcomes(passed=1)
    assert os.environ["PSF_NETWORK"] == "any"


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        ("netwrok=True", "*did you mean 'network'?*"),
        ("'refund.json'", "*takes words only*"),
        ("cassette='missing.json'", "*missing.json*cannot be read*"),
    ],
)
def test_a_mark_with_a_mistake_is_an_error_of_its_test(pytester: pytest.Pytester, mark: str, says: str) -> None:
    """With the nearest word, or the file that is missing; other tests run."""
    result = run(
        pytester, f"@pytest.mark.psf({mark})\ndef test_wrong(psf_client): pass\n\ndef test_right(psf_clock): pass\n"
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([says])


def test_the_policy_is_the_applications_own(pytester: pytest.Pytester) -> None:
    """`psf_policy` in conftest.py is what `psf_client` runs under."""
    pytester.makeconftest(
        "import pytest\nfrom psf_runtime import Policy, Purpose\n"
        "@pytest.fixture\ndef psf_policy():\n"
        "    return Policy.standard(purposes={'support': Purpose(owner='Dana', lawful_basis='contract')})\n"
    )
    result = run(
        pytester,
        """
def test_own(psf_mock, psf_client, psf_policy):
    psf_mock.on(purpose="support").reply("yes")
    assert psf_client.policy is psf_policy
    assert psf_client.complete("hello", purpose="support").decision.owner == "Dana"
    with pytest.raises(ConfigError):
        psf_client.complete("hello", purpose="unknown")
""",
    )
    result.assert_outcomes(passed=1)


def test_an_environment_variable_does_not_move_the_state(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`psf_client` keeps its state in memory, whatever PSF_STATE says, and leaves no file behind."""
    monkeypatch.setenv("PSF_STATE", f"sqlite:///{pytester.path}/psf.db")
    result = run(
        pytester,
        "def test_memory(psf_mock, psf_client):\n"
        "    psf_mock.on().reply('x')\n"
        "    psf_client.complete('hello')\n"
        "    assert not os.path.exists(os.environ['PSF_STATE'].removeprefix('sqlite:///'))\n",
    )
    result.assert_outcomes(passed=1)


def test_the_plugin_loads_next_to_nothing() -> None:
    """A test run that does not use it pays for none of the heavy libraries."""
    script = (
        "import sys, psf_runtime.testing.plugin\n"
        "names = ('httpx', 'pydantic', 'anyio', 'asyncio', 'hypothesis', 'cryptography', 'http.server')\n"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
