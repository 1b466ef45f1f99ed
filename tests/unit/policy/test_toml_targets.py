"""[targets.NAME] in psf.toml: what an application may declare about a host, and what is said about mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.policy import Policy, Target
from psf_runtime.policy.toml import read_policy_text


def target(line: str) -> Target:
    """The target that this line declares."""
    found = read_policy_text(f"[targets]\none = {{ {line} }}\n")
    assert found.problems == []
    one: Target = Policy.standard(targets=found.values["targets"]).targets["one"]
    return one


def test_everything_that_may_be_declared() -> None:
    """Capabilities and the server's family stand beside region, retention, price and window."""
    line = (
        'model = "local:m@http://127.0.0.1:1/v1", server = "vllm", capabilities = ["tools", "seed"], context_tokens = 9'
    )
    one = target(line)
    assert (one.server, one.capabilities, one.context_tokens) == ("vllm", ("tools", "seed"), 9)


@pytest.mark.parametrize(
    ("line", "name", "words"),
    [
        ('model = "local:m@http://127.0.0.1:1/v1", server = "vlm"', "server", '"vllm"'),
        ('model = "openai:m", server = "vllm"', "server", "is for local servers"),
        ('model = "openai:m", capabilities = ["tool"]', "capabilities", "each one of"),
        ('model = "openai:m", capabilities = "tools"', "capabilities", "must be a list"),
        ('model = "openai:m", retention_days = -1', "retention_days", "is below 0"),
        ('model = "openai:m", context_tokens = 0', "context_tokens", "is below 1"),
        ('model = "openai:m", price = [1, -2]', "price", "is below 0"),
        ('model = "openai:m", boundary = "mine"', "boundary", "must be one of"),
    ],
)
def test_a_mistake_is_described(line: str, name: str, words: str) -> None:
    """Which setting, what is wrong with it, and what would be right."""
    found = read_policy_text(f"[targets]\none = {{ {line} }}\n")
    problems = list(found.problems)
    if not problems:
        with pytest.raises(ConfigError) as caught:
            Policy.standard(targets=found.values["targets"])
        problems = list(caught.value.problems)
    ((where, what, change),) = problems
    assert where == f"targets.one.{name}"
    assert words in f"{what} {change}"


def test_a_target_in_python_is_checked_alike() -> None:
    """The same words for a value that comes from code."""
    wrong: Any = "vlm"
    with pytest.raises(ConfigError, match="vllm"):
        Policy.standard(targets={"one": Target("local:m@http://127.0.0.1:1/v1", server=wrong)})
