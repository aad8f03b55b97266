"""Accounts over HTTP: register, log in and out, look at oneself, change a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..records import Password, UserName  # noqa: TC001 - msgspec looks the types up
from .exchange import Call, Endpoint, answer, nothing

if TYPE_CHECKING:
    from starlette.responses import Response

    from ..accounts import Accounts


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    username: UserName
    password: Password


class Attempt(msgspec.Struct, forbid_unknown_fields=True):
    """Names and passwords that could not be made are wrong, not malformed."""

    username: str
    password: str


class PasswordChange(msgspec.Struct, forbid_unknown_fields=True):
    old: str
    new: Password


class PeopleApi:
    """What somebody does with their own account."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint("POST", "/api/auth/register", self._register, None),
            Endpoint("POST", "/api/auth/login", self._login, None),
            Endpoint("POST", "/api/auth/logout", self._logout, "viewer"),
            Endpoint("POST", "/api/auth/logout-everywhere", self._logout_everywhere, "viewer"),
            Endpoint("GET", "/api/account", self._account, "viewer"),
            Endpoint("PUT", "/api/account/password", self._change_password, "viewer"),
        ]

    async def _register(self, call: Call) -> Response:
        wanted = await call.body(Credentials)
        return answer(await self._accounts.register(wanted.username, wanted.password), 201)

    async def _login(self, call: Call) -> Response:
        given = await call.body(Attempt)
        return answer(await self._accounts.login(given.username, given.password))

    async def _logout(self, call: Call) -> Response:
        await self._accounts.logout(call.caller, call.session)
        return nothing()

    async def _logout_everywhere(self, call: Call) -> Response:
        return answer({"ended": await self._accounts.logout_everywhere(call.caller)})

    async def _account(self, call: Call) -> Response:
        return answer(call.caller)

    async def _change_password(self, call: Call) -> Response:
        change = await call.body(PasswordChange)
        await self._accounts.change_password(call.caller, change.old, change.new)
        return nothing()
