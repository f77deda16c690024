# SPDX-License-Identifier: BSL-1.0
# common: what tools/run and tools/test share; sourced by both. Needs nothing but bash and coreutils.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=$(nproc 2>/dev/null || echo 2)

say() { printf '%s\n' "== $*" >&2; }

# wanted SECTION ...: the Debian packages of those sections of third_party/debian-packages.txt.
wanted() {
    local section
    for section in "$@"; do
        awk -v want="[$section]" '/^\[/ { on = ($1 == want); next } on && NF && !/^#/ { print $1 }' "$top/third_party/debian-packages.txt"
    done
}

# ensure_packages SECTION ...: installs what is missing with apt; without a missing package it touches nothing, also offline.
ensure_packages() {
    local missing=() package as_root=()
    if ! command -v dpkg-query >/dev/null; then
        say "this is not Debian: expecting these to be installed under their own names here: $(wanted "$@" | paste -sd ' ')"
        return 0
    fi
    while read -r package; do
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done < <(wanted "$@")
    ((${#missing[@]})) || return 0

    say "Debian packages are missing: ${missing[*]}"
    if [[ $(id -u) != 0 ]]; then
        if command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
            as_root=(sudo)
        else
            say "cannot install them: neither root nor sudo. Have somebody type:"
            say "    apt-get update && apt-get install --no-install-recommends ${missing[*]}"
            return 1
        fi
    fi
    say "installing them with apt-get (a minute or two)"
    local log
    log=$(mktemp)
    if ! with_heartbeat "$log" "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive bash -c \
        'apt-get -q update && apt-get -q -y --no-install-recommends -o Dpkg::Use-Pty=0 install "$@"' install "${missing[@]}"; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        say "apt-get could not install them (offline?). When it can, type:"
        say "    apt-get update && apt-get install --no-install-recommends ${missing[*]}"
        return 1
    fi
    rm -f "$log"
}

# offer_packages SECTION ...: likewise; without them all goes on.
offer_packages() { ensure_packages "$@" || say "going on without"; }

# with_heartbeat LOG COMMAND ...: runs the command with its output in LOG, and a line each half minute that shows it lives.
with_heartbeat() {
    local log=$1 child beat status=0 start=$SECONDS
    shift
    # A shell starts what it puts aside with interrupt and quit ignored; tests send both.
    env --default-signal=INT,QUIT "$@" >"$log" 2>&1 </dev/null &
    child=$!
    (
        trap 'kill "$nap" 2>/dev/null; exit 0' TERM
        while :; do
            sleep 30 &
            nap=$!
            wait "$nap"
            printf '   … %d s: %s\n' "$((SECONDS - start))" "$(tail -n 1 "$log" 2>/dev/null | tr -d '\r' | cut -c1-110)" >&2
        done
    ) &
    beat=$!
    wait "$child" || status=$?
    kill "$beat" 2>/dev/null
    wait "$beat" 2>/dev/null || true
    return "$status"
}
