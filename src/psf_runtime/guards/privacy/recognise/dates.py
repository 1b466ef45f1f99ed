"""Dates: those of birth by the word before them; any other is left alone unless it is asked for."""

from __future__ import annotations

import re

from psf_runtime.guards.privacy.recognise.checks import is_birthday
from psf_runtime.guards.privacy.recognise.clusters import Groups, number_of
from psf_runtime.guards.privacy.recognise.words import alternatives
from psf_runtime.ports import Detection

BIRTH, DATE = "DATE_OF_BIRTH", "DATE_TIME"
_SCORE = 0.85
_PLAIN = 0.6
_MONTHS = (
    "jan", "january", "january", "feb", "february", "mar", "march", "apr", "april", "may", "jun", "june", "jul", "july",
    "aug", "august", "sep", "sept", "september", "oct", "october", "nov", "november", "dec", "december",
    "januar", "jänner", "februar", "märz", "mai", "juni", "juli", "oktober", "dezember",
    "janvier", "février", "mars", "avril", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre",
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
    "diciembre", "gennaio", "febbraio", "aprile", "maggio", "giugno", "luglio", "settembre", "ottobre", "dicembre",
    "januari", "februari", "maart", "mei", "augustus", "stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca",
    "lipca", "sierpnia", "września", "października", "listopada", "grudnia",
    "janeiro", "fevereiro", "março", "maio", "junho", "julho", "setembro", "outubro", "novembro", "dezembro",
)  # fmt: skip
_MONTH = alternatives(sorted(set(_MONTHS)))
_WRITTEN = re.compile(
    rf"(?<!\w)(?:\d{{1,2}}(?:st|nd|rd|th|\.|er)?,? (?:de |of )?{_MONTH}\.?,?(?: (?:de |del )?)\d{{4}}"
    rf"|{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}})(?!\w)"
)
_BIRTH_WORDS = re.compile(
    r"(?<![^\W_])(?:dob|d\.o\.b|date of birth|birth ?date|birthday|born|geboren|geburtsdatum|geburtstag|geb\."
    r"|née? le|naissance|nacid[oa]|nacimiento|nat[oa] il|nascita|geboortedatum|data urodzenia|urodzon[ya]"
    r"|nascid[oa]|nascimento)"
)
_STEMS = ("born", "birth", "dob", "d.o.b", "gebor", "geburt", "geb.", " né", "naissance", "nacid", "nacimi", "nato ",
          "nata ", "nascit", "geboorte", "urod", "nascid", "nascim")  # fmt: skip
_REACH = 40


def date_at(text: str, lowered: str, groups: Groups) -> Detection | None:
    """The date that some groups of digits are: of birth behind a word for it, else any."""
    if len(groups) != 3:
        return None
    number = number_of(text, groups)
    mark = number.marks[0]
    if number.marks[1] != mark or mark not in ("-", "/", ".", " ") or not _is_date(number.digits, number.sizes):
        return None
    start, end = number.start, number.end
    if (start and (text[start - 1].isalnum() or text[start - 1] in "-/._")) or text[end : end + 1].isalnum():
        return None
    if _behind_birth(lowered, start):
        return Detection(start, end, BIRTH, _SCORE)
    if mark == " ":
        return None
    return Detection(start, end, DATE, _PLAIN)


def _behind_birth(lowered: str, start: int) -> bool:
    """Whether a word for birth stands before a date, and no other number between."""
    begin = max(0, start - _REACH)
    ends = [match.end() for match in _BIRTH_WORDS.finditer(lowered, begin, start)]
    return bool(ends) and not any(map(str.isdigit, lowered[ends[-1] : start]))


def _is_date(digits: str, sizes: tuple[int, ...]) -> bool:
    if sizes[0] == 4 and max(sizes[1:]) <= 2:
        year, month, day = digits[:4], digits[4 : 4 + sizes[1]], digits[4 + sizes[1] :]
    elif max(sizes[:2]) <= 2 and sizes[2] in (2, 4):
        day, month, year = digits[: sizes[0]], digits[sizes[0] : sizes[0] + sizes[1]], digits[sizes[0] + sizes[1] :]
        if int(month) > 12:
            day, month = month, day
    else:
        return False
    if len(year) == 4 and not 1800 <= int(year) <= 2199:
        return False
    return is_birthday(int(year), int(month), int(day))


def find_birthdays(lowered: str) -> list[Detection]:
    """Dates of birth with the month as a word: `born on 3 May 1987`, `geboren am 3. Mai 1987`."""
    found: list[Detection] = []
    if not any(map(lowered.__contains__, _STEMS)):
        return found
    for word in _BIRTH_WORDS.finditer(lowered):
        date = _WRITTEN.search(lowered, word.end(), word.end() + _REACH)
        if date is not None:
            found.append(Detection(*date.span(), BIRTH, _SCORE))
    return found
