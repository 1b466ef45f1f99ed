"""Pictures and documents as blocks of Converse, both ways. Only bytes travel: a stored object is never pointed at."""

from __future__ import annotations

import re
from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.providers.bedrock.tables import (
    DOCUMENT_ENDINGS,
    DOCUMENT_FORMATS,
    DOCUMENT_TYPES,
    IMAGE_FORMATS,
    IMAGE_TYPES,
)
from psf_runtime.providers.dialect.reading import from_base64, refused
from psf_runtime.providers.dialect.writing import Json, base64_text
from psf_runtime.types.media import File, Image

_LONGEST_NAME = 200
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9()\[\]-]+")


class DocumentNames:
    """Names that the service takes: letters, digits, single blanks, hyphens and brackets, none twice in a request."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, file_name: str) -> str:
        """The nearest name that may be used."""
        stem, dot, ending = file_name.rpartition(".")
        if dot and ending.lower() in DOCUMENT_ENDINGS:
            file_name = stem
        plain = _NOT_IN_A_NAME.sub(" ", file_name).strip()[:_LONGEST_NAME].strip() or "document"
        name, number = plain, 1
        while name.lower() in self._taken:
            number += 1
            end = f" {number}"
            name = plain[: _LONGEST_NAME - len(end)].rstrip() + end
        self._taken.add(name.lower())
        return name


def image_block(part: Image) -> Json:
    """A picture. Raises ConfigError for a URL and for a format that the service does not know."""
    data = _contents(part.data, "an image part", "Image(path) or Image(data, media_type=...)")
    form = IMAGE_FORMATS.get(_bare(part.media_type))
    if form is None:
        raise _unknown_format("an image part", sorted(IMAGE_TYPES))
    return {"image": {"format": form, "source": {"bytes": base64_text(data)}}}


def document_block(part: File, names: DocumentNames) -> Json:
    """A document. Raises ConfigError for a URL and for a format that the service does not know."""
    data = _contents(part.data, "a file part", "File(path) or File(data, name=...)")
    ending = part.name.rpartition(".")[2].lower()
    form = DOCUMENT_FORMATS.get(_bare(part.media_type)) or DOCUMENT_ENDINGS.get(ending)
    if form is None:
        raise _unknown_format("a file part", sorted(DOCUMENT_TYPES))
    source = {"bytes": base64_text(data)}
    return {"document": {"format": form, "name": names.name(part.name), "source": source}}


def _bare(media_type: str) -> str:
    """Without parameters, as in `text/plain; charset=utf-8`."""
    return media_type.partition(";")[0].strip().lower()


def _contents(data: bytes | None, what: str, change: str) -> bytes:
    if data:
        return data
    raise ConfigError(
        f"{what} needs its contents",
        why="it is empty" if data is not None else "Converse takes no URL of a picture or a document",
        change=change,
    )


def _unknown_format(what: str, known: list[str]) -> ConfigError:
    return ConfigError(
        f"the format of {what} is unknown to Bedrock",
        why="its media type is none of: " + ", ".join(known),
        change="give media_type=, or convert it",
    )


def image_from_json(value: Any, where: str) -> Image:
    """The picture in an `image` block."""
    form, data = _source(value, where, {"format", "source"})
    media_type = IMAGE_TYPES.get(form)
    if media_type is None:
        raise refused(f"{where}.format", "it must be one of: " + ", ".join(IMAGE_TYPES))
    return Image(data, media_type=media_type)


def file_from_json(value: Any, where: str) -> File:
    """The document in a `document` block."""
    form, data = _source(value, where, {"format", "name", "source"})
    media_type = DOCUMENT_TYPES.get(form)
    name = value.get("name")
    if media_type is None or not isinstance(name, str):
        raise refused(where, "a document needs a name, and a format: " + ", ".join(DOCUMENT_TYPES))
    return File(data, name=name, media_type=media_type)


def _source(value: Any, where: str, known: set[str]) -> tuple[str, bytes]:
    """Format and bytes. A stored object (`s3Location`) is refused: the vendor would fetch it for anybody."""
    if not isinstance(value, dict) or value.keys() - known or not isinstance(value.get("format"), str):
        raise refused(where, "it needs a format and a source, and has nothing else")
    source = value.get("source")
    if not isinstance(source, dict) or source.keys() != {"bytes"} or not isinstance(source["bytes"], str):
        raise refused(f"{where}.source", "its contents must come along, as bytes")
    return value["format"], from_base64(source["bytes"], f"{where}.source.bytes")
