"""`psf demo`: see it work: real calls to a server on this machine, and what leaves of them."""

from __future__ import annotations

import argparse
import os
import sys
import time

from psf_runtime.cli.demo_endpoint import Endpoint, open_endpoint
from psf_runtime.cli.demo_input import demo_inputs
from psf_runtime.cli.demo_run import Outcome, run_input
from psf_runtime.cli.demo_show import outcome_data, show_closing, show_opening, show_outcome
from psf_runtime.cli.demo_verify import problems_of
from psf_runtime.cli.exits import FAILED, GOOD
from psf_runtime.cli.output import write_json
from psf_runtime.cli.screen import Screen


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "--endpoint",
        choices=("auto", "server", "mock"),
        default="auto",
        help="server: llama.cpp on this machine (extra demo); mock: in this process; auto: the server if it is there",
    )
    parser.add_argument("--json", action="store_true", help="write JSON")


def run(options: argparse.Namespace) -> int:
    """Send every input, show each, and say whether all went as promised."""
    began = time.monotonic()
    with open_endpoint(options.endpoint) as endpoint:
        failed = _run_as_json(endpoint) if options.json else _run_on_screen(endpoint, began)
    return FAILED if failed else GOOD


def _run_as_json(endpoint: Endpoint) -> int:
    inputs = []
    for item in demo_inputs():
        outcome = run_input(endpoint, item)
        inputs.append(outcome_data(item, outcome, problems_of(item, outcome)))
    failed = sum(bool(entry["problems"]) for entry in inputs)
    write_json(sys.stdout, {"ok": not failed, "endpoint": endpoint.kind, "inputs": inputs})
    return failed


def _run_on_screen(endpoint: Endpoint, began: float) -> int:
    screen = Screen(sys.stdout, os.environ)
    items = demo_inputs()
    show_opening(screen, endpoint, len(items))
    outcomes: list[Outcome] = []
    failed = 0
    for number, item in enumerate(items, start=1):
        outcome = run_input(endpoint, item)
        problems = problems_of(item, outcome)
        show_outcome(screen, number, item, outcome, problems)
        sys.stdout.flush()
        outcomes.append(outcome)
        failed += bool(problems)
    show_closing(screen, outcomes, failed, time.monotonic() - began)
    return failed
