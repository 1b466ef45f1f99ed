"""Bank accounts with a check: IBAN (ISO 13616), with the length of each country in the registry of SWIFT."""

from __future__ import annotations

from psf_runtime.guards.privacy.recognise.checks import mod97
from psf_runtime.ports import Detection

_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FO FI FK GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU XK MN",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "HT JO KW MU YE", 31: "MT SC",
        32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
# Countries that use the form without being in the registry yet.
_LENGTHS |= {"DZ": 26, "AO": 25, "BJ": 28, "BF": 28, "CV": 25, "CM": 27, "CF": 27, "TD": 27, "KM": 27, "CG": 27,
             "CI": 28, "GQ": 27, "GA": 27, "GW": 25, "IR": 26, "MG": 27, "ML": 28, "MA": 28, "MZ": 25, "NE": 28,
             "SN": 28, "TG": 28}  # fmt: skip


def iban_at(text: str, start: int) -> Detection | None:
    """The IBAN that begins at `start`: the length of its country and a right check, with or without single blanks."""
    length = _LENGTHS.get(text[start : start + 2].upper())
    if length is None or not text[start + 2 : start + 4].isdigit():
        return None
    end, compact = _take(text, start, length)
    after = text[end : end + 1]
    if len(compact) != length or after.isalnum() or not mod97(compact):
        return None
    return Detection(start, end, "IBAN", 1.0)


def _take(text: str, start: int, count: int) -> tuple[int, str]:
    """`count` letters and digits from `start`, over single spaces and hyphens; where they end."""
    taken: list[str] = []
    place = start
    while place < len(text) and len(taken) < count:
        character = text[place]
        if character.isascii() and character.isalnum():
            taken.append(character.upper())
        elif not (character in " -\u00a0" and text[place - 1].isalnum()):
            break
        place += 1
    return place, "".join(taken)
