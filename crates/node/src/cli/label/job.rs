//! A print job: identifier after identifier, in bounded memory; what cannot be printed is listed and the rest goes on.

use super::super::error::{CliError, Exit};
use super::super::identifiers::refused;
use super::super::import::with_suffix;
use super::super::screen::Screen;
use super::output::{Stream, create, file_name};
use super::{Carrier, Design, Format, LabelArgs, content_of, input};
use hufu_carrier::draw::{self, Paper, Sheet};
use hufu_carrier::tag::{Epc, ndef};
use hufu_carrier::{Content, Layout, Symbol, scan};
use hufu_ident::Refusal;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Instant;

type Csv = csv::Writer<BufWriter<File>>;

/// Where labels go.
enum Place {
    /// A file each.
    Directory(PathBuf),
    /// One after the other.
    Stream(Stream),
    Sheet(Stream, Option<Sheet>),
}

pub struct Job<'a> {
    args: &'a LabelArgs,
    design: &'a Design,
    screen: &'a Screen,
    place: Place,
    index: Option<Csv>,
    errors: PathBuf,
    error_rows: Option<Csv>,
    printed: u64,
    failed: u64,
    /// Findings by code: how many labels, and the first one's text.
    findings: BTreeMap<&'static str, (u64, String)>,
}

impl<'a> Job<'a> {
    pub fn start(args: &'a LabelArgs, design: &'a Design, screen: &'a Screen) -> Result<Self, CliError> {
        let many = args.from.is_some() || args.identifiers.len() > 1;
        let out = args.out.as_deref().filter(|out| out.as_os_str() != "-");
        let directory = design.format.is_picture()
            && out.is_some_and(|out| many || out.is_dir() || out.as_os_str().to_string_lossy().ends_with('/'));
        if out.is_none() && design.format.is_picture() && many {
            let what = screen.pick("多个图片需要目录", "many pictures need a directory");
            return Err(CliError::usage(what).next("--out labels/"));
        }
        if out.is_none() && args.out.is_none() && matches!(design.format, Format::Png | Format::Pdf) {
            let what = screen.pick("请指定输出文件", "say where the output goes");
            return Err(CliError::usage(what).next(format!("--out label.{}", design.format.extension())));
        }
        let errors = args.errors.clone().unwrap_or_else(|| match out {
            Some(out) if directory => out.join("errors.csv"),
            Some(out) => with_suffix(out, ".errors.csv"),
            None => PathBuf::from("label.errors.csv"),
        });
        let (place, index) = open(args, design, screen, out, directory, many)?;
        let (error_rows, findings) = (None, BTreeMap::new());
        Ok(Job { args, design, screen, place, index, errors, error_rows, printed: 0, failed: 0, findings })
    }

    pub fn run(mut self) -> Result<Exit, CliError> {
        let start = Instant::now();
        let bar = progress_bar(self.screen);
        for (line, text) in input::items(self.args)? {
            let made = match &text {
                Ok(text) => self.print(text)?.map_err(|refusal| {
                    let text = self.screen.pick(&refusal.zh, &refusal.en).to_owned();
                    (refusal.code.to_owned(), text, Some(refusal))
                }),
                Err(why) => Err(("unreadable-line".to_owned(), why.clone(), None)),
            };
            if let Err((code, why, refusal)) = made {
                self.fail(line, text.as_deref().unwrap_or_default(), &code, &why, refusal)?;
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        self.finish(start)
    }

    /// Prints one label: a refusal is of this label, an error ends the job.
    fn print(&mut self, text: &str) -> Result<Result<(), Refusal>, CliError> {
        match compose(self.design, text) {
            Ok(made) => self.put(text, made),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn put(&mut self, text: &str, made: Made) -> Result<Result<(), Refusal>, CliError> {
        let number = self.printed + 1;
        let mut file = String::new();
        match (&mut self.place, &made.label) {
            (Place::Directory(directory), _) => {
                file = file_name(number, text, self.design.format.extension());
                let path = directory.join(&file);
                let mut stream = Stream::File(path.clone(), create(&path, self.args.force)?);
                stream.write(&made.octets)?;
                stream.finish()?;
            }
            (Place::Sheet(stream, sheet), Some(layout)) => {
                if let Some(sheet) = sheet {
                    file = format!("page {}", sheet.page());
                    match sheet.add(layout) {
                        Ok(octets) => stream.write(&octets)?,
                        Err(refusal) => return Ok(Err(refusal)),
                    }
                }
            }
            (Place::Stream(stream) | Place::Sheet(stream, _), _) => stream.write(&made.octets)?,
        }
        if let Some(layout) = &made.label {
            for check in scan::check(layout).into_iter().filter(|check| !check.ok) {
                let text = self.screen.pick(&check.zh, &check.en).to_owned();
                self.findings.entry(check.code).or_insert((0, text)).0 += 1;
            }
        }
        self.printed = number;
        if let Some(index) = &mut self.index {
            index.write_record([&number.to_string(), &file, text, &made.carried]).map_err(|error| csv_error(&error))?;
        }
        Ok(Ok(()))
    }

    fn fail(&mut self, line: u64, text: &str, code: &str, why: &str, refusal: Option<Refusal>) -> Result<(), CliError> {
        // A single identifier is answered on the spot, with a mark under the place.
        if let (None, [_], Some(refusal)) = (&self.args.from, &self.args.identifiers[..], refusal) {
            return Err(refused(text, &refusal, self.screen));
        }
        self.failed += 1;
        if self.error_rows.is_none() {
            // The list of the last run is of no use beside this output.
            let mut rows = csv::Writer::from_writer(create(&self.errors, true)?);
            rows.write_record(["line", "identifier", "code", "reason"]).map_err(|error| csv_error(&error))?;
            self.error_rows = Some(rows);
        }
        let Some(rows) = &mut self.error_rows else { return Ok(()) };
        rows.write_record([&line.to_string(), text, code, why]).map_err(|error| csv_error(&error))
    }

    fn finish(self, start: Instant) -> Result<Exit, CliError> {
        match self.place {
            Place::Directory(_) => {}
            Place::Stream(stream) => stream.finish()?,
            Place::Sheet(mut stream, sheet) => {
                if let Some(sheet) = sheet {
                    stream.write(&sheet.finish())?;
                }
                stream.finish()?;
            }
        }
        for (mut rows, path) in [(self.index, &self.errors), (self.error_rows, &self.errors)]
            .into_iter()
            .filter_map(|(rows, path)| Some((rows?, path)))
        {
            rows.flush().map_err(|error| CliError::file(path, &error))?;
        }
        let seconds = (start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        let failed = self.failed > 0;
        let to_screen = self.args.out.as_deref().is_none_or(|out| out.as_os_str() == "-");
        if self.screen.is_json() && !to_screen {
            let findings: Vec<_> = self
                .findings
                .iter()
                .map(|(code, (count, text))| json!({"code": code, "labels": count, "first": text}))
                .collect();
            self.screen.json(&json!({
                "printed": self.printed,
                "failed": self.failed,
                "findings": findings,
                "errorsFile": failed.then(|| self.errors.display().to_string()),
                "seconds": seconds,
            }))?;
        } else {
            for (code, (count, text)) in &self.findings {
                self.screen.note(&format!("{}: {count} × {code}: {text}", self.screen.pick("提示", "advice")));
            }
            if !to_screen || failed {
                let words = (self.screen.pick("张标签", "labels"), self.screen.pick("行有误", "lines failed"));
                self.screen.note(&format!("{} {} · {} {} · {seconds} s", self.printed, words.0, self.failed, words.1));
            }
            if failed {
                let text = self.screen.pick("有误的行见", "the lines that failed are in");
                self.screen.note(&format!("{text} {}", self.errors.display()));
            }
        }
        Ok(if failed { Exit::No } else { Exit::Done })
    }
}

fn open(
    args: &LabelArgs,
    design: &Design,
    screen: &Screen,
    out: Option<&Path>,
    directory: bool,
    many: bool,
) -> Result<(Place, Option<Csv>), CliError> {
    let Some(out) = out else {
        return Ok((stream(design, screen, Stream::Screen)?, None));
    };
    let (place, index) = if directory {
        std::fs::create_dir_all(out).map_err(|error| CliError::file(out, &error))?;
        (None, Some(out.join("index.csv")))
    } else {
        let file = create(out, args.force)?;
        let place = stream(design, screen, Stream::File(out.to_owned(), file))?;
        (Some(place), many.then(|| with_suffix(out, ".index.csv")))
    };
    let index = match index {
        Some(path) => {
            let mut rows = csv::Writer::from_writer(create(&path, args.force)?);
            rows.write_record(["number", "file", "identifier", "content"]).map_err(|error| csv_error(&error))?;
            Some(rows)
        }
        None => None,
    };
    Ok((place.unwrap_or_else(|| Place::Directory(out.to_owned())), index))
}

fn stream(design: &Design, screen: &Screen, mut stream: Stream) -> Result<Place, CliError> {
    if design.format != Format::Pdf {
        return Ok(Place::Stream(stream));
    }
    let begun = Sheet::begin(Paper::A4, design.media.width_mm, design.media.height_mm);
    let (sheet, head) = begun.map_err(|refusal| {
        CliError::usage(screen.pick(&refusal.zh, &refusal.en)).code(refusal.code).place("--label")
    })?;
    stream.write(&head)?;
    Ok(Place::Sheet(stream, Some(sheet)))
}

/// A label that was made: its octets (none where a sheet draws it), what it carries, and its layout if it has one.
struct Made {
    octets: Vec<u8>,
    carried: String,
    label: Option<Layout>,
}

fn compose(design: &Design, text: &str) -> Result<Made, Refusal> {
    let content = content_of(text, &design.companies)?;
    let Some(symbology) = design.carrier.symbology() else { return tag(design, &content) };
    let payload = content.payload(&design.wording)?;
    let carried = payload.printable();
    let symbol = Symbol::encode(symbology, payload, design.correction)?;
    let caption = design.caption.replace("{id}", content.caption());
    let layout = Layout::new(symbol, &caption, design.media, design.format != Format::Svg)?;
    let octets = match design.format {
        Format::Svg => draw::svg(&layout).into_bytes(),
        Format::Zpl => draw::zpl(&layout).into_bytes(),
        Format::Png => draw::png(&layout).map_err(|error| {
            Refusal::new("png-encoding", "our profile", format!("无法写成PNG：{error}"), format!("no PNG: {error}"))
        })?,
        Format::Pdf | Format::Hex => Vec::new(),
    };
    Ok(Made { octets, carried, label: Some(layout) })
}

/// A line of hexadecimal, or the printer's command that writes a tag.
fn tag(design: &Design, content: &Content) -> Result<Made, Refusal> {
    if design.carrier == Carrier::Nfc {
        let payload = content.payload(&design.wording)?;
        let line = format!("{}\n", hex::encode_upper(ndef(&payload)?));
        return Ok(Made { octets: line.into_bytes(), carried: payload.printable(), label: None });
    }
    let Some(hexadecimal) = design.epc_hex.as_ref().or(content.epc_hex.as_ref()) else {
        let (zh, en) = ("该标识没有EPC编码；可用--epc-hex给出", "this identifier has no EPC; give one with --epc-hex");
        return Err(Refusal::new("no-epc", "our profile", zh, en));
    };
    let epc = Epc::parse(hexadecimal)?;
    let text = if design.format == Format::Zpl { draw::tag(&epc) } else { format!("{}\n", epc.hex()) };
    Ok(Made { octets: text.into_bytes(), carried: epc.hex().to_owned(), label: None })
}

fn csv_error(error: &csv::Error) -> CliError {
    CliError::incident(error.to_string())
}

fn progress_bar(screen: &Screen) -> ProgressBar {
    if !screen.is_watched() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    bar.set_style(
        ProgressStyle::with_template("{spinner} {pos} · {per_sec}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    bar
}
