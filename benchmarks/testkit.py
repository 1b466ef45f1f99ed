"""What one test with `psf_client` costs, fixture set-up and teardown included, in wall time.

Run: python -m benchmarks.testkit [--tests N] [--json FILE]

One pytest run in a process of its own holds N tests that ask for `psf_mock` and `psf_client`, make one call and look at
what was sent, and N tests that do nothing. `mock_test_ms` is the median of the first kind, set-up, call and teardown as
pytest itself times them; `empty_test_ms` is that of the second, for what pytest costs anyway.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

BAR_MS = 5.0
_CONFTEST = """
import json
import os

SEEN = []

def pytest_runtest_logreport(report):
    SEEN.append((report.nodeid, report.when, report.duration, report.outcome))

def pytest_sessionfinish():
    with open(os.environ["PSF_BENCH_OUT"], "w", encoding="utf-8") as file:
        json.dump(SEEN, file)
"""
_TESTS = """
import pytest
from psf_runtime.testing import assert_no_personal_data_sent

@pytest.mark.parametrize("number", range({count}))
def test_mock(number, psf_mock, psf_client):
    psf_mock.on(text="refund").reply("It is on its way.")
    answer = psf_client.complete(f"Where is refund {{number}} of jane{{number}}@acme.example?")
    assert answer.text == "It is on its way."
    assert_no_personal_data_sent(psf_mock, f"jane{{number}}@acme.example")

@pytest.mark.parametrize("number", range({count}))
def test_empty(number):
    assert number >= 0
"""


def measure(count: int) -> dict[str, float]:
    """Milliseconds per test, all three phases: median and 95th percentile, and what the first test costs once."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
        (home / "test_kit.py").write_text(_TESTS.format(count=count), encoding="utf-8")
        out = home / "seen.json"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(home)]
        environment = {"PSF_BENCH_OUT": str(out), "PATH": "", "HOME": folder}
        subprocess.run(command, cwd=home, env=environment, check=True, stdout=subprocess.DEVNULL)
        seen = json.loads(out.read_text(encoding="utf-8"))
    took: dict[str, float] = defaultdict(float)
    for name, _when, seconds, outcome in seen:
        assert outcome == "passed", name
        took[name] += seconds * 1000
    mock = [value for name, value in took.items() if "test_mock" in name]
    empty = [value for name, value in took.items() if "test_empty" in name]
    assert (len(mock), len(empty)) == (count, count)
    return {
        "mock_test_ms": statistics.median(mock),
        "mock_test_p95_ms": statistics.quantiles(mock, n=20)[-1],
        "first_test_ms": mock[0],
        "empty_test_ms": statistics.median(empty),
    }


def main() -> int:
    """Print the figures; exit 1 when the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tests", type=int, default=200, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    figures = measure(options.tests)
    for name, value in figures.items():
        print(f"{name:<18} {value:8.2f}{f'   bar {BAR_MS:.1f}' if name == 'mock_test_ms' else ''}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    return 0 if figures["mock_test_ms"] <= BAR_MS else 1


if __name__ == "__main__":
    sys.exit(main())
