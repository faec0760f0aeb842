#!/usr/bin/env bash
# The emergency brake on an emulated AWS account: within its limit, over it, halted, and let go again.
# shellcheck source=tests/demo-stage.sh
source "${BASH_SOURCE[0]%/*}/demo-stage.sh"

types=ec2,auto_scaling_group,spot_request,iam_user,iam_role

# What the settings allow: limit 100.
limit() {
    cat >sluice.toml <<TOML
[aws]
regions = ["us-east-1"]

[runaway]
max_running_instances = $1

[[exceptions]]
check = "iam_user_runaway"
id = "sluice-test-good"
reason = "the way back in, for the day that this is for"

[remediate]
journal = "journal.ndjson"
TOML
}

chapter 'An account with instances and people'
say 'The emulator of AWS starts on a free port of the loopback interface, with an empty account.'
start_emulator
limit 100
run "misconfigure --types $types > 00-made.ndjson"
say_count '{reference} instances, groups, Spot requests, users and roles.' 00-made.ndjson

chapter 'Within its limit'
run "poll --types $types > 01-resources.ndjson"
run 'audit --only runaway < 01-resources.ndjson > 01-findings.ndjson'
say_count '{scope} scopes say that all was looked at. Nothing else is said: there is nothing to do.' 01-findings.ndjson

chapter 'Over its limit'
limit 4
say 'Now four may run. Somebody has seen to it that more do:'
run 'cat sluice.toml'
run 'audit --only runaway -o table < 01-resources.ndjson'
say
say 'A rehearsal halts nothing, whatever stands behind it:'
run 'audit --only runaway --halt plan < 01-resources.ndjson | remediate --apply > 02-rehearsal.ndjson'

chapter 'Pull the brake'
say 'What would start instances again goes first: groups are suspended, requests cancelled. Then all instances stop, in one call, and'
say 'people are locked out. No --max-actions is needed: whoever set the limit has said how much may be done above it.'
run 'audit --only runaway < 01-resources.ndjson | remediate --apply > 03-outcomes.ndjson'
outcomes 03-outcomes.ndjson

chapter 'Five minutes later'
run "poll --types $types | audit --only runaway | remediate --apply > 04-outcomes.ndjson"
outcomes 04-outcomes.ndjson
say 'Nothing runs, so nothing is done.'

chapter 'Let go'
say 'A person has looked, and decides what starts again: here, all of it. The group comes last, which would replace what does not run.'
run "grep -F '\"undo\":{' 03-outcomes.ndjson | undo_of > 05-undo.ndjson"
run 'remediate --apply --max-actions 100 < 05-undo.ndjson > 06-outcomes.ndjson'
outcomes 06-outcomes.ndjson
