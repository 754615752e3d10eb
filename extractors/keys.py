"""keys.toml: the secret of the pseudonyms, read with its mode checked, and made anew."""

from __future__ import annotations

import os
import secrets
import stat
import tomllib
from hashlib import sha256
from pathlib import Path

from extractors.privacy import Key
from notation.problems import ConfigError, Problem, Where

NAME = "pseudonyms"
_HOW = f'a file of mode 0600 with [keys.{NAME}] and, under it, secret = "64 hexadecimal digits"'
LEAST = 32  # bytes: as long as the digest it keys


def read(path: Path) -> Key:
    """The key of the pseudonyms. Raises ConfigError, which never shows the secret."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise _wrong(f"{path} does not exist, and a column is a pseudonym", f"make {_HOW}") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise _wrong(f"cannot read {path}: {getattr(exc, 'strerror', 'it is not UTF-8')}", f"it is {_HOW}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise _wrong(
            f"{path} may be read by others than its owner (mode {stat.S_IMODE(mode):04o})", f"run: chmod 600 {path}"
        )
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise _wrong(f"{path} is not TOML", f"it is {_HOW}") from None
    keys = document.get("keys")
    entry = keys.get(NAME) if isinstance(keys, dict) else None
    secret = entry.get("secret") if isinstance(entry, dict) else None
    if not isinstance(secret, str):
        raise _wrong(f"{path} holds no [keys.{NAME}] with a secret", f"it is {_HOW}")
    try:
        raw = bytes.fromhex(secret)
    except ValueError:
        raw = b""
    if len(raw) < LEAST:
        line = text[: text.find(secret)].count("\n") + 1
        what = f"the secret of [keys.{NAME}] is not at least {2 * LEAST} hexadecimal digits"
        raise ConfigError([Problem(Where(path.name, line), what, "make one with: openssl rand -hex 32")])
    return Key(raw, identify(raw))


def identify(secret: bytes) -> str:
    """A name for a secret that cannot be turned back into it."""
    return sha256(b"stranglerfig key id\0" + secret).hexdigest()[:16]


def create(path: Path) -> Key:
    """Write a new key; an existing file is never touched (FileExistsError). Only the demo calls this."""
    secret = secrets.token_bytes(LEAST)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f'[keys.{NAME}]\nsecret = "{secret.hex()}"\n')
        file.flush()
        os.fsync(file.fileno())
    return Key(secret, identify(secret))


def _wrong(what: str, hint: str) -> ConfigError:
    return ConfigError([Problem(None, what, hint)])
