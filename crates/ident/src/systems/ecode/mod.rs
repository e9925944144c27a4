//! Ecode (GB/T 31866): V+NSI+MD, delegated by V+NSI, then by the leading part of MD.
//!
//! The canonical text is the printed one, without separators: `ecode:19001123456000017`. A spelling that shows the
//! three parts (`ecode:1.9001.123456000017`, also with `-` or a space) is accepted and becomes canonical (our
//! profile). An authority path is `1` + `9001`, then MD character by character up to the end of the part by which
//! the scheme delegates; an unknown scheme may delegate by any leading part up to [`UNKNOWN_CHARS`].

mod name;
mod schemes;

pub use name::{CLAUSE, Cut, Ecode as Code, MD_CHARS, PROFILE, Version, cut, from_octets, parse, to_octets};
pub use schemes::{Charset, Numbering, Part, Schemes};

use crate::identifier::Identifier;
use crate::reading::Reading;
use crate::refusal::Refusal;
use crate::system::{Scheme, System};

/// The system as the record space sees it.
pub struct Ecode;

/// Leading characters of MD by which a scheme that is not known may delegate (our profile).
pub const UNKNOWN_CHARS: usize = 12;
const TAG: &str = "ecode:";

impl System for Ecode {
    fn scheme(&self) -> Scheme {
        Scheme::Ecode
    }

    fn space(&self) -> u8 {
        b'e'
    }

    fn authority<'a>(&self, rest: &'a str) -> &'a str {
        let Some(version) = rest.chars().next().and_then(Version::of) else { return "" };
        let own = 1 + version.nsi_chars();
        let Some((nsi_end, _)) = rest.char_indices().nth(own) else { return rest };
        let nsi = rest.get(1..nsi_end).unwrap_or_default();
        let known = Schemes::known().find(version, nsi);
        let kept = own + known.map_or(UNKNOWN_CHARS, Numbering::delegating_chars);
        rest.char_indices().nth(kept).map_or(rest, |(end, _)| &rest[..end])
    }

    fn parent(&self, path: &str) -> Option<usize> {
        let (last, _) = path.char_indices().last()?;
        let nsi = path.chars().next().and_then(Version::of).map_or(0, |version| 1 + version.nsi_chars());
        Some(if path.chars().count() <= nsi { 0 } else { last })
    }

    fn check_path(&self, path: &str) -> Result<(), Refusal> {
        if path.is_empty() {
            return Ok(());
        }
        let nsi = path.chars().next().and_then(Version::of).map_or(1, |version| 1 + version.nsi_chars());
        // A path that ends with NSI has no MD yet: it is checked with one that fits every version.
        let chars = path.chars().count();
        let probe = if chars == nsi { format!("{path}0") } else { path.to_owned() };
        let within = |refusal: Refusal| Refusal { at: refusal.at.map(|at| at.min(chars)), ..refusal };
        let code = parse(&probe).map_err(within)?;
        if code.canonical() != probe && code.version != Version::V0 {
            let (zh, en) = ("授权路径不含分隔符", "a path has no separators");
            return Err(Refusal::new("ecode-path", PROFILE, zh, en).at(1));
        }
        Ok(())
    }

    fn canonical(&self, rest: &str) -> Result<String, Refusal> {
        let code = parse(rest)?;
        cut(&code, Schemes::known()).map_err(|refusal| refusal.shifted(separators(rest, &code)))?;
        Ok(code.canonical())
    }

    fn read(&self, text: &str) -> Option<Result<Reading, Refusal>> {
        if let Some(rest) = text.get(..TAG.len()).filter(|tag| tag.eq_ignore_ascii_case(TAG)).map(|_| &text[6..]) {
            return Some(read(rest, Schemes::known()).map_err(|refusal| refusal.shifted(TAG.len())));
        }
        // A bare code is claimed only where its scheme is known and its rule holds: any digits could be one.
        let known = text.starts_with(|c| Version::of(c).is_some()) && !text.contains(['/', ':']);
        let code = parse(text).ok().filter(|_| known)?;
        let (Some(_), true) = (cut(&code, Schemes::known()).ok()?, code.canonical() == text) else { return None };
        let mut reading = read(text, Schemes::known()).ok()?;
        let (zh, en) = ("无“ecode:”前缀，按已知编码方案认出", "without “ecode:”; recognised by a known scheme");
        reading.advise(Refusal::new("ecode-bare", PROFILE, zh, en));
        Some(Ok(reading))
    }
}

/// Characters by which the parts of a separated spelling stand later than in the canonical text.
fn separators(rest: &str, code: &Code<'_>) -> usize {
    rest.chars().count() - 1 - code.nsi.chars().count() - code.md.chars().count()
}

/// Reads V+NSI+MD (without tag) by the given table of schemes; positions count from its start.
pub fn read(text: &str, schemes: &Schemes) -> Result<Reading, Refusal> {
    let code = parse(text)?;
    let cut = cut(&code, schemes).map_err(|refusal| refusal.shifted(separators(text, &code)))?;
    let canonical = code.canonical();
    let mut reading = Reading::new(Scheme::Ecode).with_name(Identifier::parse(&format!("{TAG}{canonical}"))?);
    reading.part("V", code.version.digit());
    reading.part("NSI", code.nsi);
    reading.part("MD", code.md);
    reading.held(
        "ecode-structure",
        CLAUSE,
        "V、NSI、MD的长度和字符相符",
        "lengths and characters of V, NSI and MD fit",
    );
    match &cut {
        Some((numbering, parts)) => {
            parts.iter().for_each(|(part, text)| reading.part(part.name.as_str(), *text));
            let zh = format!("符合编码方案“{}”（来源：{}）", numbering.zh, numbering.origin);
            let en = format!("the rule of {} holds (origin: {})", numbering.en, numbering.origin);
            reading.held("ecode-scheme", PROFILE, zh, en);
        }
        None => {
            let (zh, en) = ("编码方案未收录，MD未细分", "the numbering scheme is not registered here; MD is not cut");
            reading.advise(Refusal::new("ecode-nsi-unknown", PROFILE, zh, en));
        }
    }
    if code.version == Version::V0 {
        let (zh, en) = ("V0的文本写法（十六进制）为本产品约定", "the text form of V0 (hexadecimal) is our profile");
        reading.advise(Refusal::new("ecode-v0-text", PROFILE, zh, en));
    }
    reading.form("ecode", canonical);
    reading.form("separated", format!("{}.{}.{}", code.version.digit(), code.nsi, code.md));
    if let Ok(octets) = to_octets(&code) {
        reading.form("hex", octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>());
    }
    Ok(reading)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_reads() {
        assert_eq!(Schemes::parse(include_str!("nsi.tsv")).unwrap().iter().count(), 5);
        assert!(Schemes::parse("1\t9001\tcompany:2-4+item:3\tz\te\to").is_err());
        assert!(Schemes::parse("1\t90\tcompany:2\tz\te\to").is_err());
    }

    #[test]
    fn paths_step_through_md_then_nsi_then_the_system() {
        assert_eq!(Ecode.authority("19001123456000017"), "19001123456");
        assert_eq!(Ecode.authority("10001012345678901234567"), "10001012345678901");
        assert_eq!(Ecode.authority("190"), "190");
        assert_eq!(Ecode.authority("490001虎符甲乙丙"), "490001虎符甲乙");
        assert_eq!(Ecode.parent("1900112"), Some(6));
        assert_eq!((Ecode.parent("19001"), Ecode.parent("")), (Some(0), None));
        assert_eq!(Ecode.parent("490001虎符"), Some(9));
        assert!(Ecode.check_path("19001").is_ok() && Ecode.check_path("190011").is_ok());
        assert!(Ecode.check_path("1900").is_err() && Ecode.check_path("1.9001.1").is_err());
        assert_eq!(Ecode.check_path("2.161").unwrap_err().at, Some(5));
    }

    #[test]
    fn a_configured_table_goes_first() {
        let own = Schemes::parse("1\t9001\twhole:3\t自有\tOwn\tconfiguration").unwrap();
        let all = own.extended(Schemes::built_in());
        assert_eq!(all.iter().count(), 5);
        assert!(read("19001123", &all).is_ok() && read("19001123", Schemes::built_in()).is_err());
    }
}
