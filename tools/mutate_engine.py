"""Break the engine in many ways, one at a time; each break must fail a law within its time limit.

Run: python tools/mutate_engine.py [--only WORD] [--seconds 60]

Every mutant is one text substitution in a copy of `src`, and the law tests run against the copy. Prints a table
`mutant | caught by | seconds`; exits 1 if a mutant survives, or if the untouched copy does not pass.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ("tests/laws", "tests/unit/guards/test_function.py")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One way to break the engine: in `file`, `text` becomes `other`."""

    name: str
    file: str
    text: str
    other: str


GUARDS = (
    Mutant(
        "a raising chunk hook lets the chunk through",
        "flow/chunk_chain.py",
        'raise guard_failed(seat.name, "on_chunk", error) from error\n            if answer is not chunk',
        "answer = chunk\n            if answer is not chunk",
    ),
    Mutant("a chunk hook may escalate", "flow/chunk_chain.py", "if kind is Escalate:", "if False:"),
    Mutant("what was held back is lost", "flow/chunk_chain.py", "answer = session.on_end()", "answer = ()"),
    Mutant(
        "no verdict on a stream with a tail",
        "flow/guard_frame.py",
        "yield from respond(context, seat, session, request, response)\n        if rest:",
        "(yield from respond(context, seat, session, request, response)) if not rest else None\n        if rest:",
    ),
    Mutant(
        "hold=ALL of guards is ignored",
        "flow/guard_frame.py",
        "if emit is not None and not holds:",
        "if emit is not None:",
    ),
    Mutant(
        "sessions close outermost first",
        "flow/guard_frame.py",
        "zip(reversed(seats[: len(sessions)]), reversed(sessions), strict=True)",
        "zip(seats[: len(sessions)], sessions, strict=True)",
    ),
    Mutant(
        "sessions are not closed after an error",
        "flow/guard_frame.py",
        "finally:\n            _close(",
        "finally:\n            if error is None:\n                _close(",
    ),
    Mutant(
        "a rewritten request is ignored",
        "flow/guard_frame.py",
        "                request = answer\n",
        "                pass\n",
    ),
    Mutant(
        "any session is taken",
        "flow/guard_frame.py",
        "if not isinstance(session, seat.guard.session):",
        "if False:",
    ),
    Mutant("a verdict does not unwind", "flow/settle.py", "raise Stopped(verdict, seat.name)", "return None"),
    Mutant(
        "a raising on_response is forgiven",
        "flow/settle.py",
        'seat.failed(context, "on_response", error)',
        "pass",
    ),
    Mutant("a rewrite needs no holding", "flow/settle.py", "is Rewrite and not seat.holds_all", "is Rewrite and False"),
    Mutant(
        "no flush where another part begins",
        "flow/text.py",
        "tail = self._tail(before) if before is not None and not isinstance(before, int) else None",
        "tail = None",
    ),
    Mutant(
        "windows do not overlap",
        "guards/function.py",
        "self._judge(channel.text[: 2 * size]",
        "self._judge(channel.text[:size]",
    ),
    Mutant(
        "windows keep text over a part switch",
        "guards/function.py",
        "if begins and self.current is not None:",
        "if False:",
    ),
    Mutant(
        "any answer of a function allows",
        "guards/function.py",
        "if answer is True or answer is None:",
        "if answer or answer is None:",
    ),
    Mutant("a wrong order is accepted", "flow/order.py", "if other in names[position + 1 :]:", "if False:"),
)
STRATEGIES = (
    Mutant("commit is never noticed", "flow/strategy_frame.py", "self.committed = True", "self.committed = False"),
    Mutant(
        "a second attempt is allowed", "flow/strategy_frame.py", "        if self.committed:\n", "        if False:\n"
    ),
    Mutant(
        "an outer error is not wrapped",
        "flow/strategy_frame.py",
        "flow = out(chunk)\n        except Exception as error:\n            raise self._abort(error) from None",
        "flow = out(chunk)\n        except Exception:\n            raise",
    ),
    Mutant(
        "a strategy may swallow an outer block",
        "flow/strategy_frame.py",
        "if attempts.aborted is not None:  # the",
        "if False:  # the",
    ),
    Mutant("hold=ALL of strategies is ignored", "flow/strategy_frame.py", 'strategy.hold.kind == "all"', "False"),
    Mutant(
        "another answer than the released one",
        "flow/strategy_frame.py",
        "elif accumulate(attempts.released(), response).parts != response.parts:",
        "elif False:",
    ),
    Mutant("two attempts stream at once", "flow/strategy_frame.py", "single=not holds", "single=False"),
)
DRIVERS = (
    Mutant("sources wait for the end", "flow/leaf.py", "context.discard.append(source)", "pass"),
    Mutant("usage is not counted", "flow/leaf.py", "context.usage = context.usage + response.usage", "pass"),
    Mutant("attempts are not counted", "flow/world.py", "context.attempts_left -= 1", "pass"),
    Mutant("every branch has a budget", "flow/world.py", "root = journey.root or context", "root = branch"),
    Mutant(
        "a sleep runs into the deadline",
        "flow/world.py",
        "or (type(effect) is Sleep and effect.seconds >= left)",
        "",
    ),
    Mutant(
        "sync: a cancellation is a common error",
        "flow/sync.py",
        "throw_cancellation(flow, cancellation)\n            raise",
        "return flow.throw(cancellation)",
    ),
    Mutant(
        "async: a cancellation is a common error",
        "flow/aio.py",
        "throw_cancellation(flow, cancellation)\n                    raise\n                else:",
        "effect = flow.throw(cancellation)\n                else:",
    ),
    Mutant(
        "async stream: a cancellation is a common error",
        "flow/aio.py",
        "throw_cancellation(flow, cancellation)\n                raise\n            else:",
        "self._effect = flow.throw(cancellation)\n            else:",
    ),
    Mutant(
        "sync: sources are not closed at the end",
        "flow/sync.py",
        "for source in journey.sources:\n            self._close(journey, source)",
        "for _ in journey.sources:\n            pass",
    ),
    Mutant("async: closing is not shielded", "flow/aio.py", "CancelScope(shield=True)", "CancelScope(shield=False)"),
    Mutant("async: sources wait for the end", "flow/aio.py", "await self._discard(journey)", "pass"),
    Mutant(
        "closing errors of layers are swallowed",
        "flow/world.py",
        "    except RuntimeError:\n        return GuardError(",
        "    except RuntimeError:\n        return None\n        return GuardError(",
    ),
    Mutant("hung calls are not counted", "flow/lanes.py", "lane.abandoned += 1", "pass"),
    Mutant(
        "lanes have no width",
        "flow/lanes.py",
        "len(lane.running) + lane.abandoned < lane.width",
        "len(lane.running) >= 0",
    ),
    Mutant(
        "a hung guard allows",
        "flow/lanes.py",
        "raise guard_timed_out(lane.name, shortest",
        "return True or (lane.name, shortest",
    ),
)
TAPE = (
    Mutant(
        "errors are not taped",
        "flow/tape.py",
        "if _is_kept(effect) and isinstance(error, PsfError):",
        "if False:",
    ),
    Mutant("a tape never diverges", "flow/tape.py", "if key != asked:", "if False:"),
    Mutant("random numbers are not taped", "flow/tape.py", "Now, Monotonic, Random)\n", "Now, Monotonic)\n"),
    Mutant("losers of a race replay too", "flow/world.py", "if decided not in (EVERY, number):", "if False:"),
    Mutant("a replay may ask for less", "flow/replay.py", "journey.tape.check_used_up()", "pass"),
)
MUTANTS = GUARDS + STRATEGIES + DRIVERS + TAPE


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant: the law that caught it, or empty when it survived."""

    caught_by: str
    seconds: float


def run_laws(source: Path, seconds: float) -> Verdict:
    """Run the laws against a copy of the source."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider"]
    command += [
        "-p",
        "no:randomly",
        "--hypothesis-seed=0",
        "-o",
        "timeout=25",
        "--ignore=tests/laws/test_syntax.py",
        *TESTS,
    ]
    environment = {**os.environ, "PYTHONPATH": str(source), "CI": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    began = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return Verdict("the time limit", time.monotonic() - began)
    spent = time.monotonic() - began
    if done.returncode == 0:
        return Verdict("", spent)
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if not failed:
        return Verdict(f"pytest ended with {done.returncode}", spent)
    return Verdict(failed[0].split(" - ")[0].split("/")[-1].removeprefix("FAILED ").removeprefix("ERROR "), spent)


def try_mutant(mutant: Mutant | None, seconds: float) -> Verdict:
    """Make a copy of the source, break it, and run the laws."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
        if mutant is not None:
            path = source / "psf_runtime" / mutant.file
            text = path.read_text(encoding="utf-8")
            assert text.count(mutant.text) == 1, (
                f"{mutant.name}: its text is in {mutant.file} {text.count(mutant.text)} times"
            )
            path.write_text(text.replace(mutant.text, mutant.other), encoding="utf-8")
        return run_laws(source, seconds)


def main() -> int:
    """Try all mutants, two at a time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="mutants whose name holds this word")
    parser.add_argument("--seconds", type=float, default=90.0, help="time limit of one mutant")
    options = parser.parse_args()
    mutants = [mutant for mutant in MUTANTS if options.only in mutant.name]
    untouched = try_mutant(None, 3 * options.seconds)
    if untouched.caught_by:
        print(f"the laws fail on the engine as it is: {untouched.caught_by}")
        return 1
    width = max(len(mutant.name) for mutant in mutants)
    print(f"{'mutant':<{width}} | {'caught by':<78} | seconds")
    survivors = 0
    with ThreadPoolExecutor(2) as pool:
        for mutant, verdict in zip(mutants, pool.map(lambda m: try_mutant(m, options.seconds), mutants), strict=True):
            survivors += not verdict.caught_by
            print(
                f"{mutant.name:<{width}} | {verdict.caught_by or 'SURVIVED':<78} | {verdict.seconds:5.1f}", flush=True
            )
    print(f"{len(mutants) - survivors} of {len(mutants)} mutants were caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main())
