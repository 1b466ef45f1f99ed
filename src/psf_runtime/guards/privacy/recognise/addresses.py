"""Street addresses by rule: a number, words of a street, and a postcode with its town where one follows.

Written for the United States, the United Kingdom, Germany, France, Spain, Italy and the Netherlands. Source: the forms
that the postal services of these countries recommend (USPS Publication 28, Royal Mail, DIN 5008, AFNOR NF Z10-011).
"""

from __future__ import annotations

import re

from psf_runtime.ports import Detection

_CAP = r"[^\W\d_a-zß-öø-ÿ][\w'’.-]{0,24}"
_TOWN = r"[^\W\d_a-zß-öø-ÿ][\w'’-]{0,24}"
_CITY = rf"{_TOWN}(?: (?:(?:am|an der|de|del|della|di|la|le|les|sur|en|aan|den) )?{_TOWN}){{0,3}}"
_US_TAIL = r"(?:,?\s{1,2}(?:[A-Z][A-Za-z.'’-]{1,20},?\s){1,3}[A-Z]{2}\b(?:,? \d{5}(?:-\d{4})?)?)"
_UK_TAIL = rf"(?:(?:,\s{{1,2}}{_CAP}(?: {_CAP}){{0,2}}){{0,3}},?\s[A-Z]{{1,2}}\d[A-Z\d]? ?\d[A-Z]{{2}}\b)"
_FIVE_TAIL = rf"(?:,?\s{{1,2}}\d{{5}} {_CITY})"
_STREETS = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Square|Sq|Terrace|Ter|Way|Place|Pl"
    r"|Parkway|Pkwy|Highway|Hwy|Crescent|Close|Gardens|Grove|Mews|Circle|Cir|Trail|Trl|Loop|Row|Alley|Plaza)"
)
_UNIT = r"(?:,?\s(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|#)\.? ?[\w-]{1,6})"
_ENGLISH = re.compile(
    rf"(\d\d{{0,5}}[A-Za-z]?(?:-\d{{1,4}})?)"
    rf" (?:(?:[NSEW]|[NS][EW]|North|South|East|West)\.? )?(?:(?:{_CAP}|\d{{1,3}}(?:st|nd|rd|th)) ){{1,4}}{_STREETS}"
    rf"\b\.?{_UNIT}?(?:{_UK_TAIL}|{_US_TAIL})?"
)
_POST_BOX = re.compile(rf"\bP\.? ?O\.? Box \d{{1,6}}\b(?:{_UK_TAIL}|{_US_TAIL})?")
_LOWER = re.compile(
    r"(\d\d{0,4}[a-z]?) (?:[a-z'’.-]{2,20} ){1,3}"
    r"(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane|drive|court|terrace|crescent|close|grove|mews)\b"
)
_LIVES = re.compile(r"(?:address|live[sd]? (?:at|on|in)|located at|ship(?:ped)? to|deliver(?:ed|y)? to|reside|home is)")
_LIVES_STEMS = ("address", "live", "located at", "ship", "deliver", "reside", "home is")
_GERMAN = re.compile(
    rf"(?<!\w)(?:(?:{_CAP}|An der) ){{0,2}}[^\W\d_a-zß-öø-ÿ][\w-]{{1,30}}(?:straße|strasse|str\.|weg|platz"
    rf"|allee|gasse|damm|ufer|straat|laan|gracht|plein|kade|singel)\s\d{{1,4}} ?(?:[a-hA-H]\b)?(?!\d)"
    rf"(?:,?\s{{1,2}}(?:D-)?\d{{5}} {_CITY}|,?\s{{1,2}}\d{{4}} ?[A-Z]{{2}} {_CITY})?"
)
_GERMAN_TWO = re.compile(
    rf"(?<!\w){_CAP} (?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Straat|Laan|Gracht)\s\d{{1,4}}"
    rf" ?(?:[a-hA-H]\b)?(?!\d){_FIVE_TAIL}?"
)
_FRENCH = re.compile(
    r"\d\d{0,3}(?: ?(?:bis|ter))?,? (?:[Rr]ue|[Aa]venue|[Aa]v\.|[Bb]oulevard|[Bb]d|[Pp]lace|[Ii]mpasse|[Aa]llée"
    r"|[Cc]hemin|[Qq]uai|[Rr]oute|[Cc]ours|[Ss]quare) (?:de la |de l['’]|des |du |de |d['’])?"
    rf"{_CAP}(?:[ -](?:(?:de|du|des|la|le|et) )?{_CAP}){{0,3}}{_FIVE_TAIL}?"
)
_SOUTHERN = re.compile(
    r"(?<!\w)(?:Calle|C/|Avenida|Avda\.?|Plaza|Paseo|Carrer|Carretera|Ronda|Via|Viale|Piazza|Corso|Largo|Vicolo|ul\.|al\.)"
    rf" ?(?:de la |de los |del |de |della |dei |di )?{_CAP}(?: (?:(?:y|e|de|della|dei|di) )?{_CAP}){{0,3}},?"
    rf" (?:n[º°.]? ?)?\d{{1,4}}(?:/?[a-zA-Z]\b|/\d{{1,3}})?(?!\d)(?:,?\s{{1,2}}(?:\d{{5}}|\d\d-\d{{3}}) {_CITY})?"
)
_FLAT = re.compile(r"(?<!\w)(?:Flat|Unit|Apartment|Apt) \w{1,5},? $")
_YEAR = re.compile(r"(?:19|20)\d\d")
# Of a pattern one of these is in the text in lower case.
_TABLE: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (_POST_BOX, (" box ",)),
    (_GERMAN, ("straße", "strasse", "str. ", "weg ", "platz ", "allee ", "gasse ", "damm ", "ufer ", "straat ", "laan ",
               "gracht ", "plein ", "kade ", "singel ")),
    (_GERMAN_TWO, ("straße ", "strasse ", "str. ", " weg ", " platz ", " allee ", " gasse ", " straat ", " laan ",
                   " gracht ")),
    (_FRENCH, ("rue ", "avenue ", " av. ", "boulevard ", " bd ", "place ", "impasse ", "allée ", "chemin ", "quai ",
               "route ", "cours ", "square ")),
    (_SOUTHERN, ("calle ", "c/", "avenida ", "avda", "plaza ", "paseo ", "carrer ", "carretera ", "ronda ", "via ",
                 "viale ", "piazza ", "corso ", "largo ", "vicolo ", "ul.", "al.")),
)  # fmt: skip
_SCORE = 0.7


def find_addresses(text: str, lowered: str) -> list[Detection]:
    """Street addresses; `lowered` is the text in lower case."""
    found: list[Detection] = []
    for match in _ENGLISH.finditer(text):
        # In 2024 Wall Street ...: a year is no number of a house unless a postcode follows.
        year = _YEAR.fullmatch(match.group(1)) is not None and not match.group().rstrip()[-1].isdigit()
        if not year and not _glued(text, match.start()):
            flat = _FLAT.search(text, max(0, match.start() - 20), match.start())
            found.append(_trimmed(text, match.start() if flat is None else flat.start(), match.end()))
    if any(map(lowered.__contains__, _LIVES_STEMS)):
        for match in _LOWER.finditer(text):
            if _LIVES.search(lowered, max(0, match.start() - 40), match.start()) and not _glued(text, match.start()):
                found.append(Detection(*match.span(), "ADDRESS", _SCORE))
    for pattern, words in _TABLE:
        if any(map(lowered.__contains__, words)):
            found += [
                _trimmed(text, *match.span()) for match in pattern.finditer(text) if not _glued(text, match.start())
            ]
    return found


def _glued(text: str, start: int) -> bool:
    """Whether a match begins inside of a number or a word."""
    return start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_.,$€£-")


def _trimmed(text: str, start: int, end: int) -> Detection:
    """The span without the blank or the full stop at its end."""
    while end > start and text[end - 1] in " \n.,":
        end -= 1
    return Detection(start, end, "ADDRESS", _SCORE)
