"""Accounts: who there is, with which role, and how somebody proves to be one of them."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING

import msgspec

from . import passwords, tokens
from .errors import AlreadyThere, Conflict, NotAuthenticated, NotFound
from .records import Role, User

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .database import Database, Row
    from .sessions import Sessions
    from .settings import AccountSettings

_USER = "id, name, role, created"


class Login(msgspec.Struct, frozen=True):
    """What somebody gets who has proved who they are."""

    access_token: str
    expires_in: float
    role: Role


class Accounts:
    """Everything about users."""

    def __init__(self, database: Database, sessions: Sessions, settings: AccountSettings) -> None:
        self._database = database
        self._sessions = sessions
        self._settings = settings
        self._nobody = passwords.hashed("", settings.password_cost)

    async def ensure_admin(self) -> None:
        """Make the first account, unless it is there."""
        try:
            await self._add(self._settings.admin, self._settings.admin_password, "admin")
        except Conflict:
            pass

    async def register(self, name: str, password: str) -> User:
        """A new account, which may look only."""
        return await self._add(name, password, "viewer")

    async def login(self, name: str, password: str) -> Login:
        """A token, or NotAuthenticated, which never tells whether there is such an account."""
        rows: Sequence[Row] = []
        if "\0" not in name:  # which not every database can be asked for, and nobody has
            rows = await self._database.read(f"SELECT {_USER}, password FROM users WHERE name = ?1", name)
        kept = str(rows[0][4]) if rows else self._nobody  # as much work for a name that is unknown
        if not await asyncio.to_thread(passwords.matches, password, kept) or not rows:
            raise NotAuthenticated("name or password is wrong")
        user = _user(rows)
        session = await self._sessions.begin(user.id)
        ttl = self._settings.token_ttl
        claims = tokens.Claims(session, user.id, time.time() + ttl)
        return Login(tokens.issue(self._settings.secret, claims), ttl, user.role)

    async def authenticate(self, token: str) -> tuple[User, str]:
        """The user and the session of a token, or NotAuthenticated."""
        claims = tokens.read(self._settings.secret, token, time.time())
        if not await self._sessions.holds(claims.session, claims.user):
            raise NotAuthenticated("the session has ended")
        rows = await self._database.read(f"SELECT {_USER} FROM users WHERE id = ?1", claims.user)
        if not rows:
            raise NotAuthenticated("the account is gone")
        return _user(rows), claims.session

    async def logout(self, user: User, session: str) -> None:
        await self._sessions.end(session, user.id)

    async def logout_everywhere(self, user: User) -> int:
        return await self._sessions.end_all(user.id)

    async def change_password(self, user: User, old: str, new: str) -> None:
        """Ends every session: whoever knew the old password is out."""
        rows = await self._database.read("SELECT password FROM users WHERE id = ?1", user.id)
        if not rows or not await asyncio.to_thread(passwords.matches, old, str(rows[0][0])):
            raise NotAuthenticated("the old password is wrong")
        kept = await asyncio.to_thread(passwords.hashed, new, self._settings.password_cost)
        async with self._database.transaction() as transaction:
            await transaction.run("UPDATE users SET password = ?2 WHERE id = ?1", user.id, kept)
            await self._sessions.end_all(user.id)

    async def users(self) -> list[User]:
        rows = await self._database.read(f"SELECT {_USER} FROM users ORDER BY name")
        return [_user([row]) for row in rows]

    async def set_role(self, user_id: str, role: Role) -> User:
        async with self._database.transaction() as transaction:
            rows = await transaction.run(
                f"UPDATE users SET role = ?2 WHERE id = ?1 RETURNING {_USER}", user_id, role
            )
            if not rows:
                raise NotFound(f"there is no user {user_id!r}")
            _keep_one_admin(await transaction.run("SELECT count(*) FROM users WHERE role = 'admin'"))
        return _user(rows)

    async def delete(self, user_id: str) -> None:
        async with self._database.transaction() as transaction:
            if not await transaction.run("DELETE FROM users WHERE id = ?1 RETURNING id", user_id):
                raise NotFound(f"there is no user {user_id!r}")
            _keep_one_admin(await transaction.run("SELECT count(*) FROM users WHERE role = 'admin'"))
        await self._sessions.end_all(user_id)

    async def _add(self, name: str, password: str, role: Role) -> User:
        kept = await asyncio.to_thread(passwords.hashed, password, self._settings.password_cost)
        user = User(uuid.uuid4().hex, name, role, time.time())
        try:
            async with self._database.transaction() as transaction:
                await transaction.run(
                    "INSERT INTO users VALUES (?1, ?2, ?3, ?4, ?5)", user.id, name, kept, role, user.created
                )
        except AlreadyThere:
            raise Conflict(f"there is a user {name!r} already") from None
        return user


def _keep_one_admin(admins: Sequence[Row]) -> None:
    if admins[0][0] == 0:
        raise Conflict("nobody would be left who may change roles")


def _user(rows: Sequence[Row]) -> User:
    return msgspec.convert(dict(zip(User.__struct_fields__, rows[0], strict=False)), User)
