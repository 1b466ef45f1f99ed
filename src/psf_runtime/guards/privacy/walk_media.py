"""Walking pictures and documents: names, URLs, and the text of text-like files. Pixels are not inspected."""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar
from urllib.parse import quote, unquote_to_bytes

from psf_runtime.guards.privacy.edits import Editor, Leaf, apply
from psf_runtime.guards.privacy.walk_json import walk_json_text
from psf_runtime.types.media import File, Image

Media = TypeVar("Media", Image, File)
_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/yaml", "application/x-ndjson",
               "application/javascript", "application/sql", "application/csv", "message/rfc822")  # fmt: skip
_TEXT_NAMES = (
    ".txt",
    ".md",
    ".csv",
    ".tsv",
    ".json",
    ".jsonl",
    ".xml",
    ".yaml",
    ".yml",
    ".html",
    ".log",
    ".eml",
    ".ini",
)


def walk_image(image: Image, where: str, edit: Editor) -> tuple[Image, bool]:
    """The picture with its strings walked, and whether it leaves uninspected."""
    url, opaque = (None, True) if image.url is None else _walk_url(image.url, where, edit)
    detail = None if image.detail is None else _string(image.detail, f"{where}.detail", edit)
    media_type = _string(image.media_type, f"{where}.media_type", edit)
    return _changed(image, {"url": url, "detail": detail, "media_type": media_type}), opaque


def walk_file(file: File, where: str, edit: Editor) -> tuple[File, bool]:
    """The document with its strings walked, and whether it leaves uninspected."""
    name = _file_name(file.name, f"{where}.name", edit)
    media_type = _string(file.media_type, f"{where}.media_type", edit)
    data, url, opaque = file.data, file.url, True
    if url is not None:
        url, opaque = _walk_url(url, where, edit)
    elif data is not None:
        text = _decoded(data, file.media_type, file.name)
        if text is not None:
            new = walk_json_text(text, where, edit, carries_tokens=False)
            data, opaque = (data if new == text else new.encode("utf-8", "surrogatepass")), False
    return _changed(file, {"data": data, "url": url, "name": name, "media_type": media_type}), opaque


def _walk_url(url: str, where: str, edit: Editor) -> tuple[str, bool]:
    """A URL after the editor. The text inside a `data:` URL is walked; what another URL leads to is not."""
    if not url.startswith("data:"):
        return _string(url, f"{where}.url", edit), True
    head, comma, body = url.partition(",")
    try:
        data = base64.b64decode(body, validate=True) if head.endswith(";base64") else unquote_to_bytes(body)
    except (binascii.Error, ValueError):
        return url, True
    text = _decoded(data, head[5:].partition(";")[0] or "text/plain", "")
    if text is None:
        return url, True
    new = walk_json_text(text, where, edit, carries_tokens=False)
    if new == text:
        return url, False
    written = new.encode("utf-8", "surrogatepass")
    encoded = base64.b64encode(written).decode("ascii") if head.endswith(";base64") else quote(written)
    return f"{head}{comma}{encoded}", False


def _decoded(data: bytes, media_type: str, name: str) -> str | None:
    """The text of a text-like file; None for anything else."""
    if not media_type.startswith(_TEXT_TYPES) and not name.lower().endswith(_TEXT_NAMES) and b"\0" in data[:1024]:
        return None
    textual = media_type.startswith(_TEXT_TYPES) or name.lower().endswith(_TEXT_NAMES)
    if not textual and media_type != "application/octet-stream":
        return None
    for encoding in ("utf-8", "utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8",):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1") if textual else None


def _file_name(name: str, where: str, edit: Editor) -> str:
    """A name after the editor; what stands before its ending is looked at by itself, too."""
    ending = name.rfind(".")
    return apply(name, edit(Leaf(name, where, (ending,) if ending > 0 else ())))


def _string(text: str, where: str, edit: Editor) -> str:
    return apply(text, edit(Leaf(text, where)))


def _changed(media: Media, fields: dict[str, object]) -> Media:
    """The same part with other fields; the constructor would read a string that is no URL as a path."""
    if all(getattr(media, name) == value for name, value in fields.items()):
        return media
    twin = object.__new__(type(media))
    for name in type(media).__slots__:
        object.__setattr__(twin, name, fields.get(name, getattr(media, name)))
    return twin
