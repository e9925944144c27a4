//! `hufu parse`: what a code is, part by part, rule by rule, and where it would be resolved.

use super::error::{CliError, Exit};
use super::identifiers::companies;
use super::screen::{Screen, printable, table, written};
use crate::parsed::{Parsed, read};
use clap::Args;
use hufu_ident::systems::gs1::Companies;
use hufu_ident::{Reading, Refusal, lens};
use std::io::{BufRead, BufWriter, Read, Write};
use std::thread;

/// Arguments of `hufu parse`.
#[derive(Debug, Args)]
pub struct ParseArgs {
    /// Codes in any spelling: identifiers, URLs, scanner data, label text
    #[arg(required_unless_present = "stdin")]
    pub texts: Vec<String>,
    /// Read one code a line from standard input
    #[arg(long, conflicts_with = "texts")]
    pub stdin: bool,
    /// How long the GS1 company prefix is (6–12), or the prefixes that are known, between commas; adds the EPC forms
    #[arg(long, value_name = "N|PREFIX,…", env = "HUFU_COMPANY_PREFIX")]
    pub company_prefix: Option<String>,
}

/// Octets of a line that are read; what is longer is refused as a line.
const LINE_OCTETS: usize = lens::TEXT_OCTETS;
/// Lines that are read before any of them is answered.
const BATCH: usize = 8192;

pub fn run(args: &ParseArgs, screen: &Screen) -> Result<Exit, CliError> {
    let companies = companies(args.company_prefix.as_deref(), screen)?;
    if args.stdin {
        return stream(std::io::stdin().lock(), &companies, screen);
    }
    let mut exit = Exit::Done;
    for (number, text) in args.texts.iter().enumerate() {
        let read = read(text, &companies);
        if read.is_err() {
            exit = Exit::No;
        }
        match screen.is_json() {
            true => screen.line(&json(&Parsed::of(text, &read))?)?,
            false => {
                if number > 0 {
                    screen.line("")?;
                }
                show(text, &read, screen)?;
            }
        }
    }
    Ok(exit)
}

fn json(parsed: &Parsed<'_>) -> Result<String, CliError> {
    serde_json::to_string(parsed).map_err(|error| CliError::incident(format!("cannot be written as JSON: {error}")))
}

/// One line of input: its text, or why it is none.
type Line = Result<String, (String, Refusal)>;

/// Answers line by line, in order; batches are read on all cores, and nothing is flushed before the end.
fn stream(mut input: impl BufRead, companies: &Companies, screen: &Screen) -> Result<Exit, CliError> {
    let mut out = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut exit = Exit::Done;
    loop {
        let lines = batch(&mut input)?;
        if lines.is_empty() {
            return written(out.flush()).map(|()| exit);
        }
        let share = lines.len().div_ceil(cores);
        let answers: Vec<Result<(String, bool), CliError>> = thread::scope(|scope| {
            let work = lines.chunks(share).map(|chunk| scope.spawn(|| answer(chunk, companies, screen)));
            let work: Vec<_> = work.collect();
            work.into_iter().map(|worker| worker.join()).collect::<Result<_, _>>()
        })
        .map_err(|_| CliError::incident("a worker ended early".to_owned()))?;
        for answer in answers {
            let (text, all) = answer?;
            if !all {
                exit = Exit::No;
            }
            written(out.write_all(text.as_bytes()))?;
        }
    }
}

fn batch(input: &mut impl BufRead) -> Result<Vec<Line>, CliError> {
    let mut lines = Vec::new();
    while lines.len() < BATCH {
        match line(input).map_err(|error| CliError::incident(format!("cannot read standard input: {error}")))? {
            Some(line) => lines.push(line),
            None => break,
        }
    }
    Ok(lines)
}

/// The next line without its end; what is beyond the bound is skipped.
fn line(input: &mut impl BufRead) -> std::io::Result<Option<Line>> {
    let mut octets = Vec::new();
    let most = LINE_OCTETS as u64 + 2;
    if input.by_ref().take(most).read_until(b'\n', &mut octets)? == 0 {
        return Ok(None);
    }
    let whole = octets.last() == Some(&b'\n');
    if whole {
        octets.pop();
    } else if octets.len() as u64 == most {
        input.skip_until(b'\n')?;
    }
    if octets.last() == Some(&b'\r') {
        octets.pop();
    }
    if octets.len() > LINE_OCTETS {
        let (zh, en) = (format!("行超过{LINE_OCTETS}字节"), format!("the line is longer than {LINE_OCTETS} octets"));
        let shown = String::from_utf8_lossy(&octets).chars().take(64).collect();
        return Ok(Some(Err((shown, Refusal::new("text-too-long", "our profile", zh, en)))));
    }
    Ok(Some(String::from_utf8(octets).map_err(|error| {
        let at = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).chars().count();
        let refusal = Refusal::new("not-utf8", "RFC 3629 §3", "不是UTF-8", "not UTF-8").at(at);
        (String::from_utf8_lossy(error.as_bytes()).into_owned(), refusal)
    })))
}

/// The answers to some lines, and whether all were read.
fn answer(lines: &[Line], companies: &Companies, screen: &Screen) -> Result<(String, bool), CliError> {
    let mut out = String::with_capacity(lines.len() * 512);
    let mut all = true;
    for line in lines {
        let (text, read) = match line {
            Ok(text) => (text, read(text, companies)),
            Err((shown, refusal)) => (shown, Err(refusal.clone())),
        };
        all &= read.is_ok();
        match screen.is_json() {
            true => out.push_str(&json(&Parsed::of(text, &read))?),
            false => out.push_str(&short(text, &read, screen)),
        }
        out.push('\n');
    }
    Ok((out, all))
}

/// One line for a person: system, identifier, input; or code, reason, input.
fn short(text: &str, read: &Result<Reading, Refusal>, screen: &Screen) -> String {
    let text = printable(text);
    match read {
        Ok(reading) => {
            let name = reading.name.as_ref().map_or("-", |name| name.as_str());
            format!("✓ {}\t{}\t{text}", reading.system, printable(name))
        }
        Err(refusal) => format!("✗ {}\t{}\t{text}", refusal.code, printable(screen.pick(&refusal.zh, &refusal.en))),
    }
}

fn show(text: &str, read: &Result<Reading, Refusal>, screen: &Screen) -> Result<(), CliError> {
    let reading = match read {
        Ok(reading) => reading,
        Err(refusal) => return show_refusal(text, refusal, screen),
    };
    let name = reading
        .name
        .as_ref()
        .map_or(screen.pick("（无可解析标识）", "(nothing to resolve)"), |name| name.as_str());
    screen.line(&format!("✓ {} · {}", reading.system, printable(name)))?;
    let mut parts = table(&[screen.pick("部分", "part"), screen.pick("值", "value")]);
    for part in &reading.parts {
        parts.add_row([printable(&part.name), printable(&part.value)]);
    }
    screen.table(&parts)?;
    for check in &reading.checks {
        let sign = if check.ok { "✓" } else { "⚠" };
        screen.line(&format!("  {sign} {} [{}]", printable(screen.pick(&check.zh, &check.en)), check.clause))?;
    }
    if !reading.forms.is_empty() {
        let mut forms = table(&[screen.pick("写法", "form"), ""]);
        for (name, text) in &reading.forms {
            forms.add_row([(*name).to_owned(), printable(text)]);
        }
        screen.table(&forms)?;
    }
    if let Some(name) = &reading.name {
        let path: Vec<String> = name.name().home().lineage().map(|prefix| printable(prefix.as_str())).collect();
        screen.line(&format!("{}: {}", screen.pick("解析路径", "resolved by"), path.join(" ‹ ")))?;
    }
    Ok(())
}

fn show_refusal(text: &str, refusal: &Refusal, screen: &Screen) -> Result<(), CliError> {
    let why = printable(screen.pick(&refusal.zh, &refusal.en));
    screen.line(&format!("✗ {why} [{}; {}]", refusal.code, refusal.clause))?;
    screen.line(&format!("  {}", printable(text)))?;
    let Some(at) = refusal.at else { return Ok(()) };
    let before: String = text.chars().take(at).collect();
    screen.line(&format!("  {}^", " ".repeat(super::screen::columns(&printable(&before)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_may_be_anything() {
        let mut input = Vec::from(&b"88.118.8/a\r\n\n"[..]);
        input.extend(vec![b'x'; 3 * LINE_OCTETS]);
        input.extend(b"\nab\xFF\nlast");
        let mut input = &input[..];
        let mut next = || line(&mut input).unwrap();
        assert_eq!(next(), Some(Ok("88.118.8/a".into())));
        assert_eq!(next(), Some(Ok(String::new())));
        assert!(matches!(next(), Some(Err((_, refusal))) if refusal.code == "text-too-long"));
        assert!(matches!(next(), Some(Err((_, refusal))) if (refusal.code, refusal.at) == ("not-utf8", Some(2))));
        assert_eq!(next(), Some(Ok("last".into())));
        assert_eq!(next(), None);
    }
}
