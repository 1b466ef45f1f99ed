"""The command `psf`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psf_runtime.cli import check, consent, demo, explain, halt, init, key, mock, preview, subject
from psf_runtime.cli.exits import FAILED, INTERRUPTED, USAGE, error_text, exit_code
from psf_runtime.cli.versions import own_version
from psf_runtime.errors import PsfError
from psf_runtime.policy.spelling import nearest

COMMANDS = {
    "demo": demo,
    "explain": explain,
    "check": check,
    "preview": preview,
    "init": init,
    "halt": halt,
    "consent": consent,
    "subject": subject,
    "key": key,
    "mock": mock,
}
LATER = frozenset(
    [
        "alert",
        "batch",
        "cert",
        "console",
        "docs",
        "drift",
        "evidence",
        "incident",
        "log",
        "release",
        "replay",
        "report",
        "serve",
        "suite",
        "target",
        "ticket",
    ]
)
EPILOG = "Exit codes: 0 good, 1 a check failed, 2 usage or settings, 3 blocked, 4 provider or state unreachable."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Errors of this library are printed as their own text."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _never_fail_on_a_letter()
    try:
        return _run(words)
    except PsfError as error:
        print(error_text(error), file=sys.stderr)
        return exit_code(error)
    except KeyboardInterrupt:
        print("psf: stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; what is left in the buffer must not fail once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _run(words: list[str]) -> int:
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        print(_no_such_command(words[0]), file=sys.stderr)
        return USAGE
    parser = build_parser()
    try:
        options = parser.parse_args(words)
    except SystemExit as ended:  # argparse has written its own message
        return ended.code if isinstance(ended.code, int) else USAGE
    if options.command is None:
        parser.print_help()
        return USAGE
    with _quiet_log():
        code: int = COMMANDS[options.command].run(options)
    sys.stdout.flush()
    return code


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="psf", description="The controls of psf_runtime, from the command line.", epilog=EPILOG
    )
    parser.add_argument("--version", action="version", version=f"psf {own_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, module in COMMANDS.items():
        purpose = (module.__doc__ or "").partition("\n")[0].partition(": ")[2]
        command = commands.add_parser(name, help=purpose, description=purpose[:1].upper() + purpose[1:])
        module.add_options(command)
    return parser


def _no_such_command(name: str) -> str:
    if name in LATER:
        return f"psf {name}: not in this version ({own_version()})"
    close = nearest(name, COMMANDS)
    hint = f"did you mean: psf {close}" if close else "see: psf --help"
    return f"psf: there is no command {name!r}; {hint}"


def _never_fail_on_a_letter() -> None:
    """Where the output's encoding lacks a letter, its number is written instead."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


@contextmanager
def _quiet_log() -> Iterator[None]:
    """The one line that each client writes to the log is not written to standard error; commands say it themselves."""
    logger = logging.getLogger("psf_runtime")
    silent = logging.NullHandler()
    logger.addHandler(silent)
    try:
        yield
    finally:
        logger.removeHandler(silent)


if __name__ == "__main__":
    sys.exit(main())
