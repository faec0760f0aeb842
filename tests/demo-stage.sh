# What the demos share: an emulated AWS account for themselves alone, and how a story is told. Sourced, not run.
#
#   SLUICE_BIN       the folder with the built tools and `misconfigure`
#   SLUICE_MOTO      the emulator: moto_server of a virtual environment
#   SLUICE_DEMO_DIR  where the records of each stage go; a new temporary folder unless set
#
# Talks to nothing but the emulator on the loopback interface, reads nothing of the caller's AWS configuration, and leaves
# no process behind, however it ends.
# shellcheck shell=bash
set -euo pipefail

bin=${SLUICE_BIN:?is not set: run make demo}
moto=${SLUICE_MOTO:?is not set: run make demo}
python=$(cd "${moto%/*}" && pwd)/python
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for program in "$python" "$bin"/{poll,audit,remediate,notify,honeytoken,misconfigure}; do
    [ -x "$program" ] || { echo "demo: $program is not there: run make demo" >&2; exit 4; }
done
bin=$(cd "$bin" && pwd)
dir=${SLUICE_DEMO_DIR:-$(mktemp -d "${TMPDIR:-/tmp}/sluice-demo.XXXXXX")}
mkdir -p "$dir"
cd "$dir"
dir=$PWD

# Profiles, endpoints, webhooks, REMEDIATE=true: nothing of the caller's may reach the tools.
for name in $(compgen -e); do
    case $name in PATH | TERM | COLUMNS | LANG | LC_* | NO_COLOR | TMPDIR) ;; *) unset "$name" ;; esac
done
export PATH="$bin:$PATH" HOME="$dir" XDG_STATE_HOME="$dir" XDG_CONFIG_HOME="$dir" XDG_CACHE_HOME="$dir"
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
export AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo AWS_REGION=us-east-1
export SLUICE_CONFIG=sluice.toml PYTHONUTF8=1

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; fi

emulator=''
end() {
    trap - EXIT INT TERM HUP
    # The emulator ends with its standard input. The signal is for one that hangs.
    exec 3>&-
    if [ -n "$emulator" ]; then
        kill "$emulator" 2>/dev/null || true
        wait "$emulator" 2>/dev/null || true
    fi
    rm -f .emulator-stdin .emulator-port
    printf '\nThe records of each stage are in %s\n' "$dir"
}
trap end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

chapter() { printf '\n%s== %s%s\n' "$bold" "$1" "$plain"; }
say() { printf '%s\n' "$*"; }

# Shows a command as one would type it, and runs it. $2: the exit code that it has to end with, 0 unless given.
run() {
    local code=0
    printf '\n%s$ %s%s\n' "$bold" "$1" "$plain"
    # Without the emulator's standard input: nobody but this script may hold it open.
    eval "$1" 3>&- || code=$?
    if [ "$code" -ne "${2:-0}" ]; then
        say "demo: this ended with exit code $code, and ${2:-0} was expected" >&2
        exit 1
    fi
}

# What became of each thing for which there is a fix, a line each; the rest is counted.
outcomes() {
    "$python" -c '
import json, sys
without = 0
for line in sys.stdin:
    record = json.loads(line)
    if record["kind"] != "outcome":
        continue
    action = record["action"]
    if action is None:
        without += 1
        continue
    name = action if isinstance(action, str) else action["name"]
    calls = ", ".join(call["operation"] for call in record["calls"])
    print("  {:<9} {:<30} {:<44} {}".format(record["status"], name, record["id"].split("/")[-1], calls))
    if record["status"] != "applied" and record.get("reason"):
        print("            " + record["reason"])
if without:
    print("  and {} findings without a fix: they are for people".format(without))
' <"$1"
}

# Says how many records of each kind a file has: say_count '{scope} scopes' FILE. References have no kind.
#
# No $(...) in the story: an interrupt in the middle of one makes bash 5.2 stumble over its own trap.
say_count() {
    "$python" -c '
import collections, json, sys
kinds = collections.Counter(json.loads(line).get("kind", "reference") for line in sys.stdin)
print(sys.argv[1].format_map(kinds))
' "$1" <"$2"
}

# What `jq -c .undo` writes.
undo_of() {
    "$python" -c '
import json, sys
for line in sys.stdin:
    print(json.dumps(json.loads(line)["undo"], separators=(",", ":")))
'
}

start_emulator() {
    rm -f .emulator-stdin .emulator-port journal.ndjson
    mkfifo .emulator-stdin
    "$python" "$here/src/emulator.py" <.emulator-stdin >.emulator-port 2>emulator.log &
    emulator=$!
    exec 3>.emulator-stdin
    local waited=0 port=''
    until [ -s .emulator-port ] && read -r port <.emulator-port; do
        if [ $((waited += 1)) -gt 600 ] || ! kill -0 "$emulator" 2>/dev/null; then
            say "demo: the emulator did not start: see $dir/emulator.log" >&2
            exit 4
        fi
        sleep 0.1
    done
    export AWS_ENDPOINT_URL="http://127.0.0.1:$port"
}
