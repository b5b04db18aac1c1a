#!/bin/sh
# The one script to start from: makes .venv beside itself on the first call, then runs what it is asked for.
# Needs sh and Python >= 3.11 with venv; no root, no HOME, any current directory.
set -eu

usage() {
    cat <<'END'
usage: ./run.sh                          train --style jazz
       ./run.sh <command> [arguments]    rlcompose <command>, for example: ./run.sh train --style jazz --seed 1
       ./run.sh test [arguments]         the test suite, with pytest's arguments
       ./run.sh setup                    only the set-up: .venv with the versions of constraints.txt

Environment:
  PYTHON                  the interpreter that makes .venv (default: the first Python >= 3.11 on the PATH)
  RLCOMPOSE_TORCH_INDEX   the package index that torch comes from; empty: pip's own, which on Linux brings CUDA
END
}

say() { printf 'run.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
venv=$root/.venv
python=$venv/bin/python
stamp=$venv/rlcompose-setup     # "incomplete", or the fingerprint of the set-up that was completed
log=$venv/rlcompose-setup.log
cpu_index=https://download.pytorch.org/whl/cpu

# Two words: what a venv was made for (its interpreter, and its place: a venv cannot be moved), and what is installed in it.
# The venv's own interpreter is asked, so that a different python3 on the PATH tomorrow changes nothing.
fingerprint() {
    "$1" - "$root" <<'END' 2>/dev/null
import hashlib
import pathlib
import sys

root = pathlib.Path(sys.argv[1])
place = f"{sys.version} {root}".encode()
files = b"".join((root / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
print(*(hashlib.sha256(text).hexdigest()[:16] for text in (place, files)))
END
}

is_complete() {
    [ -x "$python" ] && [ -f "$stamp" ] && wanted=$(fingerprint "$python") && [ "$(cat "$stamp")" = "$wanted" ]
}

is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# A Python that can make a venv, in $base.
find_base() {
    for base in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
        if is_recent "$base"; then
            "$base" -c 'import ensurepip, venv' 2>/dev/null ||
                die "$base has no venv module; on Debian or Ubuntu: apt-get install python3-venv"
            return
        fi
        [ "$base" != "${PYTHON:-}" ] || die "PYTHON=$PYTHON is not a Python >= 3.11"
    done
    command -v python3 >/dev/null || die "python3 not found: install Python 3.11 or newer, with venv"
    die "Python 3.11 or newer is needed, python3 is $(python3 -V 2>&1 | head -n 1); name another one with PYTHON=…"
}

# stage TITLE COMMAND...: runs quietly, prints the title and the seconds; where it fails, one line says why.
stage() {
    title=$1
    shift
    started=$(date +%s)
    printf 'run.sh: %s … ' "$title" >&2
    if "$@" >"$log" 2>&1 </dev/null; then
        printf '%s s\n' "$(($(date +%s) - started))" >&2
        return
    fi
    printf 'failed\n' >&2
    if grep -qE 'Failed to establish a new connection|name resolution|ConnectTimeout|NewConnectionError|ProxyError' "$log"; then
        die "no network: pip cannot reach its package index (details: $log)"
    fi
    if grep -q 'No space left on device' "$log"; then
        die "no space left on the disk of $venv (about 2 GB are needed)"
    fi
    reason=$(grep -E '^ *(ERROR|[A-Za-z]*Error):' "$log" | tail -n 1)
    die "${reason:-$title failed} (details: $log)"
}

pip() { "$python" -m pip --disable-pip-version-check --no-input "$@"; }

is_reachable() {
    "$python" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1] + "/torch/", timeout=4)' "$1" 2>/dev/null
}

# torch comes first and alone, because its source is chosen here: on Linux the plain index brings gigabytes of CUDA, which
# these small networks do not repay, so the CPU build's own index is taken where it answers. Its other packages
# are left to the second command (--no-deps): that index need not have the versions of constraints.txt.
install_torch() {
    pin=$(sed -n 's/^\(torch==[^ ;]*\).*/\1/p' "$root/constraints.txt")
    if [ -n "${RLCOMPOSE_TORCH_INDEX-}" ]; then
        pip install --no-deps --index-url "$RLCOMPOSE_TORCH_INDEX" "$pin"
    elif [ -z "${RLCOMPOSE_TORCH_INDEX+set}" ] && [ "$(uname -s)" = Linux ] && is_reachable "$cpu_index"; then
        pip install --no-deps --index-url "$cpu_index" "$pin"
    else
        pip install --no-deps "$pin"
    fi
}

# Once, so that the first piece is heard at once. Where nothing can be kept, every start compiles for itself.
compile_engine() { "$python" -m rlcompose.engine.ahead; }

install_rest() { pip install -c "$root/constraints.txt" -e "${root}[all,dev]"; }

set_up() {
    # One set-up at a time: the lock lies on this file, belongs to descriptor 9, which pip inherits, and ends with
    # the last process that holds it, however that ends. A file system without locks goes without.
    exec 9<"$root/run.sh"
    lock='import fcntl, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | int(sys.argv[1]) * fcntl.LOCK_NB)
except OSError as error:
    sys.exit(isinstance(error, BlockingIOError))'
    find_base
    "$base" -c "$lock" 1 || {
        say "waiting for another set-up of $venv"
        "$base" -c "$lock" 0
    }
    if is_complete; then
        exec 9<&-
        return
    fi

    if [ -f "$stamp" ]; then
        # Ours: brought up to date in place if it was completed for this interpreter and place, else made anew.
        wanted=$(fingerprint "$python") || wanted=none
        [ "${wanted%% *}" = "$(cut -d ' ' -f 1 "$stamp")" ] || rm -rf "$venv"
    elif [ -e "$venv" ] && ! rmdir "$venv" 2>/dev/null; then
        # Somebody made it by hand: it is used, and nothing in it is thrown away.
        is_recent "$python" || die "$venv exists and is no working venv of Python >= 3.11: move it away"
        say "using the existing $venv"
    fi
    if [ -f "$stamp" ] || [ ! -e "$venv" ]; then
        mkdir -p "$venv" 2>/dev/null || die "cannot make $venv: is $root writable?"
        echo incomplete >"$stamp"
    fi
    begun=$(date +%s)
    [ -x "$python" ] || stage "making .venv with $("$base" -V)" "$base" -m venv "$venv"
    stage "installing torch" install_torch
    stage "installing rlcompose and the rest of constraints.txt" install_rest
    stage "compiling the engine" compile_engine
    fingerprint "$python" >"$stamp.new"
    mv "$stamp.new" "$stamp"
    say "ready after $(($(date +%s) - begun)) s: $venv"
    exec 9<&-
}

case ${1-train} in
    -h | --help | help) usage; exit ;;
esac

is_complete || set_up

case $#:${1-} in
    0: | 1:train) exec "$venv/bin/rlcompose" train --style jazz ;;
    *:setup) ;;
    *:test)
        shift
        cd "$root"
        # A file's tests stay together, for what they share; `-n 0` has them all in this process. A thread for each: those
        # of several processes wait for each other.
        export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
        exec "$python" -m pytest -n auto --maxprocesses 4 --dist loadfile "$@"
        ;;
    *) exec "$venv/bin/rlcompose" "$@" ;;
esac
