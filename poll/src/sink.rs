//! Where listings put what they find: records on their way to the output, counted by region.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use common::aws::AwsError;
use common::id::{AccountId, Region};
use common::record::{Resource, Scope, ScopeKind, ScopeStatus, Unread};
use common::resource::ResourceType;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::mpsc::Sender;

use crate::types::untyped;

/// The tag by which the misconfiguration maker's resources are known.
pub(crate) const TEST_TAG: &str = "sluice:test-resource";
/// What the names of its buckets begin with: a bucket's tags take a call of their own.
pub(crate) const TEST_PREFIX: &str = "sluice-test-";
/// How the ARNs of its groups begin behind the account: IAM's groups have no tags.
const TEST_GROUP: &str = "group/sluice-test/sluice-test-";

/// A record that is ready to be written, with what the end of the run has to know of it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) text: Box<RawValue>,
    pub(crate) told: Told,
}

/// What a record tells.
#[derive(Debug)]
pub(crate) enum Told {
    Resource {
        unread: Vec<Unread>,
    },
    Scope(Scope),
    /// Nothing that has not been said.
    Nothing,
}

impl Line {
    pub(crate) fn scope(scope: Scope) -> Option<Self> {
        Some(Self { text: text(&scope)?, told: Told::Scope(scope) })
    }

    pub(crate) fn resource<C: Serialize>(resource: Resource<C>) -> Option<Self> {
        Some(Self { text: text(&resource)?, told: Told::Resource { unread: resource.unread } })
    }
}

/// A record's text. Records are structs of texts and numbers, which always serialize.
fn text(record: &impl Serialize) -> Option<Box<RawValue>> {
    to_raw_value(record).ok()
}

/// The way out for one listing.
#[derive(Debug)]
pub(crate) struct Sink {
    sender: Sender<Line>,
    only_tests: bool,
    /// Whether what has not settled is held back.
    settles: bool,
    unsettled: Mutex<Vec<Resource>>,
    counts: Mutex<BTreeMap<Region, u64>>,
}

impl Sink {
    pub(crate) fn new(sender: Sender<Line>, only_tests: bool) -> Self {
        Self { sender, only_tests, settles: false, unsettled: Mutex::default(), counts: Mutex::default() }
    }

    /// The same, holding back what has not settled until somebody takes it.
    pub(crate) fn settling(self, settles: bool) -> Self {
        Self { settles, ..self }
    }

    /// What was held back. It comes in again when it has settled, or when nobody wants to wait any longer.
    pub(crate) fn take_unsettled(&mut self) -> Vec<Resource> {
        self.settles = false;
        std::mem::take(self.unsettled.get_mut().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the misconfiguration maker's resources alone are wanted. A listing may leave out the others early; what it
    /// puts in here is filtered in any case.
    pub(crate) fn only_tests(&self) -> bool {
        self.only_tests
    }

    /// Puts a resource on its way. Waits while the output is slow.
    pub(crate) async fn resource<C: Serialize>(&self, resource: Resource<C>) {
        let is_test_group = || resource.arn.service == "iam" && resource.arn.resource.starts_with(TEST_GROUP);
        if self.only_tests && !resource.tags.contains_key(TEST_TAG) && !is_test_group() {
            return;
        }
        if self.settles && !resource.settled {
            self.unsettled.lock().unwrap_or_else(PoisonError::into_inner).push(untyped(resource));
            return;
        }
        let region = resource.region.clone();
        if let Some(line) = Line::resource(resource) {
            *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(region).or_default() += 1;
            self.line(line).await;
        }
    }

    /// How many resources went through, by region.
    pub(crate) fn counts(&self) -> BTreeMap<Region, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the listing: one `scope` record for each of its regions, and for each in which it found something.
    pub(crate) async fn end(self, account: &AccountId, kind: ResourceType, regions: &[Region], failures: &Failures) {
        let mut counts = self.counts();
        for region in regions {
            counts.entry(region.clone()).or_default();
        }
        for (region, resources) in counts {
            if let Some(line) = Line::scope(scope(account, &region, kind, resources, failures.of(&region))) {
                self.line(line).await;
            }
        }
    }

    async fn line(&self, line: Line) {
        // Nobody receives any more: the run is over, and this task with it.
        let _ = self.sender.send(line).await;
    }
}

/// What went wrong with a listing.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    /// With the listing as a whole.
    pub(crate) whole: Option<AwsError>,
    /// With single regions of it.
    pub(crate) regions: BTreeMap<Region, AwsError>,
}

impl Failures {
    fn of(&self, region: &Region) -> Option<&AwsError> {
        self.whole.as_ref().or_else(|| self.regions.get(region))
    }
}

/// What became of an (account, region, type).
pub(crate) fn scope(
    account: &AccountId,
    region: &Region,
    kind: ResourceType,
    resources: u64,
    error: Option<&AwsError>,
) -> Scope {
    Scope {
        kind: ScopeKind::Kind,
        account: account.clone(),
        region: region.clone(),
        r#type: kind.name().to_owned(),
        status: if error.is_some() { ScopeStatus::Failed } else { ScopeStatus::Ok },
        resources,
        checks: Vec::new(),
        findings: None,
        error: error.map(AwsError::scope_error),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use common::arn::Arn;
    use common::resource::Bucket;
    use serde_json::Value;
    use tokio::sync::mpsc;

    use super::*;

    fn bucket(name: &str, region: &str, tag: Option<&str>) -> Resource<Bucket> {
        serde_json::from_value(serde_json::json!({
            "kind": "resource", "account": "111122223333", "region": region, "type": "s3_bucket", "id": name,
            "arn": Arn::s3_bucket("aws", name), "tags": tag.map_or_else(BTreeMap::new, |tag| BTreeMap::from([(tag, "")])),
            "config": {"Name": name},
        }))
        .unwrap()
    }

    async fn written(only_tests: bool, buckets: Vec<Resource<Bucket>>, whole: Option<AwsError>) -> Vec<Value> {
        let (sender, mut lines) = mpsc::channel(100);
        let sink = Sink::new(sender, only_tests);
        for bucket in buckets {
            sink.resource(bucket).await;
        }
        let regions = ["eu-west-1", "us-east-1"].map(|region| region.parse().unwrap());
        let failures = Failures { whole, ..Failures::default() };
        sink.end(&"111122223333".parse().unwrap(), ResourceType::S3Bucket, &regions, &failures).await;
        let mut written = Vec::new();
        while let Some(line) = lines.recv().await {
            written.push(serde_json::from_str(line.text.get()).unwrap());
        }
        written
    }

    #[tokio::test]
    async fn each_region_has_a_scope_behind_its_resources_also_one_that_nobody_named() {
        let buckets =
            vec![bucket("a", "eu-west-1", None), bucket("b", "me-south-1", None), bucket("c", "eu-west-1", None)];
        let written = written(false, buckets, None).await;
        let shown: Vec<_> = written
            .iter()
            .map(|it| format!("{} {} {} {}", it["kind"], it["region"], it["status"], it["resources"]))
            .collect();
        assert_eq!(
            shown,
            [
                r#""resource" "eu-west-1" null null"#,
                r#""resource" "me-south-1" null null"#,
                r#""resource" "eu-west-1" null null"#,
                r#""scope" "eu-west-1" "ok" 2"#,
                r#""scope" "me-south-1" "ok" 1"#,
                r#""scope" "us-east-1" "ok" 0"#,
            ]
        );
    }

    #[tokio::test]
    async fn what_was_listed_before_an_error_is_written_and_no_scope_is_ok() {
        let error = AwsError::of("s3:ListBuckets", "AccessDenied", "no");
        let written = written(false, vec![bucket("a", "eu-west-1", None)], Some(error)).await;
        assert_eq!(written[0]["id"], "a");
        for scope in &written[1..] {
            assert_eq!(scope["status"], "failed");
            assert_eq!(scope["error"]["operation"], "s3:ListBuckets");
        }
        assert_eq!(written[1]["resources"], 1);
    }

    #[tokio::test]
    async fn only_test_resources_pass_when_they_alone_are_wanted() {
        let buckets = || vec![bucket("a", "eu-west-1", Some("Owner")), bucket("b", "eu-west-1", Some(TEST_TAG))];
        let ids = |written: &[Value]| -> Vec<String> {
            written.iter().filter_map(|it| Some(it["id"].as_str()?.to_owned())).collect()
        };
        assert_eq!(ids(&written(true, buckets(), None).await), ["b"]);
        assert_eq!(ids(&written(false, buckets(), None).await), ["a", "b"]);
    }
}
