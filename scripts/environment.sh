# Sourced by ./run and ./test: makes .venv on a fresh machine and leaves its programs first on PATH.
#   prepare_environment [EXTRA]     EXTRA: an extra of pyproject.toml, such as dev

PIP_VERSION=26.3

# The version of a package that constraints.txt pins.
pinned() {
    sed -n "s/^$1==//p" constraints.txt
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "samebytes needs Python 3.11 or newer; set PYTHON=/path/to/python" >&2
    return 1
}

# The default Linux wheel carries CUDA; the CPU build is a tenth of its size, so it is tried first wherever pip is
# configured to find it. SAMEBYTES_TORCH=default takes the default wheel, for a machine with a GPU.
install_torch() {
    local version
    version=$(pinned torch)
    if python -c "import torch; raise SystemExit(not torch.__version__.startswith('$version'))" 2>/dev/null; then
        return
    fi
    if [ "${SAMEBYTES_TORCH:-cpu}" = cpu ] && [ "$(uname -sm)" = "Linux x86_64" ] &&
        python -m pip install -qq --constraint constraints.txt "torch==$version+cpu" 2>/dev/null; then
        return
    fi
    python -m pip install -qq --constraint constraints.txt "torch==$version"
}

prepare_environment() {
    local extra=${1:-} python stamp
    export PIP_DISABLE_PIP_VERSION_CHECK=1
    if [ ! -x .venv/bin/python ]; then
        python=$(find_python) || return 1
        echo "Making .venv with $("$python" --version)"
        "$python" -m venv .venv || {
            echo "could not make .venv (on Debian and Ubuntu: install python3-venv)" >&2
            rm -rf .venv
            return 1
        }
    fi
    export PATH="$PWD/.venv/bin:$PATH" VIRTUAL_ENV="$PWD/.venv"
    stamp=.venv/.samebytes-${extra:-serve}-$(cat pyproject.toml constraints.txt scripts/environment.sh | cksum | tr ' ' -)
    [ -e "$stamp" ] && return
    echo "Installing into .venv"
    python -m pip install -qq "pip==$PIP_VERSION" || return 1
    if [ "$extra" = dev ]; then # serving on a CPU takes no torch
        install_torch || return 1
    fi
    python -m pip install -qq --constraint constraints.txt --editable ".${extra:+[$extra]}" || return 1
    touch "$stamp"
}
