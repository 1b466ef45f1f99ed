"""Reading a client's request: typed fields from an allow-list; an error names the field and never its value."""

from __future__ import annotations

import binascii
import contextlib
import re
from base64 import b64decode
from typing import Any

import orjson

from psf_runtime.errors import ConfigError
from psf_runtime.types.request import Tool

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,", re.ASCII)


def refused(field: str, why: str) -> ConfigError:
    """The error for a field that may not, or cannot, be read."""
    return ConfigError(
        f"the request's {field} cannot be taken over",
        why=why,
        change="leave it out, or send it in the form that the dialect documents",
    )


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`."""
    try:
        fields = orjson.loads(body)
    except ValueError:
        fields = None
    if isinstance(fields, dict):
        return fields
    del body, fields
    raise refused("the body", "it is no JSON object")


def text(value: Any, field: str) -> str:
    """A text; "" when it is missing."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise refused(field, "it must be text")
    return value


def integer(value: Any, field: str) -> int | None:
    """A whole number, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise refused(field, "it must be a whole number")
    return value


def number(value: Any, field: str) -> float | None:
    """A number, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused(field, "it must be a number")
    return value


def texts(value: Any, field: str) -> tuple[str, ...]:
    """A text or a list of texts; none when it is missing."""
    if value is None:
        return ()
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise refused(field, "it must be text or a list of texts")
    return tuple(items)


def tool(name: Any, description: Any, parameters: Any, field: str) -> Tool:
    """A tool from its name, description and schema, each checked."""
    if not isinstance(name, str) or not name:
        raise refused(field, "a tool needs a name")
    if not isinstance(parameters, dict | None):
        raise refused(field, "the parameters of a tool are a JSON schema")
    return Tool(name, text(description, field), parameters)


def from_base64(encoded: str, where: str) -> bytes:
    """The bytes of a base64 text."""
    data = None
    with contextlib.suppress(binascii.Error, ValueError):
        data = b64decode(encoded, validate=True)
    del encoded
    if data is None:
        raise refused(where, "it must be base64")
    return data


def from_data_url(address: str, where: str) -> tuple[str, bytes]:
    """Media type and bytes of a `data:` URL."""
    head = _DATA_URL.match(address)
    if head is not None:
        return head[1], from_base64(address[head.end() :], where)
    del address
    raise refused(where, "it must be an http(s) URL or data:<media type>;base64,...")
