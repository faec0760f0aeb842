//! Tasks that sleep: nothing listens in them, with an address on the internet or without.

use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{AssignPublicIp, DesiredStatus, LaunchType, Tag, Task, TaskField};
use common::aws::AwsError;
use common::client;
use common::resource::{EcsTask, ResourceType};

use super::ecs::{CLUSTER, FAMILY, Ground, NO_CLUSTER, clear, has_tag, tag};
use super::{Made, Misconfigured, Missing, Place, Report, TAG, call, for_each, unless, verdict};

/// A task, known by its tag `Name`.
struct Spec {
    name: &'static str,
    what: &'static str,
    checks: &'static [&'static str],
    assign: AssignPublicIp,
}

const SPECS: &[Spec] = &[
    Spec {
        name: "sluice-test-private",
        what: "good: runs without an address on the internet",
        checks: &[],
        assign: AssignPublicIp::Disabled,
    },
    Spec {
        name: "sluice-test-public",
        what: "bad: runs with an address on the internet",
        checks: &["ecs_task_public_ip"],
        assign: AssignPublicIp::Enabled,
    },
];

impl Misconfigured for EcsTask {
    const ROUND: u8 = 2;

    async fn make(place: &Place) -> Result<Report, Missing> {
        if !place.options.instances {
            return Err(Missing::LeftOut("tasks cost money: give --instances to have them made".to_owned()));
        }
        let ground = Ground::make(place).await?;
        let present = find(&ground.client).await?;
        let results = for_each(SPECS, |spec| {
            let (place, ground) = (place.clone(), ground.clone());
            let present = present.iter().find(|task| name(task) == spec.name).cloned();
            async move {
                let task = match present {
                    Some(task) => Ok(task),
                    None => run(&ground, spec).await,
                };
                (spec.name.to_owned(), task.map(|task| made(&place, spec, &task)).map_err(Missing::from))
            }
        });
        Ok(Report::collect(results.await))
    }

    /// Stops the tasks, and waits until they have: a cluster with tasks is not deleted.
    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_ecs, &place.session, place.region());
        let tasks = find(&client).await?;
        let mut results = Vec::new();
        for task in &tasks {
            let stop = client.stop_task().cluster(CLUSTER).task(task.task_arn().unwrap_or_default());
            let result = call!("ecs:StopTask", stop.reason("sluice test: cleaned"));
            let id = id(task);
            let arn = place.arn("ecs", format!("task/{id}"));
            let removed = result.map(|_| place.removed(ResourceType::EcsTask, &id, arn));
            results.push((name(task).to_owned(), removed.map_err(Missing::from)));
        }
        let arns: Vec<String> = tasks.into_iter().filter_map(|task| task.task_arn).collect();
        for _ in 0..60 {
            if arns.is_empty() || describe(&client, &arns).await?.iter().all(has_stopped) {
                break;
            }
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        clear(&client).await?;
        Ok(Report::collect(results))
    }
}

async fn run(ground: &Ground, spec: &Spec) -> Result<Task, AwsError> {
    let request = ground
        .client
        .run_task()
        .cluster(CLUSTER)
        .task_definition(&ground.task_definition)
        .launch_type(LaunchType::Fargate)
        .network_configuration(ground.network(&spec.assign)?)
        .tags(tag("Name", spec.name))
        .tags(tag(TAG, verdict(spec.what)));
    let answer = call!("ecs:RunTask", request)?;
    let failed = || {
        let reason = answer.failures.unwrap_or_default().into_iter().find_map(|failure| failure.reason);
        AwsError::of("ecs:RunTask", "Failure", reason.unwrap_or_default())
    };
    answer.tasks.unwrap_or_default().into_iter().next().ok_or_else(failed)
}

fn made(place: &Place, spec: &'static Spec, task: &Task) -> Made {
    let id = id(task);
    let arn = place.arn("ecs", format!("task/{id}"));
    place.made(ResourceType::EcsTask, &id, arn, spec.what, spec.checks)
}

fn id(task: &Task) -> String {
    let task = task.task_arn().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
    format!("{CLUSTER}/{task}")
}

fn name(task: &Task) -> &str {
    task.tags().iter().find(|tag| tag.key() == Some("Name")).and_then(Tag::value).unwrap_or_default()
}

fn has_stopped(task: &Task) -> bool {
    matches!(task.last_status(), Some("STOPPED" | "DELETED"))
}

/// The tasks with our tag that are to run.
async fn find(client: &Client) -> Result<Vec<Task>, AwsError> {
    let request = client.list_tasks().cluster(CLUSTER).family(FAMILY).desired_status(DesiredStatus::Running);
    let listed = unless(&[NO_CLUSTER], call!("ecs:ListTasks", request))?;
    let arns = listed.and_then(|answer| answer.task_arns).unwrap_or_default();
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let mut tasks = describe(client, &arns).await?;
    tasks.retain(|task| has_tag(task.tags()) && !has_stopped(task));
    Ok(tasks)
}

async fn describe(client: &Client, arns: &[String]) -> Result<Vec<Task>, AwsError> {
    let request = client.describe_tasks().cluster(CLUSTER).set_tasks(Some(arns.to_vec())).include(TaskField::Tags);
    Ok(call!("ecs:DescribeTasks", request)?.tasks.unwrap_or_default())
}
