#!/usr/bin/env bash
# The whole way on an emulated AWS account full of mistakes: find, plan, apply, look again, undo, tell.
# shellcheck source=tests/demo-stage.sh
source "${BASH_SOURCE[0]%/*}/demo-stage.sh"

cat >sluice.toml <<'TOML'
[aws]
regions = ["us-east-1"]

[thresholds]            # the users of this account are seconds old
mfa_grace_hours = 0
key_unused_days = 0

[checks.security_group_open]
fix = true              # off unless asked for: whoever comes through the open port is cut off

[remediate]             # in this account nearly everything is broken, and all of it is to be mended
max_actions = 100       # 20 unless said otherwise
max_percent = 100       # 30 unless said otherwise
journal = "journal.ndjson"
TOML

chapter 'An account full of mistakes'
say 'The emulator of AWS starts on a free port of the loopback interface, with an empty account.'
start_emulator
say "It is $AWS_ENDPOINT_URL. All that these tools do to it, they do to AWS in the same way."
run 'misconfigure > 00-made.ndjson'
say_count '{reference} resources of each type that Sluice knows, some bad, some good.' 00-made.ndjson

say
say 'The settings of this demo; everything works without any:'
run 'cat sluice.toml'

chapter 'What is wrong?'
say 'poll writes what exists, with its configuration. audit judges that, and never talks to AWS.'
run 'poll > 01-resources.ndjson'
say_count '{resource} resources, and {scope} scopes that say what was looked at.' 01-resources.ndjson
run 'audit < 01-resources.ndjson > 02-findings.ndjson'
run 'audit -o table < 01-resources.ndjson'

chapter 'What would be done?'
say 'Without --apply nothing changes. The plan says which calls would be made, and is there to be read and edited.'
run 'remediate < 02-findings.ndjson > 03-plan.ndjson'
outcomes 03-plan.ndjson
say
say 'A password cannot be brought back, nor a task that was stopped: they are left alone as long as nobody says --irreversible.'

chapter 'Do it'
say 'Each resource is looked at before and after: "applied" means that the check passes now.'
run 'remediate --apply < 03-plan.ndjson > 04-outcomes.ndjson'
outcomes 04-outcomes.ndjson

chapter 'Is it gone?'
run 'poll > 05-resources.ndjson && audit < 05-resources.ndjson > 06-findings.ndjson'
run 'audit -o table < 05-resources.ndjson'
say
say 'All that has a fix, but for what cannot be undone, about which nobody was asked. Now somebody is:'
run 'remediate --apply --irreversible < 06-findings.ndjson > 07-outcomes.ndjson'
outcomes 07-outcomes.ndjson
say
say 'And all of it once more: nothing that has a fix is found, so nothing is done.'
run 'poll | tee 08-resources.ndjson | audit | remediate --apply --irreversible > 08-outcomes.ndjson'
outcomes 08-outcomes.ndjson

chapter 'Somebody needed that port'
say 'Each outcome has the task that undoes it. (undo_of writes what "jq -c .undo" would; you may not have jq.)'
run "grep -F 'tcp port 5432' 04-outcomes.ndjson | undo_of > 09-undo.ndjson"
run 'cat 09-undo.ndjson'
run 'remediate --apply < 09-undo.ndjson > 09-outcomes.ndjson'
outcomes 09-outcomes.ndjson
say
say 'It is back, and audit sees it:'
run 'poll > 10-resources.ndjson && audit < 10-resources.ndjson > 10-findings.ndjson'
run 'audit -o table < 10-resources.ndjson'

chapter 'Who hears of it?'
say 'notify tells Slack or SNS. With --dry-run it sends nothing; what it would send stands in its record:'
topic=arn:aws:sns:us-east-1:123456789012:alerts
run "cat 09-outcomes.ndjson 10-findings.ndjson | notify --dry-run --sns-topic $topic > 11-deliveries.ndjson"
say
"$python" -c '
import json, sys
for line in sys.stdin:
    record = json.loads(line)
    if record["kind"] == "delivery":
        payload = record["payload"]
        print("  Subject: " + payload["Subject"] + "\n")
        print("\n".join(("  " + text).rstrip() for text in payload["Message"].splitlines()))
' <11-deliveries.ndjson
