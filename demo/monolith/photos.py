"""Uploads to the monolith: a photo of a repair, from somebody who is signed in."""

import re
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from demo.monolith import visit
from demo.monolith.repairs import find
from demo.monolith.visit import PHOTOS, Visit

LARGEST = 5 * 2**20  # bytes; a telephone's photo, as the page says
KINDS = (("image/jpeg", b"\xff\xd8\xff"), ("image/png", b"\x89PNG\r\n\x1a\n"), ("image/gif", b"GIF8"))


async def form(request: web.Request) -> web.Response:
    """GET /upload?job=100001"""
    at = visit.of(request)
    at.need_user()
    return _page(at, {"job": request.query.get("job", ""), "caption": ""}, {})


def _page(at: Visit, typed: dict[str, str], problems: dict[str, str], status: int = 200) -> web.Response:
    return at.page("upload.html", status, token=at.session.token, typed=typed, problems=problems)


async def submit(request: web.Request) -> web.Response:
    """POST /upload (multipart)"""
    at = visit.of(request)
    at.need_user()
    sent = await request.post()
    typed = {name: str(sent.get(name, "")).strip() for name in ("job", "caption")}
    if not at.session.owns(str(sent.get("_csrf", ""))):
        return _page(at, typed, {"": "Your session has expired. Choose the photo and send it again."}, 403)
    photo, problems = sent.get("photo"), {}
    content = photo.file.read(LARGEST + 1) if isinstance(photo, web.FileField) else b""
    media_type = next((kind for kind, start in KINDS if content.startswith(start)), None)
    job = find(at, typed["job"]) if re.fullmatch(r"[0-9]+", typed["job"]) else None
    if job is None:
        problems["job"] = "Enter the number of a repair job, like 100001"
    if len(typed["caption"]) > 200:
        problems["caption"] = "Caption must be 200 characters or fewer"
    if len(content) > LARGEST:
        problems["photo"] = "The photo must be 5 MB or smaller"
    elif media_type is None:
        problems["photo"] = "Choose a photo: JPEG, PNG or GIF"
    if problems or not isinstance(photo, web.FileField):
        return _page(at, typed, problems, 422)
    number = _keep(at, typed, photo.filename, str(media_type), content)
    return at.redirect(f"/repairs/{typed['job']}", photo=number)


def _keep(at: Visit, typed: dict[str, str], file_name: str, media_type: str, content: bytes) -> int:
    made = at.database.execute(
        """INSERT INTO PHOTOS (JOB_NO, FILE_NAME, MEDIA_TYPE, BYTES, CAPTION, UPLOADED)
           VALUES (:job, :name, :type, :bytes, :caption, :now)""",
        {
            **typed,
            "name": Path(file_name.replace("\\", "/")).name[:120],
            "type": media_type,
            "bytes": len(content),
            "now": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )
    number = int(made.lastrowid or 0)
    (at.request.app[PHOTOS] / str(number)).write_bytes(content)
    return number


async def show(request: web.Request) -> web.StreamResponse:
    """GET /upload/<photo>; only for those who are signed in."""
    at = visit.of(request)
    at.need_user()
    row = at.row("SELECT * FROM PHOTOS WHERE PHOTO_ID = :id", {"id": int(request.match_info["photo"])})
    if row is None:
        raise web.HTTPNotFound(text="There is no such photo.")
    return web.FileResponse(
        request.app[PHOTOS] / str(row["PHOTO_ID"]),
        headers={"Content-Type": row["MEDIA_TYPE"], "X-Content-Type-Options": "nosniff", "Cache-Control": "private"},
    )
