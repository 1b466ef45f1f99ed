"""An outcome on its way over the border: a value, or an error that is raised only once all inner frames are gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psf_runtime.errors import PsfError


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """A value or an error."""

    value: Any = None
    error: PsfError | None = None

    def unwrap(self) -> Any:
        """The value. Raises the error, fresh: without cause, context or inner frames."""
        error = self.error
        if error is None:
            return self.value
        try:
            raise error
        finally:
            del error, self  # else the error's own frame would hold it, and wait for the collector

    def __repr__(self) -> str:
        return "Result(...)"
