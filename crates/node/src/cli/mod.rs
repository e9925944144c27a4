//! The command line: what a person or a script asks of `hufu`.
//!
//! Every command writes a table for people or JSON for machines (`--output`), and ends with 0 done, 1 a business
//! "no", 2 unusable input, 3 unreachable or broken.

mod args;
mod codes;
mod conformance;
mod connection;
mod control;
mod delegate;
mod dns;
mod error;
mod export;
mod identifiers;
mod import;
mod inspect;
mod label;
mod list;
mod manual;
mod parse;
mod prefix;
mod remote;
mod resolve;
mod screen;
mod slot;
mod trace;
mod values;
mod write;

pub use args::{CheckConfigArgs, DemoArgs, InitArgs, PortsChoice, ServeArgs};
pub use error::{CliError, Exit};
pub use screen::{Lang, Output, Screen, duration, number, printable, table};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::process::ExitCode;

/// Threads of the runtime of client commands: one decodes answers while the other reads files.
const THREADS: usize = 2;

/// Identifier resolution for industry: Handle and VAA nodes, and the tools to use them.
#[derive(Debug, Parser)]
#[command(
    name = "hufu",
    version,
    about,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// Tables for people, or JSON for machines
    #[arg(long, global = true, value_enum, default_value_t = Output::Table)]
    pub output: Output,
    /// The language of tables and messages [default: that of LANG]
    #[arg(long, global = true, value_enum)]
    pub lang: Option<Lang>,
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a node
    Serve(ServeArgs),
    /// Write the configuration of a new node, with keys and secrets of its own
    Init(InitArgs),
    /// Say what is wrong with a configuration
    CheckConfig(CheckConfigArgs),
    /// Run a whole hierarchy on this machine, filled with sample data
    Demo(DemoArgs),
    /// Show what identifiers stand for
    Resolve(resolve::ResolveArgs),
    /// Register an identifier
    Create(write::CreateArgs),
    /// Add values to an identifier
    Add(write::ChangeArgs),
    /// Change values of an identifier
    Modify(write::ChangeArgs),
    /// Remove values of an identifier
    Remove(write::RemoveArgs),
    /// Delete an identifier
    Delete(write::DeleteArgs),
    /// Show every known code of one thing
    Codes(codes::CodesArgs),
    /// Declare that two codes are of one thing
    Map(Box<codes::MapArgs>),
    /// Check a server of others or of ours against a standard
    Conformance(conformance::ConformanceArgs),
    /// What resolvers need to believe a node's signed DNS zones
    Dns(dns::DnsArgs),
    /// List the identifiers of a prefix
    List(list::ListArgs),
    /// Make a server responsible for a prefix
    Home(prefix::HomeArgs),
    /// End a server's responsibility for a prefix
    Unhome(prefix::HomeArgs),
    /// Show the site record of a server
    Site(prefix::SiteArgs),
    /// Delegate a prefix: publish it at the parent and home it at the child in one step
    Delegate(Box<delegate::DelegateArgs>),
    /// Register the rows of a CSV file
    Import(import::ImportArgs),
    /// Write the identifiers of a prefix to a file
    Export(export::ExportArgs),
    /// Say what a code is: its system, parts, checks, spellings, and where it would be resolved
    Parse(parse::ParseArgs),
    /// Show what stands in octets of the Handle protocol
    Inspect(inspect::InspectArgs),
    /// Print identifiers as symbols on labels, or as the octets of tags
    Label(Box<label::LabelArgs>),
    /// Write a completion script for a shell
    Completions(manual::CompletionsArgs),
    /// Write the manual page (roff)
    Manual,
}

/// Reads the command line, carries it out, and says how it went.
pub fn run() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return refused(&error),
    };
    let output = matches.get_one("output").copied().unwrap_or(Output::Table);
    let lang = matches.get_one("lang").copied().unwrap_or_else(Lang::of_environment);
    let screen = Screen { output, lang };
    if let Some((noun, given)) = matches.subcommand().filter(|(name, _)| control::is_noun(name)) {
        let done = runtime().and_then(|runtime| runtime.block_on(control::run(noun, given, &screen)));
        return finish(done.map(ExitCode::from), &screen);
    }
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    if let Some(path) = crate::config::ecode::of_environment()
        && let Err(error) = crate::config::ecode::make_known(&path)
    {
        screen.error(&CliError::usage(error.to_string()));
        return Exit::Usage.into();
    }
    finish(carry_out(cli.command, &screen), &screen)
}

/// All commands: those declared here, and those made of the API's description.
pub fn command() -> clap::Command {
    Cli::command().subcommands(control::commands())
}

fn refused(error: &clap::Error) -> ExitCode {
    // Help and version are no errors; a closed pipe is nobody's concern.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code()))
}

fn finish(done: Result<ExitCode, CliError>, screen: &Screen) -> ExitCode {
    match done {
        Ok(code) => code,
        Err(error) => {
            screen.error(&error);
            error.exit.into()
        }
    }
}

fn carry_out(command: Command, screen: &Screen) -> Result<ExitCode, CliError> {
    let exit = match command {
        Command::Serve(args) => return crate::serve::run(args, screen),
        Command::Init(args) => return crate::init::run(args, screen),
        Command::CheckConfig(args) => return crate::check::run(args, screen),
        Command::Demo(args) => return crate::demo::run(args, screen),
        Command::Parse(args) => parse::run(&args, screen),
        Command::Inspect(args) => inspect::run(&args, screen),
        Command::Label(args) => label::run(&args, screen),
        Command::Dns(args) => dns::run(&args, screen),
        Command::Completions(args) => manual::completions(&args).map(|()| Exit::Done),
        Command::Manual => manual::manual().map(|()| Exit::Done),
        client => runtime()?.block_on(ask(client, screen)),
    };
    exit.map(ExitCode::from)
}

/// The commands that talk to nodes.
async fn ask(command: Command, screen: &Screen) -> Result<Exit, CliError> {
    match command {
        Command::Resolve(args) => resolve::run(&args, screen).await,
        Command::Create(args) => write::create(&args, screen).await,
        Command::Add(args) => write::add(&args, screen).await,
        Command::Modify(args) => write::modify(&args, screen).await,
        Command::Remove(args) => write::remove(&args, screen).await,
        Command::Delete(args) => write::delete(&args, screen).await,
        Command::Codes(args) => codes::codes(&args, screen).await,
        Command::Map(args) => codes::map(&args, screen).await,
        Command::Conformance(args) => conformance::run(&args, screen).await,
        Command::List(args) => list::run(&args, screen).await,
        Command::Home(args) => prefix::home(&args, true, screen).await,
        Command::Unhome(args) => prefix::home(&args, false, screen).await,
        Command::Site(args) => prefix::site(&args, screen).await,
        Command::Delegate(args) => delegate::run(&args, screen).await,
        Command::Import(args) => import::run(&args, screen).await,
        Command::Export(args) => export::run(&args, screen).await,
        // The others are done without a runtime.
        _ => Ok(Exit::Usage),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    built.map_err(|error| CliError::incident(format!("cannot start: {error}")))
}
