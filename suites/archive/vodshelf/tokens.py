"""Tokens: who asks, in which session, and until when, signed so that nobody else can make one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

import msgspec

from .errors import NotAuthenticated


class Claims(msgspec.Struct, frozen=True):
    """What a token says."""

    session: str
    user: str
    expires: float


def issue(secret: str, claims: Claims) -> str:
    body = base64.urlsafe_b64encode(msgspec.json.encode(claims)).decode()
    return f"{body}.{_signature(secret, body)}"


def read(secret: str, token: str, now: float) -> Claims:
    """What the token says, or NotAuthenticated: it is forged or its time is over."""
    body, _, signature = token.partition(".")
    if not hmac.compare_digest(_signature(secret, body).encode(), signature.encode()):
        raise NotAuthenticated("the token was not made here")
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(body), type=Claims)
    except (msgspec.DecodeError, binascii.Error):
        raise NotAuthenticated("the token says nothing") from None
    if claims.expires <= now:
        raise NotAuthenticated("the token has expired")
    return claims


def _signature(secret: str, body: str) -> str:
    return hmac.new(secret.encode(), body.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
