# Sourced by the scripts beside it: finds Python, makes .venv from a lock, and is silent when nothing is to be done.
#
# Environment: FIG_PYTHON  the Python to make .venv with (default: the first of python3, python3.11 ... that will do)
#              FIG_VENV    where the environment is (default: .venv in the project)
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
script="scripts/$(basename "$0")"
compiled=proxy/wire/_cut # .c, and what hatch_build.py makes of it: .abi3.so
venv="$(realpath -m "${FIG_VENV:-$root/.venv}")"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_USER=0

# help: prints the comment at the head of the calling script.
help() {
    awk 'NR == 1 { next } !/^#/ { exit } { sub(/^# ?/, ""); print }' "$0"
}

# stop WHAT LINE: says what is missing and the one line that mends it.
stop() {
    printf '%s: %s\n    %s\n' "$script" "$1" "$2" >&2
    exit 2
}

# apt_line PACKAGE...: the line that installs Debian packages, for this user.
apt_line() {
    local as=""
    [ "$(id -u)" = 0 ] || as="sudo "
    printf '%sapt-get install -y %s' "$as" "$*"
}

is_supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }
makes_environments() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

# find_python: prints a Python 3.11 to 3.13 that can make environments.
find_python() {
    local candidate incomplete=""
    for candidate in ${FIG_PYTHON:+"$FIG_PYTHON"} python3 python3.11 python3.12 python3.13; do
        is_supported "$candidate" || continue
        if makes_environments "$candidate"; then
            command -v "$candidate"
            return
        fi
        incomplete="${incomplete:-$candidate}"
    done
    if [ -n "$incomplete" ]; then
        stop "$incomplete cannot make a virtual environment yet. This installs what it needs:" "$(apt_line python3-venv)"
    fi
    stop "no Python 3.11, 3.12 or 3.13 found (FIG_PYTHON names one elsewhere). This installs it on Debian 12:" \
        "$(apt_line python3 python3-venv)"
}

# fingerprint LOCK: what an installation depends on; also whether the compiled part can be built, and of what.
fingerprint() {
    {
        cat "$root/$1" "$root/pyproject.toml" "$root/hatch_build.py" "$root/$compiled.c"
        "$venv/bin/python" -ISc 'import os, sys, sysconfig
print(sys.version, os.path.exists(sysconfig.get_path("include") + "/Python.h"))'
        printf '%s\n' "$root" "${CC:-}" "$(command -v cc gcc clang)"
    } 2>/dev/null | sha256sum | cut -d' ' -f1
}

# is_current LOCK: is .venv here, and made from this lock?
is_current() {
    [ -x "$venv/bin/python" ] && [ -f "$venv/stamps/$1" ] && [ "$(cat "$venv/stamps/$1")" = "$(fingerprint "$1")" ]
}

# is_usable: can what is in .venv be kept? A moved project's cannot: its commands name the old place.
is_usable() {
    [ -x "$venv/bin/python" ] && is_supported "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1 &&
        { [ ! -f "$venv/stamps/root" ] || [ "$(cat "$venv/stamps/root")" = "$root" ]; }
}

install() {
    local lock="$1" python
    is_current "$lock" && return
    if ! is_usable; then
        python="$(find_python)"
        if [ -e "$venv" ] && [ ! -f "$venv/pyvenv.cfg" ]; then
            stop "$venv is in the way: it is no virtual environment. Move it, or name another place:" "FIG_VENV=/some/folder $script"
        fi
        printf '%s: making %s with Python %s\n' "$script" "$venv" "$("$python" -c 'import platform; print(platform.python_version())')" >&2
        "$python" -m venv --clear "$venv"
    fi
    if [ ! -w "$venv" ]; then
        stop "$venv is not up to date, and belongs to $(stat -c %U "$venv"). Use another place:" "FIG_VENV=\$HOME/.fig-venv $script"
    fi
    printf '%s: installing %s packages from %s (once; up to a minute)\n' "$script" "$(grep -c '^[a-z]' "$root/$lock")" "$lock" >&2
    "$venv/bin/python" -m pip install -qq --only-binary :all: --require-hashes -r "$root/$lock"
    "$venv/bin/python" -m pip install -qq --no-deps --no-build-isolation --editable "$root"
    if [ ! -f "$root/$compiled.abi3.so" ]; then
        printf '%s: %s.c was not compiled: heads are read by Python alone, slower. Once this has run, it will be:\n    %s\n' \
            "$script" "$compiled" "$(apt_line gcc libc6-dev python3-dev)" >&2
    fi
    mkdir -p "$venv/stamps"
    printf '%s' "$root" >"$venv/stamps/root"
    # The test lock holds every pin of the core lock (tests/test_house.py), so it makes both current.
    fingerprint requirements.lock >"$venv/stamps/requirements.lock"
    [ "$lock" = requirements.lock ] || fingerprint "$lock" >"$venv/stamps/$lock"
}

# set_up LOCK: makes .venv what LOCK says. Two scripts started at once take turns.
set_up() {
    is_current "$1" && return
    local folder
    folder="$(dirname "$venv")"
    if ! mkdir -p "$folder" 2>/dev/null || [ ! -w "$folder" ]; then
        stop "this user may not write in $folder. Use another place:" "FIG_VENV=\$HOME/.fig-venv $script"
    fi
    command -v flock >/dev/null || stop "flock is missing. This installs it:" "$(apt_line util-linux)"
    (
        flock 9
        install "$1" 9>&-
    ) 9>"$venv.lock"
}
