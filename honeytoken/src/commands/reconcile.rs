//! `honeytoken reconcile`.

use common::aws::{AwsArgs, block_on};
use common::cli::Failure;
use common::exit::Exit;

use super::changes::{Records, enter};
use crate::context::Context;
use crate::factory::delete::Work;
use crate::factory::recover::recover;
use crate::list::counted;
use crate::reconcile;

/// `honeytoken reconcile`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Mend what differs
    #[arg(long)]
    pub(crate) apply: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// Compare the registry with IAM, and mend what differs.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let Args { apply, aws } = args;
    // Where the registry is lost, IAM's tags are what is left of it.
    let (registry, held) = if apply {
        let (registry, held) = context.open_to_change()?;
        (registry, Some(held))
    } else {
        (context.open()?, None)
    };
    let exit = block_on(async {
        let accounts = enter(&context, &aws, &registry).await?;
        let say = context.io.say;
        let recovered = if apply { recover(&registry, &accounts, say).await? } else { Exit::Done };
        let mut records = Records::new(context.io.output);
        let work = Work { registry: &registry, accounts: &accounts, say };
        let compared = reconcile::run(work, apply, aws.accounts.is_empty(), &mut records).await;
        let compared = compared.map_err(|error| Failure::Incomplete(error.to_string()))?;
        let mended = match (apply, compared.found) {
            (true, _) => format!(", {} of them mended", compared.mended),
            (false, 0) => String::new(),
            (false, _) => ": `honeytoken reconcile --apply` does what `apply` says".to_owned(),
        };
        say.note(format!("{}{mended}", counted(compared.found, "difference", "differences")));
        records.finish_with(recovered.and(compared.exit(apply)))
    })?;
    drop(held);
    Ok(exit)
}
