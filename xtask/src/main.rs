//! Chores of this repository that are not part of the product: `cargo xtask <task>`.
#![forbid(unsafe_code)]

mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <task>

Tasks:
  tidy [--report] [--root <directory>]
      Check the rules of the house that no compiler knows (see CONTRIBUTING.md).
      --report   also print the sizes of files and functions
      --root     check another directory than this repository
";

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)) {
        Ok(Task::Help) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Task::Tidy { root, report }) => tidy::run(&root.unwrap_or_else(repository), report),
        Err(reason) => {
            eprintln!("error: {reason}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

#[derive(Debug, PartialEq)]
enum Task {
    Help,
    Tidy { root: Option<PathBuf>, report: bool },
}

fn parse(args: impl IntoIterator<Item = String>) -> Result<Task, String> {
    let mut args = args.into_iter();
    match args.next().as_deref() {
        None | Some("help" | "-h" | "--help") => return Ok(Task::Help),
        Some("tidy") => {}
        Some(other) => return Err(format!("no task is called {other:?}")),
    }
    let (mut root, mut report) = (None, false);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-h" | "--help" => return Ok(Task::Help),
            "--report" => report = true,
            "--root" => root = Some(args.next().ok_or("--root needs a directory")?.into()),
            other => return Err(format!("tidy does not know {other:?}")),
        }
    }
    Ok(Task::Tidy { root, report })
}

/// Cargo tells a running package where its manifest is; the repository is the folder above.
fn repository() -> PathBuf {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(xtask) => PathBuf::from(xtask).join(".."),
        None => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(line: &str) -> Result<Task, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn arguments() {
        assert_eq!(parse_words(""), Ok(Task::Help));
        assert_eq!(parse_words("tidy"), Ok(Task::Tidy { root: None, report: false }));
        assert_eq!(parse_words("tidy --report --root ."), Ok(Task::Tidy { root: Some(".".into()), report: true }));
        assert!(parse_words("tidy --root").is_err());
        assert!(parse_words("tidy --fix").is_err());
        assert!(parse_words("clean").is_err());
    }
}
