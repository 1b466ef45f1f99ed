"""Words by which a text tries to give orders to a model, and one pass that finds them.

A rule is a sequence of word sets that must follow each other within a few words. One pass over the words decides all
rules: the cost grows with the length of the text only, whatever the text is.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from psf_runtime.guards.contracts.invisible import clean

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_Words = frozenset[str]
VERSION = 1  # findings are remembered under it: it changes with the rules


@dataclass(frozen=True, slots=True)
class Rule:
    """`steps` must be met in order, all within `within` words."""

    kind: str
    steps: tuple[_Words, ...]
    within: int = 8


def _set(words: str) -> _Words:
    return frozenset(words.split())


def _overrides() -> tuple[Rule, ...]:
    """ "Ignore all previous instructions", in the word order of each language."""
    table = (
        # English, then German, French, Spanish, Portuguese, Italian, Dutch, Polish, Russian
        ("ignore disregard forget override bypass", "previous prior above earlier preceding all your system any",
         "instructions instruction prompt prompts rules guidelines directives"),
        ("ignoriere ignorieren vergiss vergessen missachte", "vorherigen vorigen bisherigen obigen alle allen deine",
         "anweisungen anweisung regeln instruktionen vorgaben"),
        ("ignore ignorez ignorer oublie oubliez oublier", "toutes tes vos les",
         "instructions consignes règles directives"),
        ("ignora ignore ignorad olvida olvide olvidad", "todas las tus sus", "instrucciones reglas indicaciones"),
        ("ignore ignora esqueça esquece desconsidere", "todas as suas tuas", "instruções regras diretrizes"),
        ("ignora ignorate dimentica dimenticate", "tutte le tue precedenti", "istruzioni regole direttive"),
        ("negeer vergeet", "alle vorige eerdere bovenstaande je", "instructies instructie regels aanwijzingen"),
        ("zignoruj ignoruj zapomnij", "wszystkie poprzednie wcześniejsze swoje o", "instrukcje polecenia instrukcjach"),
        ("игнорируй игнорируйте забудь забудьте проигнорируй", "все предыдущие прежние свои",
         "инструкции указания правила"),
    )  # fmt: skip
    return tuple(Rule("injection.override", tuple(_set(step) for step in steps), 6) for steps in table)


RULES: tuple[Rule, ...] = (
    *_overrides(),
    Rule(
        "injection.prompt_theft",
        (
            _set("reveal print show repeat output leak disclose"),
            _set("system hidden initial"),
            _set("prompt instructions message"),
        ),
        7,
    ),
    Rule(
        "injection.prompt_theft",
        (_set("zeige nenne wiederhole verrate gib"), _set("systemprompt systemanweisungen systemanweisung")),
        7,
    ),
    Rule("injection.role", (_set("you"), _set("are"), _set("now"), _set("dan jailbroken unrestricted unfiltered")), 7),
    Rule("injection.role", (_set("enter enable activate"), _set("developer god jailbreak dan"), _set("mode")), 5),
    Rule(
        "injection.secrecy",
        (_set("not don't don’t never without"), _set("tell telling inform mention alert"), _set("user users")),
        6,
    ),
)  # fmt: skip

# Marks that only a prompt template writes, and orders in languages without spaces.
_LITERALS: tuple[tuple[str, str], ...] = (
    ("injection.delimiter", "<|im_start|>"),
    ("injection.delimiter", "<|start_header_id|>"),
    ("injection.delimiter", "<|system|>"),
    ("injection.delimiter", "[/inst]"),
    ("injection.delimiter", "<<sys>>"),
    ("injection.delimiter", "<start_of_turn>"),
    ("injection.override", "忽略之前的指令"),
    ("injection.override", "忽略以上指令"),
    ("injection.override", "忽略所有指令"),
    ("injection.override", "忽略先前的指示"),
    ("injection.override", "忽略之前的所有指令"),
    ("injection.override", "以前の指示を無視"),
    ("injection.override", "これまでの指示を無視"),
    ("injection.override", "上記の指示を無視"),
    ("injection.override", "이전 지시를 무시"),
    ("injection.override", "이전 지침을 무시"),
)


def find(text: str) -> dict[str, int]:
    """Kinds of orders in `text` and how often, after compatibility forms and invisible characters are undone."""
    plain = (text if text.isascii() else unicodedata.normalize("NFKC", clean(text))).casefold()
    found: dict[str, int] = {}
    # Every mark of a template has a bracket, and every other literal is beyond ASCII.
    literals = _LITERALS if "<" in plain or "[" in plain or not plain.isascii() else ()
    for kind, literal in literals:
        times = plain.count(literal)
        if times:
            found[kind] = found.get(kind, 0) + times
    for kind in _matches(plain):
        found[kind] = found.get(kind, 0) + 1
    return found


def _matches(plain: str) -> list[str]:
    """The kind of each rule that was met, once for each time."""
    # Without its last word no rule is met. Measured: a fifth of the time, for texts that hold none of those words.
    if not any(map(plain.__contains__, _LAST_WORDS)):
        return []
    words = _WORD.findall(plain)
    if _LAST_WORDS.isdisjoint(words):
        return []
    starts = [[-1] * len(rule.steps) for rule in RULES]
    hits: list[str] = []
    for position, word in enumerate(words):
        for rule_number, step in _STEPS.get(word, ()):
            rule, begun = RULES[rule_number], starts[rule_number]
            if step == 0:
                begun[0] = position
                continue
            start = begun[step - 1]
            # The latest start is the best one: if it is too far away, so is every earlier one.
            if start < 0 or position - start > rule.within or start == position:
                continue
            if step < len(rule.steps) - 1:
                begun[step] = start
            else:
                hits.append(rule.kind)
                starts[rule_number] = [-1] * len(rule.steps)
    return hits


def _index() -> dict[str, tuple[tuple[int, int], ...]]:
    """word -> (rule, step), later steps first so that one word does not fill two steps at once."""
    index: dict[str, list[tuple[int, int]]] = {}
    for number, rule in enumerate(RULES):
        for step in reversed(range(len(rule.steps))):
            for word in rule.steps[step]:
                index.setdefault(word, []).append((number, step))
    return {word: tuple(places) for word, places in index.items()}


_STEPS = _index()
_LAST_WORDS = frozenset().union(*(rule.steps[-1] for rule in RULES))
