"""One map from what a provider answered to our closed set of errors.

It reads the status, two headers and the vendor's error code and type, never the message: messages repeat what was
sent. Nothing of an error body goes anywhere, except a code that looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from psf_runtime.errors import (
    AuthenticationError,
    ContextLengthError,
    ProviderError,
    ProviderTimeout,
    RateLimitError,
)

_CODE = re.compile(r"[a-z0-9_]{1,64}")
_LONGEST_WAIT = 86_400.0


@dataclass(frozen=True, slots=True)
class _Meaning:
    """A kind of failure: the class that says it, whether the same call may be sent again, one sentence, a remedy."""

    kind: str
    error: type[ProviderError]
    retry_safe: bool
    what: str
    change: str = ""


_CONTEXT = _Meaning(
    "context_length",
    ContextLengthError,
    False,
    "the request is longer than the model's window",
    "send less, or use a model with a larger window",
)
_QUOTA = _Meaning(
    "quota_exhausted",
    RateLimitError,
    False,
    "the account's quota is used up",
    "raise the quota, or use another target: waiting does not help",
)
_RATE = _Meaning("rate_limited", RateLimitError, True, "the provider got too many calls")
_AUTH = _Meaning(
    "auth", AuthenticationError, False, "the provider did not accept the key", "check the key and what it may do"
)
_NOT_FOUND = _Meaning(
    "not_found", ProviderError, False, "the provider does not know this model or path", "check the model and base_url"
)
_FILTER = _Meaning("content_filter", ProviderError, False, "the provider's own filter refused the request")
_BAD_REQUEST = _Meaning("bad_request", ProviderError, False, "the provider did not understand the request")
_TIMEOUT = _Meaning("timeout", ProviderTimeout, True, "the provider gave up waiting")
_OVERLOADED = _Meaning("overloaded", ProviderError, True, "the provider is overloaded")
_SERVER = _Meaning("server_error", ProviderError, True, "the provider failed")
_BAD_RESPONSE = _Meaning("bad_response", ProviderError, False, "the provider's answer makes no sense")

# The vendor's own words, before the status: a used-up quota comes as 429, a full window as 400 or 500.
_BY_CODE: Mapping[str, _Meaning] = {
    "context_length_exceeded": _CONTEXT,
    "exceed_context_size_error": _CONTEXT,
    "string_above_max_length": _CONTEXT,
    "insufficient_quota": _QUOTA,
    "billing_hard_limit_reached": _QUOTA,
    "billing_not_active": _QUOTA,
    "rate_limit_exceeded": _RATE,
    "rate_limit_error": _RATE,
    "invalid_api_key": _AUTH,
    "authentication_error": _AUTH,
    "permission_error": _AUTH,
    "model_not_found": _NOT_FOUND,
    "not_found_error": _NOT_FOUND,
    "not_supported_error": _NOT_FOUND,
    "content_filter": _FILTER,
    "content_policy_violation": _FILTER,
    "overloaded_error": _OVERLOADED,
    "server_error": _SERVER,
    "internal_error": _SERVER,
    "internal_server_error": _SERVER,
    "invalid_request_error": _BAD_REQUEST,
}

_BY_STATUS: Mapping[int, _Meaning] = {
    401: _AUTH,
    402: _QUOTA,
    403: _AUTH,
    404: _NOT_FOUND,
    405: _NOT_FOUND,
    408: _TIMEOUT,
    410: _NOT_FOUND,
    429: _RATE,
    501: _NOT_FOUND,
    503: _OVERLOADED,
    504: _TIMEOUT,
    529: _OVERLOADED,
}

# What a code may overrule: a 401 stays a 401 whatever its body says.
_FIRM = frozenset({401, 402, 403, 404, 405})


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
    codes = vendor_codes(body)
    meaning = _meaning(status, codes)
    where = f" (status {status})" if status is not None and status != 200 else ""
    return meaning.error(
        f"{target or 'the target'}: {meaning.what}{where}",
        kind=meaning.kind,
        target=target,
        status=status,
        retry_safe=meaning.retry_safe,
        retry_after=retry_after(headers, now),
        why=f"the provider's code is {codes[0]}" if codes else "",
        change=meaning.change,
    )


def _meaning(status: int | None, codes: tuple[str, ...]) -> _Meaning:
    if status in _FIRM:
        return _BY_STATUS[status or 0]
    by_code = next((_BY_CODE[code] for code in codes if code in _BY_CODE), None)
    if status == 429:
        return _QUOTA if by_code is _QUOTA else _RATE
    if by_code is not None:
        return by_code
    if status is None or status == 200:
        return _in_stream(codes)
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return _SERVER
    return _BAD_REQUEST if status >= 400 else _BAD_RESPONSE


def _in_stream(codes: tuple[str, ...]) -> _Meaning:
    """An error inside a 200: a numeric code is the status it should have had."""
    for code in codes:
        if code.isdecimal() and len(code) == 3 and 400 <= int(code) < 600:
            return _meaning(int(code), ())
    return _SERVER


def vendor_codes(body: Any) -> tuple[str, ...]:
    """The vendor's `code` and `type`, only those that look like a code: lower-case letters, digits, underscores."""
    error = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return ()
    found = []
    for key in ("code", "type"):
        value = error.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value) if 0 <= value < 10_000 else ""
        if isinstance(value, str) and _CODE.fullmatch(value):
            found.append(value)
    return tuple(found)


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
