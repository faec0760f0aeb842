//! ECS services: <https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html>.

use common::action::Action;
use common::record::Severity;
use common::resource::{EcsService, NetworkConfiguration, ResourceType};
use serde_json::{Value, json};

use super::{About, Case, Check, Checked, Problem, Unclear, always};

impl Checked for EcsService {
    const CHECKS: &'static [Check<Self>] = &[Check {
        about: About {
            id: "ecs_service_public_ip",
            kind: ResourceType::EcsService,
            severity: Severity::High,
            controls: &["FSBP ECS.2"],
            actions: &["ecs_unassign_public_ip"],
            fix: true,
            needs: &["DeploymentController", "NetworkConfiguration", "Status"],
            meaning: "The service gives its tasks addresses on the internet.",
            page: "https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html#ecs-2",
        },
        arises: always,
        judge: public_ip,
    }];
}

/// What the service is configured to do counts, whichever tasks run: after a change the old ones do so for some time.
fn public_ip(case: &Case<'_, EcsService>) -> Result<Vec<Problem>, Unclear> {
    let service = case.config();
    match service.status.as_deref() {
        Some("ACTIVE") => {}
        // It is being deleted, or was: it starts no tasks any more.
        Some("DRAINING" | "INACTIVE") => return Ok(Vec::new()),
        Some(other) => return Err(Unclear(format!("`{other}` is not a status of a service that this version knows"))),
        None => return Err(Unclear("the record does not say Status".to_owned())),
    }
    let Some(evidence) = assigned(service.network_configuration.as_ref())? else { return Ok(Vec::new()) };
    // UpdateService changes the network only of services whose deployments are ECS's own:
    // <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>.
    let (what, action) = match service.deployment_controller.r#type.as_deref() {
        None | Some("ECS") => ("", Some(Action::EcsUnassignPublicIp)),
        Some("CODE_DEPLOY") => (", which only a deployment of CodeDeploy can change", None),
        Some(_) => (", which only whoever deploys it can change", None),
    };
    let problem = Problem::new(format!("gives its tasks addresses on the internet{what}"), evidence);
    Ok(vec![problem.action(action)])
}

/// What of a network gives each task an address on the internet, if anything does. Tasks without a network of their own
/// have their instance's.
pub(super) fn assigned(network: Option<&NetworkConfiguration>) -> Result<Option<Value>, Unclear> {
    let Some(network) = network else { return Ok(None) };
    match network.awsvpc_configuration.assign_public_ip.as_deref() {
        Some("DISABLED") => Ok(None),
        Some("ENABLED") => {
            Ok(Some(json!({"NetworkConfiguration": {"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED"}}})))
        }
        Some(other) => Err(Unclear(format!("`{other}` is not a value of AssignPublicIp that this version knows"))),
        None => {
            Err(Unclear("the record does not say NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp".to_owned()))
        }
    }
}
