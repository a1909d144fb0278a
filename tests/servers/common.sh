# SPDX-License-Identifier: MIT
# Shared by start, stop and run. FOLDER holds: env (what the tests read), home (the path of the servers' own folder, a
# short one because of the 107 bytes of a socket's path), pids (a line "PID NAME" per server) and the servers' logs.
export LC_ALL=C.UTF-8
unset CDPATH
servers_program=${0##*/}

fail() {
    echo "servers $servers_program: $*" >&2
    exit 1
}

# running PID NAME: that process is there, and is still that program and not another that got its number.
running() { [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ] && ! grep -q '^State:.[ZX]' "/proc/$1/status" 2>/dev/null; }

# all_running: every server that was started is there, and there are some.
all_running() {
    local pid name
    [ -s "$folder/pids" ] || return 1
    while read -r pid name; do running "$pid" "$name" || return 1; done <"$folder/pids"
}

# stop_all: ends what pids names and removes what FOLDER and home hold. The data is worth nothing: nobody is asked to
# shut down in order, but PostgreSQL is let take its children along.
stop_all() {
    local pid name try signal home
    if [ -f "$folder/pids" ]; then
        while read -r pid name; do
            signal=KILL
            [ "$name" = postgres ] && signal=QUIT
            if running "$pid" "$name"; then kill -s $signal "$pid" 2>/dev/null || true; fi
        done <"$folder/pids"
        while read -r pid name; do
            for ((try = 0; try < 100; ++try)); do
                running "$pid" "$name" || break
                sleep 0.05
            done
            if running "$pid" "$name"; then kill -s KILL "$pid" 2>/dev/null || true; fi
        done <"$folder/pids"
    fi
    home=$(cat "$folder/home" 2>/dev/null || true)
    case $home in */mtdb-*) rm -rf "$home" ;; esac
    rm -f "$folder"/{env,home,pids} "$folder"/*.log
}
