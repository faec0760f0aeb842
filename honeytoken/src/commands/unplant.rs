//! `honeytoken unplant`.

use std::path::PathBuf;

use common::cli::Failure;
use common::exit::Exit;
use common::stream::Writer;

use crate::context::Context;
use crate::plant::{Record, Target, key_of, planting, registry, spot, token_of, unplant};

/// `honeytoken unplant`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// The file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The profile
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) profile: String,
    /// The access key id that has to stand there, where there is no registry to say that it is a token
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

/// Take a key out of a credentials file.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let Args { file, profile, key: wanted } = args;
    let say = context.io.say;
    let registry = registry(&context)?;
    let shown = file.display();
    let failed = |error| Failure::Start(format!("cannot unplant from {shown}: {error}"));
    let (target, content) = Target::read(&file).map_err(failed)?;
    let spot = spot(&target.path, &profile);
    let nothing = || {
        // Whoever took it out, or the whole file away, it does not lie there any more.
        let place = planting("", &target.path, &profile);
        let was_known = match &registry {
            Some(registry) if !place.host.is_empty() => registry.nothing_planted(&place)?,
            _ => false,
        };
        let known = if was_known { ", and the registry does not say any more that there is one" } else { "" };
        say.note(format_args!("there is no key in the profile `{profile}` of {shown}: nothing to take out{known}"));
        Ok(Exit::Done)
    };
    let key = match key_of(&content, spot) {
        Ok(Some(key)) => key,
        Ok(None) => return nothing(),
        Err(error) => {
            say.error(format_args!("nothing was taken out of {shown}: {error}"));
            return Ok(Exit::No);
        }
    };
    let token = token_of(registry.as_ref(), &key)?;
    let may_go = |key: &str| match &wanted {
        Some(wanted) => wanted == key,
        None => token.is_some(),
    };
    let hint = match (&wanted, &registry) {
        (Some(_), _) => " that --key names",
        (None, Some(_)) => " in the registry: --key KEY takes it out all the same",
        (None, None) => ", as far as is known without a registry: --key KEY takes it out",
    };
    let edited = match unplant(&content, spot, may_go, hint) {
        Ok(Some(edited)) => edited,
        Ok(None) => return nothing(),
        Err(error) => {
            say.error(format_args!("nothing was taken out of {shown}: {error}"));
            return Ok(Exit::No);
        }
    };
    target.write(&edited).map_err(failed)?;
    let planting = planting(&key, &target.path, &profile);
    if let Some(registry) = &registry {
        registry.unplanted(&planting.key, &planting.host, &planting.path, &planting.profile)?;
    }
    let mut writer = Writer::new(context.io.output);
    writer.write(&Record::new(token.as_deref(), &planting, "unplanted")).map_err(Failure::Output)?;
    writer.flush().map_err(Failure::Output)?;
    Ok(Exit::Done)
}
