//! What has to go before a user can: see <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html>.

use aws_sdk_iam::Client;
use common::aws::AwsError;
use common::operation::{
    IAM_LIST_SERVICE_SPECIFIC_CREDENTIALS, IAM_LIST_SIGNING_CERTIFICATES, IAM_LIST_SSH_PUBLIC_KEYS,
};
use common::record::Resource;
use common::resource::User;

use super::direct::devices;
use crate::types::read_sorted;

/// Adds what a plain look does not tell.
pub(super) async fn look(client: &Client, user: &mut Resource<User>) {
    let name = user.config.user_name.clone();
    let (devices, ssh, services, certificates) = tokio::join!(
        devices(client, &name),
        ssh_keys(client, &name),
        service_credentials(client, &name),
        certificates(client, &name),
    );
    let Resource { config, unread, .. } = user;
    config.mfa_devices = read_sorted(devices, "MfaDevices", unread);
    config.ssh_public_keys = read_sorted(ssh, "SshPublicKeys", unread);
    config.service_specific_credentials = read_sorted(services, "ServiceSpecificCredentials", unread);
    config.signing_certificates = read_sorted(certificates, "SigningCertificates", unread);
}

async fn ssh_keys(client: &Client, name: &str) -> Result<Vec<String>, AwsError> {
    let items = client.list_ssh_public_keys().user_name(name).into_paginator().items().send();
    let keys: Vec<_> = items.try_collect().await.map_err(|error| AwsError::new(IAM_LIST_SSH_PUBLIC_KEYS, error))?;
    Ok(keys.into_iter().map(|key| key.ssh_public_key_id).collect())
}

/// Page by page: the SDK has no paginator for them.
async fn service_credentials(client: &Client, name: &str) -> Result<Vec<String>, AwsError> {
    let (mut ids, mut marker) = (Vec::new(), None);
    loop {
        let call = client.list_service_specific_credentials().user_name(name).set_marker(marker);
        let page = call.send().await.map_err(|error| AwsError::new(IAM_LIST_SERVICE_SPECIFIC_CREDENTIALS, error))?;
        let credentials = page.service_specific_credentials.unwrap_or_default();
        ids.extend(credentials.into_iter().map(|credential| credential.service_specific_credential_id));
        marker = page.marker.filter(|_| page.is_truncated);
        if marker.is_none() {
            return Ok(ids);
        }
    }
}

async fn certificates(client: &Client, name: &str) -> Result<Vec<String>, AwsError> {
    let items = client.list_signing_certificates().user_name(name).into_paginator().items().send();
    let all: Vec<_> = items.try_collect().await.map_err(|error| AwsError::new(IAM_LIST_SIGNING_CERTIFICATES, error))?;
    Ok(all.into_iter().map(|certificate| certificate.certificate_id).collect())
}
