"""The guide for people who write tests: its tests run as tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "writing-tests.md"


def test_the_tests_of_the_guide_pass(pytester: pytest.Pytester) -> None:
    """Every block that holds a test function is a test file that passes as it stands."""
    blocks = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    files = [block for block in blocks if "\ndef test_" in block]
    for number, block in enumerate(files):
        pytester.makepyfile(**{f"test_block_{number}": block})
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider", "-q")

    assert len(files) == 1
    result.assert_outcomes(passed=1)
