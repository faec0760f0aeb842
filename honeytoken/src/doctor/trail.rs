//! CloudTrail: whether what a token does is written down.
//!
//! One trail that logs all management events of all regions, reads and writes, is enough; data events (reads of objects, calls
//! of functions) may be another's. <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html>

use std::collections::BTreeSet;

use aws_sdk_cloudtrail::operation::get_event_selectors::GetEventSelectorsOutput;
use aws_sdk_cloudtrail::operation::get_trail_status::GetTrailStatusOutput;
use aws_sdk_cloudtrail::types::{AdvancedEventSelector, ReadWriteType, Trail};
use common::aws::{AwsError, Session, timestamp};
use common::client;
use common::id::Region;
use common::operation::{CLOUDTRAIL_DESCRIBE_TRAILS, CLOUDTRAIL_GET_EVENT_SELECTORS, CLOUDTRAIL_GET_TRAIL_STATUS};
use common::record::{Finding, Severity};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::report::{NO_DATA_EVENTS, NO_TRAIL, Rated, Subject, TRAIL_BUCKET, TRAIL_DELIVERY, TRAIL_LEAVES_OUT};

/// CloudTrail delivers every five minutes or so, and in an account with a watch something happens every day.
const LATE: SignedDuration = SignedDuration::from_hours(24);

/// A trail, and what AWS says of it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    trail: Trail,
    status: Result<GetTrailStatusOutput, AwsError>,
    selectors: Result<GetEventSelectorsOutput, AwsError>,
}

/// What the watch gets its events from, as far as trails matter to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Need {
    /// The bucket that is watched.
    pub(super) bucket: Option<String>,
    /// Nothing but the event history and last uses, which need no trail.
    pub(super) none: bool,
    /// Last uses are asked for: the net for what is not logged.
    pub(super) last_used: bool,
}

/// All trails that log events of the account: those of other regions and of the organization, too.
pub(super) async fn look(session: &Session) -> Result<Vec<Seen>, AwsError> {
    let home = client!(aws_sdk_cloudtrail, session, session.home_region());
    let answer = home.describe_trails().include_shadow_trails(true).send().await;
    let trails = answer.map_err(|error| AwsError::new(CLOUDTRAIL_DESCRIBE_TRAILS, error))?.trail_list;
    let seen = trails.unwrap_or_default().into_iter().map(async |trail| {
        // A trail is asked about where it is at home.
        let region: Option<Region> = trail.home_region().and_then(|region| region.parse().ok());
        let client = client!(aws_sdk_cloudtrail, session, region.as_ref().unwrap_or(session.home_region()));
        let name = trail.trail_arn().or(trail.name()).unwrap_or_default();
        let (status, selectors) = tokio::join!(
            client.get_trail_status().name(name).send(),
            client.get_event_selectors().trail_name(name).send()
        );
        Seen {
            status: status.map_err(|error| AwsError::new(CLOUDTRAIL_GET_TRAIL_STATUS, error)),
            selectors: selectors.map_err(|error| AwsError::new(CLOUDTRAIL_GET_EVENT_SELECTORS, error)),
            trail,
        }
    });
    Ok(join_all(seen).await)
}

/// What keeps an account's events from being written down.
pub(super) fn judge(
    seen: &Result<Vec<Seen>, AwsError>,
    account: &Subject,
    need: &Need,
    now: Timestamp,
) -> Vec<Finding> {
    let seen = match seen {
        Ok(seen) => seen,
        Err(error) => return [NO_TRAIL, NO_DATA_EVENTS].map(|check| account.unknown(check, error)).into(),
    };
    let mut findings = Vec::new();
    let judged: Vec<(&Seen, Vec<String>, Option<&AwsError>)> =
        seen.iter().map(|seen| (seen, seen.faults(), seen.unread())).collect();
    let whole: Vec<&Seen> = judged
        .iter()
        .filter(|(_, faults, unread)| faults.is_empty() && unread.is_none())
        .map(|(seen, ..)| *seen)
        .collect();
    if whole.is_empty() {
        let doubtful = judged.iter().find_map(|(_, faults, unread)| unread.filter(|_| faults.is_empty()));
        findings.push(match doubtful {
            Some(error) => account.unknown(NO_TRAIL, error),
            None => no_trail(&judged, account, need),
        });
    }
    findings.extend(whole.iter().filter_map(|seen| seen.late(account, now)));
    findings.extend(left_out(&whole, account));
    findings.extend(data_events(seen, account, need));
    if let Some(bucket) = &need.bucket
        && !seen.iter().any(|seen| seen.trail.s3_bucket_name() == Some(bucket))
    {
        let buckets: BTreeSet<_> = seen.iter().filter_map(|seen| seen.trail.s3_bucket_name()).collect();
        let what = format!("has no trail that writes to {bucket}, the bucket that is watched");
        findings.push(account.fails(TRAIL_BUCKET, what, json!({"watched": bucket, "buckets": buckets})));
    }
    findings
}

fn no_trail(judged: &[(&Seen, Vec<String>, Option<&AwsError>)], account: &Subject, need: &Need) -> Finding {
    let trails: Vec<_> = judged.iter().map(|(seen, faults, _)| json!({"trail": seen.name(), "why": faults})).collect();
    let what = if trails.is_empty() {
        "has no trail: what tokens do is not written down"
    } else {
        "has no trail that logs the management events of all regions, reads and global services included"
    };
    let finding = account.fails(NO_TRAIL, what, json!({"trails": trails}));
    // The event history is there without a trail.
    if need.none { finding.rated(Severity::Low) } else { finding }
}

/// The services whose events none of the trails has.
fn left_out(whole: &[&Seen], account: &Subject) -> Option<Finding> {
    let mut left_out = whole.iter().filter_map(|seen| seen.selectors.as_ref().ok()).map(|it| coverage(it).left_out);
    let first = left_out.next()?;
    let services = left_out.fold(first, |all, next| all.intersection(&next).cloned().collect());
    let named = services.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let what = format!("has no trail that logs the management events of {named}");
    (!services.is_empty()).then(|| account.fails(TRAIL_LEAVES_OUT, what, json!({"services": services})))
}

fn data_events(seen: &[Seen], account: &Subject, need: &Need) -> Option<Finding> {
    let runs = |seen: &&Seen| seen.status.as_ref().map_or(true, |status| status.is_logging() == Some(true));
    let mut unread = None;
    for seen in seen.iter().filter(runs) {
        match (&seen.selectors, &seen.status) {
            (Ok(selectors), Ok(_)) if has_data_events(selectors) => return None,
            (Ok(selectors), Err(error)) if has_data_events(selectors) => unread = Some(error),
            (Ok(_), _) => {}
            (Err(error), _) => unread = Some(error),
        }
    }
    if let Some(error) = unread {
        return Some(account.unknown(NO_DATA_EVENTS, error));
    }
    let what = "has no trail that logs data events: who reads an object of S3 or calls a function with a token's key leaves no \
                event";
    let finding = account.fails(NO_DATA_EVENTS, what, json!({"last_used_is_asked": need.last_used}));
    Some(if need.last_used { finding.rated(Severity::Low) } else { finding })
}

impl Seen {
    fn name(&self) -> &str {
        self.trail.trail_arn().or(self.trail.name()).unwrap_or_default()
    }

    /// What could not be read of it.
    fn unread(&self) -> Option<&AwsError> {
        self.status.as_ref().err().or(self.selectors.as_ref().err())
    }

    /// Why it does not log all management events, as far as is known.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.trail.is_multi_region_trail() != Some(true) {
            let region = self.trail.home_region().unwrap_or("one region");
            faults.push(format!("it logs {region} alone"));
        }
        if self.trail.include_global_service_events() != Some(true) {
            faults.push("it leaves out global services, such as IAM and STS".to_owned());
        }
        if self.status.as_ref().is_ok_and(|status| status.is_logging() != Some(true)) {
            faults.push("it is stopped".to_owned());
        }
        if let Ok(selectors) = &self.selectors {
            let coverage = coverage(selectors);
            match (coverage.reads, coverage.writes) {
                (true, true) => {}
                (false, true) => faults.push("it leaves out reads, such as sts:GetCallerIdentity".to_owned()),
                (true, false) => faults.push("it leaves out all calls but reads".to_owned()),
                (false, false) => faults.push("it logs no management events, or a selection of them alone".to_owned()),
            }
        }
        faults
    }

    /// Whether its files do not arrive.
    fn late(&self, account: &Subject, now: Timestamp) -> Option<Finding> {
        let status = self.status.as_ref().ok()?;
        let name = self.name();
        if let Some(error) = status.latest_delivery_error().filter(|error| !error.is_empty()) {
            let what = format!("has a trail, {name}, that cannot deliver its files: {error}");
            return Some(account.part_fails(TRAIL_DELIVERY, name, what, json!({"trail": name, "error": error})));
        }
        let last = status.latest_delivery_time().or(status.start_logging_time()).map(timestamp)?;
        let what = format!("has a trail, {name}, that has delivered no file for more than a day");
        let late = now.duration_since(last) > LATE;
        late.then(|| account.part_fails(TRAIL_DELIVERY, name, what, json!({"trail": name, "last": last})))
    }
}

/// Which management events a trail logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Coverage {
    reads: bool,
    writes: bool,
    /// The services whose events it leaves out.
    left_out: BTreeSet<String>,
}

fn coverage(selectors: &GetEventSelectorsOutput) -> Coverage {
    let (basic, advanced) = (selectors.event_selectors(), selectors.advanced_event_selectors());
    if basic.is_empty() && advanced.is_empty() {
        // A trail of which nobody has ever said anything else.
        return Coverage { reads: true, writes: true, left_out: BTreeSet::new() };
    }
    let mut coverage = Coverage::default();
    for selector in basic.iter().filter(|selector| selector.include_management_events() != Some(false)) {
        let which = selector.read_write_type().unwrap_or(&ReadWriteType::All);
        coverage.reads |= matches!(which, ReadWriteType::All | ReadWriteType::ReadOnly);
        coverage.writes |= matches!(which, ReadWriteType::All | ReadWriteType::WriteOnly);
        coverage.left_out.extend(selector.exclude_management_event_sources().iter().cloned());
    }
    for selector in advanced.iter().filter(|selector| is_of(selector, "Management")) {
        let (mut reads, mut writes, mut whole) = (true, true, true);
        for field in selector.field_selectors() {
            match (field.field(), field.equals(), field.not_equals()) {
                ("eventCategory", ..) => {}
                ("readOnly", [only], []) => (reads, writes) = (only == "true", only == "false"),
                ("eventSource", [], left_out) if !left_out.is_empty() => {
                    coverage.left_out.extend(left_out.iter().cloned());
                }
                // A selection, by whatever.
                _ => whole = false,
            }
        }
        coverage.reads |= whole && reads;
        coverage.writes |= whole && writes;
    }
    coverage
}

fn has_data_events(selectors: &GetEventSelectorsOutput) -> bool {
    selectors.event_selectors().iter().any(|selector| !selector.data_resources().is_empty())
        || selectors.advanced_event_selectors().iter().any(|selector| is_of(selector, "Data"))
}

fn is_of(selector: &AdvancedEventSelector, category: &str) -> bool {
    let is_it = |value: &String| value == category;
    selector.field_selectors().iter().any(|field| field.field() == "eventCategory" && field.equals().iter().any(is_it))
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudtrail::types::{AdvancedFieldSelector, DataResource, EventSelector};

    use super::*;

    const NOW: &str = "2026-11-21T12:00:00Z";
    const ARN: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/main";

    fn field(name: &str, equals: &[&str], not_equals: &[&str]) -> AdvancedFieldSelector {
        let list = |values: &[&str]| {
            Some(values.iter().map(|&value| value.to_owned()).collect()).filter(|_| !values.is_empty())
        };
        let builder = AdvancedFieldSelector::builder().field(name);
        builder.set_equals(list(equals)).set_not_equals(list(not_equals)).build().unwrap()
    }

    fn advanced(fields: Vec<AdvancedFieldSelector>) -> AdvancedEventSelector {
        AdvancedEventSelector::builder().set_field_selectors(Some(fields)).build().unwrap()
    }

    fn selectors(basic: Vec<EventSelector>, advanced: Vec<AdvancedEventSelector>) -> GetEventSelectorsOutput {
        let builder = GetEventSelectorsOutput::builder().set_event_selectors(Some(basic));
        builder.set_advanced_event_selectors(Some(advanced)).build()
    }

    fn basic() -> aws_sdk_cloudtrail::types::builders::EventSelectorBuilder {
        EventSelector::builder().read_write_type(ReadWriteType::All).include_management_events(true)
    }

    fn objects() -> DataResource {
        DataResource::builder().r#type("AWS::S3::Object").values("arn:aws:s3").build()
    }

    /// A trail as it should be.
    fn seen() -> Seen {
        let delivered =
            aws_sdk_cloudtrail::primitives::DateTime::from_secs(NOW.parse::<Timestamp>().unwrap().as_second() - 300);
        let trail = Trail::builder().trail_arn(ARN).home_region("us-east-1").s3_bucket_name("logs");
        Seen {
            trail: trail.is_multi_region_trail(true).include_global_service_events(true).build(),
            status: Ok(GetTrailStatusOutput::builder().is_logging(true).latest_delivery_time(delivered).build()),
            selectors: Ok(selectors(vec![basic().data_resources(objects()).build()], vec![])),
        }
    }

    fn judged(seen: &Result<Vec<Seen>, AwsError>, need: &Need) -> Vec<(String, String, Severity)> {
        let account = Subject::account("aws", &"111122223333".parse().unwrap());
        let findings = judge(seen, &account, need, NOW.parse().unwrap());
        let short = |finding: Finding| {
            (finding.check.replace("honeytoken_", ""), finding.status.name().to_owned(), finding.severity)
        };
        findings.into_iter().map(short).collect()
    }

    fn told(seen: Vec<Seen>) -> Vec<String> {
        let found = judged(&Ok(seen), &Need::default());
        found.into_iter().map(|(check, status, _)| format!("{check} {status}")).collect()
    }

    fn changed(change: impl FnOnce(&mut Seen)) -> Seen {
        let mut seen = seen();
        change(&mut seen);
        seen
    }

    fn selecting(basic: Vec<EventSelector>, advanced: Vec<AdvancedEventSelector>) -> Seen {
        changed(|seen| seen.selectors = Ok(selectors(basic, advanced)))
    }

    fn denied(operation: &str) -> AwsError {
        AwsError::of(operation, "AccessDenied", "no")
    }

    #[test]
    fn one_trail_that_logs_everything_everywhere_is_enough() {
        let one_region = changed(|seen| seen.trail.is_multi_region_trail = Some(false));
        assert_eq!(told(vec![one_region, seen()]), Vec::<String>::new());
        let management = || field("eventCategory", &["Management"], &[]);
        let everything = selecting(
            vec![],
            vec![advanced(vec![management()]), advanced(vec![field("eventCategory", &["Data"], &[])])],
        );
        assert_eq!(told(vec![everything]), Vec::<String>::new());
        let halves = vec![
            basic().read_write_type(ReadWriteType::ReadOnly).data_resources(objects()).build(),
            basic().read_write_type(ReadWriteType::WriteOnly).build(),
        ];
        assert_eq!(told(vec![selecting(halves, vec![])]), Vec::<String>::new());
    }

    #[test]
    fn a_trail_that_misses_something_is_none() {
        let management = || field("eventCategory", &["Management"], &[]);
        let data = || advanced(vec![field("eventCategory", &["Data"], &[])]);
        let status = |logging: bool| Ok(GetTrailStatusOutput::builder().is_logging(logging).build());
        for (what, seen) in [
            ("one region", changed(|seen| seen.trail.is_multi_region_trail = Some(false))),
            ("no word on regions", changed(|seen| seen.trail.is_multi_region_trail = None)),
            ("no global services", changed(|seen| seen.trail.include_global_service_events = Some(false))),
            (
                "writes",
                selecting(
                    vec![basic().read_write_type(ReadWriteType::WriteOnly).data_resources(objects()).build()],
                    vec![],
                ),
            ),
            (
                "no management events",
                selecting(vec![basic().include_management_events(false).data_resources(objects()).build()], vec![]),
            ),
            ("data events alone", selecting(vec![], vec![data()])),
            (
                "writes",
                selecting(vec![], vec![data(), advanced(vec![management(), field("readOnly", &["false"], &[])])]),
            ),
            (
                "one call",
                selecting(vec![], vec![data(), advanced(vec![management(), field("eventName", &["DeleteUser"], &[])])]),
            ),
            (
                "one service",
                selecting(
                    vec![],
                    vec![data(), advanced(vec![management(), field("eventSource", &["kms.amazonaws.com"], &[])])],
                ),
            ),
        ] {
            assert_eq!(told(vec![seen]), ["no_trail fail"], "{what}");
        }
        let stopped = changed(|seen| seen.status = status(false));
        assert_eq!(told(vec![stopped]), ["no_trail fail", "no_data_events fail"], "nor are there data events");
        assert_eq!(told(vec![]), ["no_trail fail", "no_data_events fail"]);
    }

    #[test]
    fn what_is_left_out_and_what_does_not_arrive_is_told() {
        let without = |services: &[&str]| {
            let selector =
                basic().set_exclude_management_event_sources(Some(services.iter().map(|&it| it.to_owned()).collect()));
            selecting(vec![selector.data_resources(objects()).build()], vec![])
        };
        assert_eq!(told(vec![without(&["kms.amazonaws.com"])]), ["trail_leaves_out fail"]);
        let other = without(&["rdsdata.amazonaws.com"]);
        assert_eq!(
            told(vec![without(&["kms.amazonaws.com"]), other]),
            Vec::<String>::new(),
            "each has what the other has not"
        );

        let status = GetTrailStatusOutput::builder().is_logging(true);
        let long_ago = aws_sdk_cloudtrail::primitives::DateTime::from_secs(1_700_000_000);
        for (status, is_late) in [
            (status.clone().latest_delivery_error("AccessDenied"), true),
            (status.clone().latest_delivery_time(long_ago), true),
            (status.clone().start_logging_time(long_ago), true),
            (status.clone().latest_delivery_error(""), false),
        ] {
            let expected: &[&str] = if is_late { &["trail_delivery fail"] } else { &[] };
            assert_eq!(told(vec![changed(|seen| seen.status = Ok(status.build()))]), expected);
        }
        let plain = selecting(vec![basic().build()], vec![]);
        assert_eq!(told(vec![plain.clone()]), ["no_data_events fail"]);
        let seen = Ok(vec![plain]);
        let need = Need { last_used: true, bucket: Some("others".into()), none: false };
        let severities: Vec<_> =
            judged(&seen, &need).into_iter().map(|(check, _, severity)| (check, severity)).collect();
        assert_eq!(
            severities,
            [("no_data_events".to_owned(), Severity::Low), ("trail_bucket".to_owned(), Severity::High)]
        );
    }

    #[test]
    fn what_was_not_told_is_unknown() {
        let error = denied("cloudtrail:DescribeTrails");
        let all = judged(&Err(error), &Need::default());
        assert!(all.iter().all(|(_, status, _)| status == "unknown") && all.len() == 2, "{all:?}");
        let status = changed(|seen| seen.status = Err(denied("cloudtrail:GetTrailStatus")));
        assert_eq!(told(vec![status.clone()]), ["no_trail unknown", "no_data_events unknown"]);
        assert_eq!(told(vec![status, seen()]), Vec::<String>::new(), "the other one is enough");
        let selectors = changed(|seen| seen.selectors = Err(denied("cloudtrail:GetEventSelectors")));
        assert_eq!(told(vec![selectors]), ["no_trail unknown", "no_data_events unknown"]);
        let hopeless = changed(|seen| {
            seen.selectors = Err(denied("cloudtrail:GetEventSelectors"));
            seen.trail.is_multi_region_trail = Some(false);
        });
        assert_eq!(told(vec![hopeless]), ["no_trail fail", "no_data_events unknown"]);
    }
}
