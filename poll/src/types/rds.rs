//! PLACEHOLDER

use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::Operation;
use common::record::Resource;
use common::resource::DbInstance;

use super::Polled;
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

impl Polled for DbInstance {
    const LIST: &'static [Operation] = &[];
    const LOOK: &'static [Operation] = &[];

    async fn list(_: &Account, _: &Reach, _: &Sink) -> Result<(), AwsError> {
        Err(AwsError::of("poll:list", "NotYet", "PLACEHOLDER"))
    }

    async fn look(_: &Session, _: &Region, _: &str) -> Result<Option<Resource<Self>>, AwsError> {
        Err(AwsError::of("poll:look", "NotYet", "PLACEHOLDER"))
    }
}
