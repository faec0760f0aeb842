//! Keys, in credentials files: `plant` puts one in, `unplant` takes it out.
//!
//! - `ini`: a file's lines. `edit`: changes of its text. `file`: the file. `given`: what is planted.

mod edit;
mod file;
mod given;
mod ini;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use common::cli::Failure;
use common::clock;
use common::record::Planting;
use serde::Serialize;

use crate::context::Context;
use crate::registry::{Registry, RegistryError};

pub(crate) use edit::{Bait, EditError, Spot, check, key_of, plant, unplant};
pub(crate) use file::Target;
pub(crate) use given::Given;

/// What was done to a file. There is no secret in it.
#[derive(Debug, Serialize)]
pub(crate) struct Record<'a> {
    kind: &'static str,
    token: Option<&'a str>,
    #[serde(flatten)]
    planting: &'a Planting,
    /// `planted`, `unplanted`, or `unchanged`.
    status: &'static str,
}

impl<'a> Record<'a> {
    pub(crate) fn new(token: Option<&'a str>, planting: &'a Planting, status: &'static str) -> Self {
        Self { kind: "planting", token, planting, status }
    }
}

/// The registry, where there is one: on the host where a key is planted there is none, as a rule.
pub(crate) fn registry(context: &Context<'_>) -> Result<Option<Registry>, Failure> {
    let path = context.registry_path()?;
    match Registry::open(&path) {
        Ok(registry) => Ok(Some(registry)),
        Err(RegistryError::Missing(path)) => {
            context.io.say.detail(format_args!(
                "there is no registry {} here: it is not taken down where the key lies",
                path.display()
            ));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The token that a key is of.
pub(crate) fn token_of(registry: Option<&Registry>, key: &str) -> Result<Option<String>, Failure> {
    let Some(registry) = registry else { return Ok(None) };
    let found = registry.find(key)?;
    Ok(found.into_iter().find(|token| token.keys.iter().any(|it| it.id == key)).map(|token| token.token))
}

/// What to do about tokens whose secrets were handed out to this run, and are nowhere else.
pub(crate) fn left(tokens: &[&str]) -> String {
    let all = tokens.join(" ");
    let them = if tokens.len() == 1 { "it" } else { "each" };
    format!(
        "unless what stood on stdin is kept elsewhere, nobody has the secret of {} any more: `honeytoken rotate {all}` gives {them} \
         another key, `honeytoken delete {all}` takes {them} away",
        tokens.join(", ")
    )
}

/// A place, as the registry has it.
pub(crate) fn planting(key: &str, path: &Path, profile: &str) -> Planting {
    Planting {
        key: key.to_owned(),
        host: host(),
        path: path.to_string_lossy().into_owned(),
        profile: profile.to_owned(),
        at: clock::now(),
    }
}

/// A profile of a file. `~/.aws/config` has names of its own for profiles.
pub(crate) fn spot<'a>(path: &Path, profile: &'a str) -> Spot<'a> {
    Spot { profile, is_config: path.file_name().is_some_and(|name| name == "config") }
}

/// This host's name; empty where nobody says.
fn host() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = kernel.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_default();
    name.trim().to_owned()
}
