//! `honeytoken plant`.

use std::path::PathBuf;

use common::cli::Failure;
use common::exit::Exit;
use common::id::Region;
use common::stream::Writer;

use crate::context::Context;
use crate::hand_out::check_profile;
use crate::plant::{
    Bait, EditError, Given, Record, Target, check, key_of, left, plant, planting, registry, spot, token_of,
};

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

    let Given { key: given, others, known, is_cut } =
        Given::read(context.io.input).map_err(|error| Failure::Start(error.to_string()))?;
    let token = token_of(registry.as_ref(), &given.id)?;
    let name = token.as_ref().or(given.token.as_ref()).unwrap_or(&given.id);
    let all: Vec<&str> = [name].into_iter().chain(&others).map(String::as_str).collect();
    // A file of somebody's own may begin with a key of their own.
    if !others.is_empty() && token.is_none() && given.token.is_none() {
        say.error(format_args!(
            "nothing was planted into {shown}: {} keys stand on stdin, one place takes one, and as far as is known here the first \
             is no token's; {}",
            all.len(),
            left(&all)
        ));
        return Ok(Exit::No);
    }
    let bait = Bait { key: &given.id, secret: &given.secret, region: as_region.as_ref() };
    let edited = match plant(&content, spot, bait, is_token, replace) {
        Ok(edited) => edited,
        Err(error) => {
            say.error(left(&all));
            return Ok(refused(&error));
        }
    };
    if let Some(edited) = &edited {
        target.write(edited).map_err(|error| {
            say.error(left(&all));
            failed(error)
        })?;
    }
    let mut exit = Exit::Done;
    if !others.is_empty() {
        say.error(format_args!("one place takes one key: {} is in it; {}", given.id, left(&all[1..])));
        exit = Exit::Incomplete;
    }
    if !known.is_empty() {
        say.error(format_args!(
            "there already, and without a secret to plant, which was handed out before: {}",
            known.join(", ")
        ));
        exit = Exit::Incomplete;
    }
    if is_cut {
        say.error("there is more on stdin that is not understood: none of it was planted");
        exit = Exit::Incomplete;
    }
    let planting = planting(&given.id, &target.path, &profile);
    match (&registry, &token) {
        (Some(registry), Some(token)) => registry.planted(token, &planting)?,
        (Some(registry), None) => say.note(format_args!(
            "the registry {} does not know the key {}: it is not taken down where it lies",
            registry.path().display(),
            given.id
        )),
        (None, _) => {}
    }
    if let Some(other) = there.filter(|key| *key != given.id)
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
    Ok(exit)
}
