"""Wrong input by callers and in settings: a clear error, and the archive goes on as before."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from archive_processes import ApiServer, DidNotStart
from archive_recordings import recording
from archive_support import PASSWORD, Archive, Caller, Refusal, until
from vodshelf import tokens
from vodshelf.errors import StartError
from vodshelf.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.requirement("ARCHIVE-INPUT-1")]

BODIES = {
    "nothing": b"",
    "no JSON": b"{]",
    "half": b'{"title": "x"',
    "two": b"{}{}",
    "no UTF-8": b'{"title": "\xff\xfe", "file_name": "x"}',
    "lone surrogate": b'{"title": "\\ud800", "file_name": "x"}',
    "no number": b'{"title": NaN}',
    "nested without end": b'{"title": ' + b"[" * 60_000,
}
SQL = [
    "'; DROP TABLE vods; --",
    "x' OR '1'='1",
    'Robert"); DELETE FROM users WHERE ("1"="1',
    "$1 ?1 %s :name {0}",
    "\u202eright to left, 日本語, \U0001f3ac",
]


@pytest.mark.asyncio
@pytest.mark.requirement("2.2.2")
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_malformed_body_is_told(archive: Archive, editor: Caller, body: bytes) -> None:
    before = (await archive.anyone.page()).total
    for path in ("/api/vod/create", "/api/auth/login"):
        with pytest.raises(Refusal, match="400 MalformedBody: the body is "):
            await editor.ask("POST", path, content=body)
    assert (await archive.anyone.page()).total == before


async def in_pieces(size: int) -> AsyncIterator[bytes]:
    """A body that does not tell its length."""
    for _ in range(size // 100_000):
        yield b"x" * 100_000


@pytest.mark.asyncio
@pytest.mark.requirement("2.2.2")
@pytest.mark.parametrize("chunked", [False, True], ids=["length told", "length not told"])
@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [("POST", "/api/vod/create", 65_536), ("POST", "/api/auth/login", 65_536), ("PUT", "media", 4_000_000)],
)
async def test_ten_megabytes_are_refused(
    archive: Archive, editor: Caller, method: str, path: str, limit: int, chunked: bool
) -> None:
    if path == "media":
        path = f"/api/vod/{(await editor.create()).id}/media"
    body = in_pieces(10_000_000) if chunked else b"x" * 10_000_000
    with pytest.raises(Refusal, match=f"413 TooLarge: .* may have {limit} bytes"):
        await editor.ask(method, path, content=body)
    assert list((archive.stack.files / "partial").iterdir()) == []


@pytest.mark.asyncio
@pytest.mark.requirement("1.1.1", "2.2.2")
@pytest.mark.parametrize("title", SQL)
async def test_text_is_text_for_the_database(archive: Archive, editor: Caller, title: str) -> None:
    vod = await editor.create(title)
    assert (await archive.anyone.vod(vod.id)).title == title
    assert (await editor.update(vod.id, title=title[::-1])).title == title[::-1]
    with pytest.raises(Refusal, match="401"):
        await archive.login(title, title)
    assert (await archive.anyone.page()).total >= 1


@pytest.mark.asyncio
@pytest.mark.requirement("1.2.3", "2.2.2")
@pytest.mark.parametrize(
    "name", ["a/b", "/etc/passwd", "..", ".", "..\\x", "a\0b", "", "a\nb", "x" * 121, "a\x7fb"]
)
async def test_names_that_are_paths_are_refused(editor: Caller, name: str) -> None:
    with pytest.raises(Refusal, match=r"422 ValidationError: .* - at `\$.file_name`"):
        await editor.create(file_name=name)


@pytest.mark.asyncio
@pytest.mark.requirement("1.2.3")
@pytest.mark.parametrize(
    "path",
    [
        "../settings.json",
        "..%2fsettings.json",
        "%2e%2e/settings.json",
        "captions/..%2f..%2fsettings.json",
        "%2Fetc%2Fpasswd",
        "captions/%00",
        "captions",
        "",
        "x" * 3_000,
    ],
)
async def test_files_outside_are_not_there(archive: Archive, viewer: Caller, path: str) -> None:
    """By a socket of its own: clients resolve such paths before they ask."""
    host, _, port = archive.stack.api.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        request = (
            f"GET /api/files/{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {viewer.token}\r\n"
            "Connection: close\r\n\r\n"
        )
        writer.write(request.encode())
        answer = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"secret" not in answer


@pytest.mark.asyncio
@pytest.mark.requirement("2.1.3", "2.2.3")
async def test_tokens_that_do_not_hold(archive: Archive, viewer: Caller) -> None:
    secret = archive.stack.settings["accounts"]["secret"]
    good = tokens.read(secret, viewer.token, time.time())
    body, _, signature = viewer.token.partition(".")
    admin = tokens.read(secret, (await archive.admin()).token, time.time())
    forged = base64.urlsafe_b64encode(json.dumps({"user": admin.user}).encode()).decode()
    bad = {
        "the token was not made here": [
            "x",
            ".",
            f"{body}.",
            f"{body}.{signature[:-1]}",
            f"{body[:-1]}.{signature}",
            f"{forged}.{signature}",
            tokens.issue("another secret of its own", good),
            "\u00e9.\u00e9",
            "x" * 5_000,
        ],
        "the token has expired": [tokens.issue(secret, tokens.Claims(good.session, good.user, time.time()))],
        "the session has ended": [
            tokens.issue(secret, tokens.Claims("no session", good.user, good.expires)),
            tokens.issue(secret, tokens.Claims(good.session, admin.user, good.expires)),
        ],
        "the token says nothing": [f"{(text := 'bm90aGluZw==')}.{tokens._signature(secret, text)}"],
    }
    for message, texts in bad.items():
        for text in texts:
            header = {"Authorization": b"Bearer " + text.encode()}
            response = await archive.anyone.send("GET", "/api/account", headers=header)
            with pytest.raises(Refusal, match=f"401 NotAuthenticated: {message}"):
                raise Refusal(response)
    for value in ("", "Bearer", f"Basic {viewer.token}", viewer.token):
        response = await archive.anyone.send("GET", "/api/account", headers={"Authorization": value})
        assert response.status_code == 401
    assert (await viewer.ask("GET", "/api/account"))["name"] == viewer.name


@pytest.mark.asyncio
@pytest.mark.requirement("2.1.3", "2.2.3")
async def test_token_of_a_user_who_is_gone_from_the_database(archive: Archive, viewer: Caller) -> None:
    await archive.stack.database.execute(f"DELETE FROM users WHERE name = '{viewer.name}'")
    with pytest.raises(Refusal, match="401 NotAuthenticated: the account is gone"):
        await viewer.ask("GET", "/api/account")


@pytest.mark.asyncio
@pytest.mark.requirement("2.1.3", "3.2.2")
async def test_token_expires_by_itself(archive: Archive, tmp_path: Path) -> None:
    settings = archive.stack.settings
    hasty = settings | {"accounts": settings["accounts"] | {"token_ttl": 0.3}}
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(hasty))
    user = await archive.register()
    api = ApiServer(file, tmp_path / "api.log")
    await asyncio.to_thread(api.start)
    try:
        login = {"username": user.name, "password": PASSWORD}
        async with asyncio.timeout(30):
            token = (await archive.anyone.ask("POST", f"{api.url}/api/auth/login", login))["access_token"]
            caller = Caller(archive.http, token)

            async def message() -> str:
                answer = (await caller.send("GET", f"{api.url}/api/account")).json()
                return str(answer.get("error", {}).get("message"))

            # Its session in Redis may be gone a moment before.
            await until(message, lambda said: said == "the token has expired")
    finally:
        await asyncio.to_thread(api.kill)


@pytest.mark.asyncio
@pytest.mark.requirement("1.2.3", "2.2.1")
@pytest.mark.parametrize("chunked", [False, True], ids=["length told", "in chunks"])
async def test_upload_that_is_cut_changes_nothing(archive: Archive, editor: Caller, chunked: bool) -> None:
    vod, content = await editor.create(), recording("WHOLE")
    vod = await editor.upload(vod.id, content)
    host, _, port = archive.stack.api.url.removeprefix("http://").partition(":")
    partial = archive.stack.files / "partial"
    _, writer = await asyncio.open_connection(host, int(port))
    length = "Transfer-Encoding: chunked" if chunked else "Content-Length: 1000000"
    writer.write(
        f"PUT /api/vod/{vod.id}/media HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {editor.token}\r\n{length}\r\n\r\n".encode()
    )
    writer.write(b"7d0\r\n" + b"x" * 2_000 + b"\r\n" if chunked else b"x" * 2_000)
    await writer.drain()
    await until(lambda: asyncio.to_thread(lambda: list(partial.iterdir())), bool)
    writer.close()
    await writer.wait_closed()
    await until(lambda: asyncio.to_thread(lambda: list(partial.iterdir())), lambda left: left == [])
    assert (await archive.anyone.download(vod.id)).content == content
    assert await archive.anyone.vod(vod.id) == vod
    assert [file.name for file in archive.media(vod).parent.iterdir()] == [vod.checksum]


@pytest.mark.asyncio
@pytest.mark.requirement("2.2.2")
@pytest.mark.parametrize("vod_id", ["x", "0" * 31, "0" * 33, "G" * 32, "%00", "..", "' OR 1=1", "%0A"])
async def test_ids_that_cannot_be_are_of_nothing(archive: Archive, editor: Caller, vod_id: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        response = await editor.send(method, f"/api/vod/{vod_id}", content=b"{}")
        assert response.status_code == 404
    assert (await archive.anyone.send("GET", f"/api/vod/{vod_id}/media")).status_code == 404


def settings(**changes: dict[str, Any]) -> dict[str, Any]:
    """Settings that are right, but for these changes."""
    parts: dict[str, Any] = {
        "database": {"url": "sqlite:///nowhere/archive.db"},
        "store": {"url": "unix:///nowhere"},
        "accounts": {"secret": "x" * 16, "admin_password": "x" * 8},
        "files": {"root": "/nowhere"},
        "channel": {"url": "http://127.0.0.1:1", "key": "x"},
    }
    return parts | {name: parts.get(name, {}) | change for name, change in changes.items()}


SETTINGS: dict[str, tuple[object, str]] = {
    "short secret": (settings(accounts={"secret": "x"}), r"length >= 16 - at `\$.accounts.secret`"),
    "no time": (settings(accounts={"token_ttl": 0}), r"> 0.0 - at `\$.accounts.token_ttl`"),
    "no attempt": (settings(tasks={"attempts": 0}), r">= 1 - at `\$.tasks.attempts`"),
    "misspelt": (settings(store={"ttl": 1}), r"unknown field `ttl` - at `\$.store`"),
    "a list": ([], "Expected `object`, got `array`"),
    "no channel": ({name: part for name, part in settings().items() if name != "channel"}, "`channel`"),
}


@pytest.mark.parametrize(("content", "message"), SETTINGS.values(), ids=SETTINGS.keys())
def test_wrong_settings_are_told_with_their_place(tmp_path: Path, content: object, message: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(content))
    with pytest.raises(StartError, match=message) as caught:
        read_settings(file)
    assert str(caught.value).startswith(f"{file}: ")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"accounts": {"secret": "x"}}, "length >= 16"),
        ({}, "unable to open database file"),
        ({"store": {"url": "tcp://x"}, "database": {"url": "sqlite://archive.db"}}, "no Redis at 'tcp://x'"),
    ],
    ids=["settings", "database", "store"],
)
def test_archive_that_cannot_start_says_why(
    tmp_path: Path, changes: dict[str, dict[str, Any]], message: str
) -> None:
    file = tmp_path / "settings.json"
    wrong = settings(**changes)
    if "database" in changes:
        wrong["database"] = {"url": f"sqlite://{tmp_path}/archive.db"}
    file.write_text(json.dumps(wrong))
    with pytest.raises(DidNotStart) as caught:
        ApiServer(file, tmp_path / "api.log").start()
    assert str(caught.value).startswith("exit code 2: vodshelf: ")
    assert message in str(caught.value)
    assert "Traceback" not in str(caught.value)
