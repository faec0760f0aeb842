//! What a call on a volume waits for.

use std::time::Duration;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types as ec2;
use common::aws::AwsError;
use common::operation::{self, Operation};

/// Looks until there is what a call builds on, with these pauses in between. A look that was not answered is made again.
pub(super) async fn until<T, F>(
    operation: Operation,
    mut pauses: impl Iterator<Item = Duration>,
    late: impl Fn() -> String,
    look: impl Fn() -> F,
) -> Result<T, AwsError>
where
    F: Future<Output = Result<Option<T>, AwsError>>,
{
    loop {
        match look().await {
            Ok(Some(seen)) => return Ok(seen),
            Ok(None) => {}
            Err(error) if error.outcome_unknown() => {}
            Err(error) => return Err(error),
        }
        let Some(pause) = pauses.next() else { return Err(AwsError::of(operation, "NotSent", late())) };
        tokio::time::sleep(pause).await;
    }
}

/// Whether an instance has stopped, or is gone.
pub(super) async fn has_stopped(client: &Client, instance_id: &str) -> Result<Option<()>, AwsError> {
    let answer = client.describe_instances().instance_ids(instance_id).send().await;
    let answer = answer.map_err(|error| AwsError::new(operation::EC2_DESCRIBE_INSTANCES, error))?;
    let mut instances = answer.reservations().iter().flat_map(ec2::Reservation::instances);
    let state = instances.next().and_then(|instance| instance.state()?.name());
    let stopped = matches!(state, Some(ec2::InstanceStateName::Stopped | ec2::InstanceStateName::Terminated));
    Ok(stopped.then_some(()))
}

/// Whether an instance has a volume.
pub(super) async fn is_attached(client: &Client, volume_id: &str, instance_id: &str) -> Result<Option<()>, AwsError> {
    let volume = described(client, volume_id).await?;
    let attached = volume
        .iter()
        .flat_map(ec2::Volume::attachments)
        .any(|it| it.instance_id() == Some(instance_id) && it.state() == Some(&ec2::VolumeAttachmentState::Attached));
    Ok(attached.then_some(()))
}

/// A volume that no instance has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Free {
    There,
    Gone,
}

/// A volume that no instance has any more.
pub(super) async fn is_free(client: &Client, volume_id: &str) -> Result<Option<Free>, AwsError> {
    let free = match described(client, volume_id).await? {
        None => Some(Free::Gone),
        Some(volume) if volume.state() == Some(&ec2::VolumeState::Deleting) => Some(Free::Gone),
        Some(volume) => (volume.state() == Some(&ec2::VolumeState::Available)).then_some(Free::There),
    };
    Ok(free)
}

async fn described(client: &Client, volume_id: &str) -> Result<Option<ec2::Volume>, AwsError> {
    let answer = client.describe_volumes().volume_ids(volume_id).send().await;
    match answer.map_err(|error| AwsError::new(operation::EC2_DESCRIBE_VOLUMES, error)) {
        Ok(answer) => Ok(answer.volumes.unwrap_or_default().into_iter().next()),
        Err(error) if error.code() == "InvalidVolume.NotFound" => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Looks up to ten times, and finds it after some.
    async fn wait(after: u32, error: Option<&AwsError>) -> (Result<(), AwsError>, u32) {
        let looks = Cell::new(0);
        let look = || async {
            looks.set(looks.get() + 1);
            match error {
                Some(error) => Err(error.clone()),
                None => Ok((looks.get() > after).then_some(())),
            }
        };
        let late = || "it is late".to_owned();
        let waited = until(operation::EC2_DELETE_VOLUME, [Duration::ZERO; 9].into_iter(), late, look).await;
        (waited, looks.get())
    }

    #[tokio::test]
    async fn a_call_waits_for_what_it_builds_on_and_not_for_ever() {
        assert_eq!(wait(0, None).await, (Ok(()), 1));
        assert_eq!(wait(9, None).await, (Ok(()), 10));
        let (late, looks) = wait(10, None).await;
        let late = late.unwrap_err();
        assert_eq!((late.code(), late.message.as_str(), looks), ("NotSent", "it is late", 10));
        assert!(!late.outcome_unknown(), "the call was not made");
        let denied = AwsError::of("ec2:DescribeVolumes", "UnauthorizedOperation", "no");
        assert_eq!(wait(0, Some(&denied)).await, (Err(denied.clone()), 1));
    }
}
