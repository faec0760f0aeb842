//! What is said on stderr when a run ends, and with which code it ends.

use std::collections::{BTreeMap, BTreeSet};

use common::cli::Say;
use common::exit::Exit;
use common::id::{AccountId, Region};
use common::record::{Scope, ScopeStatus, Unread};

/// From how many regions on they are counted instead of named.
const NAMED_REGIONS: usize = 4;
/// How much of AWS's words a line shows. Those of EC2 hold an encoded message that fills a screen; it is in the record.
const SHOWN: usize = 240;

/// All that went wrong, gathered: a call that is denied in seventeen regions is one line, not seventeen.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How many resources were written.
    pub(crate) resources: u64,
    failed: BTreeMap<(AccountId, String, String), Failed>,
    unread: BTreeMap<(String, String), u64>,
    incomplete: bool,
}

#[derive(Debug, Default)]
struct Failed {
    types: BTreeSet<String>,
    regions: BTreeSet<Region>,
    message: String,
}

impl Tally {
    pub(crate) fn resource(&mut self, unread: &[Unread]) {
        self.resources += 1;
        let causes: BTreeSet<_> = unread.iter().map(|unread| (unread.operation.clone(), unread.code.clone())).collect();
        for cause in causes {
            *self.unread.entry(cause).or_default() += 1;
        }
    }

    pub(crate) fn scope(&mut self, scope: Scope) {
        if scope.status == ScopeStatus::Ok {
            return;
        }
        let error = scope.error.unwrap_or_else(|| common::record::ScopeError {
            operation: String::new(),
            code: String::new(),
            message: String::new(),
            request_id: None,
        });
        let failed = self.failed.entry((scope.account, error.operation, error.code)).or_default();
        failed.types.insert(scope.r#type);
        failed.regions.insert(scope.region);
        if failed.message.is_empty() {
            failed.message = error.message;
        }
    }

    /// Some input was not understood, and has been named.
    pub(crate) fn incomplete(&mut self) {
        self.incomplete = true;
    }

    /// Says what went wrong.
    pub(crate) fn say(&self, say: &Say) {
        for ((account, operation, code), Failed { types, regions, message }) in &self.failed {
            let types = types.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let message = shortened(message);
            say.warn(format!(
                "account {account}: {types} not covered{}: {operation} failed: {code}: {message}",
                places(regions)
            ));
        }
        for ((operation, code), count) in &self.unread {
            let resources = if *count == 1 { "resource has" } else { "resources have" };
            say.warn(format!("{count} {resources} parts that could not be read: {operation} failed: {code}"));
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        if self.incomplete || !self.failed.is_empty() || !self.unread.is_empty() {
            Exit::Incomplete
        } else {
            Exit::Done
        }
    }
}

fn places(regions: &BTreeSet<Region>) -> String {
    let names: Vec<_> = regions.iter().filter(|region| !region.is_global()).map(Region::as_str).collect();
    match names.len() {
        0 => String::new(),
        1..=NAMED_REGIONS => format!(" in {}", names.join(", ")),
        many => format!(" in {many} regions ({}, ...)", names[..2].join(", ")),
    }
}

fn shortened(message: &str) -> String {
    let mut shown: String = message.chars().take(SHOWN).collect();
    if shown.len() < message.len() {
        shown.push_str(" ...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use common::aws::AwsError;
    use common::cli::Captured;
    use common::resource::ResourceType;

    use super::*;
    use crate::sink::scope;

    fn said(tally: &Tally) -> String {
        let out = Captured::default();
        tally.say(&Say::to("poll", out.clone()));
        out.text()
    }

    fn failed(tally: &mut Tally, kind: ResourceType, region: &str, code: &str) {
        let error = AwsError::of("ec2:DescribeInstances", code, "no");
        let account = "111122223333".parse().unwrap();
        tally.scope(scope(&account, &region.parse().unwrap(), kind, 0, Some(&error)));
    }

    #[test]
    fn a_call_that_is_denied_in_many_regions_is_one_line() {
        let mut tally = Tally::default();
        for region in ["eu-west-1", "eu-west-2", "us-east-1", "us-east-2", "us-west-2"] {
            failed(&mut tally, ResourceType::Ec2, region, "UnauthorizedOperation");
        }
        failed(&mut tally, ResourceType::IamUser, "global", "AccessDenied");
        assert_eq!(
            said(&tally),
            "poll: warning: account 111122223333: iam_user not covered: ec2:DescribeInstances failed: AccessDenied: no\n\
             poll: warning: account 111122223333: ec2 not covered in 5 regions (eu-west-1, eu-west-2, ...): \
             ec2:DescribeInstances failed: UnauthorizedOperation: no\n"
        );
        assert_eq!(tally.exit(), Exit::Incomplete);
    }

    #[test]
    fn parts_that_could_not_be_read_are_counted_by_resource() {
        let unread = |field: &str| AwsError::of("s3:GetBucketAcl", "AccessDenied", "no").unread(field);
        let mut tally = Tally::default();
        tally.resource(&[unread("Owner"), unread("Grants")]);
        tally.resource(&[unread("Owner"), unread("Grants")]);
        tally.resource(&[]);
        assert_eq!(tally.resources, 3);
        assert_eq!(
            said(&tally),
            "poll: warning: 2 resources have parts that could not be read: s3:GetBucketAcl failed: AccessDenied\n"
        );
        assert_eq!(tally.exit(), Exit::Incomplete);
    }

    #[test]
    fn nothing_wrong_is_nothing_said() {
        let mut tally = Tally::default();
        tally.resource(&[]);
        tally.scope(scope(&"111122223333".parse().unwrap(), &Region::global(), ResourceType::IamUser, 1, None));
        assert_eq!((said(&tally).as_str(), tally.exit()), ("", Exit::Done));
        tally.incomplete();
        assert_eq!(tally.exit(), Exit::Incomplete);
    }
}
