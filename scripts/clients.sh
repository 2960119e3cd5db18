#!/usr/bin/env bash
# Installs, under .cache/clients, the clients of other makers that tests/clients runs as they are: from npm, and
# from PyPI into environments of their own. What cannot be had here is said, and its tests are skipped.
set -uo pipefail
cd "$(dirname "$0")/.."
home=.cache/clients
stamp=$home/.installed-$(cat scripts/clients.sh tests/clients/package.json | cksum | tr ' ' -)
[ -e "$stamp" ] && exit 0
mkdir -p "$home"

missing() {
    echo "clients: $*; their tests are skipped" >&2
    complete=no
}

complete=yes
if command -v npm >/dev/null; then
    mkdir -p "$home/npm"
    cp tests/clients/package.json "$home/npm/"
    npm install --prefix "$home/npm" --no-audit --no-fund --loglevel=error || missing "npm could not install its packages"
else
    missing "npm is not here"
fi

# environment NAME PYTHON PACKAGES...
environment() {
    local name=$1 python=$2
    shift 2
    if ! "$python" -c "import venv" 2>/dev/null; then
        missing "$python is not here ($name)"
        return
    fi
    [ -x "$home/$name/bin/python" ] || "$python" -m venv "$home/$name" || { missing "no environment for $name"; return; }
    "$home/$name/bin/python" -m pip install -qq --disable-pip-version-check "$@" 2>/dev/null ||
        missing "pip could not install $name"
}
# A shim of pyenv may be on PATH without a version behind it.
python313() {
    local candidate
    for candidate in ${PYTHON313:-} python3.13 "$HOME"/.pyenv/versions/3.13*/bin/python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo python3.13
}

environment relace-mcp "${PYTHON:-python3}" relace-mcp==0.2.4
environment fastapply-mcp "$(python313)" fastapply-mcp==1.1.1 'mcp<2'

if [ $complete = yes ]; then touch "$stamp"; fi
