//! AWS Config: four calls that have nothing to do with one another.

use aws_sdk_config::Client;
use aws_sdk_config::types::{ConfigurationRecorder as Described, ConfigurationRecorderStatus as DescribedStatus};
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{
    CONFIG_DESCRIBE_AGGREGATION_AUTHORIZATIONS, CONFIG_DESCRIBE_CONFIGURATION_RECORDER_STATUS,
    CONFIG_DESCRIBE_CONFIGURATION_RECORDERS, CONFIG_DESCRIBE_DELIVERY_CHANNELS,
};
use common::resource::{AggregationAuthorization, ConfigurationRecorder, ConfigurationRecorderStatus, DeliveryChannel};

/// What each of the calls answered.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) recorders: Result<Vec<ConfigurationRecorder>, AwsError>,
    pub(super) status: Result<Vec<ConfigurationRecorderStatus>, AwsError>,
    pub(super) channels: Result<Vec<DeliveryChannel>, AwsError>,
    pub(super) authorizations: Result<Vec<AggregationAuthorization>, AwsError>,
}

pub(super) async fn config(session: &Session, region: &Region) -> Config {
    let client = client!(aws_sdk_config, session, region);
    let (recorders, status, channels, authorizations) = tokio::join!(
        client.describe_configuration_recorders().send(),
        client.describe_configuration_recorder_status().send(),
        client.describe_delivery_channels().send(),
        authorizations(&client),
    );
    let recorders = recorders.map_err(|error| AwsError::new(CONFIG_DESCRIBE_CONFIGURATION_RECORDERS, error));
    let status = status.map_err(|error| AwsError::new(CONFIG_DESCRIBE_CONFIGURATION_RECORDER_STATUS, error));
    let channels = channels.map_err(|error| AwsError::new(CONFIG_DESCRIBE_DELIVERY_CHANNELS, error));
    Config {
        recorders: recorders.map(|answer| sorted(answer.configuration_recorders, recorder)),
        status: status.map(|answer| sorted(answer.configuration_recorders_status, recorder_status)),
        channels: channels.map(|answer| {
            sorted(answer.delivery_channels, |it| DeliveryChannel {
                name: it.name,
                s3_bucket_name: it.s3_bucket_name,
                sns_topic_arn: it.sns_topic_arn,
            })
        }),
        authorizations,
    }
}

async fn authorizations(client: &Client) -> Result<Vec<AggregationAuthorization>, AwsError> {
    let mut pages = client.describe_aggregation_authorizations().into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(CONFIG_DESCRIBE_AGGREGATION_AUTHORIZATIONS, error))?;
        all.extend(page.aggregation_authorizations.unwrap_or_default());
    }
    Ok(sorted(Some(all), |it| AggregationAuthorization {
        authorized_account_id: it.authorized_account_id,
        authorized_aws_region: it.authorized_aws_region,
    }))
}

fn recorder(it: Described) -> ConfigurationRecorder {
    let group = it.recording_group;
    ConfigurationRecorder {
        name: it.name,
        role_arn: it.role_arn,
        all_supported: group.as_ref().map(|group| group.all_supported),
        include_global_resource_types: group.as_ref().map(|group| group.include_global_resource_types),
    }
}

fn recorder_status(it: DescribedStatus) -> ConfigurationRecorderStatus {
    ConfigurationRecorderStatus {
        name: it.name,
        recording: Some(it.recording),
        last_status: it.last_status.map(|status| status.as_str().to_owned()),
    }
}

fn sorted<T, U: Ord>(described: Option<Vec<T>>, convert: impl Fn(T) -> U) -> Vec<U> {
    let mut converted: Vec<U> = described.unwrap_or_default().into_iter().map(convert).collect();
    converted.sort_unstable();
    converted
}
