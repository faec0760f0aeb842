//! ECS. The answers have ARNs, which hold the cluster; the requests take names as well.

use common::resource::ResourceType;
use common::resource::ResourceType::{EcsService, EcsTask, EcsTaskSet};

use crate::events::place::{Change, Events, Need, Paths, Place, among, calls};

const fn within(kind: ResourceType, at: Paths, service: Option<&'static str>) -> Change {
    Change { kind, place: Place::InCluster { at, service }, need: Need::Always }
}

const SERVICE: Option<&str> = Some("requestParameters.service");
const TAGGED: &[&str] = &["requestParameters.resourceArn"];

pub(super) const EVENTS: &[Events] = &[
    calls(
        "ecs",
        &[within(EcsService, &["responseElements.service.serviceArn", "requestParameters.serviceName"], None)],
        &["CreateService"],
    ),
    calls(
        "ecs",
        &[within(EcsService, &["responseElements.service.serviceArn", "requestParameters.service"], None)],
        &["UpdateService", "DeleteService"],
    ),
    calls("ecs", &[within(EcsTaskSet, &["responseElements.taskSet.taskSetArn"], SERVICE)], &["CreateTaskSet"]),
    calls(
        "ecs",
        &[within(EcsTaskSet, &["responseElements.taskSet.taskSetArn", "requestParameters.taskSet"], SERVICE)],
        &["UpdateTaskSet", "DeleteTaskSet"],
    ),
    calls(
        "ecs",
        &[
            within(EcsTaskSet, &["responseElements.taskSet.taskSetArn", "requestParameters.primaryTaskSet"], SERVICE),
            within(EcsService, &["requestParameters.service"], None),
        ],
        &["UpdateServicePrimaryTaskSet"],
    ),
    calls("ecs", &[within(EcsTask, &["responseElements.tasks[].taskArn"], None)], &["RunTask", "StartTask"]),
    calls("ecs", &[within(EcsTask, &["responseElements.task.taskArn", "requestParameters.task"], None)], &["StopTask"]),
    calls(
        "ecs",
        &[among(EcsService, TAGGED), among(EcsTask, TAGGED), among(EcsTaskSet, TAGGED)],
        &["TagResource", "UntagResource"],
    ),
];
