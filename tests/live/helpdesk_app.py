"""django-helpdesk, a real ticket tracker: `python helpdesk_app.py FOLDER` prints its address.

Its database is a SQLite file in FOLDER, or the PostgreSQL database that HELPDESK_DATABASE is the url of; on a copy of a
FOLDER it is the same once more, sessions and all. A template in FOLDER/templates is taken in place of its own, at once.
With HELPDESK_NAME it is bound to that name, as a supplier's system is, and knows no other; what it was asked is then
kept in FOLDER/requests.jsonl.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings

USER, PASSWORD = "agent", "agent-pw"  # as in citizen.py
WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def database(folder: Path, url: str) -> dict[str, Any]:
    """The settings of one database."""
    if url:
        at = urlsplit(url)
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": at.path[1:],
            "HOST": at.hostname,
            "PORT": at.port,
            "USER": unquote(at.username or ""),
            "PASSWORD": unquote(at.password or ""),
        }
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": folder / "helpdesk.sqlite3",
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


def secret(folder: Path) -> str:
    """What sessions are signed with."""
    file = folder / "secret"
    if not file.exists():
        file.write_text(secrets.token_hex(32), encoding="utf-8")
    return file.read_text(encoding="utf-8")


def configure(folder: Path, name: str) -> None:
    """Django's settings; only what helpdesk needs, and a production-like DEBUG=False."""
    first = ["django.middleware.gzip.GZipMiddleware", "django.middleware.http.ConditionalGetMiddleware"]
    loaders = "django.template.loaders"
    contrib = ["auth", "contenttypes", "sessions", "sites", "admin", "humanize", "messages", "staticfiles"]
    settings.configure(
        DEBUG=False,
        SECRET_KEY=secret(folder),
        ALLOWED_HOSTS=[name or "*"],
        SESSION_COOKIE_DOMAIN=name or None,
        CSRF_COOKIE_DOMAIN=name or None,
        ROOT_URLCONF="helpdesk_app",
        USE_TZ=True,
        TIME_ZONE="UTC",
        SITE_ID=1,
        STATIC_URL="/static/",
        MEDIA_ROOT=folder / "media",
        MEDIA_URL=f"http://{name}/media/" if name else "/media/",
        LOGIN_URL="helpdesk:login",
        LOGIN_REDIRECT_URL="helpdesk:home",
        EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # a test signs in often
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        DATABASES={"default": database(folder, os.environ.get("HELPDESK_DATABASE", ""))},
        INSTALLED_APPS=[
            *(f"django.contrib.{name}" for name in contrib),
            "rest_framework",
            "django_cleanup.apps.CleanupConfig",
            "helpdesk",
        ],
        MIDDLEWARE=[
            *(first if name else ()),
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [folder / "templates"],
                "OPTIONS": {
                    "loaders": [
                        f"{loaders}.filesystem.Loader",
                        (f"{loaders}.cached.Loader", [f"{loaders}.app_directories.Loader"]),
                    ],
                    "context_processors": [
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                        "django.template.context_processors.media",
                        "django.template.context_processors.request",
                        "django.template.context_processors.static",
                    ],
                },
            }
        ],
        HELPDESK_TEAMS_MODE_ENABLED=False,
        HELPDESK_USE_CDN=False,
        HELPDESK_REDIRECT_TO_LOGIN_BY_DEFAULT=False,
    )
    django.setup()


def application(folder: Path) -> WSGI:
    """The WSGI application; uploads are served from `folder`, static files as Django's own server does."""
    from django.contrib import admin
    from django.contrib.staticfiles import views as static
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.wsgi import get_wsgi_application
    from django.urls import include, path
    from django.views.static import serve

    class Static(StaticFilesHandler):  # type: ignore[misc]  # Django is untyped
        def serve(self, request: Any) -> Any:
            return static.serve(request, self.file_path(request.path), insecure=True)  # as DEBUG is False

    sys.modules["helpdesk_app"] = sys.modules[__name__]
    global urlpatterns
    urlpatterns = [
        path("admin/", admin.site.urls),
        path("media/<path:path>", serve, {"document_root": folder / "media"}),
        path("", include("helpdesk.urls", namespace="helpdesk")),
    ]
    return Static(get_wsgi_application())  # type: ignore[no-any-return]  # Django is untyped


urlpatterns: list[Any] = []


def kept(app: WSGI, name: str, into: Path) -> WSGI:
    """The application, whose every request is written down, and whose policy names itself."""

    def record(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        fields = {key: str(value) for key, value in environ.items() if key.startswith(("HTTP_", "QUERY_", "PATH_"))}
        if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            fields["body"] = body.decode()
            environ["wsgi.input"] = io.BytesIO(body)
        with into.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"method": environ["REQUEST_METHOD"], **fields}) + "\n")

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            policy = f"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: http://{name}; form-action {name}"
            return start_response(status, [*headers, ("Content-Security-Policy", policy)], *more)

        return app(environ, start)

    return record


def seed(name: str) -> None:
    """The schema, one person who may sign in, one queue the public may write to, and two for staff."""
    from django.contrib.auth import get_user_model
    from django.contrib.sites.models import Site
    from django.core.management import call_command
    from helpdesk.models import Queue

    call_command("migrate", verbosity=0, interactive=False)
    call_command("loaddata", "emailtemplate", verbosity=0)
    if name:
        Site.objects.update(domain=name, name=name)
    get_user_model().objects.create_superuser(USER, "agent@example.test", PASSWORD)
    Queue.objects.create(slug="demo", title="Demo", allow_public_submission=True)
    Queue.objects.create(slug="housing", title="Tai a chartrefi — «Wohnen» 🏠", escalate_days=3)
    Queue.objects.create(slug="ynys", title="Ynys Môn", socks_proxy_type="socks5", socks_proxy_host="2001:db8::1")


def main(folder: Path) -> None:
    from werkzeug.serving import make_server

    name = os.environ.get("HELPDESK_NAME", "")
    configure(folder, name)
    is_copy = (folder / "helpdesk.sqlite3").exists()
    app = application(folder)
    if not is_copy:
        seed(name)
    if name:
        app = kept(app, name, folder / "requests.jsonl")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(f"helpdesk: http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
