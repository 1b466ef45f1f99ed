"""Other ways to say what a conversation knows: parts of a name.

Who was introduced as `Anna Smith` is called `Anna` or `Mrs Smith` later on, in places where no detector sees a name. So
the parts of a full name are replaced, too, in the same conversation and in the case in which they were written. Each
gets a token of its own: whether `Anna` is this Anna or another one nobody can tell, and the token of a wrong person is
worse than two tokens for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

Pair = tuple[str, str]  # entity and value
Aliases = Callable[[str, str], Iterable[str]]

_MOST_WORDS, _SHORTEST = 4, 3
_NO_NAMES = frozenset({
    "der", "den", "des", "dem", "van", "von", "vom", "zum", "zur", "del", "dos", "das", "della", "dalla", "bin",
    "ibn", "abu", "ben", "mac", "saint", "san", "santa", "the", "and", "und", "mrs", "miss", "herr", "frau", "madame",
    "monsieur", "dame", "lord", "lady", "dott", "ing", "prof",
})  # fmt: skip
# Words that begin many sentences and are names all the same: they would be replaced far too often.
_WORDS = frozenset({
    "will", "mark", "may", "june", "april", "august", "rose", "grace", "hope", "faith", "joy", "art", "bill", "frank",
    "grant", "drew", "rich", "gene", "dean", "chase", "chance", "case", "pat", "sue", "rob", "jack", "ray", "guy",
    "king", "young", "long", "short", "white", "black", "brown", "green", "gray", "grey", "day", "love", "price",
    "page", "park", "hill", "wood", "woods", "stone", "field", "fields", "forest", "lake", "rivers", "banks",
    "church", "major", "sharp", "swift", "wise", "best", "good", "goodman", "small", "little", "moon", "star",
    "summer", "winter", "christian", "paris", "jordan", "sydney", "austin", "dallas", "china", "israel", "german",
    "french", "english", "street", "road", "house", "home", "bank", "city", "west", "east", "north", "south",
})  # fmt: skip


def name_parts(entity: str, value: str) -> Iterator[str]:
    """The parts of a person's full name: two to four words, each begun with a capital letter.

    Left out: particles and titles, initials, and names that are ordinary words.
    """
    words = [word.strip(".,;:") for word in value.split()]
    if entity != "PERSON" or not 2 <= len(words) <= _MOST_WORDS or not all(map(_may_be_part, words)):
        return
    for word in words:
        plain = word.casefold()
        if len(word) >= _SHORTEST and plain not in _NO_NAMES and plain not in _WORDS:
            yield word


def _may_be_part(word: str) -> bool:
    letters = word.replace("-", "").replace("'", "").replace("’", "")
    return letters.isalpha() and (word[0].isupper() or word in _NO_NAMES)


def no_aliases(entity: str, value: str) -> Iterable[str]:  # noqa: ARG001 - it has the shape of an `Aliases`
    """Nothing beyond the values themselves."""
    return ()
