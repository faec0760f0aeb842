//! What is done to ECS services.

use aws_sdk_ecs::types as ecs;
use common::action::{Action, Placement};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::{AwsvpcConfiguration, EcsService, NetworkConfiguration};
use serde::Serialize;

use super::call::sent;
use super::refusal::foreign;
use super::{ApiCall, Mended, Planned, Refusal};

const DISABLED: &str = "DISABLED";
const ENABLED: &str = "ENABLED";

/// The call on a service.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateService {
    cluster: String,
    service: String,
    network_configuration: NetworkConfiguration,
    /// Tasks keep the addresses that they have: there must be new ones.
    force_new_deployment: bool,
}

type ServicePlan = Result<Planned<EcsService, UpdateService>, Refusal>;

impl Mended for EcsService {
    type Step = UpdateService;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("ecs_unassign_public_ip", &[operation::ECS_UPDATE_SERVICE]),
        ("ecs_assign_public_ip", &[operation::ECS_UPDATE_SERVICE]),
    ];

    fn plan(action: &Action, resource: &Resource<Self>) -> ServicePlan {
        let network = resource.config.network_configuration.as_ref().map(|network| &network.awsvpc_configuration);
        match (action, network) {
            (Action::EcsUnassignPublicIp, Some(network)) => {
                let placement =
                    Placement { subnets: network.subnets.clone(), security_groups: network.security_groups.clone() };
                assign(resource, network, DISABLED, Action::EcsAssignPublicIp(placement))
            }
            (Action::EcsAssignPublicIp(placement), Some(network)) => {
                if network.subnets != placement.subnets || network.security_groups != placement.security_groups {
                    let now = format!("subnets {:?}, security groups {:?}", network.subnets, network.security_groups);
                    return Err(Refusal::Changed(format!("its tasks are not where they were left: {now}")));
                }
                assign(resource, network, ENABLED, Action::EcsUnassignPublicIp)
            }
            // The service gives no addresses: its tasks have the network of their instances, or that of their task sets.
            (Action::EcsUnassignPublicIp, None) => Ok(Planned::nothing(resource)),
            (Action::EcsAssignPublicIp(_), None) => {
                Err(Refusal::Changed("its tasks have no network of their own any more".to_owned()))
            }
            (other, _) => Err(foreign(other, resource)),
        }
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }
}

/// The same network, with or without addresses on the internet.
fn assign(
    resource: &Resource<EcsService>,
    now: &AwsvpcConfiguration,
    assign_public_ip: &str,
    undo: Action,
) -> ServicePlan {
    if now.assign_public_ip.as_deref() == Some(assign_public_ip) {
        return Ok(Planned::nothing(resource));
    }
    let service = &resource.config;
    // See https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html.
    match service.deployment_controller.r#type.as_deref() {
        None | Some("ECS") => {}
        Some("CODE_DEPLOY") => {
            return Err(Refusal::Impossible(format!(
                "CodeDeploy deploys it, and has to change its network: deploy a revision with AssignPublicIp \
                 {assign_public_ip} in its AppSpec file"
            )));
        }
        Some(other) => {
            return Err(Refusal::Impossible(format!(
                "ECS does not deploy it (its deployment controller is `{other}`): replace its task sets by such with \
                 assignPublicIp {assign_public_ip}"
            )));
        }
    }
    if let Some(status @ ("DRAINING" | "INACTIVE")) = service.status.as_deref() {
        return Err(Refusal::Changed(format!("the service is {status}")));
    }
    let network_configuration = NetworkConfiguration {
        awsvpc_configuration: AwsvpcConfiguration {
            assign_public_ip: Some(assign_public_ip.to_owned()),
            ..now.clone()
        },
    };
    let step = UpdateService {
        cluster: service.cluster_arn.clone(),
        service: service.service_name.clone(),
        network_configuration: network_configuration.clone(),
        force_new_deployment: true,
    };
    let after = EcsService { network_configuration: Some(network_configuration), ..service.clone() };
    Ok(Planned::one(step, Some(undo), after))
}

impl ApiCall for UpdateService {
    fn operation(&self) -> Operation {
        operation::ECS_UPDATE_SERVICE
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let network = &self.network_configuration.awsvpc_configuration;
        let network = ecs::AwsVpcConfiguration::builder()
            .set_subnets(Some(network.subnets.clone()))
            .set_security_groups(Some(network.security_groups.clone()).filter(|groups| !groups.is_empty()))
            .set_assign_public_ip(network.assign_public_ip.as_deref().map(ecs::AssignPublicIp::from))
            .build()
            .map_err(|error| AwsError::of(self.operation(), "NotSent", error.to_string()))?;
        let update = common::client!(aws_sdk_ecs, session, region)
            .update_service()
            .cluster(&self.cluster)
            .service(&self.service)
            .network_configuration(ecs::NetworkConfiguration::builder().awsvpc_configuration(network).build())
            .force_new_deployment(self.force_new_deployment);
        sent(self.operation(), update.send().await)
    }
}

#[cfg(test)]
mod tests {
    use common::resource::DeploymentController;
    use serde_json::json;

    use super::*;
    use crate::actions::tests::{Samples, planned, resource, the_call};

    const CLUSTER: &str = "arn:aws:ecs:eu-west-1:111122223333:cluster/blue";

    fn service(assign_public_ip: &str) -> Resource<EcsService> {
        let awsvpc_configuration = AwsvpcConfiguration {
            subnets: vec!["subnet-1".into(), "subnet-2".into()],
            security_groups: vec!["sg-1".into()],
            assign_public_ip: Some(assign_public_ip.into()),
        };
        let config = EcsService {
            service_name: "web".into(),
            cluster_arn: CLUSTER.into(),
            status: Some("ACTIVE".into()),
            network_configuration: Some(NetworkConfiguration { awsvpc_configuration }),
            ..EcsService::default()
        };
        resource("blue/web", "arn:aws:ecs:eu-west-1:111122223333:service/blue/web", config)
    }

    fn left(subnets: &[&str], groups: &[&str]) -> Action {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        Action::EcsAssignPublicIp(Placement { subnets: ids(subnets), security_groups: ids(groups) })
    }

    impl Samples for EcsService {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![(Action::EcsUnassignPublicIp, service(ENABLED))]
        }
    }

    #[test]
    fn the_subnets_and_the_groups_stay_as_they_are() {
        let (operation, parameters) = the_call(&Action::EcsUnassignPublicIp, &service(ENABLED));
        assert_eq!(operation, "ecs:UpdateService");
        assert_eq!(
            parameters,
            json!({
                "Cluster": CLUSTER,
                "Service": "web",
                "NetworkConfiguration": {"AwsvpcConfiguration": {
                    "Subnets": ["subnet-1", "subnet-2"], "SecurityGroups": ["sg-1"], "AssignPublicIp": "DISABLED",
                }},
                "ForceNewDeployment": true,
            })
        );
    }

    #[test]
    fn an_undo_acts_only_where_the_tasks_are_as_they_were_left() {
        let (two, one) = (&["subnet-1", "subnet-2"][..], &["sg-1"][..]);
        let (_, parameters) = the_call(&left(two, one), &service(DISABLED));
        assert_eq!(parameters["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"], "ENABLED");
        for moved in [left(&["subnet-1"], one), left(two, &[]), left(two, &["sg-2"])] {
            assert!(matches!(planned(&moved, &service(DISABLED)), Err(Refusal::Changed(_))), "{moved:?}");
        }
        let mut bare = service(DISABLED);
        bare.config.network_configuration = None;
        assert!(matches!(planned(&left(two, one), &bare), Err(Refusal::Changed(_))));
    }

    #[test]
    fn what_only_its_deployer_can_change_is_left_to_it() {
        for (controller, hint) in [("CODE_DEPLOY", "AppSpec"), ("EXTERNAL", "task sets")] {
            let mut service = service(ENABLED);
            service.config.deployment_controller = DeploymentController { r#type: Some(controller.into()) };
            let refused = planned(&Action::EcsUnassignPublicIp, &service);
            assert!(
                matches!(&refused, Err(Refusal::Impossible(why)) if why.contains(hint) && why.contains("DISABLED")),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn a_service_that_is_going_or_gives_no_addresses_is_let_be() {
        let mut going = service(ENABLED);
        going.config.status = Some("DRAINING".into());
        assert!(matches!(planned(&Action::EcsUnassignPublicIp, &going), Err(Refusal::Changed(_))));
        let mut bare = service(ENABLED);
        bare.config.network_configuration = None;
        assert!(planned(&Action::EcsUnassignPublicIp, &bare).unwrap().steps.is_empty());
    }
}
