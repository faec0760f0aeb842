//! Task sets that run no tasks.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{AssignPublicIp, LaunchType, Scale, ScaleUnit, TaskSet, TaskSetField};
use common::aws::AwsError;
use common::client;
use common::resource::{EcsTaskSet, ResourceType};

use super::ecs::{CLUSTER, Ground, NO_CLUSTER, clear, has_tag, tag};
use super::ecs_service::{EXTERNAL, external};
use super::{Made, Misconfigured, Missing, Place, Report, TAG, call, for_each, unless, verdict};

/// A task set, known by its external id.
struct Spec {
    name: &'static str,
    what: &'static str,
    checks: &'static [&'static str],
    assign: AssignPublicIp,
}

const SPECS: &[Spec] = &[
    Spec {
        name: "sluice-test-private",
        what: "good: its tasks get no addresses on the internet",
        checks: &[],
        assign: AssignPublicIp::Disabled,
    },
    Spec {
        name: "sluice-test-public",
        what: "bad: its tasks get addresses on the internet",
        checks: &["ecs_task_set_public_ip"],
        assign: AssignPublicIp::Enabled,
    },
];

impl Misconfigured for EcsTaskSet {
    const ROUND: u8 = 2;

    async fn make(place: &Place) -> Result<Report, Missing> {
        let ground = Ground::make(place).await?;
        external(place, &ground).await?;
        let present = find(&ground.client).await?;
        let results = for_each(SPECS, |spec| {
            let (place, ground) = (place.clone(), ground.clone());
            let present = present.iter().find(|set| set.external_id() == Some(spec.name)).cloned();
            async move {
                let set = match present {
                    // Nothing of a task set can be changed, so it is as it was made.
                    Some(set) => Ok(set),
                    None => create(&ground, spec).await,
                };
                (spec.name.to_owned(), set.map(|set| made(&place, spec, &set)).map_err(Missing::from))
            }
        });
        Ok(Report::collect(results.await))
    }

    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_ecs, &place.session, place.region());
        let mut results = Vec::new();
        for set in find(&client).await? {
            let name = set.external_id().unwrap_or_default().to_owned();
            let request = client.delete_task_set().cluster(CLUSTER).service(EXTERNAL).force(true);
            let result = call!("ecs:DeleteTaskSet", request.task_set(set.id().unwrap_or_default()));
            let id = id(&set);
            let arn = place.arn("ecs", format!("task-set/{id}"));
            let removed = result.map(|_| place.removed(ResourceType::EcsTaskSet, &id, arn));
            results.push((name, removed.map_err(Missing::from)));
        }
        clear(&client).await?;
        Ok(Report::collect(results))
    }
}

async fn create(ground: &Ground, spec: &Spec) -> Result<TaskSet, AwsError> {
    let request = ground
        .client
        .create_task_set()
        .cluster(CLUSTER)
        .service(EXTERNAL)
        .external_id(spec.name)
        .task_definition(&ground.task_definition)
        .launch_type(LaunchType::Fargate)
        .network_configuration(ground.network(&spec.assign)?)
        .scale(Scale::builder().unit(ScaleUnit::Percent).value(0.0).build())
        .tags(tag(TAG, verdict(spec.what)));
    let made = call!("ecs:CreateTaskSet", request)?.task_set;
    made.ok_or_else(|| AwsError::of("ecs:CreateTaskSet", "BadResponse", "the answer has no task set in it"))
}

fn made(place: &Place, spec: &'static Spec, set: &TaskSet) -> Made {
    let id = id(set);
    let arn = place.arn("ecs", format!("task-set/{id}"));
    place.made(ResourceType::EcsTaskSet, &id, arn, spec.what, spec.checks)
}

fn id(set: &TaskSet) -> String {
    format!("{CLUSTER}/{EXTERNAL}/{}", set.id().unwrap_or_default())
}

/// The task sets with our tag, but for those that are being stopped.
async fn find(client: &Client) -> Result<Vec<TaskSet>, AwsError> {
    const NONE: &[&str] = &[NO_CLUSTER, "ServiceNotFoundException", "ServiceNotActiveException"];
    let request = client.describe_task_sets().cluster(CLUSTER).service(EXTERNAL).include(TaskSetField::Tags);
    let answer = unless(NONE, call!("ecs:DescribeTaskSets", request))?;
    let mut sets = answer.and_then(|answer| answer.task_sets).unwrap_or_default();
    sets.retain(|set| has_tag(set.tags()) && set.status() != Some("DRAINING"));
    Ok(sets)
}
