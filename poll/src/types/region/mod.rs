//! `region`: what GuardDuty, AWS Config, CloudTrail and EC2 say of a region. One record for each region of an account.
//!
//! AWS has no such resource, and the record's ARN is Sluice's own. Each field is one call's answer: what is denied, or a
//! service that a region does not have, makes that field unread and no other.

mod cloudtrail;
mod config;
mod guardduty;
mod network;

use std::collections::BTreeMap;

use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{
    CLOUDTRAIL_DESCRIBE_TRAILS, CLOUDTRAIL_GET_TRAIL_STATUS, CONFIG_DESCRIBE_AGGREGATION_AUTHORIZATIONS,
    CONFIG_DESCRIBE_CONFIGURATION_RECORDER_STATUS, CONFIG_DESCRIBE_CONFIGURATION_RECORDERS,
    CONFIG_DESCRIBE_DELIVERY_CHANNELS, EC2_DESCRIBE_FLOW_LOGS, EC2_DESCRIBE_VPCS, EC2_GET_EBS_ENCRYPTION_BY_DEFAULT,
    GUARDDUTY_GET_ADMINISTRATOR_ACCOUNT, GUARDDUTY_GET_DETECTOR, GUARDDUTY_LIST_DETECTORS, Operation,
};
use common::record::Resource;
use common::resource::{FlowLog, RegionServices, Vpc};

use self::cloudtrail::{Trails, trails};
use self::config::{Config, config};
use self::guardduty::{Administrators, Detectors, guardduty};
use self::network::{ebs_encryption_by_default, flow_logs, vpcs};
use super::{Owner, Polled, read};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

impl Polled for RegionServices {
    const LIST: &'static [Operation] = &[
        CLOUDTRAIL_DESCRIBE_TRAILS,
        CLOUDTRAIL_GET_TRAIL_STATUS,
        CONFIG_DESCRIBE_AGGREGATION_AUTHORIZATIONS,
        CONFIG_DESCRIBE_CONFIGURATION_RECORDERS,
        CONFIG_DESCRIBE_CONFIGURATION_RECORDER_STATUS,
        CONFIG_DESCRIBE_DELIVERY_CHANNELS,
        EC2_DESCRIBE_FLOW_LOGS,
        EC2_DESCRIBE_VPCS,
        EC2_GET_EBS_ENCRYPTION_BY_DEFAULT,
        GUARDDUTY_GET_ADMINISTRATOR_ACCOUNT,
        GUARDDUTY_GET_DETECTOR,
        GUARDDUTY_LIST_DETECTORS,
    ];
    const LOOK: &'static [Operation] = Self::LIST;

    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        // No region is the misconfiguration maker's, and it has no tags that could say so.
        if sink.only_tests() {
            return Ok(());
        }
        for region in reach.regions() {
            sink.resource(describe(&account.session, region).await?).await;
        }
        Ok(())
    }

    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        if id != region.as_str() {
            let message = format!("`{id}` is not the region {region}");
            return Err(AwsError::of(EC2_DESCRIBE_VPCS, "BadReference", message));
        }
        describe(session, region).await.map(Some)
    }
}

/// What the services answered.
#[derive(Debug)]
struct Answers {
    detectors: Detectors,
    administrator: Administrators,
    config: Config,
    trails: Result<Trails, AwsError>,
    vpcs: Result<Vec<Vpc>, AwsError>,
    flow_logs: Result<Vec<FlowLog>, AwsError>,
    ebs_encryption_by_default: Result<Option<bool>, AwsError>,
}

async fn describe(session: &Session, region: &Region) -> Result<Resource<RegionServices>, AwsError> {
    let ec2 = client!(aws_sdk_ec2, session, region);
    // Ten calls in one future take tens of kilobytes, and as many regions as there are wait at once.
    let ((detectors, administrator), config, trails, vpcs, flow_logs, ebs_encryption_by_default) = tokio::join!(
        Box::pin(guardduty(session, region)),
        Box::pin(config(session, region)),
        Box::pin(trails(session, region)),
        Box::pin(vpcs(&ec2, session.account())),
        Box::pin(flow_logs(&ec2)),
        Box::pin(ebs_encryption_by_default(&ec2)),
    );
    let answers = Answers { detectors, administrator, config, trails, vpcs, flow_logs, ebs_encryption_by_default };
    convert(&Owner::of(session), region, answers)
}

impl Answers {
    /// What stands for all errors where no call got an answer: the region is not enabled, or nothing in it is allowed.
    fn nothing(&self) -> Option<&AwsError> {
        let Self { detectors, config, trails, vpcs, flow_logs, ebs_encryption_by_default, .. } = self;
        let none = detectors.is_err()
            && config.recorders.is_err()
            && config.status.is_err()
            && config.channels.is_err()
            && config.authorizations.is_err()
            && trails.is_err()
            && flow_logs.is_err()
            && ebs_encryption_by_default.is_err();
        vpcs.as_ref().err().filter(|_| none)
    }
}

/// The record of a region.
///
/// # Errors
///
/// Where nothing at all could be read: a record that says so eleven times would make a scope look covered.
fn convert(owner: &Owner, region: &Region, answers: Answers) -> Result<Resource<RegionServices>, AwsError> {
    if let Some(error) = answers.nothing() {
        return Err(error.clone());
    }
    let mut unread = Vec::new();
    let trails = read(answers.trails, &["Trails"], &mut unread).unwrap_or_default();
    // The trails are known; a check may do with those of which it is known that they are on.
    unread.extend(trails.error.map(|error| error.unread("Trails.IsLogging")));
    let config = answers.config;
    let services = RegionServices {
        region_name: region.to_string(),
        detectors: read(answers.detectors, &["Detectors"], &mut unread).unwrap_or_default(),
        administrator: read(answers.administrator, &["Administrator"], &mut unread).flatten(),
        configuration_recorders: read(config.recorders, &["ConfigurationRecorders"], &mut unread).unwrap_or_default(),
        configuration_recorders_status: read(config.status, &["ConfigurationRecordersStatus"], &mut unread)
            .unwrap_or_default(),
        delivery_channels: read(config.channels, &["DeliveryChannels"], &mut unread).unwrap_or_default(),
        aggregation_authorizations: read(config.authorizations, &["AggregationAuthorizations"], &mut unread)
            .unwrap_or_default(),
        trails: trails.trails,
        vpcs: read(answers.vpcs, &["Vpcs"], &mut unread).unwrap_or_default(),
        flow_logs: read(answers.flow_logs, &["FlowLogs"], &mut unread).unwrap_or_default(),
        ebs_encryption_by_default: read(answers.ebs_encryption_by_default, &["EbsEncryptionByDefault"], &mut unread)
            .flatten(),
    };
    let arn = owner.arn("ec2", region, format!("region/{region}"));
    let mut record = owner.resource(region, region.as_str(), arn, BTreeMap::new(), services);
    record.unread = unread;
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::tests::{denied, owner};

    fn plain() -> Answers {
        Answers {
            detectors: Ok(Vec::new()),
            administrator: Ok(None),
            config: Config {
                recorders: Ok(Vec::new()),
                status: Ok(Vec::new()),
                channels: Ok(Vec::new()),
                authorizations: Ok(Vec::new()),
            },
            trails: Ok(Trails::default()),
            vpcs: Ok(Vec::new()),
            flow_logs: Ok(Vec::new()),
            ebs_encryption_by_default: Ok(Some(true)),
        }
    }

    fn region(answers: Answers) -> Result<Resource<RegionServices>, AwsError> {
        convert(&owner(), &"eu-west-1".parse().unwrap(), answers)
    }

    type Deny = fn(&mut Answers);

    const DENIALS: [(&str, Deny); 11] = [
        ("Detectors", |it| it.detectors = Err(denied("guardduty:GetDetector"))),
        ("Administrator", |it| it.administrator = Err(denied("guardduty:GetAdministratorAccount"))),
        ("ConfigurationRecorders", |it| it.config.recorders = Err(denied("config:A"))),
        ("ConfigurationRecordersStatus", |it| it.config.status = Err(denied("config:B"))),
        ("DeliveryChannels", |it| it.config.channels = Err(denied("config:C"))),
        ("AggregationAuthorizations", |it| it.config.authorizations = Err(denied("config:D"))),
        ("Trails", |it| it.trails = Err(denied("cloudtrail:DescribeTrails"))),
        ("Trails.IsLogging", |it| {
            it.trails = Ok(Trails { error: Some(denied("cloudtrail:GetTrailStatus")), ..Trails::default() });
        }),
        ("Vpcs", |it| it.vpcs = Err(denied("ec2:DescribeVpcs"))),
        ("FlowLogs", |it| it.flow_logs = Err(denied("ec2:DescribeFlowLogs"))),
        ("EbsEncryptionByDefault", |it| it.ebs_encryption_by_default = Err(denied("ec2:GetEbsEncryptionByDefault"))),
    ];

    #[test]
    fn each_denied_call_makes_its_own_field_unread_and_no_other() {
        for (field, deny) in DENIALS {
            let mut answers = plain();
            deny(&mut answers);
            let record = region(answers).unwrap();
            let unread: Vec<_> = record.unread.iter().map(|unread| unread.field.as_str()).collect();
            assert_eq!(unread, [field]);
            let config = serde_json::to_value(&record.config).unwrap();
            assert!(config.get(field.split('.').next().unwrap()).is_some(), "{field} is no field of the record");
        }
        let record = region(plain()).unwrap();
        assert_eq!(record.unread, []);
        assert_eq!(record.arn.to_string(), "arn:aws-cn:ec2:eu-west-1:111122223333:region/eu-west-1");
        assert_eq!((record.id.as_str(), record.region.as_str()), ("eu-west-1", "eu-west-1"));
    }

    #[test]
    fn a_region_of_which_nothing_can_be_read_has_no_record() {
        let mut answers = plain();
        for (_, deny) in DENIALS.iter().filter(|(field, _)| *field != "Trails.IsLogging") {
            deny(&mut answers);
        }
        assert_eq!(region(answers).unwrap_err().operation, "ec2:DescribeVpcs");
        let mut answers = plain();
        for (_, deny) in DENIALS {
            deny(&mut answers);
        }
        assert_eq!(region(answers).unwrap().unread.len(), 10, "the trails were listed, if nothing else");
    }
}
