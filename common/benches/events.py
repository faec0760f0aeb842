#!/usr/bin/env python3
"""How fast CloudTrail's records are read from gzip, and how much memory it takes, beside `zcat | jq`.

    common/benches/events.py                 # 200,000 records
    SIZE=20000 common/benches/events.py

Makes synthetic records (the same for the same SEED), as one log file ({"Records":[...]} on a single line) and as a message
each (EventBridge in SNS in SQS), builds `common/examples/events.rs` and prints a Markdown table. Both programs write the
records' ids, which have to be the same. Files go to a temporary directory (TMPDIR) and are deleted in the end.
"""

import gzip
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZE = int(os.environ.get("SIZE", "200000"))
SEED = int(os.environ.get("SEED", "20261120"))
FORMS = {
    "log file": ".Records[].eventID",
    "SQS messages": ".body | fromjson | .Message | fromjson | .detail.eventID",
}
dump = json.JSONEncoder(separators=(",", ":")).encode

REQUESTS = [
    ("ec2", "RunInstances", {"instancesSet": {"items": [{"imageId": "ami-0abcdef1234567890", "minCount": 1, "maxCount": 1}]},
                             "instanceType": "m5.large", "blockDeviceMapping": {}, "monitoring": {"enabled": False},
                             "subnetId": "subnet-0abcdef1234567890", "disableApiTermination": False}),
    ("s3", "PutBucketPolicy", {"bucketName": "acme-logs", "Host": "acme-logs.s3.eu-west-1.amazonaws.com", "policy": "",
                               "bucketPolicy": {"Version": "2012-10-17", "Statement": [
                                   {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                                    "Resource": "arn:aws:s3:::acme-logs/*"}]}}),
    ("iam", "PutUserPolicy", {"userName": "web", "policyName": "p", "policyDocument": json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "ec2:*"], "Resource": "*"}]})}),
    ("sts", "GetCallerIdentity", None),
    ("ec2", "AuthorizeSecurityGroupIngress", {"groupId": "sg-0abcdef1234567890", "ipPermissions": {"items": [
        {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "groups": {}, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]},
         "ipv6Ranges": {}, "prefixListIds": {}}]}}),
]


def record(number, rng):
    service, name, request = REQUESTS[number % len(REQUESTS)]
    account = f"{rng.randrange(1000):012}"
    role = {"type": "Role", "principalId": "AROAEXAMPLEEXAMPLE123", "arn": f"arn:aws:iam::{account}:role/deploy",
            "accountId": account, "userName": "deploy"}
    identity = {"type": "AssumedRole", "principalId": f"AROAEXAMPLEEXAMPLE123:job-{number}",
                "arn": f"arn:aws:sts::{account}:assumed-role/deploy/job-{number}", "accountId": account,
                "accessKeyId": f"ASIA{rng.getrandbits(64):016X}", "sessionContext": {"sessionIssuer": role, "attributes": {
                    "creationDate": "2026-11-20T09:00:00Z", "mfaAuthenticated": "false"}}}
    return {
        "eventVersion": "1.11", "userIdentity": identity, "eventTime": f"2026-11-20T10:{number // 60 % 60:02}:{number % 60:02}Z",
        "eventSource": f"{service}.amazonaws.com", "eventName": name, "awsRegion": "eu-west-1",
        "sourceIPAddress": f"192.0.2.{rng.randrange(256)}",
        "userAgent": "aws-cli/2.17.20 md/awscrt#0.21.2 ua/2.0 os/linux#6.6 lang/python#3.11.9 cfg/retry-mode#standard",
        "requestParameters": request, "responseElements": {"requestId": str(uuid.UUID(int=rng.getrandbits(128))), "_return": True},
        "requestID": str(uuid.UUID(int=rng.getrandbits(128))), "eventID": str(uuid.UUID(int=rng.getrandbits(128))),
        "readOnly": False, "eventType": "AwsApiCall", "managementEvent": True, "recipientAccountId": account,
        "eventCategory": "Management", "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256",
                                                      "clientProvidedHostHeader": f"{service}.eu-west-1.amazonaws.com"},
    }


def message(event):
    envelope = {"version": "0", "id": event["eventID"], "detail-type": "AWS API Call via CloudTrail", "source": "aws.ec2",
                "account": event["recipientAccountId"], "time": event["eventTime"], "region": event["awsRegion"],
                "resources": [], "detail": event}
    sns = {"Type": "Notification", "MessageId": event["requestID"], "TopicArn": "arn:aws:sns:eu-west-1:111122223333:calls",
           "Message": dump(envelope), "Timestamp": "2026-11-20T10:00:00.000Z", "SignatureVersion": "1"}
    return {"messageId": event["requestID"], "receiptHandle": "AQEBexample", "body": dump(sns), "attributes": {},
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:calls", "awsRegion": "eu-west-1"}


def generate(path, form):
    """Writes the file: how many bytes were packed."""
    rng = random.Random(SEED)
    size = 0
    with gzip.open(path, "wt", compresslevel=6, encoding="utf-8") as out:
        for number in range(SIZE):
            event = record(number, rng)
            if form == "log file":
                size += out.write((",", '{"Records":[')[number == 0] + dump(event))
            else:
                size += out.write(dump(message(event)) + "\n")
        size += out.write("]}") if form == "log file" else 0
    return size


def peak(pid):
    """The most memory that the process has had so far, in KiB; 0 where that cannot be seen."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return next((int(line.split()[1]) for line in status if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0


def measure(source, commands):
    """Runs a pipe of commands from `source`: (wall seconds, peak MiB of all together, digest of what came out)."""
    start = time.monotonic()
    with open(source, "rb") as stdin, tempfile.TemporaryFile() as sink:
        processes = []
        for command in commands:
            before = processes[-1].stdout if processes else stdin
            last = len(processes) == len(commands) - 1
            processes.append(subprocess.Popen(command, stdin=before, stdout=sink if last else subprocess.PIPE))
            if before is not stdin:
                before.close()
        highest = [0] * len(processes)
        while any(process.poll() is None for process in processes):
            highest = [max(was, peak(process.pid)) for was, process in zip(highest, processes)]
            time.sleep(0.002)
        wall = time.monotonic() - start
        failed = [command[0] for command, process in zip(commands, processes) if process.returncode]
        if failed:
            sys.exit(f"{failed[0]} failed")
        sink.seek(0)
        return wall, sum(highest) / 1024, hashlib.file_digest(sink, "sha256").hexdigest()


def main():
    build = ["cargo", "build", "--release", "--quiet", "-p", "common", "--features", "events", "--example", "events"]
    subprocess.run(build, cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    events = str((target if target.is_absolute() else ROOT / target) / "release" / "examples" / "events")
    print("| records | form | packed | unpacked | command | wall s | records/s | peak MiB |")
    print("|--:|---|--:|--:|---|--:|--:|--:|")
    for form, jq in FORMS.items():
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "events.json.gz")
            unpacked = generate(path, form)
            commands = {"`Events`": [[events]]}
            if shutil.which("jq") and shutil.which("gzip"):
                commands["`zcat \\| jq`"] = [["gzip", "-dc"], ["jq", "-r", jq]]
            else:
                print("jq or gzip is not installed: left out", file=sys.stderr)
            digests = set()
            for name, pipe in commands.items():
                wall, memory, digest = measure(path, pipe)
                digests.add(digest)
                sizes = f"{os.path.getsize(path) / 1e6:.1f} MB | {unpacked / 1e6:.1f} MB"
                print(f"| {SIZE:,} | {form} | {sizes} | {name} | {wall:.2f} | {SIZE / wall:,.0f} | {memory:.1f} |", flush=True)
            if len(digests) > 1:
                sys.exit(f"{form}: the commands do not agree on the ids")


if __name__ == "__main__":
    main()
