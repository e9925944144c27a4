//! `hufu inspect`: what stands in octets of the Handle protocol, field by field.
//!
//! Input are hex lines (one frame, value record, value set or value's data each) or a packet capture.
//! Each thing found becomes a tree of fields with octet offsets, or one JSON object with `hex` composed anew
//! from what was decoded, so that a difference shows.

mod capture;
mod data;
mod lines;
mod message;
mod packet;
mod recognise;
mod streams;
mod tree;

use self::lines::{Line, Lines};
use self::recognise::{Found, Kind, Unreadable};
use super::error::{CliError, Exit};
use super::screen::Screen;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value as Json, json};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Arguments of `hufu inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// A file of hex lines or a packet capture; `-` is standard input
    #[arg(default_value = "-")]
    pub file: PathBuf,
    /// What the lines hold
    #[arg(long = "as", value_enum, default_value_t = As::Auto)]
    pub form: As,
    /// The type of value data, such as HS_SITE, HS_ADMIN, HS_PUBKEY or privkey (private key files)
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// The input is a packet capture (found out by itself for files that start like one)
    #[arg(long)]
    pub pcap: bool,
    /// Ports to look at in a capture: numbers, or `any` [default: 2641 3641]
    #[arg(long = "port", value_name = "PORT")]
    pub ports: Vec<String>,
}

/// What hex lines hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum As {
    /// A message if the envelope says so, else a value record, a value set, or value data
    Auto,
    /// Whole messages with their envelopes
    Message,
    /// One value record
    Value,
    /// A count and value records
    Values,
    /// The data of a value, see --type
    Data,
}

/// Runs the command.
pub fn run(args: &InspectArgs, screen: &Screen) -> Result<Exit, CliError> {
    let mut input = open(&args.file)?;
    let start = input.fill_buf().map_err(|error| CliError::file(&args.file, &error))?;
    let mut report = Report { screen, all_readable: true };
    if args.pcap || capture::is_capture(start) {
        let ports = ports(&args.ports)?;
        capture::read(input, &ports, &mut |item| report.frame(&item)).map_err(|why| why.under(&args.file))?;
    } else {
        let mut lines = Lines::new(input);
        while let Some(line) = lines.next().map_err(|error| CliError::file(&args.file, &error))? {
            report.line(&line, args)?;
        }
    }
    Ok(if report.all_readable { Exit::Done } else { Exit::No })
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, CliError> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let file = File::open(path).map_err(|error| CliError::file(path, &error))?;
    Ok(Box::new(BufReader::new(file)))
}

/// The ports of interest; none means any.
fn ports(texts: &[String]) -> Result<Option<Vec<u16>>, CliError> {
    if texts.is_empty() {
        return Ok(Some(vec![2641, 3641]));
    }
    if texts.iter().any(|text| text == "any") {
        return Ok(None);
    }
    let one = |text: &String| {
        text.parse().map_err(|_| CliError::usage(format!("`{text}` is no port")).next("give a number, or `any`"))
    };
    texts.iter().map(one).collect::<Result<_, _>>().map(Some)
}

/// Writes what was found.
struct Report<'a> {
    screen: &'a Screen,
    all_readable: bool,
}

impl Report<'_> {
    fn line(&mut self, line: &Line, args: &InspectArgs) -> Result<(), CliError> {
        let mut about = vec![("line", Json::from(line.number))];
        about.extend(line.name.as_ref().map(|name| ("name", Json::from(name.as_str()))));
        let octets = match &line.octets {
            Ok(octets) => octets,
            Err(unreadable) => return self.unreadable(unreadable, &line.text, &about),
        };
        let kind = args.kind.as_deref().or_else(|| line.hint());
        for found in recognise::all(octets, args.form, kind) {
            match found {
                Ok(found) => self.found(&found, &about)?,
                Err((unreadable, input)) => self.unreadable(&unreadable, &hex::encode(input), &about)?,
            }
        }
        Ok(())
    }

    /// A frame or a broken one out of a capture.
    fn frame(&mut self, item: &capture::Item) -> Result<(), CliError> {
        let about = [("packet", item.about())];
        match recognise::message(&item.octets) {
            Ok(found) => self.found(&found, &about),
            Err(unreadable) => self.unreadable(&unreadable, &hex::encode(&item.octets), &about),
        }
    }

    fn found(&mut self, found: &Found, about: &[(&str, Json)]) -> Result<(), CliError> {
        if self.screen.is_json() {
            let mut out = Map::new();
            out.insert("kind".into(), found.kind.name().into());
            out.insert("ok".into(), true.into());
            found.nodes.iter().for_each(|node| node.put_into(&mut out));
            out.insert("hex".into(), hex::encode(&found.recomposed).into());
            out.extend(about.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
            return self.screen.json(&out.into());
        }
        let mut lines = vec![heading(found, about)];
        found.nodes.iter().for_each(|node| node.print(0, &mut lines));
        if !found.same {
            lines.push(
                self.screen
                    .pick("        注意：重新编码后的字节不同", "        note: encoding gives other octets")
                    .into(),
            );
        }
        lines.push(String::new());
        lines.iter().try_for_each(|line| self.screen.line(line))
    }

    fn unreadable(&mut self, error: &Unreadable, input: &str, about: &[(&str, Json)]) -> Result<(), CliError> {
        self.all_readable = false;
        if self.screen.is_json() {
            let mut out = Map::new();
            out.insert("kind".into(), error.kind.map(Kind::name).into());
            out.insert("ok".into(), false.into());
            out.insert("error".into(), json!({"at": error.at, "field": error.field, "rule": error.rule}));
            out.insert("input".into(), input.into());
            out.extend(about.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
            return self.screen.json(&out.into());
        }
        let what = error.kind.map_or(self.screen.pick("无法识别", "unreadable"), Kind::name);
        let place = about_text(about);
        self.screen.line(&format!("✗ {what} {place}: {} at octet {}: {}\n", error.field, error.at, error.rule))
    }
}

fn heading(found: &Found, about: &[(&str, Json)]) -> String {
    format!("── {} · {} octets {}", found.kind.name(), found.recomposed.len(), about_text(about))
}

fn about_text(about: &[(&str, Json)]) -> String {
    let one = |(key, value): &(&str, Json)| match value {
        Json::String(text) => format!("· {}", super::screen::printable(text)),
        Json::Object(fields) => {
            let text = |key| fields.get(key).and_then(Json::as_str).unwrap_or_default();
            format!("· packet {} · {} {} → {}", fields["number"], text("transport"), text("from"), text("to"))
        }
        other => format!("· {key} {other}"),
    };
    about.iter().map(one).collect::<Vec<_>>().join(" ")
}
