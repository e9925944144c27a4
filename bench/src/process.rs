//! A server as a child process: started, found out where it listens, asked what it has cost, ended.

use crate::serve::Listening;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Clock ticks per second in `/proc`: 100 on every Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;
/// How long a child may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a server may be busy with itself before it is measured.
const SETTLING: Duration = Duration::from_secs(60);

/// A running child; dropping it ends it.
pub struct Server {
    child: Child,
    pub listening: Listening,
}

/// CPU time of a process since its start, in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct CpuTime {
    pub user: f64,
    pub system: f64,
}

impl Server {
    /// Starts this very program with `arguments` and waits until it listens.
    pub fn start(arguments: &[&str]) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            // A child that fails closes its end and has said why on standard error.
            let _ = BufReader::new(stdout).read_line(&mut line);
        }
        match Listening::read(&line) {
            Some(listening) => Ok(Server { child, listening }),
            None => {
                let _ = child.wait();
                Err(format!("{} did not start", arguments.first().unwrap_or(&"")))
            }
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// From `/proc/<pid>/stat`: user and system time of all its threads, also of those that have ended.
    pub fn cpu(&self) -> Result<CpuTime, String> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.id())).map_err(|error| error.to_string())?;
        cpu_of(&text).ok_or_else(|| "/proc does not say what the server has cost".into())
    }

    /// Octets of memory in use now.
    pub fn resident(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibi = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kibi.unwrap_or_default() << 10
    }

    /// Waits until it has nothing to do of its own accord, such as compaction.
    pub fn settle(&self) -> Result<(), String> {
        let started = Instant::now();
        let mut before = self.cpu()?.total();
        while started.elapsed() < SETTLING {
            std::thread::sleep(Duration::from_millis(300));
            let now = self.cpu()?.total();
            if now - before < 0.015 {
                return Ok(());
            }
            before = now;
        }
        Err("the server does not come to rest".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl CpuTime {
    pub fn total(self) -> f64 {
        self.user + self.system
    }

    /// What was spent since `earlier`.
    pub fn since(self, earlier: CpuTime) -> CpuTime {
        CpuTime { user: self.user - earlier.user, system: self.system - earlier.system }
    }
}

/// Fields 14 and 15, counted behind the program's name, which may hold spaces and parentheses.
fn cpu_of(stat: &str) -> Option<CpuTime> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let mut seconds = || Some(fields.next()?.parse::<f64>().ok()? / TICKS_PER_SECOND);
    Some(CpuTime { user: seconds()?, system: seconds()? })
}

/// Mean number of runnable tasks over the last minute.
pub fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_program_does_not_move_the_fields() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 12345 1 1";
        let cpu = cpu_of(stat).unwrap();
        assert_eq!((cpu.user, cpu.system), (2.5, 0.5));
        assert!(cpu_of("7").is_none());
    }
}
