"""The loggers of an SDK stand above the controls: at DEBUG some of them write prompts in clear.

Nothing is changed for clients that are not wrapped: the filter that hides a request looks whether a wrapped client is
just building it, and lets every other line through as it is.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from psf_runtime.errors import ConfigError

LOGGER = logging.getLogger("psf_runtime")
_WRITES_REQUESTS = {"openai": "openai._base_client", "anthropic": "anthropic._base_client"}
_LOUD = ("httpx", "httpcore", "httpx2", "httpcore2")
_WORD = re.compile(r"[A-Za-z]{1,16}")
_HIDDEN = "(hidden by psf_runtime)"
_building: ContextVar[bool] = ContextVar("psf_runtime.building", default=False)


@contextmanager
def hidden() -> Iterator[None]:
    """While a wrapped client builds a request, in this thread and task."""
    token = _building.set(True)
    try:
        yield
    finally:
        _building.reset(token)


class HideRequests(logging.Filter):
    """Takes the request out of the SDK's line about it, when it is one of a wrapped client."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True: the line itself is kept."""
        if _building.get() and record.args and not _is_plain(record.args):
            record.msg, record.args = f"Request options: {_HIDDEN}", ()
        return True


def _is_plain(args: object) -> bool:
    """Whether a line is filled in with short words and numbers only, as a method and a count."""
    return isinstance(args, tuple) and all(
        isinstance(value, int) or (isinstance(value, str) and _WORD.fullmatch(value) is not None) for value in args
    )


def quiet_sdk_logs(sdk: str, *, strict: bool) -> None:
    """Hide requests of wrapped clients in an SDK's own log, and say when loggers above us are at DEBUG.

    Raises ConfigError for such loggers when `strict`.
    """
    if sdk in _WRITES_REQUESTS:
        logger = logging.getLogger(_WRITES_REQUESTS[sdk])
        if not any(isinstance(known, HideRequests) for known in logger.filters):
            logger.addFilter(HideRequests())
    names = (sdk, _WRITES_REQUESTS.get(sdk, sdk), *_LOUD)
    loud = [name for name in dict.fromkeys(names) if logging.getLogger(name).isEnabledFor(logging.DEBUG)]
    if not loud:
        return
    if strict:
        raise ConfigError(
            f"loggers above the controls are at DEBUG: {', '.join(loud)}",
            why="they may write prompts and answers in clear",
            change=f'logging.getLogger("{sdk}").setLevel(logging.INFO), and the same for the others',
        )
    LOGGER.warning("loggers at DEBUG above the controls may write prompts in clear: %s", ", ".join(loud))
