//! The `hufu` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    hufu_node::cli::run()
}
