"""Passwords as they are kept: salted, and dear to guess."""

from __future__ import annotations

import hashlib
import hmac
import os

_BLOCK = 8
_MEMORY = 128 * _BLOCK * 2


def hashed(password: str, cost: int) -> str:
    """What is kept in place of the password."""
    salt = os.urandom(16)
    return f"scrypt${cost}${salt.hex()}${_derived(password, salt, cost).hex()}"


def matches(password: str, kept: str) -> bool:
    """Whether this is the password from which `kept` was made."""
    _, cost, salt, digest = kept.split("$")
    return hmac.compare_digest(_derived(password, bytes.fromhex(salt), int(cost)), bytes.fromhex(digest))


def _derived(password: str, salt: bytes, cost: int) -> bytes:
    n = 1 << cost
    return hashlib.scrypt(
        password.encode(), salt=salt, n=n, r=_BLOCK, p=1, maxmem=_MEMORY * (n + 16), dklen=32
    )
