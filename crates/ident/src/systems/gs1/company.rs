//! Where a key is cut: the length of its GS1 company prefix, told for one code or looked up among known prefixes.
//!
//! No key says how long its company prefix is, but the EPC schemes that cut it there must know (GS1 Tag Data Standard
//! §6.3). So whoever reads a code hands the answer in.

use super::data_set::{DataSet, Options};
use super::{NAME_YEAR, epc, name};
use crate::reading::Reading;
use crate::refusal::Refusal;
use crate::system::Scheme;

const CLAUSE: &str = "GS1 General Specifications §1.4; GS1 Tag Data Standard 2.2 §6.3";
/// Digits of a company prefix.
const DIGITS: std::ops::RangeInclusive<usize> = epc::identity::COMPANY_DIGITS;
/// Prefixes in one table (our profile).
pub const MOST_COMPANIES: usize = 100_000;

/// What is known of company prefixes: nothing, one length for every key, or a table of prefixes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Companies {
    /// Holds for every key.
    length: Option<usize>,
    /// Sorted, none twice.
    known: Vec<Box<str>>,
}

impl Companies {
    /// Every key is cut behind this many digits.
    pub fn of_length(digits: usize) -> Result<Self, Refusal> {
        match DIGITS.contains(&digits) {
            true => Ok(Companies { length: Some(digits), known: Vec::new() }),
            false => Err(length(digits)),
        }
    }

    /// A key is cut behind the longest of these prefixes that it begins with; one that begins with none is not cut.
    pub fn of_prefixes<'a>(prefixes: impl IntoIterator<Item = &'a str>) -> Result<Self, Refusal> {
        let mut known: Vec<Box<str>> = Vec::new();
        for prefix in prefixes {
            if let Some(at) = prefix.chars().position(|character| !character.is_ascii_digit()) {
                let (zh, en) = (
                    format!("厂商识别代码只含数字：{prefix:?}"),
                    format!("a company prefix has digits only: {prefix:?}"),
                );
                return Err(Refusal::new("gs1-company-prefix-digit", CLAUSE, zh, en).at(at));
            }
            if !DIGITS.contains(&prefix.len()) {
                return Err(length(prefix.len()));
            }
            if known.len() == MOST_COMPANIES {
                let zh = format!("厂商识别代码超过{MOST_COMPANIES}个");
                let en = format!("more than {MOST_COMPANIES} company prefixes");
                return Err(Refusal::new("gs1-company-prefix-many", "our profile", zh, en));
            }
            known.push(prefix.into());
        }
        known.sort_unstable();
        known.dedup();
        Ok(Companies { length: None, known })
    }

    /// Reads what a person writes: a length (`7`), or company prefixes between commas (`6901234,0614141`).
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        match text.parse::<usize>() {
            Ok(digits) if text.len() <= 2 => Companies::of_length(digits),
            _ => Companies::of_prefixes(text.split(',').map(str::trim)),
        }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.length.is_none() && self.known.is_empty()
    }

    /// How many digits of `path`, which begins with a company prefix, are the prefix.
    pub fn digits(&self, path: &str) -> Option<usize> {
        self.length.or_else(|| {
            let fronts = DIGITS.rev().filter_map(|digits| path.get(..digits));
            fronts.into_iter().find(|front| self.known.binary_search_by(|own| (**own).cmp(front)).is_ok()).map(str::len)
        })
    }

    /// The reading with the EPC spellings that need the company prefix: `epc_uri` (also as `urn`), `epc_tag_uri`,
    /// `epc_hex`. Without a key of GS1, or where its company is not known, it stays as it is. Refused is a length
    /// that was told and cannot be that of this key.
    pub fn complete(&self, reading: Reading) -> Result<Reading, Refusal> {
        if self.is_empty() || reading.system != Scheme::Gs1.name() {
            return Ok(reading);
        }
        match reading.form_named("epc_uri").map(str::to_owned) {
            Some(uri) => self.agree(&uri).map(|()| reading),
            None => self.cut(reading),
        }
    }

    /// An EPC says itself how long its company prefix is.
    fn agree(&self, uri: &str) -> Result<(), Refusal> {
        let Some(told) = self.length else { return Ok(()) };
        // Some schemes are none of GS1's and have no company prefix.
        let identity = epc::read(uri).and_then(Result::ok).and_then(|epc| epc.identity);
        let Some(own) = identity.and_then(|identity| identity.company_length()).filter(|own| *own != told) else {
            return Ok(());
        };
        let zh = format!("EPC自带的厂商识别代码为{own}位，而非{told}位");
        let en = format!("the EPC says itself that its company prefix has {own} digits, not {told}");
        Err(Refusal::new("gs1-company-prefix-other", CLAUSE, zh, en))
    }

    fn cut(&self, mut reading: Reading) -> Result<Reading, Refusal> {
        let written = reading.form_named("element_string").unwrap_or_default();
        // A reading of GS1 without elements has no key either.
        let Ok(set) = DataSet::from_bracketed(written, &Options::resolver(NAME_YEAR)) else { return Ok(reading) };
        let Some(name) = set.name() else { return Ok(reading) };
        let path = name::authority(&name);
        let Some(digits) = self.digits(path) else { return Ok(reading) };
        let elements: Vec<(&str, &str)> =
            set.key().into_iter().chain(set.qualifiers()).filter_map(|own| Some((own.ai?.code(), own.value))).collect();
        let forms = epc::forms(&elements, Some(digits));
        let Some((_, uri)) = forms.iter().find(|(name, _)| *name == "epc_uri").cloned() else {
            let fits = |digits| epc::elements::identity(&elements, digits).is_some();
            // Some keys have no EPC, however they are cut; a known prefix may be all there is of a key.
            return if self.length.is_some() && DIGITS.into_iter().any(fits) {
                Err(unfit(digits))
            } else {
                Ok(reading)
            };
        };
        let company = path.get(..digits).unwrap_or(path);
        reading.part("company prefix", company);
        for (name, form) in forms.into_iter().chain([("urn", uri)]) {
            if reading.form_named(name).is_none() {
                reading.form(name, form);
            }
        }
        let (zh, en) = match self.length {
            Some(_) => (
                format!("厂商识别代码按给定的{digits}位截取"),
                format!("the company prefix has {digits} digits, as told"),
            ),
            None => ("厂商识别代码在已知表中".to_owned(), "the company prefix is a known one".to_owned()),
        };
        reading.held("company-prefix", CLAUSE, zh, en);
        Ok(reading)
    }
}

fn length(digits: usize) -> Refusal {
    let (least, most) = (DIGITS.start(), DIGITS.end());
    let zh = format!("厂商识别代码为{least}至{most}位，不是{digits}位");
    let en = format!("a company prefix has {least} to {most} digits, not {digits}");
    Refusal::new("gs1-company-prefix-length", CLAUSE, zh, en)
}

fn unfit(digits: usize) -> Refusal {
    let zh = format!("此主键不能在{digits}位厂商识别代码后截取");
    let en = format!("this key cannot be cut behind a company prefix of {digits} digits");
    Refusal::new("gs1-company-prefix-key", CLAUSE, zh, en)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_known_prefix_counts() {
        let companies = Companies::parse("6901234, 69012345,0614141,6901234").unwrap();
        assert_eq!(companies.digits("690123456789"), Some(8));
        assert_eq!(companies.digits("690123400000"), Some(7));
        assert_eq!((companies.digits("690120000000"), companies.digits("69012")), (None, None));
        assert_eq!(Companies::parse("9").unwrap().digits("anything"), Some(9));
        assert!(Companies::default().is_empty() && !companies.is_empty());
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for (text, code) in [
            ("5", "gs1-company-prefix-length"),
            ("13", "gs1-company-prefix-length"),
            ("", "gs1-company-prefix-length"),
            ("69012", "gs1-company-prefix-length"),
            ("6901234567890", "gs1-company-prefix-length"),
            ("6901234,", "gs1-company-prefix-length"),
            ("69o1234", "gs1-company-prefix-digit"),
            ("-7", "gs1-company-prefix-digit"),
        ] {
            assert_eq!(Companies::parse(text).unwrap_err().code, code, "{text:?}");
        }
    }
}
