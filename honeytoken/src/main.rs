//! Makes decoy access keys, and says when one is touched. See `honeytoken --help`.

fn main() -> std::process::ExitCode {
    honeytoken::main()
}
