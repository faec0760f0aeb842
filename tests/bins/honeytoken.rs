//! `honeytoken` for the tests of this crate: cargo builds for a test the binaries of its own package alone.

fn main() -> std::process::ExitCode {
    honeytoken::main()
}
