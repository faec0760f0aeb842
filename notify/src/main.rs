//! Tells the people concerned. See `notify --help`.

fn main() -> std::process::ExitCode {
    notify::main()
}
