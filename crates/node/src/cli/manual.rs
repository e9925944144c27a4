//! `hufu completions` and `hufu manual`: what a package installs beside the binary.

use super::command;
use super::error::CliError;
use super::screen::written;
use clap::{Args, Command};
use clap_complete::Shell;
use std::io::Write;

/// Arguments of `hufu completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell to complete for
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Writes a completion script.
pub fn completions(args: &CompletionsArgs) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "hufu", &mut script);
    written(std::io::stdout().write_all(&script))
}

/// Writes the manual page (roff): the program, then every command.
pub fn manual() -> Result<(), CliError> {
    let text = page().map_err(|error| CliError::incident(error.to_string()))?;
    written(std::io::stdout().write_all(&text))
}

fn page() -> std::io::Result<Vec<u8>> {
    let mut command = command().disable_help_subcommand(true);
    command.build();
    let mut out = Vec::new();
    let man = clap_mangen::Man::new(command.clone()).title("HUFU").section("1");
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    writeln!(out, ".SH COMMANDS")?;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        render_command(sub, &mut out)?;
    }
    writeln!(out, ".SH \"EXIT STATUS\"")?;
    for (code, text) in [
        ("0", "done"),
        ("1", "the answer is a no: not found, refused, or some rows or lines failed"),
        ("2", "the command or its input is not usable"),
        ("3", "a node cannot be reached, or something broke"),
    ] {
        writeln!(out, ".TP\n\\fB{code}\\fR\n{text}")?;
    }
    man.render_version_section(&mut out)?;
    Ok(out)
}

/// A command as a subsection: its synopsis and options.
fn render_command(sub: &Command, out: &mut Vec<u8>) -> std::io::Result<()> {
    // What every command has is described once, with the program.
    let common = |arg: &clap::Arg| arg.is_global_set() || ["help", "version"].contains(&arg.get_id().as_str());
    let own = sub.clone().mut_args(|arg| if common(&arg) { arg.hide(true) } else { arg });
    let man = clap_mangen::Man::new(own);
    let mut body = Vec::new();
    man.render_synopsis_section(&mut body)?;
    man.render_description_section(&mut body)?;
    man.render_options_section(&mut body)?;
    let body = String::from_utf8_lossy(&body)
        .replace(".SH SYNOPSIS\n", "")
        .replace(".SH DESCRIPTION\n", ".PP\n")
        .replace(".SH ", ".PP\n.B ");
    writeln!(out, ".SS \"hufu {}\"\n{body}", sub.get_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_names_every_command() {
        let text = String::from_utf8(page().unwrap()).unwrap();
        for sub in command().get_subcommands() {
            assert!(text.contains(&format!(".SS \"hufu {}\"", sub.get_name())), "{}", sub.get_name());
        }
    }

    #[test]
    fn arguments_are_consistent() {
        command().debug_assert();
    }
}
