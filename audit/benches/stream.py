#!/usr/bin/env python3
"""How fast `audit` streams, and how much memory it takes: for few resources and for many, beside jq.

    audit/benches/stream.py                 # 1,000 and 1,000,000 resources
    SIZES=1000,20000 audit/benches/stream.py

Makes synthetic records of all five types (the same for the same SEED), builds the release binary and prints a Markdown
table. jq makes one of the checks (`ec2_imdsv2`) on the same file, and has to find what audit finds. Files go to a
temporary directory (TMPDIR), about 0.8 GB for a million resources, and are deleted in the end.
"""

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
SIZES = [int(size) for size in os.environ.get("SIZES", "1000,1000000").split(",")]
SEED = int(os.environ.get("SEED", "20261120"))
NOW = "2026-11-20T10:00:00Z"
JQ_FILTER = 'select(.type=="ec2" and .config.MetadataOptions.HttpTokens!="required")'

PUBLIC = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}
OWNER = {"Type": "CanonicalUser", "ID": "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"}
ON = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


def account(rng):
    return f"{rng.randrange(1000):012}"


def record(kind, owner, region, name, arn, rng, config):
    return {
        "kind": "resource", "account": owner, "region": region, "type": kind, "id": name, "arn": arn,
        "tags": {"Owner": rng.choice(["web", "data", "ops"]), "Name": name.rsplit("/", 1)[-1], "Stage": "prod"},
        "config": config, "observed_at": NOW,
    }


def ec2(number, rng):
    owner, name = account(rng), f"i-{number:017x}"
    return record("ec2", owner, "eu-west-1", name, f"arn:aws:ec2:eu-west-1:{owner}:instance/{name}", rng, {
        "InstanceId": name, "ImageId": "ami-0abcdef1234567890", "InstanceType": "m5.large", "InstanceLifecycle": None,
        "State": {"Name": "running"}, "LaunchTime": "2026-10-01T08:30:00Z", "KeyName": "deploy", "VpcId": "vpc-0abc",
        "SubnetId": "subnet-0abc", "PublicIpAddress": "198.51.100.7", "PrivateIpAddress": "10.0.0.7",
        "RootDeviceType": "ebs", "SecurityGroups": [{"GroupId": "sg-0abc", "GroupName": "web"}],
        "IamInstanceProfile": {"Arn": f"arn:aws:iam::{owner}:instance-profile/web"},
        "MetadataOptions": {
            "HttpTokens": rng.choice(["required", "required", "optional"]), "HttpEndpoint": "enabled",
            "HttpPutResponseHopLimit": 1, "HttpProtocolIpv6": "disabled", "InstanceMetadataTags": "disabled",
        },
        "NetworkInterfaces": [{
            "NetworkInterfaceId": "eni-0abc", "Association": {"PublicIp": "198.51.100.7", "IpOwnerId": "amazon"},
            "Ipv6Addresses": [],
        }],
    })


def s3_bucket(number, rng):
    name = f"acme-{number}"
    arn = f"arn:aws:s3:::{name}"
    tls = {
        "Sid": "DenyHttp", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    share = {
        "Sid": "Share", "Effect": "Allow", "Principal": rng.choice(["*", {"AWS": f"arn:aws:iam::{account(rng)}:root"}]),
        "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [arn, f"{arn}/*"],
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-acme"}} if rng.random() < 0.5 else {},
    }
    grants = [{"Grantee": OWNER, "Permission": "FULL_CONTROL"}]
    if rng.random() < 0.1:
        grants.append({"Grantee": PUBLIC, "Permission": "READ"})
    return record("s3_bucket", account(rng), "eu-west-1", name, arn, rng, {
        "Name": name, "CreationDate": "2024-01-01T00:00:00Z", "Owner": {"ID": OWNER["ID"]}, "Grants": grants,
        "Policy": {"Version": "2012-10-17", "Statement": [tls, share]} if rng.random() < 0.5 else None,
        "PublicAccessBlockConfiguration": ON if rng.random() < 0.7 else None,
        "AccountPublicAccessBlockConfiguration": None,
        "ServerSideEncryptionConfiguration": {"Rules": [
            {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False},
        ]},
    })


def security_group(number, rng):
    owner, name = account(rng), f"sg-{number:017x}"
    cidr = rng.choice(["0.0.0.0/0", "10.0.0.0/8", "192.0.2.0/24"])
    return record("security_group", owner, "eu-west-1", name, f"arn:aws:ec2:eu-west-1:{owner}:security-group/{name}", rng, {
        "GroupId": name, "GroupName": "web", "Description": "the web servers", "VpcId": "vpc-0abc",
        "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": cidr, "Description": "web"}]},
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
             "UserIdGroupPairs": [{"GroupId": "sg-0def", "UserId": owner}]},
        ],
        "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    })


def iam_user(number, rng):
    owner, name = account(rng), f"user-{number}"
    last = f"2026-{rng.randrange(1, 11):02}-15T12:00:00Z"
    return record("iam_user", owner, "global", name, f"arn:aws:iam::{owner}:user/team/{name}", rng, {
        "UserName": name, "UserId": f"AIDA{number:017}", "Path": "/team/", "CreateDate": "2023-05-01T00:00:00Z",
        "PasswordEnabled": rng.random() < 0.5, "PasswordLastChanged": "2026-01-01T00:00:00Z", "PasswordLastUsed": last,
        "MfaActive": rng.random() < 0.8,
        "AccessKeys": [{
            "AccessKeyId": f"AKIA{number:016}", "Status": "Active", "CreateDate": "2024-01-01T00:00:00Z",
            "LastUsedDate": last, "LastUsedService": "s3", "LastUsedRegion": "eu-west-1",
        }],
        "GroupList": ["developers"], "UserPolicyList": [],
        "AttachedManagedPolicies": [
            {"PolicyName": "ReadOnlyAccess", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
        ],
    })


def sqs(number, rng):
    owner, name = account(rng), f"jobs-{number}"
    arn = f"arn:aws:sqs:eu-west-1:{owner}:{name}"
    topic = {
        "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:sns:eu-west-1:{owner}:news"}},
    }
    if rng.random() < 0.1:
        del topic["Condition"]
    url = f"https://sqs.eu-west-1.amazonaws.com/{owner}/{name}"
    return record("sqs", owner, "eu-west-1", url, arn, rng, {
        "QueueUrl": url, "QueueArn": arn, "Policy": {"Version": "2012-10-17", "Statement": [topic]},
        "KmsMasterKeyId": None, "SqsManagedSseEnabled": True, "RedrivePolicy": None, "MessageRetentionPeriod": 345600,
        "VisibilityTimeout": 30, "CreatedTimestamp": "2025-01-01T00:00:00Z",
    })


def generate(path, size):
    rng = random.Random(SEED)
    makers = [ec2, s3_bucket, security_group, iam_user, sqs]
    dump = json.JSONEncoder(separators=(",", ":")).encode
    with open(path, "w", encoding="utf-8") as out:
        for number in range(size):
            out.write(dump(makers[number % len(makers)](number, rng)) + "\n")


def peak(pid):
    """The most memory that the process has had so far, in KiB; None where that cannot be seen."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return next((int(line.split()[1]) for line in status if line.startswith("VmHWM:")), None)
    except OSError:
        return None


def measure(command, source, sink):
    """Runs a command from `source` to `sink`: (wall seconds, user seconds, peak MiB, exit code)."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, source, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, sink, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    start = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    highest = 0
    while True:
        # A child's ru_maxrss is never below that of the Python that started it (exec keeps the mark), which is several
        # times what audit takes. The kernel's mark of the child's own memory is asked for while it lives.
        highest = max(highest, peak(pid) or 0)
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            break
        time.sleep(0.001)
    wall = time.monotonic() - start
    if not highest:
        highest = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return wall, usage.ru_utime, highest / 1024, os.waitstatus_to_exitcode(status)


def lines(path):
    with open(path, "rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def main():
    subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "audit"], cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    audit = str((target if target.is_absolute() else ROOT / target) / "release" / "audit")
    commands = [
        ("audit, all checks", [audit, "--now", NOW]),
        ("audit, one check", [audit, "--now", NOW, "--checks", "ec2_imdsv2"]),
    ]
    if shutil.which("jq"):
        commands.append(("jq, the same check", ["jq", "-c", JQ_FILTER]))
    else:
        print("jq is not installed: left out", file=sys.stderr)
    print("| resources | input | command | lines out | wall s | user CPU s | resources/s | peak MiB |")
    print("|--:|--:|---|--:|--:|--:|--:|--:|")
    agree = True
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as directory:
        source, sink = os.path.join(directory, "in.ndjson"), os.path.join(directory, "out.ndjson")
        for size in SIZES:
            generate(source, size)
            megabytes = os.path.getsize(source) / 1e6
            found = {}
            for name, command in commands:
                runs = [measure(command, source, sink) for _ in range(5 if size <= 10_000 else 1)]
                if any(code for *_, code in runs):
                    sys.exit(f"{name} ended with {runs[-1][3]}")
                wall, user, memory = (statistics.median(column) for column in list(zip(*runs))[:3])
                found[name] = lines(sink)
                print(
                    f"| {size:,} | {megabytes:.1f} MB | {name} | {found[name]:,} | {wall:.3f} | {user:.3f} "
                    f"| {size / wall:,.0f} | {memory:.1f} |",
                    flush=True,
                )
            agree &= len({count for name, count in found.items() if name != "audit, all checks"}) == 1
    if not agree:
        sys.exit("audit and jq did not find the same instances")


if __name__ == "__main__":
    main()
