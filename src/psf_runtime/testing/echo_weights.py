"""The weights of the echo model, computed rather than trained. Needs numpy (extra `demo`).

Two layers. In the first, 16 heads each look a fixed distance back (head j at the j+1st token before) and write that
token's code into slot j, so every position knows the 16 tokens before it. In the second, one head looks for the
position whose 16 predecessors equal the last 16 tokens, and copies the token that stands there: the model goes on as
the text went on before. The marks of the last message and of the answer share one code, so an answer begins with the
first byte of the last message.
"""

from __future__ import annotations

import math
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

REACH = 16  # tokens that are compared: one head of layer 1 each
HEAD_SIZE = 256
HALF = HEAD_SIZE // 2  # a head turns its rows in pairs (i, i + HALF)
FEED_FORWARD = 64  # that part does nothing: all zeros
CONTEXT_TOKENS = 4096
ROTATION_BASE = 1e20  # so large that pairs from 30 on hardly turn: they compare codes at any distance

_ID_BITS, _NEAR_BITS, _FAR_BITS = 64, 24, 10  # identity; code in slots 0 and 1; code in slots 2 to 15
_TURNING_PAIRS = 20  # pairs by which layer 1 tells one distance from the next
_UNCOMPARED_PAIRS = 32  # pairs that layer 2 leaves out of the comparison
_DISTANCE_GAIN = 400.0
_MATCH_GAIN = [16384.0] + [4096.0 * 0.75**slot for slot in range(1, REACH)]  # near tokens outweigh far ones
_NEWNESS_GAIN = 5000.0  # of two equal matches the nearer one wins

# Where what stands in a position's vector: identity, own code, one code per slot, the output.
_SLOT_BITS = [_NEAR_BITS, _NEAR_BITS] + [_FAR_BITS] * (REACH - 2)
_OWN = _ID_BITS
*_SLOTS, _OUT = accumulate(_SLOT_BITS, initial=_ID_BITS + _NEAR_BITS)
WIDTH = math.ceil((_OUT + _ID_BITS) / 32) * 32


def tensors(tokens: list[str]) -> dict[str, Array]:
    """Every tensor by its name in the file."""
    identity, code = _codes(tokens)
    embedding = np.zeros((len(tokens), WIDTH))
    embedding[:, :_ID_BITS] = identity
    embedding[:, _OWN : _OWN + _NEAR_BITS] = code
    output = np.zeros((len(tokens), WIDTH))
    output[:, _OUT : _OUT + _ID_BITS] = identity * 0.5
    named = {
        "token_embd.weight": embedding,
        "output.weight": output,
        "output_norm.weight": _norm(_OUT + _ID_BITS),
    }
    for number, layer in enumerate((_looking_back(), _going_on())):
        for name, array in layer.items():
            turns = name.startswith(("attn_q.", "attn_k."))
            named[f"blk.{number}.{name}"] = _interleave(array) if turns else array
    return named


def _codes(tokens: list[str]) -> tuple[Array, Array]:
    """Identity and code of every token, entries -1 and +1: far apart from each other, code beginnings distinct."""
    draw = np.random.default_rng(7)  # a fixed seed: every machine builds the same model
    codes: list[NDArray[np.int64]] = []
    beginnings: set[tuple[int, ...]] = set()
    while len(codes) < len(tokens):
        code = draw.integers(0, 2, _NEAR_BITS)
        beginning = tuple(code[:_FAR_BITS].tolist())
        if beginning not in beginnings and all((code != other).sum() >= 7 for other in codes):
            beginnings.add(beginning)
            codes.append(code)
    for mark in ("<|user|>", "<|tool|>"):
        codes[tokens.index(mark)] = codes[tokens.index("<|assistant|>")]
    identities: list[NDArray[np.int64]] = []
    while len(identities) < len(tokens):
        identity = draw.integers(0, 2, _ID_BITS)
        if all((identity != other).sum() >= 18 for other in identities):
            identities.append(identity)
    return _signs(identities), _signs(codes)


def _signs(rows: list[NDArray[np.int64]]) -> Array:
    """Bits 0 and 1 as -1 and +1."""
    return np.array(rows, dtype=np.float64) * 2.0 - 1.0


def _norm(used: int) -> Array:
    """Undoes the scaling of the root mean square when `used` entries of a vector are -1 or +1."""
    return np.full(WIDTH, math.sqrt(used / WIDTH))


def _frequencies() -> Array:
    """Radians per token by which each pair turns."""
    return np.asarray(ROTATION_BASE ** (-np.arange(HALF) / HALF))


def _empty_layer() -> dict[str, Array]:
    shapes = {
        "attn_q.weight": (REACH * HEAD_SIZE, WIDTH),
        "attn_k.weight": (HEAD_SIZE, WIDTH),
        "attn_v.weight": (HEAD_SIZE, WIDTH),
        "attn_output.weight": (WIDTH, REACH * HEAD_SIZE),
        "attn_q.bias": (REACH * HEAD_SIZE,),
        "attn_k.bias": (HEAD_SIZE,),
        "attn_v.bias": (HEAD_SIZE,),
        "ffn_gate.weight": (FEED_FORWARD, WIDTH),
        "ffn_up.weight": (FEED_FORWARD, WIDTH),
        "ffn_down.weight": (WIDTH, FEED_FORWARD),
    }
    layer: dict[str, Array] = {name: np.zeros(shape) for name, shape in shapes.items()}
    layer["ffn_norm.weight"] = np.ones(WIDTH)
    return layer


def _looking_back() -> dict[str, Array]:
    """Layer 1. Query and key are constant, so a score is a sum of cos(frequency * (distance - wanted distance))."""
    layer = _empty_layer()
    layer["attn_norm.weight"] = _norm(_ID_BITS + _NEAR_BITS)
    frequencies = _frequencies()[:_TURNING_PAIRS]
    layer["attn_k.bias"][:_TURNING_PAIRS] = 1.0
    layer["attn_v.weight"][:_NEAR_BITS, _OWN : _OWN + _NEAR_BITS] = np.eye(_NEAR_BITS)
    for number, (slot, bits) in enumerate(zip(_SLOTS, _SLOT_BITS, strict=True)):
        head, distance = number * HEAD_SIZE, number + 1
        query = layer["attn_q.bias"]
        query[head : head + _TURNING_PAIRS] = _DISTANCE_GAIN * np.cos(frequencies * distance)
        query[head + HALF : head + HALF + _TURNING_PAIRS] = -_DISTANCE_GAIN * np.sin(frequencies * distance)
        layer["attn_output.weight"][slot : slot + bits, head : head + bits] = np.eye(bits)
    return layer


def _going_on() -> dict[str, Array]:
    """Layer 2. Query: the own token and the 15 before. Key: the 16 before each position. Value: what stands there."""
    layer = _empty_layer()
    layer["attn_norm.weight"] = _norm(_OUT)
    still = iter([*range(_UNCOMPARED_PAIRS, HALF), *range(HALF + _UNCOMPARED_PAIRS, HEAD_SIZE)])
    sources = [_OWN, *_SLOTS]
    for slot, bits in enumerate(_SLOT_BITS):
        for bit in range(bits):
            row = next(still)
            layer["attn_q.weight"][row, sources[slot] + bit] = _MATCH_GAIN[slot]
            layer["attn_k.weight"][row, _SLOTS[slot] + bit] = 1.0
    slow = int(np.argmin(np.abs(_frequencies() * CONTEXT_TOKENS - 1.2)))  # turns by about 1.2 rad over all tokens
    layer["attn_q.bias"][slow] = -_NEWNESS_GAIN
    layer["attn_k.bias"][slow + HALF] = 1.0
    layer["attn_v.weight"][:_ID_BITS, :_ID_BITS] = np.eye(_ID_BITS)
    layer["attn_output.weight"][_OUT : _OUT + _ID_BITS, :_ID_BITS] = np.eye(_ID_BITS)
    return layer


def _interleave(rows: Array) -> Array:
    """A head's rows from pairs (i, i + HALF) to the pairs (2i, 2i + 1) that llama.cpp expects."""
    halves = rows.reshape(-1, 2, HALF, *rows.shape[1:])
    return np.ascontiguousarray(np.moveaxis(halves, 1, 2)).reshape(rows.shape)
