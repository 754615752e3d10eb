"""django-helpdesk, a real ticket tracker: `python helpdesk_app.py FOLDER` prints its address.

Its database is a SQLite file in FOLDER, or the PostgreSQL database that HELPDESK_DATABASE is the url of.
"""

from __future__ import annotations

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


def configure(folder: Path) -> None:
    """Django's settings; only what helpdesk needs, and a production-like DEBUG=False."""
    contrib = ["auth", "contenttypes", "sessions", "sites", "admin", "humanize", "messages", "staticfiles"]
    settings.configure(
        DEBUG=False,
        SECRET_KEY=secrets.token_hex(32),
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="helpdesk_app",
        USE_TZ=True,
        TIME_ZONE="UTC",
        SITE_ID=1,
        STATIC_URL="/static/",
        MEDIA_ROOT=folder / "media",
        MEDIA_URL="/media/",
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
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                        "django.template.context_processors.media",
                        "django.template.context_processors.request",
                        "django.template.context_processors.static",
                    ]
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


def seed() -> None:
    """The schema, one person who may sign in, one queue the public may write to, and two for staff."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from helpdesk.models import Queue

    call_command("migrate", verbosity=0, interactive=False)
    call_command("loaddata", "emailtemplate", verbosity=0)
    get_user_model().objects.create_superuser(USER, "agent@example.test", PASSWORD)
    Queue.objects.create(slug="demo", title="Demo", allow_public_submission=True)
    Queue.objects.create(slug="housing", title="Tai a chartrefi — «Wohnen» 🏠", escalate_days=3)
    Queue.objects.create(slug="ynys", title="Ynys Môn", socks_proxy_type="socks5", socks_proxy_host="2001:db8::1")


def main(folder: Path) -> None:
    from werkzeug.serving import make_server

    configure(folder)
    app = application(folder)
    seed()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(f"helpdesk: http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
