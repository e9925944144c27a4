//! `hufu label`: identifiers become symbols on labels, or the octets of tags.

mod input;
mod job;
mod output;

use super::error::{CliError, Exit};
use super::identifiers::companies;
use super::screen::Screen;
use crate::parsed::read;
use clap::{Args, ValueEnum};
use hufu_carrier::{Content, ErrorCorrection, Media, Symbology, Wording};
use hufu_ident::systems::gs1::Companies;
use hufu_ident::{Refusal, lens, system};
use std::path::PathBuf;

/// Arguments of `hufu label`.
#[derive(Debug, Args)]
pub struct LabelArgs {
    /// Identifiers to print, in any spelling, also with other text around them
    #[arg(required_unless_present = "from")]
    pub identifiers: Vec<String>,
    /// Take identifiers from a file: one a line, or the column `identifier` (else the first) of a .csv; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "identifiers")]
    pub from: Option<PathBuf>,
    /// What is printed, or written to a tag
    #[arg(long, value_enum, default_value_t = Carrier::Qr)]
    pub symbol: Carrier,
    /// How the identifier is written [default: element-string for GS1 symbols, url if there is a --base, else raw]
    #[arg(long, value_enum)]
    pub content: Option<Choice>,
    /// The URL in front of identifiers; for whois, {} in it stands for the identifier
    #[arg(long, value_name = "URL")]
    pub base: Option<String>,
    /// The form of the output [default: that of --out's name, else svg; hex for tags]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// A file for one label, a sheet or a print job; a directory for many pictures; - is standard output
    #[arg(long, short, value_name = "FILE|DIR")]
    pub out: Option<PathBuf>,
    /// The size of a label: WIDTHxHEIGHTmm
    #[arg(long, value_name = "SIZE", default_value = "50x30mm")]
    pub label: String,
    /// Dots per inch of the printer
    #[arg(long, default_value_t = 203)]
    pub dpi: u32,
    /// How much of a QR code may be destroyed
    #[arg(long, value_enum, default_value_t = Ecc::M)]
    pub ecc: Ecc,
    /// The line for people; {id} stands for the identifier, an empty text is no line
    #[arg(long, default_value = "{id}")]
    pub text: String,
    /// The EPC of the one identifier given, in hexadecimal, for --symbol rfid
    #[arg(long, value_name = "HEX")]
    pub epc_hex: Option<String>,
    /// How long the GS1 company prefix is (6–12), or the prefixes that are known, between commas, for --symbol rfid
    #[arg(long, value_name = "N|PREFIX,…", env = "HUFU_COMPANY_PREFIX")]
    pub company_prefix: Option<String>,
    /// Where lines that cannot be printed are listed [default: beside the output]
    #[arg(long, value_name = "FILE")]
    pub errors: Option<PathBuf>,
    /// Write over what is there
    #[arg(long)]
    pub force: bool,
}

/// What carries the identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Carrier {
    Qr,
    Gs1Qr,
    #[value(name = "datamatrix")]
    DataMatrix,
    #[value(name = "gs1-datamatrix")]
    Gs1DataMatrix,
    Code128,
    #[value(name = "gs1-128")]
    Gs1128,
    Pdf417,
    Nfc,
    Rfid,
}

impl Carrier {
    /// Its symbology; none for tags.
    fn symbology(self) -> Option<Symbology> {
        Some(match self {
            Carrier::Qr => Symbology::Qr,
            Carrier::Gs1Qr => Symbology::Gs1Qr,
            Carrier::DataMatrix => Symbology::DataMatrix,
            Carrier::Gs1DataMatrix => Symbology::Gs1DataMatrix,
            Carrier::Code128 => Symbology::Code128,
            Carrier::Gs1128 => Symbology::Gs1_128,
            Carrier::Pdf417 => Symbology::Pdf417,
            Carrier::Nfc | Carrier::Rfid => return None,
        })
    }
}

/// How the identifier is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    Url,
    Raw,
    DigitalLink,
    ElementString,
    Whois,
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Png,
    Svg,
    Pdf,
    Zpl,
    Hex,
}

impl Format {
    pub fn extension(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Svg => "svg",
            Format::Pdf => "pdf",
            Format::Zpl => "zpl",
            Format::Hex => "csv",
        }
    }

    /// Whether every label is a file of its own.
    pub fn is_picture(self) -> bool {
        matches!(self, Format::Png | Format::Svg)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Ecc {
    L,
    M,
    Q,
    H,
}

impl From<Ecc> for ErrorCorrection {
    fn from(ecc: Ecc) -> Self {
        match ecc {
            Ecc::L => ErrorCorrection::L,
            Ecc::M => ErrorCorrection::M,
            Ecc::Q => ErrorCorrection::Q,
            Ecc::H => ErrorCorrection::H,
        }
    }
}

/// What every label of a job has in common.
pub struct Design {
    pub carrier: Carrier,
    pub wording: Wording,
    pub format: Format,
    pub media: Media,
    pub correction: ErrorCorrection,
    pub caption: String,
    pub epc_hex: Option<String>,
    pub companies: Companies,
}

pub fn run(args: &LabelArgs, screen: &Screen) -> Result<Exit, CliError> {
    let design = design(args, screen)?;
    job::Job::start(args, &design, screen)?.run()
}

/// The spellings of an identifier: of what the lens reads, else of a name that could be registered. Text around an
/// identifier is not printed.
pub fn content_of(text: &str, companies: &Companies) -> Result<Content, Refusal> {
    let reading = match read(text, companies) {
        Ok(reading) => reading,
        Err(refusal) if refusal.code != lens::UNRECOGNISED => return Err(refusal),
        Err(_) => {
            let (identifier, _) = system::check_new(text)?;
            return Ok(Content { raw: text.into(), name: Some(identifier.as_str().to_owned()), ..Content::default() });
        }
    };
    let inside = reading.checks.iter().any(|check| check.code == lens::FOUND_IN_TEXT);
    let raw = reading.name.as_ref().filter(|_| inside).map_or(text.trim(), |name| name.as_str());
    Ok(Content::of_reading(raw, &reading))
}

fn design(args: &LabelArgs, screen: &Screen) -> Result<Design, CliError> {
    let symbology = args.symbol.symbology();
    let format = format(args, screen)?;
    let gs1 = symbology.is_some_and(Symbology::is_gs1);
    let choice = args.content.unwrap_or(match &args.base {
        _ if gs1 => Choice::ElementString,
        Some(_) => Choice::Url,
        None => Choice::Raw,
    });
    let base = || {
        args.base.clone().ok_or_else(|| {
            let what = screen.pick("该内容形式需要基础网址", "this content needs a base URL");
            CliError::usage(what).next("--base https://id.example.cn")
        })
    };
    let wording = match choice {
        Choice::Raw => Wording::Raw,
        Choice::Url => Wording::Url(base()?),
        Choice::Whois => Wording::Whois(base()?),
        Choice::DigitalLink => Wording::DigitalLink(args.base.clone()),
        Choice::ElementString => Wording::ElementString,
    };
    if args.epc_hex.is_some() && (args.identifiers.len() != 1 || args.symbol != Carrier::Rfid) {
        let what = screen.pick("--epc-hex只用于一个标识的rfid", "--epc-hex is for --symbol rfid with one identifier");
        return Err(CliError::usage(what));
    }
    Ok(Design {
        carrier: args.symbol,
        wording,
        format,
        media: media(args, screen)?,
        correction: args.ecc.into(),
        caption: args.text.clone(),
        epc_hex: args.epc_hex.clone(),
        companies: companies(args.company_prefix.as_deref(), screen)?,
    })
}

fn format(args: &LabelArgs, screen: &Screen) -> Result<Format, CliError> {
    let named = args.out.as_ref().and_then(|out| out.extension()?.to_str());
    let default = match named {
        Some("png") => Format::Png,
        Some("pdf") => Format::Pdf,
        Some("zpl") => Format::Zpl,
        _ if args.symbol.symbology().is_none() => Format::Hex,
        _ => Format::Svg,
    };
    let format = args.format.unwrap_or(default);
    let fits = match args.symbol {
        Carrier::Nfc => format == Format::Hex,
        Carrier::Rfid => matches!(format, Format::Hex | Format::Zpl),
        _ => format != Format::Hex,
    };
    if fits {
        return Ok(format);
    }
    let what = screen.pick("该载体没有这种输出形式", "this carrier has no such output");
    Err(CliError::usage(what).next("nfc: hex · rfid: hex, zpl · symbols: png, svg, pdf, zpl"))
}

/// `50x30mm` or `50x30`.
fn media(args: &LabelArgs, screen: &Screen) -> Result<Media, CliError> {
    let sides = args.label.strip_suffix("mm").unwrap_or(&args.label).split_once(['x', 'X', '×']);
    let sides = sides.and_then(|(width, height)| Some((width.trim().parse().ok()?, height.trim().parse().ok()?)));
    let Some((width, height)) = sides else {
        let what = screen.pick("标签尺寸写作 50x30mm", "a label size is written 50x30mm");
        return Err(CliError::usage(what).place("--label"));
    };
    Media::new(width, height, args.dpi).map_err(|refusal| {
        CliError::usage(screen.pick(&refusal.zh, &refusal.en)).code(refusal.code).place("--label, --dpi")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_lens_reads_can_be_printed() {
        let none = Companies::default();
        for (text, raw, name) in [
            ("88.118.8/A1", "88.118.8/A1", "88.118.8/A1"),
            (" 88.118.8/A1 ", "88.118.8/A1", "88.118.8/A1"),
            ("标识：88.118.8/A1，请扫码", "88.118.8/A1", "88.118.8/A1"),
            ("88.101.5/型号:A 1/2", "88.101.5/型号:A 1/2", "88.101.5/型号:A 1/2"),
            ("hdl:20.500/x", "hdl:20.500/x", "20.500/x"),
            ("25SVAA88.118.8/A1", "25SVAA88.118.8/A1", "88.118.8/A1"),
            ("TEST/own name", "TEST/own name", "TEST/own name"),
            ("(01)09521321000018", "(01)09521321000018", "gs1:01/09521321000018"),
        ] {
            let content = content_of(text, &none).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
            assert_eq!((content.raw.as_str(), content.name.as_deref()), (raw, Some(name)), "{text}");
        }
        for (text, code) in [
            ("甲 88.118.8/A1 乙 88.118.8/A2", "several-identifiers"),
            ("(01)09521321000019", "incorrect-check-digit"),
            ("", "empty-text"),
        ] {
            assert_eq!(content_of(text, &none).unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn a_company_prefix_makes_a_tag_of_a_gtin() {
        let gtin = "(01)09521321000018(21)7";
        let hex = |companies: &str| content_of(gtin, &Companies::parse(companies).unwrap()).unwrap().epc_hex;
        assert_eq!(hex("7").as_deref(), Some("30164522A400004000000007"));
        assert_eq!(hex("9521321,952132"), hex("7"));
        assert_eq!(hex("6901234"), None);
    }
}
