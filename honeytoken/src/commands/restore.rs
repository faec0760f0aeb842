//! `honeytoken restore`.

use std::path::{Path, PathBuf};

use common::cli::{Failure, Say};
use common::exit::Exit;

use crate::context::Context;
use crate::registry::{self, Restored};

/// `honeytoken restore`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// The copy
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Also over a registry that has what the copy has not, or that cannot be read; that one is kept beside it
    #[arg(long)]
    pub(crate) force: bool,
}

/// Bring a copy of the registry back.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let (path, say) = (context.registry_path()?, context.io.say);
    warn_of_readers(&args.file, say);
    match registry::restore(&path, &args.file, args.force, say)? {
        Restored::Done { tokens, made_at, former } => {
            let as_of = made_at.map(|at| format!(" as of {at}")).unwrap_or_default();
            let noun = if tokens == 1 { "token" } else { "tokens" };
            say.note(format!("{} has the {tokens} {noun} of {}{as_of}", path.display(), args.file.display()));
            if let Some(former) = former {
                say.note(format!("the registry as it was before is {}", former.display()));
            }
            say.note("what was made or deleted in IAM since then is found by `honeytoken reconcile`");
            Ok(Exit::Done)
        }
        Restored::WouldLose(lost) => {
            let lost: Vec<String> = lost.iter().map(|(table, count)| format!("{table}: {count}")).collect();
            say.error(format!(
                "the registry {} has rows that the copy has not ({}): nothing was restored; --force does, and keeps it beside",
                path.display(),
                lost.join(", ")
            ));
            Ok(Exit::No)
        }
        Restored::Unreadable(why) => {
            say.error(format!("{why}: nothing was restored; --force does, and keeps that file beside"));
            Ok(Exit::No)
        }
    }
}

/// A copy tells which keys are decoys, as the registry does.
fn warn_of_readers(copy: &Path, say: &Say) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if std::fs::metadata(copy).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0) {
            say.warn(format!(
                "others than its owner may use {}, which tells which keys are decoys: chmod 600 it",
                copy.display()
            ));
        }
    }
    #[cfg(not(unix))]
    let _ = (copy, say);
}
