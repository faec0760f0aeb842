#!/usr/bin/env bash
# Decoys on an emulated AWS account: made, planted, used, caught, paged, stopped, expired, reported.
# shellcheck source=tests/demo-stage.sh
source "${BASH_SOURCE[0]%/*}/demo-stage.sh"

cat >sluice.toml <<TOML
[honeytoken]
registry = "honeytokens.db"
quiet = "30m"

[remediate]
journal = "journal.ndjson"
TOML

# What a thief does who found a credentials file: asks whose key it is, and looks around. The emulator keeps no CloudTrail, so
# what CloudTrail would have written of it goes into a log file as it lies in a trail's bucket.
thief() {
    "$python" - "$1" "$2" "$3" <<'PY'
import configparser, gzip, json, sys, time, uuid

import boto3

file, profile, log = sys.argv[1:]
found = configparser.ConfigParser()
found.read(file)
key, secret = found[profile]["aws_access_key_id"], found[profile]["aws_secret_access_key"]
session = boto3.session.Session(key, secret, region_name="us-east-1")
caller = session.client("sts").get_caller_identity()
print("  the thief asks who they are:", caller["Arn"])
now = time.time() - 240
name = caller["Arn"].rsplit("/", 1)[-1]


def record(after, source, operation, agent, address, error=None):
    event = {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": caller["UserId"], "arn": caller["Arn"],
            "accountId": caller["Account"], "accessKeyId": key, "userName": name,
        },
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + after)),
        "eventSource": source, "eventName": operation, "awsRegion": "us-east-1",
        "sourceIPAddress": address, "userAgent": agent,
        "requestParameters": None, "responseElements": None,
        "eventID": str(uuid.uuid4()), "eventType": "AwsApiCall", "managementEvent": True,
        "recipientAccountId": caller["Account"], "eventCategory": "Management",
    }
    if error:
        event["errorCode"] = error
        event["errorMessage"] = f"User: {caller['Arn']} is not authorized to perform: iam:ListUsers"
    return event


agent = "aws-cli/2.31.4 md/awscrt#0.28.1 ua/2.1 os/linux#6.6 lang/python#3.13.7 \x1b]0;owned\x07 <!channel>"
records = [record(0, "sts.amazonaws.com", "GetCallerIdentity", agent, "203.0.113.9")]
for number in range(40):
    address = "203.0.113.9" if number < 20 else "198.51.100.7"
    records.append(record(5 + number, "iam.amazonaws.com", "ListUsers", agent, address, "AccessDenied"))
with gzip.open(log, "wt") as out:
    json.dump({"Records": records}, out)
print(f"  and makes {len(records) - 1} calls more, from two addresses, all of them denied")
PY
}

# The id of the decoy on the NAS.
nas() {
    honeytoken list --location nas | "$python" -c 'import json, sys; print(json.load(sys.stdin)["token"])'
}

# A line for each alert.
alerts() {
    "$python" -c '
import json, sys
for line in sys.stdin:
    alert = json.loads(line)
    if alert["kind"] == "alert":
        print("  {:<8} {:<6} {}".format(alert["severity"], alert["status"], alert["title"]))
' <"$1"
}

# The sink that is paged: an HTTP server on the loopback interface that takes Slack messages, and writes them to a file.
start_sink() {
    rm -f .sink-port
    "$python" - "$1" >.sink-port 2>sink.log <<'PY' &
import http.server, json, sys

log = open(sys.argv[1], "w")


class Sink(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        log.write(json.dumps(message) + "\n")
        log.flush()
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Sink)
print(server.server_port, flush=True)
server.serve_forever()
PY
    sink=$!
    local waited=0 port=''
    until [ -s .sink-port ] && read -r port <.sink-port; do
        if [ $((waited += 1)) -gt 600 ]; then say "demo: the sink did not start: see $dir/sink.log" >&2; exit 4; fi
        sleep 0.1
    done
    export SLACK_WEBHOOK_URL="http://127.0.0.1:$port/services/T0/B0/x"
}
sink=''
end_sink() {
    [ -z "$sink" ] || kill "$sink" 2>/dev/null || true
    rm -f .sink-port
    end
}
trap end_sink EXIT

chapter 'An empty account'
start_emulator
start_sink 05-pages.ndjson

chapter 'Made'
say 'Three decoys for three laptops: users with plausible names that may do nothing. Each secret goes into a file of its own; stdout'
say 'and the registry have none.'
run "honeytoken create --count 3 --owner web --location 'laptop-{n}' --expires-in 90d --out secrets > 01-tokens.ndjson"
run 'ls -l secrets | tail -n +2 | cut -c1-10'
run 'honeytoken list -o table'

chapter 'Planted'
say 'One more, straight into a credentials file that somebody has already:'
printf '[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n' >credentials
run 'honeytoken create --owner it --location nas | honeytoken plant credentials --profile backup > 02-planted.ndjson'
run "sed 's/\\(secret_access_key *= *\\).*/\\1.../' credentials"

chapter 'Used'
run 'thief credentials backup 03-trail.json.gz'

chapter 'Caught'
say 'No credentials are needed to watch: here, the files of a trail come by stdin.'
run 'zcat 03-trail.json.gz | honeytoken watch > 04-alerts.ndjson'
alerts 04-alerts.ndjson
say 'Forty-one calls, and two alerts: the first, and the first from another address. Seen again they say nothing:'
run 'zcat 03-trail.json.gz | honeytoken watch'

chapter 'Paged'
run 'notify < 04-alerts.ndjson > 05-deliveries.ndjson'
say_count '{delivery} messages were delivered.' 05-deliveries.ndjson

chapter 'Stopped, where that is wanted'
say 'An alert carries the action that would end it. remediate carries it out, with an undo:'
run 'remediate --apply < 04-alerts.ndjson > 06-outcomes.ndjson'
outcomes 06-outcomes.ndjson
say
say 'A key that is inactive tells nothing any more. The registry takes that over from IAM:'
run 'honeytoken reconcile --apply > 06-differences.ndjson'

chapter 'Left alone by everybody else'
say 'In two years, the keys have not been used for long. audit knows whose they are, and leaves the bait where it is:'
run 'poll --types iam_user > 07-users.ndjson'
run 'audit --only iam_user_key_unused --now 2028-12-01T00:00:00Z < 07-users.ndjson > 07-findings.ndjson'
say_count '{finding} findings.' 07-findings.ndjson

chapter 'Expired, and reported'
run "honeytoken update \$(nas) --expires-at 2026-01-01T00:00:00Z > 08-updated.ndjson"
run 'honeytoken expire > 08-expired.ndjson'
run 'honeytoken report -o table'
