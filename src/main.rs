//! The `aqueduct` program.

fn main() -> std::process::ExitCode {
    aqueduct_cli::main()
}
