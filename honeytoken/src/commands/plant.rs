//! `honeytoken plant`.

use std::path::PathBuf;

use common::cli::Failure;
use common::exit::Exit;
use common::id::Region;
use common::stream::Writer;

use crate::context::Context;
use crate::hand_out::check_profile;
use crate::plant::{Bait, EditError, Given, Record, Target, check, key_of, plant, planting, registry, spot, token_of};

/// `honeytoken plant`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// The file, such as ~/.aws/credentials. It is made where it is missing
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The profile
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) profile: String,
    /// The region that stands with it
    #[arg(long, value_name = "REGION")]
    pub(crate) as_region: Option<Region>,
    /// Replace the keys of a profile that is there, also where they are nobody's token
    #[arg(long)]
    pub(crate) replace: bool,
}

/// Put a key into a credentials file.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let Args { file, profile, as_region, replace } = args;
    check_profile(&profile).map_err(Failure::Usage)?;
    let say = context.io.say;
    let registry = registry(&context)?;
    let shown = file.display();
    let failed = |error| Failure::Start(format!("cannot plant into {shown}: {error}"));
    let refused = |error: &EditError| {
        say.error(format_args!("nothing was planted into {shown}: {error}"));
        Exit::No
    };

    let (target, content) = Target::read(&file).map_err(failed)?;
    let spot = spot(&target.path, &profile);
    // The key that is there, where it is a token's: another one may take its place.
    let there = key_of(&content, spot).ok().flatten();
    let there = there.filter(|key| matches!(token_of(registry.as_ref(), key), Ok(Some(_))));
    let is_token = |key: &str| there.as_deref() == Some(key);
    // What is wrong is better known before somebody makes the key: `create` takes it back when nobody reads it any more. Without
    // a registry, the key that is there may be the one that comes.
    if let Err(error) = check(&content, spot, |key| registry.is_none() || is_token(key), replace) {
        return Ok(refused(&error));
    }
    target.prepare().map_err(failed)?;

    let given = Given::read(context.io.input).map_err(|error| Failure::Start(error.to_string()))?;
    let bait = Bait { key: &given.key, secret: &given.secret, region: as_region.as_ref() };
    let edited = match plant(&content, spot, bait, is_token, replace) {
        Ok(edited) => edited,
        Err(error) => return Ok(refused(&error)),
    };
    if let Some(edited) = &edited {
        target.write(edited).map_err(failed)?;
    }
    let planting = planting(&given.key, &target.path, &profile);
    let token = token_of(registry.as_ref(), &given.key)?;
    match (&registry, &token) {
        (Some(registry), Some(token)) => registry.planted(token, &planting)?,
        (Some(registry), None) => say.note(format_args!(
            "the registry {} does not know the key {}: it is not taken down where it lies",
            registry.path().display(),
            given.key
        )),
        (None, _) => {}
    }
    if let Some(other) = there.filter(|key| *key != given.key)
        && let Some(token) = token_of(registry.as_ref(), &other)?
    {
        say.note(format_args!(
            "the key {other} of token {token} made room for it, and does not lie in {shown} any more"
        ));
    }
    let status = if edited.is_some() { "planted" } else { "unchanged" };
    let mut writer = Writer::new(context.io.output);
    writer
        .write(&Record::new(token.as_deref().or(given.token.as_deref()), &planting, status))
        .map_err(Failure::Output)?;
    writer.flush().map_err(Failure::Output)?;
    Ok(Exit::Done)
}
