//! The `hufu` command line, run as a process of its own.

use serde_json::Value as Json;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What a command said, and how it ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Outcome {
    /// Panics unless the command ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        self
    }

    /// The standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> Json {
        let wrong = |error| panic!("not JSON ({error}): {}\nerr: {}", self.out, self.err);
        serde_json::from_str(&self.out).unwrap_or_else(wrong)
    }

    /// The standard output as JSON lines.
    #[track_caller]
    pub fn lines(&self) -> Vec<Json> {
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON ({error}): {line}"));
        self.out.lines().map(read).collect()
    }
}

/// A command without the environment of whoever runs the tests.
pub fn command(hufu: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(hufu);
    command.args(args).env_clear().env("LANG", "en_GB.UTF-8").stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Runs a command to its end.
pub fn run(hufu: &Path, args: &[&str]) -> Outcome {
    run_with(hufu, args, &[], "")
}

/// Runs a command with variables in its environment and a text on its standard input.
pub fn run_with(hufu: &Path, args: &[&str], environment: &[(&str, &str)], input: &str) -> Outcome {
    let mut child = command(hufu, args)
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    // A command that does not read its input closes the pipe; that is its right.
    let _ = pipe.write_all(input.as_bytes());
    drop(pipe);
    outcome(child)
}

/// Waits for a command that was started with pipes.
pub fn outcome(child: Child) -> Outcome {
    let output = child.wait_with_output().expect("the binary runs");
    let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
    // Killed by a signal: no code.
    Outcome { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// Sends a signal by its name, `TERM` or `HUP`.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())]).status();
    assert!(sent.is_ok_and(|status| status.success()), "signal {name} was not sent");
}
