//! `organization`: `DescribeOrganization` and `ListAccounts`, in the session layer, which needs the accounts as well.

use common::aws::{AwsError, NO_ORGANIZATION, Session, organization};
use common::id::Region;
use common::operation::{ORGANIZATIONS_DESCRIBE_ORGANIZATION, ORGANIZATIONS_LIST_ACCOUNTS, Operation};
use common::record::Resource;
use common::resource::Organization;

use super::{Polled, or_absent};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

impl Polled for Organization {
    const LIST: &'static [Operation] = &[ORGANIZATIONS_DESCRIBE_ORGANIZATION, ORGANIZATIONS_LIST_ACCOUNTS];
    const LOOK: &'static [Operation] = Self::LIST;

    /// The organization that the account is in. A sweep writes it before it enters any account, and not through this.
    async fn list(account: &Account, _: &Reach, sink: &Sink) -> Result<(), AwsError> {
        if let Some(organization) = or_absent(organization(&account.session).await, NO_ORGANIZATION)? {
            sink.resource(organization).await;
        }
        Ok(())
    }

    async fn look(session: &Session, _: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let found = or_absent(organization(session).await, NO_ORGANIZATION)?;
        match found {
            // Of any other nobody here can say whether it exists.
            Some(other) if other.id != id => {
                let message = format!("account {} is in the organization {}, not in {id}", session.account(), other.id);
                Err(AwsError::of(ORGANIZATIONS_DESCRIBE_ORGANIZATION, "BadReference", message))
            }
            found => Ok(found),
        }
    }
}
