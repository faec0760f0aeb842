//! Services that are to run no tasks at all.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{
    AssignPublicIp, DeploymentController, DeploymentControllerType, LaunchType, Service, ServiceField,
};
use common::aws::AwsError;
use common::client;
use common::resource::{EcsService, ResourceType};

use super::ecs::{CLUSTER, Ground, NO_CLUSTER, clear, has_tag, tag};
use super::{Made, Misconfigured, Missing, PREFIX, Place, Report, TAG, call, for_each, unbuilt, unless, verdict};

/// A service.
struct Spec {
    name: &'static str,
    what: &'static str,
    checks: &'static [&'static str],
    /// Whether its tasks get addresses; `None`: that is for its task sets to say.
    assign: fn() -> Option<AssignPublicIp>,
}

/// The service of the task sets.
pub(super) const EXTERNAL: &str = "sluice-test-external";

const SPECS: &[Spec] = &[
    Spec {
        name: "sluice-test-private",
        what: "good: its tasks get no addresses on the internet",
        checks: &[],
        assign: || Some(AssignPublicIp::Disabled),
    },
    Spec {
        name: "sluice-test-public",
        what: "bad: its tasks get addresses on the internet",
        checks: &["ecs_service_public_ip"],
        assign: || Some(AssignPublicIp::Enabled),
    },
    Spec { name: EXTERNAL, what: "good: leaves the network to its task sets", checks: &[], assign: || None },
];

impl Misconfigured for EcsService {
    const ROUND: u8 = 1;

    async fn make(place: &Place) -> Result<Report, Missing> {
        let ground = Ground::make(place).await?;
        let results = for_each(SPECS, |spec| {
            let (place, ground) = (place.clone(), ground.clone());
            async move { (spec.name.to_owned(), make_one(&place, &ground, spec).await.map_err(Missing::from)) }
        });
        Ok(Report::collect(results.await))
    }

    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_ecs, &place.session, place.region());
        let request = client.list_services().cluster(CLUSTER).max_results(100);
        let listed = unless(&[NO_CLUSTER], call!("ecs:ListServices", request))?;
        let mut results = Vec::new();
        for listed in listed.and_then(|answer| answer.service_arns).unwrap_or_default() {
            let name = listed.rsplit('/').next().unwrap_or_default().to_owned();
            if !name.starts_with(PREFIX) {
                continue;
            }
            if let Some(result) = remove(place, &client, &name).await.transpose() {
                results.push((name, result));
            }
        }
        clear(&client).await?;
        Ok(Report::collect(results))
    }
}

/// Makes the service that has the task sets, and nothing else.
pub(super) async fn external(place: &Place, ground: &Ground) -> Result<(), AwsError> {
    for spec in SPECS.iter().filter(|spec| spec.name == EXTERNAL) {
        make_one(place, ground, spec).await?;
    }
    Ok(())
}

async fn make_one(place: &Place, ground: &Ground, spec: &'static Spec) -> Result<Made, AwsError> {
    let client = &ground.client;
    let assign = (spec.assign)();
    let network = assign.as_ref().map(|assign| ground.network(assign)).transpose()?;
    match (find(client, spec.name).await?, network) {
        (None, network) => {
            let kind =
                if network.is_some() { DeploymentControllerType::Ecs } else { DeploymentControllerType::External };
            let controller = DeploymentController::builder().r#type(kind).build();
            let controller = controller.map_err(|error| unbuilt("ecs:CreateService", error))?;
            let runs = network.is_some();
            let request = client
                .create_service()
                .cluster(CLUSTER)
                .service_name(spec.name)
                .desired_count(0)
                .deployment_controller(controller)
                .set_task_definition(runs.then(|| ground.task_definition.clone()))
                .set_launch_type(runs.then_some(LaunchType::Fargate))
                .set_network_configuration(network)
                .tags(tag(TAG, verdict(spec.what)));
            call!("ecs:CreateService", request)?;
        }
        (Some(present), Some(network)) if assigned(&present) != assign => {
            let request = client.update_service().cluster(CLUSTER).service(spec.name).network_configuration(network);
            call!("ecs:UpdateService", request)?;
        }
        (Some(_), _) => {}
    }
    let id = format!("{CLUSTER}/{}", spec.name);
    let arn = place.arn("ecs", format!("service/{id}"));
    Ok(place.made(ResourceType::EcsService, &id, arn, spec.what, spec.checks))
}

fn assigned(service: &Service) -> Option<AssignPublicIp> {
    service.network_configuration()?.awsvpc_configuration()?.assign_public_ip().cloned()
}

/// Removes a service, if it has our tag and is still there.
async fn remove(place: &Place, client: &Client, name: &str) -> Result<Option<Made>, Missing> {
    let Some(service) = find(client, name).await? else { return Ok(None) };
    if !has_tag(service.tags()) {
        return Err(Missing::LeftOut(format!("it has no tag {TAG}, so it is not ours")));
    }
    call!("ecs:DeleteService", client.delete_service().cluster(CLUSTER).service(name).force(true))?;
    let id = format!("{CLUSTER}/{name}");
    Ok(Some(place.removed(ResourceType::EcsService, &id, place.arn("ecs", format!("service/{id}")))))
}

/// The service, unless it is deleted.
async fn find(client: &Client, name: &str) -> Result<Option<Service>, AwsError> {
    let request = client.describe_services().cluster(CLUSTER).services(name).include(ServiceField::Tags);
    let services = call!("ecs:DescribeServices", request)?.services.unwrap_or_default();
    Ok(services.into_iter().find(|service| service.status() != Some("INACTIVE")))
}
