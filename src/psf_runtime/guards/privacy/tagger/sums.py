"""The scores of a token from sums that were worked out before: the same as from its features one by one, and quicker.

The features of `Sentence.features` fall into parts that come again: those of the word, of its neighbours' words, of the
shapes around it. A sum is kept only when all words in its part are in the lists: what a text alone holds is not kept.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Hashable

from psf_runtime.guards.privacy.tagger.features import Known, Sentence
from psf_runtime.guards.privacy.tagger.model import Model

_MOST_KEPT = 100_000
_unpack = struct.Struct("<8H").unpack
_LISTED_SIGNS = frozenset(".,:;!?'\"()-/&")


def scores_of(sentence: Sentence, i: int, model: Model) -> tuple[int, ...]:
    """The score of each tag, and one number more; all are too high by the same amount, which changes no comparison."""
    here = sentence.known[i]
    before, after = sentence.beside(i - 1), sentence.beside(i + 1)
    far_before, far_after = sentence.beside(i - 2), sentence.beside(i + 2)
    case, first = sentence.case, "1" if i == 0 else "0"
    w, s, b, m = here
    w1, s1, b1, _ = before
    w2, s2, b2, _ = after
    w0, w3 = far_before[0], far_after[0]
    t, t1, t2 = s[:2], s1[:2], s2[:2]
    u0, u3 = far_before[1][:2], far_after[1][:2]
    total = _kept(model, _is_listed(here), ("w", w, s, b, m, case, first), lambda: [
        f"w{w}", f"s{s}{case}", f"b{b}{case}", f"c{b}{t}{case}{first}", f"m{m}{case}",
        f"3{w[-3:]}", f"2{w[-2:]}", f"p{w[:3]}", f"e{w[-3:]}{t}{case}",
    ])  # fmt: skip
    total += _kept(model, _is_listed(before), ("<", w1, b, t), lambda: [f"<{w1}", f"<w{w1}|{b}", f"<t{w1}|{t}"])
    total += _kept(model, _is_listed(after), (">", w2, b, t), lambda: [f">{w2}", f">w{w2}|{b}", f">t{w2}|{t}"])
    total += _kept(model, _is_listed(far_before), ("<<", w0), lambda: [f"<<{w0}"])
    total += _kept(model, _is_listed(far_after), (">>", w3), lambda: [f">>{w3}"])
    total += _kept(model, True, ("s", s1, b1, s, b, case), lambda: [
        f"<s{s1}|{s}", f"<b{b1}|{b}{case}", f"<c{b1}{t1}|{b}{t}",
    ])  # fmt: skip
    total += _kept(model, True, ("z", s2, b2, s, b, case), lambda: [
        f">s{s}|{s2}", f">b{b}|{b2}{case}", f">c{b}{t}|{b2}{t2}",
    ])  # fmt: skip
    total += _kept(model, True, ("t", u0, t1, t, t2, u3, first), lambda: [
        f"t{t1}|{t}|{t2}{first}", f"<u{u0}{t1}{t}", f">u{t}{t2}{u3}",
    ])  # fmt: skip
    return _unpack(total.to_bytes(16, "little"))


def _is_listed(known: Known) -> bool:
    return bool(known[2]) or known[0] in _LISTED_SIGNS or known[0] == "<s>"


def _kept(model: Model, may_keep: bool, key: Hashable, features: Callable[[], list[str]]) -> int:
    kept = model.kept
    total = kept.get(key) if may_keep else None
    if total is not None:
        return total
    total = model.sum_of(features())
    if may_keep:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[key] = total
    return total
