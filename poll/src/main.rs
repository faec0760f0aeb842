//! Writes what exists in AWS accounts as NDJSON.

use std::process::ExitCode;

fn main() -> ExitCode {
    poll::main()
}
