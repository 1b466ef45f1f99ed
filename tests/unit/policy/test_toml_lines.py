"""Where every key of a TOML text stands."""

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.policy.toml_lines import lines_of


def line_of(text: str, *path: str) -> int:
    return lines_of(text)[path]


def test_keys_and_tables_are_counted_from_one() -> None:
    """Blank lines and comments count, keys below a table belong to it."""
    text = "# a comment = 1\n\na = 1\n[b]\n# c = 2\nc = 3\n"
    assert lines_of(text) == {("a",): 3, ("b",): 4, ("b", "c"): 6}


def test_dotted_keys_note_every_table_on_the_way() -> None:
    """`a.b.c = 1` makes three paths; the first line of a table stays."""
    text = "a.b.c = 1\na . d = 2\n[t.u]\nv.w = 3\n"
    lines = lines_of(text)
    assert (lines[("a",)], lines[("a", "b")], lines[("a", "b", "c")], lines[("a", "d")]) == (1, 1, 1, 2)
    assert (lines[("t",)], lines[("t", "u")], lines[("t", "u", "v")], lines[("t", "u", "v", "w")]) == (3, 3, 4, 4)


def test_quoted_keys_are_read_as_they_are_meant() -> None:
    """Dots, hashes, equals signs and escapes in quotes are part of the key."""
    text = '"a.b" = 1\n\'c#d\' = 2\n"e\\u0066=" = 3\nx."y z".w = 4\n'
    lines = lines_of(text)
    assert (lines[("a.b",)], lines[("c#d",)], lines[("ef=",)], lines[("x", "y z", "w")]) == (1, 2, 3, 4)


def test_lists_over_many_lines_count_their_entries() -> None:
    """Comments, brackets and commas inside of lists and texts mislead nobody."""
    text = 'a = [\n  "x, ]",  # ] not the end\n  [1, 2],\n\n  { k = "}" , l = [1] },\n]\nb = 2\n'
    lines = lines_of(text)
    assert lines[("a", "0")] == 2
    assert lines[("a", "1")] == 3
    assert lines[("a", "2", "k")] == 5
    assert lines[("a", "2", "l", "0")] == 5
    assert lines[("b",)] == 7


@pytest.mark.parametrize(
    "value",
    [
        '"""\none = 1\n\\""" two = 2\n"""',
        "'''\none = 1\n'' two\n'''",
        '"""a"""""',
        "'''a'''''",
        '"a \\" = # ["',
        "'a \\'",
        "2027-03-31",
        "1979-05-27 07:32:00",
        "-1.5e3",
        "[ ]",
        "{ }",
        "true # c",
    ],
)
def test_a_value_is_stepped_over_whole(value: str) -> None:
    """Whatever stands in a value, the next key is found on its line."""
    text = f"a = {value}\nb = 1\n"
    tomllib.loads(text)
    assert value.count("\n") + 2 == line_of(text, "b")
    assert {("a",), ("b",)} == set(lines_of(text))


def test_lists_of_tables_are_numbered() -> None:
    """`[[waivers]]` twice makes entries 0 and 1; a table inside belongs to the last."""
    text = "[[w]]\na = 1\n[w.sub]\nb = 2\n[[w]]\na = 3\n"
    lines = lines_of(text)
    assert (
        lines[("w", "0")],
        lines[("w", "0", "a")],
        lines[("w", "0", "sub", "b")],
        lines[("w", "1")],
        lines[("w", "1", "a")],
    ) == (1, 2, 4, 5, 6)


def test_a_text_without_a_last_newline_is_read_to_its_end() -> None:
    """The last key needs no newline behind it."""
    assert line_of("a = 1\nb = 2", "b") == 2


_keys = st.text("abc-_1", min_size=1, max_size=4)
_values = st.recursive(
    st.sampled_from(["1", '"x # y = ["', "'q]'", "true", "2027-03-31", '"""m\nn"""']),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: "[\n" + ",\n".join(items) + "\n]"),
    max_leaves=5,
)


def paths_in(value: Any, above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Every path that a parsed document has."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    found: set[tuple[str, ...]] = set()
    for key, each in items:
        path = (*above, str(key))
        found |= {path} | paths_in(each, path)
    return found


@given(st.dictionaries(_keys, st.dictionaries(_keys, _values, max_size=3), max_size=4))
@settings(max_examples=60)
def test_every_path_has_the_line_its_key_stands_on(document: dict[str, dict[str, str]]) -> None:
    """For any document: the same paths as the parser finds, and each key really stands on its line."""
    text = "".join(
        f"[{table}]  # {table}\n" + "".join(f"{key} = {value}\n" for key, value in pairs.items())
        for table, pairs in document.items()
    )
    lines = lines_of(text)
    assert paths_in(tomllib.loads(text)) == set(lines)
    rows = text.split("\n")
    for path, line in lines.items():
        if len(path) == 1:
            assert rows[line - 1].startswith(f"[{path[0]}]")
        if len(path) == 2:
            assert rows[line - 1].startswith(f"{path[1]} =")
