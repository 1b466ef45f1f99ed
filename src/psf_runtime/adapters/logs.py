"""Records as log lines: one event per inference on the standard logger `psf_runtime`."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any, Protocol

LOGGER = "psf_runtime"
EVENT = "psf.inference"


class Fields(Protocol):
    """A record without content, as plain JSON values."""

    @property
    def error_type(self) -> str | None:
        """Name of the error class, None when there was an answer."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """The values, by name."""
        ...


class LogSink:
    """Writes each record as one line of JSON to the logger `psf_runtime`: INFO, or WARNING when the call failed.

    No handler is installed: what the application does with the logger is its own business, and when the level is off
    nothing is built. The line is made by a structlog chain of our own, not by the application's: bound context
    variables may hold anything, and a record holds no content. Without structlog the line is the same.
    """

    blocking = False

    def __init__(self) -> None:
        self._logger = logging.getLogger(LOGGER)
        self._emit: Callable[[int, dict[str, Any]], None] | None = None  # made when needed: structlog takes 6 MB

    def idle(self, failed: bool) -> bool:
        """Whether the level of such a record is off."""
        return not self._logger.isEnabledFor(logging.WARNING if failed else logging.INFO)

    def write(self, record: Fields) -> None:
        """Write one record."""
        level = logging.INFO if record.error_type is None else logging.WARNING
        if self._logger.isEnabledFor(level):
            if self._emit is None:
                self._emit = _emitter(self._logger)
            self._emit(level, record.to_dict())


def _emitter(logger: logging.Logger) -> Callable[[int, dict[str, Any]], None]:
    """What turns fields into a line: structlog where it is installed, else the same by hand."""
    try:
        import structlog
    except ImportError:
        return lambda level, fields: logger.log(level, "%s", _line({"event": EVENT, **fields}))
    bound = structlog.wrap_logger(
        logger,
        processors=[structlog.processors.JSONRenderer(serializer=_line)],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
        cache_logger_on_first_use=True,
    )
    return lambda level, fields: bound.log(level, EVENT, **fields)


def _line(fields: Any, **_: Any) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(", ", ": "), sort_keys=True, default=str)
