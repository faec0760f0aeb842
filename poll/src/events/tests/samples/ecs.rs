//! ECS.

use super::{Sample, sample};

const SERVICE: &[&str] = &["ecs_service blue/web"];
const TASK: &[&str] = &["ecs_task blue/9a246a5494294b9292a82257c04ae8fe"];
const TASK_SET: &[&str] = &["ecs_task_set blue/web/ecs-svc/8905196589472755687"];

pub(super) const SAMPLES: &[Sample] = &[
    sample(
        "ecs",
        &["CreateService", "UpdateService", "DeleteService"],
        r#"{"cluster":"blue","serviceName":"web","service":"web","desiredCount":2}"#,
        r#"{"service":{"serviceArn":"arn:aws:ecs:eu-west-1:111122223333:service/blue/web","serviceName":"web",
            "clusterArn":"arn:aws:ecs:eu-west-1:111122223333:cluster/blue","status":"ACTIVE"}}"#,
        SERVICE,
    ),
    // Without an answer; without a cluster it is the default one.
    sample("ecs", &["CreateService"], r#"{"serviceName":"web"}"#, "null", &["ecs_service default/web"]),
    sample(
        "ecs",
        &["UpdateService", "DeleteService"],
        r#"{"cluster":"arn:aws:ecs:eu-west-1:111122223333:cluster/blue","service":"web"}"#,
        "null",
        SERVICE,
    ),
    // ARNs of before 2018.
    sample(
        "ecs",
        &["UpdateService"],
        r#"{"cluster":"blue","service":"arn:aws:ecs:eu-west-1:111122223333:service/web"}"#,
        r#"{"service":{"serviceArn":"arn:aws:ecs:eu-west-1:111122223333:service/web"}}"#,
        SERVICE,
    ),
    sample(
        "ecs",
        &["CreateTaskSet"],
        r#"{"cluster":"blue","service":"web","externalId":"x","taskDefinition":"web:7"}"#,
        r#"{"taskSet":{"id":"ecs-svc/8905196589472755687","taskSetArn":
            "arn:aws:ecs:eu-west-1:111122223333:task-set/blue/web/ecs-svc/8905196589472755687"}}"#,
        TASK_SET,
    ),
    sample(
        "ecs",
        &["UpdateTaskSet", "DeleteTaskSet"],
        r#"{"cluster":"blue","service":"arn:aws:ecs:eu-west-1:111122223333:service/blue/web",
            "taskSet":"ecs-svc/8905196589472755687","scale":{"value":50,"unit":"PERCENT"}}"#,
        "null",
        TASK_SET,
    ),
    sample(
        "ecs",
        &["UpdateServicePrimaryTaskSet"],
        r#"{"cluster":"blue","service":"web","primaryTaskSet":"ecs-svc/8905196589472755687"}"#,
        r#"{"taskSet":{"taskSetArn":"arn:aws:ecs:eu-west-1:111122223333:task-set/blue/web/ecs-svc/8905196589472755687"}}"#,
        &["ecs_task_set blue/web/ecs-svc/8905196589472755687", "ecs_service blue/web"],
    ),
    sample(
        "ecs",
        &["RunTask", "StartTask"],
        r#"{"cluster":"blue","taskDefinition":"web:7","count":2}"#,
        r#"{"tasks":[{"taskArn":"arn:aws:ecs:eu-west-1:111122223333:task/blue/9a246a5494294b9292a82257c04ae8fe"},
            {"taskArn":"arn:aws:ecs:eu-west-1:111122223333:task/blue/0b246a5494294b9292a82257c04ae8fe"}],"failures":[]}"#,
        &["ecs_task blue/9a246a5494294b9292a82257c04ae8fe", "ecs_task blue/0b246a5494294b9292a82257c04ae8fe"],
    ),
    // There was no room for any.
    sample(
        "ecs",
        &["RunTask"],
        r#"{"cluster":"blue","taskDefinition":"web:7"}"#,
        r#"{"tasks":[],"failures":[{"reason":"RESOURCE:MEMORY"}]}"#,
        &[],
    ),
    sample(
        "ecs",
        &["StopTask"],
        r#"{"cluster":"blue","task":"9a246a5494294b9292a82257c04ae8fe","reason":"enough"}"#,
        r#"{"task":{"taskArn":"arn:aws:ecs:eu-west-1:111122223333:task/9a246a5494294b9292a82257c04ae8fe"}}"#,
        TASK,
    ),
    sample("ecs", &["StopTask"], r#"{"cluster":"blue","task":"9a246a5494294b9292a82257c04ae8fe"}"#, "null", TASK),
    sample(
        "ecs",
        &["TagResource", "UntagResource"],
        r#"{"resourceArn":"arn:aws:ecs:eu-west-1:111122223333:service/blue/web","tags":[{"key":"Owner","value":"web"}]}"#,
        "null",
        SERVICE,
    ),
    sample(
        "ecs",
        &["TagResource", "UntagResource"],
        r#"{"resourceArn":"arn:aws:ecs:eu-west-1:111122223333:task/blue/9a246a5494294b9292a82257c04ae8fe"}"#,
        "null",
        TASK,
    ),
    sample(
        "ecs",
        &["TagResource", "UntagResource"],
        r#"{"resourceArn":"arn:aws:ecs:eu-west-1:111122223333:task-set/blue/web/ecs-svc/8905196589472755687"}"#,
        "null",
        TASK_SET,
    ),
    sample(
        "ecs",
        &["TagResource", "UntagResource"],
        r#"{"resourceArn":"arn:aws:ecs:eu-west-1:111122223333:cluster/blue"}"#,
        "null",
        &[],
    ),
];
