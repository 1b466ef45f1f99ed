"""The loggers of an SDK stand above the controls: at DEBUG some of them write prompts in clear."""

from __future__ import annotations

import logging

from psf_runtime.errors import ConfigError

LOGGER = logging.getLogger("psf_runtime")
_WRITES_REQUESTS = "openai._base_client"
_LOUD = ("openai", _WRITES_REQUESTS, "httpx", "httpcore", "httpx2", "httpcore2")
_HIDDEN = "(hidden by psf_runtime)"


class HideRequests(logging.Filter):
    """Takes the request out of the SDK's line about it; every other line stays as it is."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True: the line itself is kept."""
        if isinstance(record.msg, str) and record.msg.startswith("Request options") and record.args:
            record.msg, record.args = f"Request options: {_HIDDEN}", ()
        return True


def quiet_sdk_logs(*, strict: bool) -> None:
    """Hide requests in the SDK's own log, and say when loggers are at DEBUG; under `strict` that is a ConfigError."""
    logger = logging.getLogger(_WRITES_REQUESTS)
    if not any(isinstance(known, HideRequests) for known in logger.filters):
        logger.addFilter(HideRequests())
    loud = [name for name in _LOUD if logging.getLogger(name).isEnabledFor(logging.DEBUG)]
    if not loud:
        return
    if strict:
        raise ConfigError(
            f"loggers above the controls are at DEBUG: {', '.join(loud)}",
            why="they may write prompts and answers in clear",
            change='logging.getLogger("openai").setLevel(logging.INFO), and the same for the others',
        )
    LOGGER.warning("loggers at DEBUG above the controls may write prompts in clear: %s", ", ".join(loud))
