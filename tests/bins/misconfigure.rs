//! Fills an AWS account with harmless mistakes, and takes them away again: see [`tests::misconfigure`].

fn main() -> std::process::ExitCode {
    tests::misconfigure::main()
}
