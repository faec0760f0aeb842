//! The queue that a watch reads, and the rules that fill it.
//!
//! A rule that is `ENABLED` gets no read-only management events, which is what a thief begins with (`sts:GetCallerIdentity`):
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>.

use aws_sdk_eventbridge::operation::describe_rule::DescribeRuleOutput;
use aws_sdk_eventbridge::types::RuleState;
use aws_sdk_sqs::types::QueueAttributeName;
use common::arn::Arn;
use common::aws::queue::QueueUrl;
use common::aws::{AwsError, Session};
use common::client;
use common::id::{AccountId, Region};
use common::operation::{EVENTS_DESCRIBE_RULE, EVENTS_LIST_RULE_NAMES_BY_TARGET, SQS_GET_QUEUE_ATTRIBUTES};
use common::record::{Finding, Severity};
use serde_json::{Value, json};

use super::report::{
    NO_RULE, QUEUE_BACKLOG, QUEUE_CLOSED, QUEUE_FORGETS, QUEUE_MISSING, QUEUE_NO_DEAD_LETTERS, RULE_STATE, Rated,
    Subject,
};

/// A watch that is at work takes ten at a time, several times a second.
const BACKLOG: u64 = 1000;
/// Whoever rests for a night loses nothing.
const KEEPS: u64 = 24 * 60 * 60;

/// What is known of a queue.
#[derive(Clone, Debug)]
struct Seen {
    arn: String,
    /// Who may send: the policy's own words.
    policy: Option<Value>,
    has_dead_letters: bool,
    /// For how many seconds a message is kept.
    kept: Option<u64>,
    waiting: Option<u64>,
}

/// Looks at a queue and its rules.
pub(super) async fn examine(session: &Session, url: &QueueUrl) -> Vec<Finding> {
    let region = url.region().unwrap_or(session.home_region()).clone();
    let arn = Arn::new(session.partition(), "sqs", region.as_str(), url.account().as_str(), url.name());
    let subject = Subject::regional("sqs", "queue", &arn, url.account(), &region);
    let seen = match look(session, &region, url, &arn).await {
        Ok(seen) => seen,
        Err(error) if matches!(error.code(), "QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue") => {
            let evidence = json!({"url": url.as_str(), "code": error.code});
            return vec![subject.fails(QUEUE_MISSING, "does not exist: a watch gets nothing from it", evidence)];
        }
        Err(error) => return vec![subject.unknown(QUEUE_MISSING, &error)],
    };
    let mut findings = judge(&subject, &seen);
    // A queue that S3 or SNS write to gets notices of files instead.
    if !seen.is_open_to("s3.amazonaws.com") && !seen.is_open_to("sns.amazonaws.com") {
        findings.extend(rules(session, &region, url.account(), &subject, &seen.arn).await);
    }
    findings
}

async fn look(session: &Session, region: &Region, url: &QueueUrl, arn: &Arn) -> Result<Seen, AwsError> {
    let client = client!(aws_sdk_sqs, session, region);
    let call = client.get_queue_attributes().queue_url(url.as_str()).attribute_names(QueueAttributeName::All);
    let answer = call.send().await.map_err(|error| AwsError::new(SQS_GET_QUEUE_ATTRIBUTES, error))?;
    let attributes = answer.attributes.unwrap_or_default();
    let text = |name: QueueAttributeName| attributes.get(&name).filter(|text| !text.is_empty());
    let number = |name| text(name).and_then(|text| text.parse().ok());
    Ok(Seen {
        arn: text(QueueAttributeName::QueueArn).cloned().unwrap_or_else(|| arn.to_string()),
        policy: text(QueueAttributeName::Policy).and_then(|policy| serde_json::from_str(policy).ok()),
        has_dead_letters: text(QueueAttributeName::RedrivePolicy).is_some(),
        kept: number(QueueAttributeName::MessageRetentionPeriod),
        waiting: number(QueueAttributeName::ApproximateNumberOfMessages),
    })
}

fn judge(subject: &Subject, seen: &Seen) -> Vec<Finding> {
    let mut findings = Vec::new();
    if seen.senders().is_empty() {
        let what = "has no policy that lets EventBridge, S3 or SNS write to it: what a rule sends it is lost, and nobody is told";
        findings.push(subject.fails(QUEUE_CLOSED, what, json!({"policy": seen.policy})));
    }
    if !seen.has_dead_letters {
        let what = "has no dead-letter queue: a message that cannot be worked on comes back until it is lost";
        findings.push(subject.fails(QUEUE_NO_DEAD_LETTERS, what, json!({})));
    }
    if let Some(kept) = seen.kept.filter(|kept| *kept < KEEPS) {
        let what = format!("forgets messages after {kept} seconds: a watch that rests for a night loses them");
        findings.push(subject.fails(QUEUE_FORGETS, what, json!({"MessageRetentionPeriod": kept})));
    }
    if let Some(waiting) = seen.waiting.filter(|waiting| *waiting >= BACKLOG) {
        let what = format!("has about {waiting} messages that wait: no watch works on them, or it is too slow");
        findings.push(subject.fails(QUEUE_BACKLOG, what, json!({"ApproximateNumberOfMessages": waiting})));
    }
    findings
}

impl Seen {
    /// The services, accounts and whoever else may write to the queue: `Principal`s of what its policy allows.
    fn senders(&self) -> Vec<&Value> {
        let statements = match self.policy.as_ref().and_then(|policy| policy.get("Statement")) {
            Some(Value::Array(statements)) => statements.iter().collect(),
            Some(statement) => vec![statement],
            None => Vec::new(),
        };
        let sends = |action: &Value| {
            let action = action.as_str().unwrap_or_default().to_ascii_lowercase();
            matches!(action.as_str(), "*" | "sqs:*" | "sqs:sendmessage" | "sqs:send*")
        };
        let may_send = |statement: &&Value| {
            let action = &statement["Action"];
            statement["Effect"] == "Allow"
                && (sends(action) || action.as_array().is_some_and(|all| all.iter().any(sends)))
        };
        statements.into_iter().filter(may_send).map(|statement| &statement["Principal"]).collect()
    }

    fn is_open_to(&self, service: &str) -> bool {
        let is_it = |value: &Value| value.as_str() == Some(service);
        self.senders().into_iter().any(|principal| {
            let services = &principal["Service"];
            is_it(services) || services.as_array().is_some_and(|services| services.iter().any(is_it))
        })
    }
}

async fn rules(session: &Session, region: &Region, account: &AccountId, queue: &Subject, target: &str) -> Vec<Finding> {
    let client = client!(aws_sdk_eventbridge, session, region);
    let mut names = Vec::new();
    let mut token = None;
    loop {
        let call = client.list_rule_names_by_target().target_arn(target).set_next_token(token);
        let page = match call.send().await.map_err(|error| AwsError::new(EVENTS_LIST_RULE_NAMES_BY_TARGET, error)) {
            Ok(page) => page,
            Err(error) => return vec![queue.unknown(NO_RULE, &error)],
        };
        names.extend(page.rule_names.unwrap_or_default());
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    let described = names.iter().map(async |name| {
        let answer = client.describe_rule().name(name).send().await;
        (name, answer.map_err(|error| AwsError::new(EVENTS_DESCRIBE_RULE, error)))
    });
    let mut findings = Vec::new();
    let mut brings = false;
    for (name, rule) in futures_util::future::join_all(described).await {
        let resource = format!("rule/{name}");
        let arn = Arn::new(session.partition(), "events", region.as_str(), account.as_str(), resource);
        let subject = Subject::regional("eventbridge_rule", "rule", &arn, account, region);
        match rule {
            Ok(rule) if !is_of_cloudtrail(&rule) => {}
            Ok(rule) => {
                brings = true;
                findings.extend(state(&subject, &rule));
            }
            Err(error) => {
                brings = true;
                findings.push(subject.unknown(RULE_STATE, &error));
            }
        }
    }
    if !brings {
        let what = "is the target of no rule that CloudTrail's events match: nothing comes";
        findings.push(queue.fails(NO_RULE, what, json!({"rules": names})));
    }
    findings
}

/// Whether a rule is about CloudTrail's events, as far as its pattern tells. One without `detail-type` takes all.
fn is_of_cloudtrail(rule: &DescribeRuleOutput) -> bool {
    let Some(pattern) = rule.event_pattern() else { return false };
    let pattern: Value = serde_json::from_str(pattern).unwrap_or_default();
    pattern["detail-type"].as_array().is_none_or(|types| {
        // What is no text is a matcher, such as a prefix.
        types.iter().any(|kind| kind.as_str().is_none_or(|kind| kind.ends_with(" via CloudTrail")))
    })
}

fn state(subject: &Subject, rule: &DescribeRuleOutput) -> Option<Finding> {
    let state = rule.state().map_or("", RuleState::as_str);
    let evidence = json!({"State": state});
    match rule.state() {
        Some(RuleState::EnabledWithAllCloudtrailManagementEvents) => None,
        Some(RuleState::Enabled) => {
            let what = "is ENABLED, which leaves out reads, such as sts:GetCallerIdentity: its state has to be \
                        ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS";
            Some(subject.fails(RULE_STATE, what, evidence))
        }
        _ => Some(subject.fails(RULE_STATE, "is disabled: it brings nothing", evidence).rated(Severity::Critical)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(policy: Value) -> Seen {
        let arn = "arn:aws:sqs:us-east-1:111122223333:tripwire".to_owned();
        Seen { arn, policy: Some(policy), has_dead_letters: true, kept: Some(345_600), waiting: Some(3) }
    }

    fn open(service: &str) -> Seen {
        seen(
            json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage"}]}),
        )
    }

    fn told(seen: &Seen) -> Vec<String> {
        let arn = seen.arn.parse().unwrap();
        let subject =
            Subject::regional("sqs", "queue", &arn, &"111122223333".parse().unwrap(), &"us-east-1".parse().unwrap());
        judge(&subject, seen).into_iter().map(|finding| finding.check.replace("honeytoken_queue_", "")).collect()
    }

    #[test]
    fn a_queue_takes_messages_keeps_them_and_is_read() {
        let well = || open("events.amazonaws.com");
        assert_eq!(told(&well()), Vec::<String>::new());
        assert_eq!(told(&Seen { policy: None, ..well() }), ["closed"]);
        assert_eq!(told(&Seen { has_dead_letters: false, ..well() }), ["no_dead_letters"]);
        assert_eq!(told(&Seen { kept: Some(3600), ..well() }), ["forgets"]);
        assert_eq!(told(&Seen { waiting: Some(BACKLOG), ..well() }), ["backlog"]);
        for nobody in [
            json!({}),
            json!({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "sqs:*"}}),
            json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": ["sqs:ReceiveMessage"]}]}),
        ] {
            assert_eq!(told(&seen(nobody.clone())), ["closed"], "{nobody}");
        }
        let list = json!({"Statement": {"Effect": "Allow", "Principal": {"Service": ["x", "s3.amazonaws.com"]},
            "Action": ["sqs:GetQueueUrl", "SQS:SendMessage"]}});
        assert!(seen(list.clone()).is_open_to("s3.amazonaws.com") && told(&seen(list)).is_empty());
        assert!(!well().is_open_to("s3.amazonaws.com"));
    }

    #[test]
    fn a_rule_is_about_cloudtrail_and_in_the_state_that_brings_reads() {
        for (pattern, is_one) in [
            (Some(r#"{"detail-type":["AWS API Call via CloudTrail"]}"#), true),
            (Some(r#"{"detail-type":["AWS Health Event"]}"#), false),
            (Some(r#"{"detail-type":[{"prefix":"AWS"}]}"#), true),
            (Some(r#"{"source":["aws.sts"]}"#), true),
            (Some("{}"), true),
            (None, false),
        ] {
            let rule = DescribeRuleOutput::builder().set_event_pattern(pattern.map(str::to_owned)).build();
            assert_eq!(is_of_cloudtrail(&rule), is_one, "{pattern:?}");
        }
        let arn = "arn:aws:events:us-east-1:111122223333:rule/r".parse().unwrap();
        let (account, region) = ("111122223333".parse().unwrap(), "us-east-1".parse().unwrap());
        let subject = Subject::regional("eventbridge_rule", "rule", &arn, &account, &region);
        for (name, severity) in [
            ("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", None),
            ("ENABLED", Some(Severity::High)),
            ("DISABLED", Some(Severity::Critical)),
            ("SOMETHING_NEW", Some(Severity::Critical)),
        ] {
            let rule = DescribeRuleOutput::builder().state(RuleState::from(name)).build();
            assert_eq!(state(&subject, &rule).map(|finding| finding.severity), severity, "{name}");
        }
    }
}
