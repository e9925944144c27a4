//! `hufu-bench`: CPU time per query of real servers, each next to a floor measured alternately in the same run.
//!
//! `hammer` is something else: no servers, but every decoder under nonsense.
//!
//! Without a subcommand this process is the load; the servers are children of it, the same binary with a
//! `serve-…` subcommand, so that their CPU time stands apart from that of the load.

mod cases;
mod hammer;
mod latency;
mod load;
mod measure;
mod parse;
mod process;
mod report;
mod sample;
mod serve;

use clap::{Parser, ValueEnum};
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(about, version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What else this binary does.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Put every decoder under random and mutated inputs, and count panics.
    Hammer(hammer::HammerArgs),
    #[command(flatten)]
    Serve(serve::Server),
}

/// What to measure and for how long.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Only the cases whose name contains this; `parse` reads codes instead, without servers.
    filter: Option<String>,
    /// Seconds of each round, for the floor and for the server.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Rounds; in each the floor is measured, then the server. At least 3.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(3..))]
    rounds: u32,
    /// Records in the store.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=50_000_000))]
    records: u32,
    /// Questions in flight on UDP and on the pipelined connection.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=256))]
    window: u16,
    /// UDP threads of each server; 0 = on the shared runtime.
    #[arg(long, default_value_t = 1)]
    udp_workers: usize,
    /// A table, or one JSON object per case and line.
    #[arg(long, default_value = "table")]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Some(Command::Serve(server)) => serve::serve(&server),
        Some(Command::Hammer(arguments)) => hammer::run(&arguments),
        None => bench(&arguments.options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hufu-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(options: &Options) -> Result<(), String> {
    if options.filter.as_deref() == Some("parse") {
        parse::run();
        return Ok(());
    }
    let cases = cases::matching(options.filter.as_deref());
    if cases.is_empty() {
        return Err(format!("no such case; there are {}", cases::names().join(", ")));
    }
    let mut results = Vec::new();
    for case in cases {
        let result = measure::run(case, options).map_err(|error| format!("{}: {error}", case.name))?;
        match options.output {
            Output::Json => println!("{}", report::json(&result)),
            Output::Table => results.push(result),
        }
    }
    if options.output == Output::Table {
        print!("{}", report::table(&results));
    }
    Ok(())
}
