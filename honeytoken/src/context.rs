//! What all commands have in common: the settings, the registry, the way to AWS, the streams.

use std::path::PathBuf;

use common::aws::{AwsArgs, Sessions, StartError};
use common::cli::{Failure, Io};
use common::settings::Settings;

use crate::registry::{Held, Registry, RegistryError};

/// What a command gets.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) settings: &'a Settings,
    /// The registry that was asked for.
    pub(crate) registry: Option<PathBuf>,
    pub(crate) io: Io<'static>,
}

impl Context<'_> {
    /// Where the registry is: a flag or variable beats the settings beat the user's data directory.
    ///
    /// # Errors
    ///
    /// Nobody says where, and there is no home directory.
    pub(crate) fn registry_path(&self) -> Result<PathBuf, Failure> {
        if let Some(path) = self.registry.as_ref().or(self.settings.honeytoken.registry.as_ref()) {
            return Ok(path.clone());
        }
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let data = variable("XDG_DATA_HOME").or_else(|| Some(variable("HOME")?.join(".local/share")));
        let data = data.ok_or_else(|| Failure::Start("there is no home directory: give --registry FILE".into()))?;
        Ok(data.join("sluice").join("honeytokens.db"))
    }

    /// The registry, for a look, or for what may go on beside the commands that change tokens. It has to be there.
    pub(crate) fn open(&self) -> Result<Registry, Failure> {
        Ok(Registry::open(&self.registry_path()?)?)
    }

    /// The registry for a command that changes tokens: it is made where it is missing, and nobody else changes tokens while it
    /// is held.
    pub(crate) fn open_to_change(&self) -> Result<(Registry, Held), Failure> {
        let registry = Registry::open_or_create(&self.registry_path()?)?;
        let held = registry.hold(self.io.say)?;
        Ok((registry, held))
    }

    /// The way to AWS, with the roles of `[honeytoken.accounts]`.
    pub(crate) async fn sessions(&self, args: &AwsArgs) -> Result<Sessions, Failure> {
        let mut aws = self.settings.aws.clone();
        let accounts = &self.settings.honeytoken.accounts;
        aws.roles.extend(accounts.iter().filter_map(|(id, account)| Some((id.clone(), account.role.clone()?))));
        if !accounts.is_empty() {
            aws.accounts = accounts.keys().cloned().collect();
        }
        Sessions::start(args, &aws, "honeytoken").await.map_err(|error: StartError| Failure::from(error))
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        Self::Start(error.to_string())
    }
}
