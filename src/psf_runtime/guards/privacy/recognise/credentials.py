"""Secrets: keys of common vendors, private keys, bearer tokens, assignments, and URLs with credentials."""

from __future__ import annotations

import re

from psf_runtime.guards.privacy.recognise.keys import VENDORS
from psf_runtime.ports import Detection

_PRIVATE = "PRIVATE KEY"
_LETTERS = (*(letters for letters, _ in VENDORS), _PRIVATE)
LONGEST_LETTERS = max(map(len, _LETTERS))
# Every key holds a run of so many letters, digits and a few signs; measured: asking for it takes a hundredth of looking
# for keys with patterns.
_RUN = b"x" * 14
_RUN_SIGNS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_=-.$:"
_AS_RUNS = bytes(ord("x") if code in _RUN_SIGNS else ord(" ") for code in range(256))
_BEARER = re.compile(r"(?i:\bbearer|\bbasic)[ \t]+([A-Za-z0-9._~+/=-]{16,}+)")
_NAMES = ("passw", "pwd", "passphrase", "secret", "api_key", "api-key", "apikey", "api key", "access_key", "access-key",
          "token", "private_key", "passwort", "kennwort", "contrase", "mot de passe")  # fmt: skip
_ASSIGNED = re.compile(
    r"(?i:passwor[dt]|passwd|pwd|passphrase|kennwort|contrase(?:ñ|n)a|mot de passe|secret(?:[_-]?access)?(?:[_-]?key)?"
    r"|api[_ -]?key|access[_-]?key|auth[_-]?token|access[_-]?token|refresh[_-]?token|session[_-]?token"
    r"|private[_-]?key|\btoken)"
    r"(?P<quote>[\"']?)[ \t]{0,3}(?P<sign>:=|=>|=|:|\bis\b|\bist\b|\best\b|\bes\b)[ \t]{0,3}"
    r"(?P<open>[\"'`]?)(?P<value>[^\s\"'`,;<>{}\[\]()]{4,}+)"
)
_PLAIN_WORDS = frozenset({"none", "null", "true", "false", "undefined", "string", "required", "optional", "changeme"})
_PEM = re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----")

_URL_USER = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://([^\s/?#@:\"'<>]{0,128}:[^\s/?#@\"'<>]{1,256})@")
_URL_QUERY = re.compile(
    r"[?&;](?i:api[_-]?key|key|token|access[_-]?token|auth|password|passwd|pwd|secret|client[_-]?secret|sig|signature"
    r"|x-amz-signature|x-amz-credential|x-amz-security-token|x-goog-signature|id[_-]?token|refresh[_-]?token|session|sid"
    r"|jwt|code|ticket|otp)=([^\s&#\"'<>]{6,}+)"
)


def find_keys(text: str, *, within: str | None = None) -> list[Detection]:
    """Secrets that their shape alone gives away: keys of vendors, signed web tokens, private keys.

    `within` are those parts of `text` that hold all the letters by which keys are known; without it, the whole text.
    """
    found: list[Detection] = []
    parts = text if within is None else within
    for letters, shape in VENDORS if parts else ():
        if letters in parts:
            found += [Detection(*m.span(), "SECRET", 1.0) for m in shape.finditer(text)]
    if _PRIVATE in text:
        found += _private_keys(text)
    return found


def may_hold_keys(text: str) -> bool:
    """Whether `find_keys` has any work with a text: False means that there is no key in it."""
    return any(map(text.__contains__, _LETTERS))


def find_secrets(text: str, lowered: str) -> list[Detection]:
    """Keys, bearer tokens, and the values of assignments such as `password: ...`; `lowered` is `text` in lower case."""
    found = find_keys(text, within=_long_runs(text))
    if "bearer" in lowered or "basic" in lowered:
        found += [Detection(*m.span(1), "SECRET", 0.9) for m in _BEARER.finditer(text) if _looks_random(m.group(1))]
    if any(map(lowered.__contains__, _NAMES)):
        found += [Detection(*m.span("value"), "SECRET", 0.8) for m in _ASSIGNED.finditer(text) if _is_value(m)]
    return found


def _long_runs(text: str) -> str:
    """The runs of at least 14 signs that keys are written with, with blanks between."""
    raw = text.encode("latin-1", "replace")
    shape = raw.translate(_AS_RUNS)
    runs: list[str] = []
    start = shape.find(_RUN)
    while start != -1:
        end = shape.find(b" ", start)
        end = len(text) if end == -1 else end
        runs.append(text[start:end])
        start = shape.find(_RUN, end)
    return " ".join(runs)


def find_url_credentials(text: str) -> list[Detection]:
    """The `user:password` part of a URL, and the values of its secret query fields."""
    found: list[Detection] = []
    if "://" in text and "@" in text:
        found += [Detection(*m.span(1), "URL_CREDENTIALS", 1.0) for m in _URL_USER.finditer(text)]
    if "://" in text and "=" in text:
        found += [
            Detection(*m.span(1), "URL_CREDENTIALS", 0.9)
            for m in _URL_QUERY.finditer(text)
            if "://" in text[max(0, m.start() - 2000) : m.start()].rpartition(" ")[2]
        ]
    return found


def _private_keys(text: str) -> list[Detection]:
    found: list[Detection] = []
    begin = _PEM.search(text)
    while begin is not None:
        end = _PEM_END.search(text, begin.end())
        stop = len(text) if end is None else end.end()
        found.append(Detection(begin.start(), stop, "SECRET", 1.0))
        begin = _PEM.search(text, stop)
    return found


def _looks_random(value: str) -> bool:
    return any(character.isdigit() for character in value) or not value.islower()


def _is_value(match: re.Match[str]) -> bool:
    """Whether what stands behind the sign is a secret and not a word of the sentence or a placeholder."""
    value = match["value"].rstrip(".!?")
    if match["sign"] == "=" and match.string[max(0, match.start() - 1) : match.start()] in ("?", "&"):
        return False  # a field of a URL: find_url_credentials marks exactly its value
    if value.lower() in _PLAIN_WORDS or len(set(value)) < 3 or value.startswith(("$", "%", "env:", "process.env")):
        return False
    mixed = any(character.isdigit() for character in value) or any(not c.isalnum() for c in value.strip("-_:"))
    if match["sign"].isalpha():
        return mixed and len(value) >= 5
    quoted_or_assigned = bool(match["open"]) or match["sign"] != ":"
    return len(value) >= 4 if quoted_or_assigned else mixed
