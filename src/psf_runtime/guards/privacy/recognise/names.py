"""Names of people, by a small floor of rules: titles, introductions, greetings, signatures.

It finds names that their neighbourhood gives away, and no others; the tagger beside it finds about two names in three.
"""

from __future__ import annotations

import re

from psf_runtime.ports import Detection

_WORD = r"[^\W\d_a-z]{1}[\w'’-]{1,30}"
_NAME = rf"({_WORD}(?: (?:(?:van|von|der|den|de|la|du|da|di|del|bin|al|el|zu) ){{0,2}}{_WORD}){{0,2}})"
_TITLE = re.compile(
    r"(?<!\w)(?:Mr|Mrs|Ms|Mx|Miss|Dr|Prof|Sir|Lady|Frau|Herrn?|Mme|Mlle|Monsieur|Madame|Señora?|Sra?|Doña|Don|Signora?"
    rf"|Sig|Sr|Dhr|Mevr)\.?[ \u00a0](?:(?:Dr|Prof)\.? )?{_NAME}"
)
_INTRODUCED = re.compile(
    r"(?i:\bmy name is|\bmy name's|\bmein name ist|\bich hei(?:ß|ss)e|\bje m['’]appelle|\bmon nom est|\bme llamo"
    rf"|\bmi nombre es|\bmi chiamo|\bmeu nome é|\bik heet|\bmijn naam is|\bnazywam się)[ \u00a0]{_NAME}"
)
_GREETING = re.compile(
    r"(?m)^[ \t>]{0,8}(?:Dear|Hi|Hello|Hey|Liebe[rs]?|Hallo|Cher|Chère|Bonjour|Estimad[oa]|Querid[oa]|Hola|Car[oa]"
    rf"|Gentile|Ciao|Beste|Olá|Prezad[oa]) {_NAME}[ ]?[,!:\n]"
)
_CLOSING = re.compile(
    r"(?m)^[ \t>]{0,8}(?i:(?:with )?(?:best|kind|warm)(?:est)? (?:regards|wishes)|regards"
    r"|(?:yours )?(?:sincerely|truly|faithfully)|sincerely yours|thanks|thank you|many thanks|cheers"
    r"|mit freundlichen gr(?:ü|ue)(?:ß|ss)en|(?:viele|beste) gr(?:ü|ue)(?:ß|ss)e|cordialement|bien à vous"
    r"|(?:un )?saludos?|atentamente|cordiali saluti|met vriendelijke groet(?:en)?|atenciosamente)"
    rf"[ ]?[,.!]?[ ]?\n[ \t>]{{0,8}}\n?[ \t>]{{0,8}}{_NAME}[ .]?(?:\n|$)"
)
_NOT_NAMES = frozenset((
    "Sir", "Madam", "Sirs", "All", "Team", "Customer", "Customers", "Colleague", "Colleagues", "Friend",
    "Friends", "Everyone", "There", "Support", "Service", "Sales", "Hiring", "Manager", "Committee", "Reader",
    "Readers", "Users", "User", "Damen", "Herren", "Herr", "Frau", "Mr", "Mrs", "Ms", "Miss", "Dr", "Prof",
    "Monsieur", "Madame", "Mme", "The", "This", "That", "We", "You", "It", "Señor", "Señora", "Kunden",
    "Kundinnen", "Kollegen", "Zusammen", "World", "Thanks", "Thank", "Sincerely", "Regards",
))  # fmt: skip
# Of a pattern above at least one of these is in the lower-cased text: a search that costs next to nothing.
_TRIGGERS = (
    "mr", "ms", "mx", "miss", "dr", "prof", "sir", "lady", "frau", "herr", "mme", "mlle", "monsieur", "madame",
    "señor", "sra", "doña", "don", "sig", "dhr", "mevr", "dear", "hi ", "hello", "hey", "lieb", "hallo", "cher",
    "chère", "bonjour", "estimad", "querid", "hola", "caro ", "cara ", "gentile", "ciao", "beste", "olá",
    "prezad", "name", "nom ", "nombre", "nome ", "naam", "ich hei", "appelle", "llamo", "chiamo", "heet",
    "nazywam", "regards", "wishes", "sincerely", "truly", "faithfully", "thank", "cheers", "grü", "grue",
    "cordial", "bien ", "salud", "atent", "groet", "atenc",
)  # fmt: skip


def find_names(text: str, lowered: str) -> list[Detection]:
    """Names behind a title, an introduction, a greeting or a closing formula; the title is not part of the span."""
    if text.islower():
        return []
    patterns = [
        (pattern, score)
        for pattern, score, in_any_case, words in _PATTERNS
        if any(map((lowered if in_any_case else text).__contains__, words))
    ]
    found: list[Detection] = []
    if not patterns or not any(map(lowered.__contains__, _TRIGGERS)):
        return found
    for pattern, score in patterns:
        for match in pattern.finditer(text):
            name = match.group(1)
            words = name.split()
            if any(word.rstrip(".,") in _NOT_NAMES for word in words):
                continue
            end = match.end(1)
            if name.endswith(("'s", "’s")):
                end -= 2
            found.append(Detection(match.start(1), end, "PERSON", score))
    return found


# Each pattern, its score, and words of which it needs one, as written or (True) in any case: most texts need no search
# with it at all. Words in any case have no i, k or s, which other letters can stand for in a search.
_PATTERNS: tuple[tuple[re.Pattern[str], float, bool, tuple[str, ...]], ...] = (
    (
        _TITLE,
        0.85,
        False,
        ("Mr", "Ms", "Mx", "Miss", "Dr", "Prof", "Sir", "Lady", "Frau", "Herr", "Mme", "Mlle", "Monsieur", "Madame",
         "Señor", "Sr", "Doña", "Don", "Sig", "Dhr", "Mevr"),
    ),
    (_INTRODUCED, 0.85, True, ("name", "ch he", "appelle", "nom", "amo", "heet", "naam", "nazywam")),
    (
        _GREETING,
        0.7,
        False,
        ("Dear ", "Hi ", "Hello ", "Hey ", "Lieb", "Hallo ", "Cher ", "Chère ", "Bonjour ", "Estimad", "Querid",
         "Hola ", "Car", "Gentile ", "Ciao ", "Beste ", "Olá ", "Prezad"),
    ),
    (_CLOSING, 0.7, False, ("\n",)),
)  # fmt: skip
