#!/usr/bin/env python3
"""What one, two and four workers on one queue look at in a second.

    poll/benches/workers.py                     # 2,000 references; builds poll first
    MESSAGES=500 WORKERS=1,2 poll/benches/workers.py
    POLL=/usr/bin/poll poll/benches/workers.py  # a binary that is there

AWS is a server in this script, which takes DELAY_MS (50) for each of its answers and does nothing else: the figures show what
workers do while they wait for AWS, not how fast AWS is, nor this machine. Each look is two calls (`sqs:GetQueueAttributes` and
`sqs:ListQueueTags` of a queue); a worker has at most CONCURRENCY (8) requests under way, as somebody would set it who shares
AWS's rate limits with others. The script fails where a resource is missing, was looked at twice, or is left on the queue.
"""

import asyncio
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACCOUNT, REGION = "111122223333", "eu-west-1"
MESSAGES = int(os.environ.get("MESSAGES", "2000"))
WORKERS = [int(count) for count in os.environ.get("WORKERS", "1,2,4").split(",")]
DELAY = int(os.environ.get("DELAY_MS", "50")) / 1000
CONCURRENCY = os.environ.get("CONCURRENCY", "8")
VISIBILITY = 30

CALLER = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::{0}:user/bench</Arn><UserId>AIDA</UserId>"
    "<Account>{0}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
).format(ACCOUNT)


class Aws:
    """One queue of jobs, and as many others to look at as anyone asks for."""

    def __init__(self):
        self.visible, self.held, self.looks, self.requests, self.number, self.deleted, self.round = [], {}, {}, 0, 0, 0, 0

    def fill(self, url, count):
        self.visible, self.held, self.looks, self.requests, self.deleted = [], {}, {}, 0, 0
        self.round += count == 0
        base = url.rsplit("/", 1)[0]
        for number in range(count):
            reference = {"account": ACCOUNT, "region": REGION, "type": "sqs", "id": f"{base}/queue-{number}"}
            self.visible.append((f"m-{number}", json.dumps(reference)))

    async def answer(self, call, body):
        self.requests += 1
        url = body.get("QueueUrl", "")
        if call == "ReceiveMessage":
            return await self.receive(body)
        if call == "DeleteMessageBatch":
            for entry in body["Entries"]:
                self.deleted += self.held.pop(entry["ReceiptHandle"], None) is not None
        elif call == "ChangeMessageVisibilityBatch":
            for entry in body["Entries"]:
                if entry["VisibilityTimeout"] == 0 and entry["ReceiptHandle"] in self.held:
                    self.visible.append(self.held.pop(entry["ReceiptHandle"])[1])
        elif call == "GetQueueAttributes":
            if not url.endswith("/jobs"):
                self.looks[url] = self.looks.get(url, 0) + 1
            name = url.rsplit("/", 1)[1]
            return {"Attributes": {
                "QueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", "VisibilityTimeout": str(VISIBILITY),
                "MaximumMessageSize": "1048576", "CreatedTimestamp": "1763000000", "MessageRetentionPeriod": "345600",
                "SqsManagedSseEnabled": "true",
            }}
        elif call == "ListQueueTags":
            return {"Tags": {"Owner": "bench"}}
        return {"Successful": [], "Failed": []}

    async def receive(self, body):
        until, this = time.monotonic() + body.get("WaitTimeSeconds", 0), self.round
        while not self.visible and time.monotonic() < until:
            await asyncio.sleep(0.01)
            # Whoever waits since the round before has ended.
            if self.round != this:
                return {}
        messages = []
        while self.visible and len(messages) < body.get("MaxNumberOfMessages", 1):
            message = self.visible.pop(0)
            self.number += 1
            handle = f"h-{self.number}"
            self.held[handle] = (time.monotonic(), message)
            messages.append({
                "MessageId": message[0], "ReceiptHandle": handle, "Body": message[1],
                "Attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": str(int(time.time() * 1000))},
            })
        return {"Messages": messages} if messages else {}

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                call = headers.get("x-amz-target", "").split(".")[-1]
                names = ["ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch", "GetQueueAttributes",
                         "ListQueueTags", "SendMessageBatch"]
                call = next((name for name in names if name.lower() == call), "")
                await asyncio.sleep(DELAY)
                if call:
                    kind, text = "application/x-amz-json-1.0", json.dumps(await self.answer(call, json.loads(body)))
                else:
                    kind, text = "text/xml", CALLER
                writer.write(
                    f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(text)}\r\n\r\n{text}".encode()
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def start():
    aws, loop, port = Aws(), asyncio.new_event_loop(), []
    ready = threading.Event()

    async def main():
        server = await asyncio.start_server(aws.serve, "127.0.0.1", 0)
        port.append(server.sockets[0].getsockname()[1])
        ready.set()
        await server.serve_forever()

    threading.Thread(target=lambda: loop.run_until_complete(main()), daemon=True).start()
    ready.wait()
    return aws, f"http://127.0.0.1:{port[0]}"


def binary():
    if "POLL" in os.environ:
        return os.environ["POLL"]
    subprocess.run(["cargo", "build", "--release", "--quiet", "--workspace", "--bin", "poll"], cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return str((target if target.is_absolute() else ROOT / target) / "release" / "poll")


def start_workers(poll, endpoint, count, url, directory):
    """Starts that many workers, each with a file for what it writes."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": directory, "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench", "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true",
    }
    outputs = [os.path.join(directory, f"out-{number}") for number in range(count)]
    workers = []
    for output in outputs:
        with open(output, "wb") as sink:
            command = [poll, "--sqs", url, "--concurrency", CONCURRENCY, "--quiet"]
            workers.append(subprocess.Popen(command, stdout=sink, env=environment))
    return workers, outputs


def main():
    poll = binary()
    aws, endpoint = start()
    url = f"{endpoint}/{ACCOUNT}/jobs"
    print(f"{MESSAGES:,} references, {DELAY * 1000:.0f} ms an answer, {CONCURRENCY} requests at once for each worker\n")
    print("| workers | wall s | looks/s | times one worker | share of each worker |\n|--:|--:|--:|--:|---|")
    first, right = None, True
    for count in WORKERS:
        with tempfile.TemporaryDirectory(prefix="sluice-bench-") as directory:
            aws.fill(url, 0)
            workers, outputs = start_workers(poll, endpoint, count, url, directory)
            # All have started and wait for work.
            while aws.requests < 2 * count and all(worker.poll() is None for worker in workers):
                time.sleep(0.05)
            time.sleep(0.5)
            aws.fill(url, MESSAGES)
            began = time.monotonic()
            while aws.deleted < MESSAGES and any(worker.poll() is None for worker in workers):
                time.sleep(0.005)
            wall = time.monotonic() - began
            for worker in workers:
                worker.terminate()
            codes = [worker.wait() for worker in workers]
            written = []
            for output in outputs:
                with open(output, encoding="utf-8") as lines:
                    written.append([json.loads(line)["id"] for line in lines])
        ids = [name for names in written for name in names]
        first = first or wall
        shares = ", ".join(f"{len(names) / max(len(ids), 1):.0%}" for names in written)
        print(f"| {count} | {wall:.1f} | {MESSAGES / wall:.0f} | {first / wall:.1f} | {shares} |", flush=True)
        right &= codes == [0] * count and len(ids) == len(set(ids)) == MESSAGES
        right &= all(looks == 1 for looks in aws.looks.values()) and len(aws.looks) == MESSAGES
    if not right:
        sys.exit("a resource is missing, was looked at twice, or a worker failed")


if __name__ == "__main__":
    main()
