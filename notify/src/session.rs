//! Whose credentials read the account map and the memory in S3.

use common::aws::{AwsArgs, Session, Sessions};
use common::cli::{Failure, Tool};
use common::settings;
use tokio::sync::OnceCell;

use crate::args::Args;

/// The caller's own session, once it is needed: a run that keeps everything in files asks nobody who it is.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The command line's profile.
    profile: Option<String>,
    /// That of the settings, for when neither the command line nor the environment names one.
    fallback: Option<String>,
    session: OnceCell<Session>,
}

impl Caller {
    /// The credentials of the profile of the command line, or of `AWS_PROFILE`, or of the settings.
    pub(crate) fn new(args: &Args, settings: &settings::Aws) -> Self {
        Self { profile: args.profile.clone(), fallback: settings.profile.clone(), session: OnceCell::new() }
    }

    /// The session.
    pub(crate) async fn session(&self) -> Result<Session, Failure> {
        let session = self.session.get_or_try_init(|| async {
            let args = AwsArgs { profile: self.profile.clone(), ..AwsArgs::default() };
            // The profile alone: the settings' role is for looking into other accounts.
            let settings = settings::Aws { profile: self.fallback.clone(), ..settings::Aws::default() };
            let sessions = Sessions::start(&args, &settings, Args::NAME).await?;
            let session = sessions.account(sessions.caller()).await;
            session.map_err(|error| Failure::Start(error.to_string()))
        });
        session.await.cloned()
    }
}
