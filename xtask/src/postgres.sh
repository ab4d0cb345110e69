#!/bin/sh
# Keeps one throwaway PostgreSQL for as long as somebody holds the other end of stdin.
# Arguments: the directory of the binaries, the port, and `on` when commits have to reach the disk, else `off`.
# Prints the address when the server takes connections.
#
# The end of stdin is the signal to stop, because it comes however the caller ends: done, failed, interrupted or killed.
set -eu
bin=$1 port=$2 durable=$3
# /tmp and not TMPDIR: this runs as another user than the one whose TMPDIR it is.
stem=/tmp/downbeat-postgres

# A keeper that was itself killed leaves its directory and maybe its server behind.
for stale in "$stem".*; do
    [ -O "$stale" ] && keeper=$(cat "$stale/keeper" 2>/dev/null) || continue
    grep -q "$stem" "/proc/$keeper/cmdline" 2>/dev/null && continue
    server=$(head -n 1 "$stale/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$server" 2>/dev/null || true
    rm -rf "$stale"
done

dir=$(mktemp -d "$stem.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
echo $$ >"$dir/keeper"

password=$(od -An -N 16 -t x1 /dev/urandom | tr -d ' \n')
echo "$password" >"$dir/password"
"$bin/initdb" --pgdata "$dir/data" --username downbeat --auth password --pwfile "$dir/password" \
    --encoding UTF8 --no-locale --no-sync >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; exit 1; }

# Nothing here outlives the run, so nothing has to reach the disk unless somebody measures that.
"$bin/postgres" -D "$dir/data" -p "$port" -k "$dir" -c listen_addresses=127.0.0.1 \
    -c fsync="$durable" -c full_page_writes="$durable" -c synchronous_commit="$durable" -c max_connections=300 \
    >"$dir/server.log" 2>&1 </dev/null &
server=$!
trap 'kill -QUIT "$server" 2>/dev/null; wait "$server" || true; rm -rf "$dir"' EXIT

until "$bin/pg_isready" --quiet --host 127.0.0.1 --port "$port"; do
    kill -0 "$server" 2>/dev/null || { cat "$dir/server.log" >&2; exit 1; }
    sleep 0.1
done
echo "postgres://downbeat:$password@127.0.0.1:$port/postgres"
cat >/dev/null
