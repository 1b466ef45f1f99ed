"""Pictures and documents in the forms of this dialect."""

from __future__ import annotations

from psf_runtime.errors import ConfigError
from psf_runtime.providers.anthropic.differences import Differences
from psf_runtime.providers.dialect.reading import from_data_url
from psf_runtime.providers.dialect.writing import Json, base64_text
from psf_runtime.providers.fetched import check_fetched
from psf_runtime.types.media import File, Image

IMAGE_TYPES = ("image/gif", "image/jpeg", "image/png", "image/webp")
_PDF = "application/pdf"
_TEXT_TYPES = frozenset({"application/json", "application/xml", "application/yaml"})


def image_block(part: Image) -> Json:
    """A picture, in bytes or by its address."""
    media_type, data = part.media_type, part.data
    if data is None:
        address = part.url or ""
        check_fetched(address, "the address of a picture")
        if not address.startswith("data:"):
            return {"type": "image", "source": {"type": "url", "url": address}}
        media_type, data = from_data_url(address, "image")
    if media_type not in IMAGE_TYPES:
        raise ConfigError(
            "an image part has a media type that this dialect does not take",
            why="it takes " + ", ".join(IMAGE_TYPES),
            change="convert the picture, or say its media_type",
        )
    source = {"type": "base64", "media_type": media_type, "data": base64_text(data)}
    return {"type": "image", "source": source}


def document_block(part: File, differences: Differences) -> Json:
    """A PDF, in bytes or by its address, or a text; its name goes as its title."""
    if not differences.files:
        raise ConfigError(
            "the server behind this target takes no file parts",
            why="it leaves documents out without a word",
            change="send the document's text, or use another target for this call",
        )
    return {"type": "document", "source": _source(part), "title": part.name}


def _source(part: File) -> Json:
    media_type, data = part.media_type, part.data
    if data is None:
        address = part.url or ""
        check_fetched(address, "the address of a file")
        if not address.startswith("data:"):
            return {"type": "url", "url": address}
        media_type, data = from_data_url(address, "file")
    if media_type == _PDF:
        return {"type": "base64", "media_type": _PDF, "data": base64_text(data)}
    text = None
    if media_type.startswith("text/") or media_type in _TEXT_TYPES:
        text = _decoded(data)
    if text is None:
        raise ConfigError(
            "a file part is neither a PDF nor a text",
            why="this dialect takes application/pdf, and text in UTF-8",
            change="convert the document, or say its media_type",
        )
    return {"type": "text", "media_type": "text/plain", "data": text}


def _decoded(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
