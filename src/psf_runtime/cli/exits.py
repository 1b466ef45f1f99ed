"""The exit codes of the command line, and which error leads to which."""

from __future__ import annotations

from psf_runtime.errors import ConfigError, ProviderError, PsfError, StateError

GOOD = 0
FAILED = 1
USAGE = 2
BLOCKED = 3
UNREACHABLE = 4
INTERRUPTED = 130  # what shells use for a command that was stopped with Ctrl-C


class CommandError(ConfigError):
    """The command cannot do what was asked: a wrong name, a file in the way, a setting that is not there."""


def exit_code(error: PsfError) -> int:
    """The code for an error that ended a command."""
    if isinstance(error, ConfigError):
        return USAGE
    if isinstance(error, ProviderError | StateError):
        return UNREACHABLE
    return BLOCKED


def error_text(error: PsfError) -> str:
    """An error as a person reads it: its own text, behind the name of its class where that says more."""
    if isinstance(error, CommandError):
        return f"psf: {error}"
    return f"{type(error).__name__}: {error}"
