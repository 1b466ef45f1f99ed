"""One map from what a provider answered to our closed set of errors.

It reads the status, a few headers and the vendor's own words for the failure, never the message: messages repeat what
was sent. Nothing of an error body goes anywhere, except a code that looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from psf_runtime.errors import ProviderError
from psf_runtime.providers.error_words import (
    BAD_REQUEST,
    BAD_RESPONSE,
    BY_CODE,
    BY_CODES,
    BY_STATUS,
    FIRM,
    NAMES,
    SERVER,
    Meaning,
)

_CODE = re.compile(r"[a-z0-9_]{1,64}")
_LONGEST_WAIT = 86_400.0


def provider_error(
    status: int | None,
    headers: Mapping[str, str],
    body: Any = None,
    *,
    target: str = "",
    now: float = 0.0,
) -> ProviderError:
    """The error that an answer stands for.

    Args:
        status: HTTP status; 200 or None when the error came inside a stream.
        headers: of the response, names in lower case.
        body: the parsed error body, whatever it is; only `code` and `type` are looked at.
        target: name of the target.
        now: seconds since the epoch, for a Retry-After that is a date.
    """
    codes = tuple(dict.fromkeys((*_header_codes(headers), *vendor_codes(body))))
    meaning = _meaning(status, codes)
    where = f" (status {status})" if status is not None and status != 200 else ""
    return meaning.error(
        f"{target or 'the target'}: {meaning.what}{where}",
        kind=meaning.kind,
        target=target,
        status=status,
        retry_safe=False if headers.get("x-should-retry") == "false" else meaning.retry_safe,
        retry_after=retry_after(headers, now),
        why=f"the provider's code is {codes[0]}" if codes else "",
        change=meaning.change,
    )


def _meaning(status: int | None, codes: tuple[str, ...]) -> Meaning:
    """The vendor's own words first, where they do not contradict a status that speaks for itself."""
    allowed = FIRM.get(status or 0)
    if codes in BY_CODES and allowed is None:
        return BY_CODES[codes]
    for code in codes:
        meaning = BY_CODE.get(code)
        if meaning is not None and (allowed is None or meaning.kind in allowed):
            return meaning
    if status is None or status == 200:
        return _in_stream(codes)
    if status in BY_STATUS:
        return BY_STATUS[status]
    if status >= 500:
        return SERVER
    return BAD_REQUEST if status >= 400 else BAD_RESPONSE


def _in_stream(codes: tuple[str, ...]) -> Meaning:
    """An error inside a 200: a numeric code is the status it should have had."""
    for code in codes:
        if code.isdecimal() and len(code) == 3 and 400 <= int(code) < 600:
            return _meaning(int(code), ())
    return SERVER


def vendor_codes(body: Any) -> tuple[str, ...]:
    """The vendor's words for a failure, the telling one first; only those that look like one.

    `code` and `type` in lower-case letters, digits and underscores; names in capitals (`__type`, `code`, `type`) only
    when they are known, in our spelling.
    """
    if not isinstance(body, dict):
        return ()
    error = body.get("error", body)
    found = [_code(body.get("__type"))]
    if isinstance(error, dict):
        found += [_inner(error, "details", "error_code"), _code(error.get("code")), _code(error.get("type"))]
        found.append(_inner(error, "innererror", "code"))
    return tuple(code for code in found if code)


def _inner(error: dict[str, Any], key: str, name: str) -> str:
    """A code one level deeper: Anthropic's `details`, Azure's `innererror`."""
    inner = error.get(key)
    return _code(inner.get(name)) if isinstance(inner, dict) else ""


def _header_codes(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The name in AWS's header; what follows the first colon is an address."""
    code = _code(headers.get("x-amzn-errortype", "").partition(":")[0])
    return (code,) if code else ()


def _code(value: Any) -> str:
    """A code as it may be shown; empty when the value is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if 0 <= value < 10_000 else ""
    if not isinstance(value, str):
        return ""
    if _CODE.fullmatch(value):
        return value
    # AWS may put a namespace in front (`com.amazon.coral#Name`), and begins the names of frames with a small letter.
    name = value.strip()[-80:].rpartition("#")[2]
    return NAMES.get(name[:1].upper() + name[1:], "")


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds the provider asks us to wait: `retry-after-ms`, or `retry-after` as seconds or as an HTTP date."""
    seconds = _number(headers.get("retry-after-ms"), 0.001)
    if seconds is not None:
        return seconds
    text = headers.get("retry-after")
    if text is None:
        return None
    seconds = _number(text, 1.0)
    if seconds is not None:
        return seconds
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(moment - now, 0.0), _LONGEST_WAIT)


def _number(text: str | None, unit: float) -> float | None:
    if text is None or not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text.strip()):
        return None
    return min(float(text) * unit, _LONGEST_WAIT)
