#!/usr/bin/env python3
"""How fast `honeytoken watch` looks through CloudTrail's records, and how much memory it takes, beside `jq` selecting by the
same access key ids.

    honeytoken/benches/watch.py                # 1,000,000 records, 1,000 tokens, three runs of each
    SIZE=100000 RUNS=1 honeytoken/benches/watch.py

Makes synthetic records (those of common/benches/events.py, the same for the same SEED), one a line, of which each thousandth is
made with a token's key; imports the tokens into a registry of its own; builds `honeytoken` and prints a Markdown table. The
programs have to find the same events. They run one after the other, on one core where `taskset` is installed. Files go to a
temporary directory (TMPDIR) and are deleted in the end.
"""

import importlib.util
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZE = int(os.environ.get("SIZE", "1000000"))
RUNS = int(os.environ.get("RUNS", "3"))
SEED = int(os.environ.get("SEED", "20261120"))
TOKENS = 1000
EACH = 1000
ACCOUNT = "111122223333"
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

spec = importlib.util.spec_from_file_location("events", ROOT / "common" / "benches" / "events.py")
events = importlib.util.module_from_spec(spec)
spec.loader.exec_module(events)


def tokens(rng):
    """The records of tokens, as `honeytoken export` writes them."""
    made = []
    for number in range(TOKENS):
        name = f"svc-{number:04}"
        tail = "".join(rng.choices(BASE32, k=16))
        made.append({
            "kind": "token", "token": f"t{number}", "state": "active", "account": ACCOUNT, "region": "global",
            "type": "iam_user", "id": name, "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}", "principal_id": f"AIDA{tail}",
            "guard": "inline", "owner": "bench", "location": f"host-{number}",
            "keys": [{"id": f"AKIA{tail}", "status": "active", "created_at": "2026-01-01T00:00:00Z"}],
            "created_at": "2026-01-01T00:00:00Z"})
    return made


def generate(path, made):
    """Writes the records: (bytes, the ids of those that a token made)."""
    rng = random.Random(SEED)
    size, wanted = 0, set()
    with open(path, "w", encoding="utf-8") as out:
        for number in range(SIZE):
            record = events.record(number, rng)
            if number % EACH == EACH // 2:
                token = rng.choice(made)
                record["userIdentity"] = {"type": "IAMUser", "principalId": token["principal_id"], "arn": token["arn"],
                                          "accountId": ACCOUNT, "accessKeyId": token["keys"][0]["id"], "userName": token["id"]}
                wanted.add(record["eventID"])
            size += out.write(events.dump(record) + "\n")
    return size, wanted


def measure(command, source):
    """Runs a command from `source`: (wall seconds, CPU seconds, peak MiB, the lines that came out)."""
    pinned = (["taskset", "-c", "0"] if shutil.which("taskset") else []) + command
    with open(source, "rb") as stdin, tempfile.TemporaryFile() as sink:
        start = time.monotonic()
        process = subprocess.Popen(pinned, stdin=stdin, stdout=sink)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{command[0]} ended with {process.returncode}")
        sink.seek(0)
        return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, [json.loads(line) for line in sink]


def main():
    subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "honeytoken"], cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    honeytoken = str((target if target.is_absolute() else ROOT / target) / "release" / "honeytoken")
    made = tokens(random.Random(SEED))
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "events.ndjson")
        size, wanted = generate(path, made)
        exported = os.path.join(directory, "tokens.ndjson")
        pathlib.Path(exported).write_text("".join(events.dump(token) + "\n" for token in made), encoding="utf-8")
        keys = os.path.join(directory, "keys.json")
        pathlib.Path(keys).write_text(events.dump({key["id"]: True for token in made for key in token["keys"]}), encoding="utf-8")
        select = "select(.userIdentity.accessKeyId as $k | $keys[0] | has($k // \"\"))"
        registry = os.path.join(directory, "honeytokens.db")

        def watch(*flags):
            # Nothing is remembered of the run before.
            for left in pathlib.Path(directory).glob("honeytokens.db*"):
                left.unlink()
            importing = [honeytoken, "--quiet", "import", "--registry", registry, exported]
            subprocess.run(importing, check=True, stdout=subprocess.DEVNULL)
            return [honeytoken, "watch", "--quiet", "--registry", registry, *flags]

        found = {
            "`honeytoken watch --every-event`": (lambda: watch("--every-event"),
                                                 lambda line: line["event"]["id"] if line["status"] == "open" else None),
            "`honeytoken watch`": (watch, None),
        }
        if shutil.which("jq"):
            found["`jq`"] = (lambda: ["jq", "-c", "--slurpfile", "keys", keys, select], lambda line: line["eventID"])
        else:
            print("jq is not installed: left out", file=sys.stderr)
        results = {name: [] for name in found}
        for _ in range(RUNS):
            for name, (command, identify) in found.items():
                wall, cpu, memory, lines = measure(command(), path)
                if identify and {identify(line) for line in lines} - {None} != wanted:
                    sys.exit(f"{name} does not find the {len(wanted)} events of tokens")
                results[name].append((wall, cpu, memory, len(lines)))
        print("| records | input | tokens | command | lines out | wall s | CPU s | records/s | peak MiB |")
        print("|--:|--:|--:|---|--:|--:|--:|--:|--:|")
        for name, runs in results.items():
            wall, cpu, memory, lines = (statistics.median(column) for column in zip(*runs))
            print(f"| {SIZE:,} | {size / 1e6:.1f} MB | {TOKENS:,} | {name} | {lines:,.0f} | {wall:.2f} | {cpu:.2f} "
                  f"| {SIZE / wall:,.0f} | {memory:.1f} |", flush=True)


if __name__ == "__main__":
    main()
