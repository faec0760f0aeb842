#!/usr/bin/env python3
"""How much memory the emergency brake takes: what is held back until the end of the stream.

    audit/benches/brake.py                  # 200,000 resources in 1,000 accounts
    ACCOUNTS=100 audit/benches/brake.py

Each account has 200 resources: 20 instances that run, 30 users and roles that could be halted, and the rest that could not.
With a limit of 20 nothing may be found, with one of 19 all that could be halted; the script fails where it is otherwise.
Beside them stands the same run without a limit, which holds nothing.
"""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from stream import NOW, ROOT, SEED, ec2, iam_user, lines, measure, record

ACCOUNTS = int(os.environ.get("ACCOUNTS", "1000"))
RUNNING, STOPPED, USERS, ROLES, OTHERS = 20, 120, 20, 10, 30


def role(number, owner, rng, principal):
    name = f"role-{number}"
    return record("iam_role", owner, "global", name, f"arn:aws:iam::{owner}:role/{name}", rng, {
        "RoleName": name, "RoleId": f"AROA{number:017}", "Path": "/", "RolePolicyList": [],
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"},
        ]},
    })


def resources(owner, rng):
    for number in range(RUNNING + STOPPED):
        instance = ec2(number, rng)
        instance["config"]["State"]["Name"] = "running" if number < RUNNING else "stopped"
        yield instance
    for number in range(USERS):
        yield iam_user(number, rng)
    for number in range(ROLES):
        yield role(number, owner, rng, {"AWS": f"arn:aws:iam::{owner}:root"})
    for number in range(OTHERS):
        yield role(100 + number, owner, rng, {"Service": "ec2.amazonaws.com"})


def generate(path):
    rng = random.Random(SEED)
    dump = json.JSONEncoder(separators=(",", ":")).encode
    with open(path, "w", encoding="utf-8") as out:
        for number in range(ACCOUNTS):
            owner = f"{number:012}"
            for resource in resources(owner, rng):
                arn = resource["arn"].replace(f":{resource['account']}:", f":{owner}:")
                out.write(dump({**resource, "account": owner, "arn": arn}) + "\n")
            scope = {"kind": "scope", "account": owner, "region": "eu-west-1", "type": "ec2", "status": "ok"}
            out.write(dump(scope) + "\n")


def main():
    subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "audit"], cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    audit = str((target if target.is_absolute() else ROOT / target) / "release" / "audit")
    count = ACCOUNTS * (RUNNING + STOPPED + USERS + ROLES + OTHERS)
    halted = ACCOUNTS * (1 + RUNNING + USERS + ROLES)
    print(f"{count:,} resources in {ACCOUNTS:,} accounts\n")
    print("| limit | findings | wall s | user CPU s | peak MiB |\n|---|--:|--:|--:|--:|")
    right = True
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as directory:
        source, sink, settings = (os.path.join(directory, name) for name in ("in.ndjson", "out.ndjson", "sluice.toml"))
        generate(source)
        for limit, expected in [("none", 0), ("20 (nobody is over it)", 0), ("19 (everybody is)", halted)]:
            with open(settings, "w", encoding="utf-8") as file:
                number = limit.split()[0]
                file.write("" if number == "none" else f"[runaway]\nmax_running_instances = {number}\n")
            command = [audit, "--config", settings, "--now", NOW, "--only", "runaway"]
            wall, user, memory, code = measure(command, source, sink)
            found = lines(sink) - ACCOUNTS  # The scopes are passed on.
            right &= code == 0 and found == expected
            print(f"| {limit} | {found:,} | {wall:.3f} | {user:.3f} | {memory:.1f} |", flush=True)
    if not right:
        sys.exit(f"expected 0, 0 and {halted:,} findings, and exit 0")


if __name__ == "__main__":
    main()
