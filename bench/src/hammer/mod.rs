//! `hufu-bench hammer`: every decoder under random and mutated inputs, with what a fuzzer asks of it, on all cores.
//!
//! Each input follows from its number and the seed alone, so that one can be repeated: `--only NAME --first N`.

mod inputs;
#[path = "../../../fuzz/probes/mod.rs"]
mod probes;

use inputs::Seeds;
use probes::Probe;
use std::cell::RefCell;
use std::panic;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

/// Panics of one decoder whose inputs are shown.
const SHOWN: usize = 3;

/// What to hammer, how long.
#[derive(Debug, Clone, clap::Args)]
pub struct HammerArgs {
    /// Inputs of all decoders together.
    #[arg(long, default_value_t = 1_000_000)]
    inputs: u64,
    /// Where the inputs start: another seed, other inputs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of the first input of each decoder.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Only the decoder of this name.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// The conformance data that good inputs are made of.
    #[arg(long, value_name = "DIR", default_value = "vectors")]
    vectors: PathBuf,
}

/// What came of the inputs of one decoder.
#[derive(Debug, Default)]
struct Outcome {
    inputs: u64,
    accepted: u64,
    panics: u64,
    /// Number, input, message.
    shown: Vec<(u64, Vec<u8>, String)>,
    spent: Duration,
    /// The input that took longest.
    slowest: (Duration, u64),
}

thread_local! {
    /// Where and why this thread panicked last.
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

pub fn run(args: &HammerArgs) -> Result<(), String> {
    let chosen: Vec<&Probe> = match &args.only {
        Some(name) => vec![probes::of(name).ok_or_else(|| format!("no such decoder; there are {}", names()))?],
        None => probes::ALL.iter().collect(),
    };
    panic::set_hook(Box::new(|info| LAST.with_borrow_mut(|last| *last = info.to_string())));
    let share = args.inputs.div_ceil(chosen.len() as u64);
    let started = Instant::now();
    let mut panics = 0;
    println!(
        "{:<16} {:>12} {:>10} {:>8} {:>12} {:>12}  at input",
        "decoder", "inputs", "accepted", "panics", "ns an input", "slowest µs"
    );
    for probe in chosen {
        let seeds = Seeds::gather(&args.vectors, probe.seeds, probe.octets)?;
        let outcome = hammer(probe, &seeds, args, share)?;
        let mean = outcome.spent.as_nanos() as f64 / outcome.inputs as f64;
        println!(
            "{:<16} {:>12} {:>9.1}% {:>8} {mean:>12.0} {:>12}  {}",
            probe.name,
            outcome.inputs,
            100.0 * outcome.accepted as f64 / outcome.inputs as f64,
            outcome.panics,
            outcome.slowest.0.as_micros(),
            outcome.slowest.1,
        );
        for (number, input, message) in &outcome.shown {
            let hex: String = input.iter().map(|octet| format!("{octet:02x}")).collect();
            println!("  input {number}: {message}\n    {:?}\n    {hex}", String::from_utf8_lossy(input));
        }
        panics += outcome.panics;
    }
    println!("{:.1} s, seed {}, {panics} panics", started.elapsed().as_secs_f64(), args.seed);
    if panics == 0 { Ok(()) } else { Err(format!("{panics} panics")) }
}

fn names() -> String {
    probes::ALL.iter().map(|probe| probe.name).collect::<Vec<_>>().join(", ")
}

/// The inputs of one decoder, dealt out to all cores.
fn hammer(probe: &Probe, seeds: &Seeds, args: &HammerArgs, inputs: u64) -> Result<Outcome, String> {
    let cores = thread::available_parallelism().map_or(1, usize::from) as u64;
    let parts = thread::scope(|scope| {
        let work =
            |core| move || part(probe, seeds, args, (args.first + core..args.first + inputs).step_by(cores as usize));
        let workers: Vec<_> = (0..cores).map(|core| scope.spawn(work(core))).collect();
        workers.into_iter().map(|worker| worker.join()).collect::<Result<Vec<_>, _>>()
    });
    let parts = parts.map_err(|_| "a worker ended early".to_owned())?;
    Ok(parts.into_iter().fold(Outcome::default(), Outcome::with))
}

fn part(probe: &Probe, seeds: &Seeds, args: &HammerArgs, numbers: impl Iterator<Item = u64>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut input = Vec::new();
    for number in numbers {
        seeds.make(args.seed, number, &mut input);
        let started = Instant::now();
        let verdict = panic::catch_unwind(|| (probe.run)(&input));
        let spent = started.elapsed();
        outcome.inputs += 1;
        outcome.spent += spent;
        outcome.slowest = outcome.slowest.max((spent, number));
        match verdict {
            Ok(accepted) => outcome.accepted += u64::from(accepted),
            Err(_) => {
                outcome.panics += 1;
                if outcome.shown.len() < SHOWN {
                    outcome.shown.push((number, input.clone(), LAST.take()));
                }
            }
        }
    }
    outcome
}

impl Outcome {
    fn with(mut self, other: Outcome) -> Outcome {
        self.inputs += other.inputs;
        self.accepted += other.accepted;
        self.panics += other.panics;
        self.shown.extend(other.shown);
        self.shown.sort();
        self.shown.truncate(SHOWN);
        self.spent += other.spent;
        self.slowest = self.slowest.max(other.slowest);
        self
    }
}
