//! `platformctl`: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(platformctl::cli::main(std::env::args_os()))
}
