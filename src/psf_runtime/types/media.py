"""Pictures and documents: read when they are made, never fetched, never inspected. `repr` shows sizes only."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from pathlib import Path

from psf_runtime.types.provenance import UNTRUSTED, USER, Provenance


@dataclass(frozen=True, slots=True, repr=False, init=False)
class Image:
    """A picture: a path (read now), bytes, or a URL (which the provider fetches; we never do)."""

    data: bytes | None
    url: str | None
    media_type: str
    detail: str | None
    provenance: Provenance

    def __init__(
        self,
        source: str | Path | bytes,
        *,
        media_type: str | None = None,
        detail: str | None = None,
        provenance: Provenance = USER,
    ) -> None:
        data, url, guessed = _load(source)
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "url", url)
        object.__setattr__(self, "media_type", media_type or guessed or "image/png")
        object.__setattr__(self, "detail", detail)
        object.__setattr__(self, "provenance", provenance)

    def __repr__(self) -> str:
        size = "by URL" if self.data is None else f"{len(self.data)} bytes"
        return f"Image({size}, {self.media_type})"


@dataclass(frozen=True, slots=True, repr=False, init=False)
class File:
    """A document: a path (read now), bytes, or a URL (which we never fetch). Untrusted unless declared."""

    data: bytes | None
    url: str | None
    name: str
    media_type: str
    provenance: Provenance

    def __init__(
        self,
        source: str | Path | bytes,
        *,
        name: str = "",
        media_type: str | None = None,
        provenance: Provenance = UNTRUSTED,
    ) -> None:
        data, url, guessed = _load(source)
        if not name and not isinstance(source, bytes):
            name = str(source).rpartition("/")[2]
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "url", url)
        object.__setattr__(self, "name", name or "document")
        object.__setattr__(self, "media_type", media_type or guessed or "application/octet-stream")
        object.__setattr__(self, "provenance", provenance)

    def __repr__(self) -> str:
        size = "by URL" if self.data is None else f"{len(self.data)} bytes"
        return f"File({size}, {self.media_type})"


def _load(source: str | Path | bytes) -> tuple[bytes | None, str | None, str | None]:
    """Data, URL and guessed media type of what a user handed to `Image` or `File`."""
    if isinstance(source, bytes):
        return source, None, None
    if isinstance(source, str) and source.startswith(("http://", "https://", "data:")):
        return None, source, mimetypes.guess_type(source)[0]
    path = Path(source)
    return path.read_bytes(), None, mimetypes.guess_type(path.name)[0]
