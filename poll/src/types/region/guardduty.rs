//! GuardDuty: `ListDetectors`, then `GetDetector` and `GetAdministratorAccount` for the one that there may be.

use aws_sdk_guardduty::Client;
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{GUARDDUTY_GET_ADMINISTRATOR_ACCOUNT, GUARDDUTY_GET_DETECTOR, GUARDDUTY_LIST_DETECTORS};
use common::resource::{Administrator, Detector};

pub(super) type Detectors = Result<Vec<Detector>, AwsError>;
pub(super) type Administrators = Result<Option<Administrator>, AwsError>;

/// The detectors, and who administers them. Where nobody can say which detectors there are, both are unknown.
pub(super) async fn guardduty(session: &Session, region: &Region) -> (Detectors, Administrators) {
    let client = client!(aws_sdk_guardduty, session, region);
    match ids(&client).await {
        Ok(ids) => tokio::join!(detectors(&client, &ids), administrator(&client, &ids)),
        Err(error) => (Err(error.clone()), Err(error)),
    }
}

async fn ids(client: &Client) -> Result<Vec<String>, AwsError> {
    let mut pages = client.list_detectors().into_paginator().send();
    let mut ids = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(GUARDDUTY_LIST_DETECTORS, error))?;
        ids.extend(page.detector_ids.unwrap_or_default());
    }
    Ok(ids)
}

async fn detectors(client: &Client, ids: &[String]) -> Detectors {
    let mut detectors = Vec::with_capacity(ids.len());
    for id in ids {
        let answer = client.get_detector().detector_id(id).send().await;
        let answer = answer.map_err(|error| AwsError::new(GUARDDUTY_GET_DETECTOR, error))?;
        let status = answer.status.map(|status| status.as_str().to_owned());
        detectors.push(Detector { detector_id: id.clone(), status });
    }
    detectors.sort_unstable();
    Ok(detectors)
}

/// The administrator itself is told of none.
async fn administrator(client: &Client, ids: &[String]) -> Administrators {
    for id in ids {
        let answer = client.get_administrator_account().detector_id(id).send().await;
        let answer = answer.map_err(|error| AwsError::new(GUARDDUTY_GET_ADMINISTRATOR_ACCOUNT, error))?;
        // An account without one is answered with an empty object as well as with none.
        if let Some(it) = answer.administrator.filter(|it| it.account_id.is_some()) {
            let (account_id, relationship_status) = (it.account_id, it.relationship_status);
            return Ok(Some(Administrator { account_id, relationship_status }));
        }
    }
    Ok(None)
}
