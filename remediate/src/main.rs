//! Puts right what audit found. See `remediate --help`.

fn main() -> std::process::ExitCode {
    remediate::main()
}
