"""Addresses of crypto currencies, with their checksums: Bitcoin (BIP 13, 173, 350) and Ethereum (EIP-55)."""

from __future__ import annotations

import hashlib

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32_SUMS = (1, 0x2BC830A3)
_BASE58_SIZE = 25


def is_bitcoin(text: str) -> bool:
    """Whether the checksum of an address is right."""
    if text[:3] in ("bc1", "BC1"):
        return _is_bech32(text)
    number = 0
    for character in text:
        number = number * 58 + _BASE58.index(character)
    if number >= 1 << (8 * _BASE58_SIZE):
        return False
    raw = number.to_bytes(_BASE58_SIZE, "big")
    return hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def _is_bech32(text: str) -> bool:
    if text not in (text.lower(), text.upper()):
        return False
    values = [_BECH32.find(character) for character in text.lower()[3:]]
    if -1 in values:
        return False
    state = 1
    for value in [3, 3, 0, 2, 3, *values]:  # the letters `bc`, spread out
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATORS):
            if top >> place & 1:
                state ^= generator
    return state in _BECH32_SUMS


def is_ether(text: str) -> bool:
    """Whether an address with letters of both cases has the case that its checksum asks for; one case needs none."""
    body = text[2:]
    if body in (body.lower(), body.upper()):
        return any(map(str.isalpha, body)) and len(set(body)) > 3
    digest = keccak256(body.lower().encode("ascii")).hex()
    return all(
        not letter.isalpha() or letter.isupper() == (int(nibble, 16) >= 8)
        for letter, nibble in zip(body, digest, strict=False)
    )


_ROUNDS = 24
_MASK = (1 << 64) - 1


def _turn(value: int, by: int) -> int:
    by %= 64
    return (value << by | value >> (64 - by)) & _MASK if by else value


def _round_constants() -> list[int]:
    constants, register = [], 1
    for _ in range(_ROUNDS):
        constant = 0
        for place in range(7):
            if register & 1:
                constant |= 1 << ((1 << place) - 1)
            register = (register << 1 ^ (0x171 if register & 0x80 else 0)) & 0xFF
        constants.append(constant)
    return constants


_CONSTANTS = tuple(_round_constants())


def _permute(lanes: list[list[int]]) -> None:
    for constant in _CONSTANTS:
        sums = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        for x in range(5):
            mixed = sums[(x + 4) % 5] ^ _turn(sums[(x + 1) % 5], 1)
            for y in range(5):
                lanes[x][y] ^= mixed
        x, y, current = 1, 0, lanes[1][0]
        for step in range(_ROUNDS):
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x][y] = lanes[x][y], _turn(current, (step + 1) * (step + 2) // 2)
        for y in range(5):
            row = [lanes[x][y] for x in range(5)]
            for x in range(5):
                lanes[x][y] = row[x] ^ (~row[(x + 1) % 5] & _MASK & row[(x + 2) % 5])
        lanes[0][0] ^= constant


def keccak256(data: bytes) -> bytes:
    """Keccak with its first padding, as Ethereum uses it; the standard's SHA3-256 pads otherwise. One block only."""
    rate = 136
    block = bytearray(data + b"\x01" + bytes(rate - len(data) - 1))
    block[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for place in range(rate // 8):
        lanes[place % 5][place // 5] ^= int.from_bytes(block[8 * place : 8 * place + 8], "little")
    _permute(lanes)
    return b"".join(lanes[place % 5][place // 5].to_bytes(8, "little") for place in range(4))
