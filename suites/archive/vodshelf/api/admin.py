"""Administration over HTTP: users and their roles, tasks, and how the archive has been."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..records import Role  # noqa: TC001 - msgspec looks the types up
from .exchange import Call, Endpoint, answer, nothing

if TYPE_CHECKING:
    from starlette.responses import Response

    from ..health import Health
    from ..parts import Parts


class RoleChange(msgspec.Struct, forbid_unknown_fields=True):
    role: Role


class AdminApi:
    """What only administrators do."""

    def __init__(self, parts: Parts, health: Health) -> None:
        self._parts = parts
        self._health = health

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint("GET", "/api/admin", self._overview, "admin"),
            Endpoint("GET", "/api/admin/users", self._users, "admin"),
            Endpoint("PUT", "/api/admin/users/{id}", self._set_role, "admin"),
            Endpoint("DELETE", "/api/admin/users/{id}", self._delete_user, "admin"),
            Endpoint("POST", "/api/admin/tasks/{id}/retry", self._retry, "admin"),
            Endpoint("GET", "/api/admin/health", self._changes, "admin"),
        ]

    async def _overview(self, _: Call) -> Response:
        parts = self._parts
        return answer(
            {
                "users": len(await parts.accounts.users()),
                "vods": await parts.vods.counts(),
                "tasks": await parts.queue.counts(),
                "workers": await parts.presence.count(),
            }
        )

    async def _users(self, _: Call) -> Response:
        return answer({"users": await self._parts.accounts.users()})

    async def _set_role(self, call: Call) -> Response:
        return answer(await self._parts.accounts.set_role(call.id, (await call.body(RoleChange)).role))

    async def _delete_user(self, call: Call) -> Response:
        await self._parts.accounts.delete(call.id)
        return nothing()

    async def _retry(self, call: Call) -> Response:
        return answer(await self._parts.transcriptions.retry(call.id), 202)

    async def _changes(self, _: Call) -> Response:
        return answer({"changes": list(self._health.changes)})
