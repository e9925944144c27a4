//! Runs a case: the floor and the server in turn, round by round, and what each has cost.

use crate::Options;
use crate::cases::{self, Case};
use crate::load::{self, Stage, Tally, Target, Way};
use crate::process::{self, CpuTime, Server};
use std::time::{Duration, Instant};

/// Load before it counts, in each round: buffers grow, branch predictors and processor caches fill.
const RUN_IN: Duration = Duration::from_millis(300);

/// One server in one round, or in all of them together.
#[derive(Debug, Clone, Default)]
pub struct Cost {
    pub tally: Tally,
    pub cpu: CpuTime,
    pub seconds: f64,
}

/// A case and its floor.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub case: &'static str,
    pub cost: Cost,
    pub floor: Cost,
    /// CPU time per query of the server over that of the floor, of each round, ascending.
    pub ratios: Vec<f64>,
    /// Octets of memory of the server at the end.
    pub resident: u64,
    /// Of the machine, before the case and after it.
    pub load_average: [f64; 2],
}

impl Cost {
    fn merge(&mut self, other: &Cost) {
        self.tally.merge(&other.tally);
        self.cpu = CpuTime { user: self.cpu.user + other.cpu.user, system: self.cpu.system + other.cpu.system };
        self.seconds += other.seconds;
    }

    pub fn per_second(&self) -> f64 {
        self.tally.answered() as f64 / self.seconds
    }

    /// Microseconds for each query.
    pub fn micros(&self, seconds: f64) -> f64 {
        seconds * 1e6 / self.tally.answered() as f64
    }

    pub fn total_micros(&self) -> f64 {
        self.micros(self.cpu.total())
    }
}

impl Outcome {
    /// The ratio of the round in the middle.
    pub fn ratio(&self) -> f64 {
        let middle = self.ratios.len() / 2;
        match self.ratios.len() % 2 {
            0 => (self.ratios[middle - 1] + self.ratios[middle]) / 2.0,
            _ => self.ratios[middle],
        }
    }
}

pub fn run(case: &'static Case, options: &Options) -> Result<Outcome, String> {
    let before = process::load_average();
    let floor = cases::floor(options)?;
    let subject = case.start(options)?;
    let server = &subject.server;
    let target = |server: &Server, named| Target { listening: server.listening, named };
    let (floor_target, server_target) = (target(&floor, false), target(server, case.is_named()));
    if case.warm {
        load::walk(server_target, options.records)?;
    }
    server.settle()?;
    eprintln!("{}: server {}, floor {}, load average {before}", case.name, server.id(), floor.id());
    let (mut cost, mut floor_cost, mut ratios) = (Cost::default(), Cost::default(), Vec::new());
    for _ in 0..options.rounds {
        let below = round(&floor, floor_target, case.way(options), options)?;
        let above = round(server, server_target, case.way(options), options)?;
        ratios.push(above.total_micros() / below.total_micros());
        floor_cost.merge(&below);
        cost.merge(&above);
    }
    ratios.sort_by(f64::total_cmp);
    let load_average = [before, process::load_average()];
    Ok(Outcome { case: case.name, cost, floor: floor_cost, ratios, resident: server.resident(), load_average })
}

/// Load on one server for a while, and its CPU time in that while.
fn round(server: &Server, target: Target, way: Way, options: &Options) -> Result<Cost, String> {
    let stage = Stage::default();
    std::thread::scope(|scope| {
        let clients = scope.spawn(|| load::run(way, target, options.records, &stage));
        std::thread::sleep(RUN_IN);
        let (started, before) = (Instant::now(), server.cpu());
        stage.count();
        std::thread::sleep(Duration::from_secs_f64(options.seconds));
        let (seconds, after) = (started.elapsed().as_secs_f64(), server.cpu());
        stage.end();
        let tally = clients.join().map_err(|_| "the load panicked")??;
        if tally.answered() == 0 {
            return Err("nothing was answered".into());
        }
        Ok(Cost { tally, cpu: after?.since(before?), seconds })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_the_middle() {
        let outcome = |ratios: &[f64]| Outcome {
            case: "x",
            cost: Cost::default(),
            floor: Cost::default(),
            ratios: ratios.to_vec(),
            resident: 0,
            load_average: [0.0; 2],
        };
        assert_eq!(outcome(&[1.0, 2.0, 9.0]).ratio(), 2.0);
        assert_eq!(outcome(&[1.0, 2.0, 4.0, 9.0]).ratio(), 3.0);
    }
}
