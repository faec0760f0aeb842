//! The options of the instance metadata service.

use common::action::{Action, Change};
use common::record::Resource;
use common::resource::{Instance, MetadataOptions};
use serde::Serialize;

use super::{InstancePlan, Step};
use crate::actions::change::pending;
use crate::actions::{Planned, Refusal};

/// What of the metadata options is set; the rest stays.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MetadataChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http_tokens: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http_put_response_hop_limit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http_protocol_ipv6: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instance_metadata_tags: Option<String>,
}

/// Makes a token necessary, where the service answers at all.
pub(super) fn require_tokens(resource: &Resource<Instance>) -> InstancePlan {
    let from = resource.config.metadata_options.clone();
    if from.http_endpoint.as_deref() == Some("disabled") {
        return Ok(Planned::nothing(resource));
    }
    let to = MetadataOptions { http_tokens: Some("required".to_owned()), ..from.clone() };
    set(resource, &Change { from, to })
}

pub(super) fn set(resource: &Resource<Instance>, change: &Change<MetadataOptions>) -> InstancePlan {
    let now = resource.config.metadata_options.clone();
    if !pending(change, &now, "the set of metadata options")? {
        return Ok(Planned::nothing(resource));
    }
    if matches!(resource.config.state.name.as_str(), "shutting-down" | "terminated") {
        return Err(Refusal::Changed(format!("the instance is {}", resource.config.state.name)));
    }
    let to = &change.to;
    // Only what differs is sent: the smallest change.
    let options = MetadataChange {
        http_tokens: changed(now.http_tokens.as_ref(), to.http_tokens.as_ref()),
        http_endpoint: changed(now.http_endpoint.as_ref(), to.http_endpoint.as_ref()),
        http_put_response_hop_limit: changed(
            now.http_put_response_hop_limit.as_ref(),
            to.http_put_response_hop_limit.as_ref(),
        ),
        http_protocol_ipv6: changed(now.http_protocol_ipv6.as_ref(), to.http_protocol_ipv6.as_ref()),
        instance_metadata_tags: changed(now.instance_metadata_tags.as_ref(), to.instance_metadata_tags.as_ref()),
    };
    let step = Step::ModifyMetadataOptions { instance_id: resource.id.clone(), options };
    let after = Instance { metadata_options: to.clone(), ..resource.config.clone() };
    Ok(Planned::one(step, Some(Action::Ec2SetMetadataOptions(Change { from: to.clone(), to: now })), after))
}

/// What is to be, where it is not so already.
fn changed<T: PartialEq + Clone>(now: Option<&T>, to: Option<&T>) -> Option<T> {
    to.filter(|_| now != to).cloned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::instance;
    use super::*;
    use crate::actions::tests::the_call;

    #[test]
    fn only_the_option_that_differs_is_sent() {
        let (operation, parameters) = the_call(&Action::Ec2RequireImdsv2, &instance("running"));
        assert_eq!(
            (operation.as_str(), parameters),
            ("ec2:ModifyInstanceMetadataOptions", json!({"InstanceId": "i-1", "HttpTokens": "required"}))
        );
    }
}
