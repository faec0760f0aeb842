//! `notify`: tells the people concerned.

fn main() -> std::process::ExitCode {
    notify::main()
}
