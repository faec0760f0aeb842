//! `notify`: tells the people concerned.

use std::process::ExitCode;

fn main() -> ExitCode {
    common::cli::main(notify::run)
}
