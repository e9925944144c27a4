//! Names of records: `01/09521321000018/10/ABC`, what delegates them, and the templates of a resolver's levels.

use super::ai::{self, Ai, Charset, Code};
use super::check;
use super::data_set::{DataSet, Options};
use super::draft::escape as escaped;
use super::fault::{Fault, Finding};
use super::uri::{self, first_misplaced, unescape};
use super::uri_write::escape;
use crate::refusal::Refusal;

/// Digits of the longest company prefix (GS1 General Specifications §1.4).
pub const PREFIX_DIGITS: usize = 12;
/// Stands in a name for any value of a qualifier, or for any rest of a key (our profile).
const ANY: &str = "{}";
/// Characters of the shortest beginning of a key that may stand for all that begin so.
const BEGINNING_CHARS: usize = 12;
/// The keys of which there may be a beginning.
const BEGINNING_KEYS: [&str; 3] = ["00", "8003", "8004"];
const CLAUSE: &str = "Hufu profile of GS1 names";

/// The digits of a key's value by which it is delegated: those of the company prefix and what may still be part of it.
pub fn authority(rest: &str) -> &str {
    let mut segments = rest.split('/');
    let (Some(code), Some(value)) = (segments.next(), segments.next()) else { return "" };
    let Some(start) = ai::ai(code).and_then(Ai::company_prefix_at) else { return "" };
    let value = value.get(start..).unwrap_or_default();
    let digits = value.bytes().take(PREFIX_DIGITS).take_while(u8::is_ascii_digit).count();
    value.get(..digits).unwrap_or_default()
}

/// Checks a path by which names are to be delegated: up to 12 digits.
pub fn check_authority(path: &str) -> Result<(), Refusal> {
    let clause = "GS1 General Specifications §1.4";
    if let Some(at) = path.chars().position(|character| !character.is_ascii_digit()) {
        let (zh, en) = ("厂商识别代码只含数字", "a GS1 company prefix has digits only");
        return Err(Refusal::new("gs1-prefix-digit", clause, zh, en).at(at));
    }
    if path.len() > PREFIX_DIGITS {
        let zh = format!("厂商识别代码不超过{PREFIX_DIGITS}位");
        let en = format!("a GS1 company prefix has at most {PREFIX_DIGITS} digits");
        return Err(Refusal::new("gs1-prefix-length", clause, zh, en).at(PREFIX_DIGITS));
    }
    Ok(())
}

/// The one spelling of a name, from any spelling of its data set, or from a template.
pub fn canonical(text: &str, options: &Options) -> Result<String, Refusal> {
    if text.contains('{') && !text.starts_with('(') {
        return template(text, options);
    }
    let set = match text.bytes().next() {
        Some(b'0'..=b'9' | b'/') => uri::parse_path(text, options)?,
        _ => DataSet::parse(text, options)?,
    };
    only_key(&set)?;
    set.name().ok_or_else(|| {
        let en = "a record is kept under a primary key, such as 01 (GTIN); there is none";
        Refusal::new("gs1-no-key", CLAUSE, "标识记录须有主键，如01（GTIN）", en).at(0)
    })
}

fn only_key(set: &DataSet) -> Result<(), Refusal> {
    let attribute = set.attributes().first().map(|attribute| format!("({})", attribute.code()));
    let extra = set.extras().first().map(|extra| format!("“{}”", extra.name));
    let Some(what) = attribute.or(extra).filter(|_| set.key().is_some()) else { return Ok(()) };
    let zh = format!("{what}是属性，不属于标识；请只用主键及其限定符，属性写入标识记录");
    let en = format!(
        "{what} is an attribute and identifies nothing: name the key and its qualifiers, and keep it in the record"
    );
    Err(Refusal::new("gs1-attribute-in-name", CLAUSE, zh, en))
}

/// A name with `{}`, or `{anything}`, in the place of a qualifier's value, or behind the beginning of a key.
fn template(text: &str, options: &Options) -> Result<String, Refusal> {
    let mut segments = text.strip_prefix('/').unwrap_or(text).split('/');
    let mut at = text.len() - text.strip_prefix('/').unwrap_or(text).len();
    let mut sequence = Vec::new();
    let mut out = String::with_capacity(text.len());
    while let Some(code) = segments.next() {
        let value = segments.next().unwrap_or_default();
        let place = |octet: usize| text.get(..octet).unwrap_or(text).chars().count();
        let known = ai::ai(code).zip(Code::parse(code));
        let Some((entry, digits)) = known else {
            return Err(
                refuse("gs1-ai-unknown", "没有此应用标识符", "there is no such Application Identifier").at(place(at))
            );
        };
        sequence.push(digits);
        if first_misplaced(&sequence).is_some() {
            let (zh, en) = ("此应用标识符不能出现在这里", "this Application Identifier may not stand here");
            return Err(refuse("gs1-uri-sequence", zh, en).at(place(at)));
        }
        let start = at + code.len() + 1;
        let spelt = segment(entry, value, sequence.len() == 1, options)
            .map_err(|refusal| Refusal { at: refusal.at.map(|offset| place(start) + offset), ..refusal })?;
        if !out.is_empty() {
            out.push('/');
        }
        out.push_str(&format!("{code}/{spelt}"));
        at = start + value.len() + 1;
    }
    Ok(out)
}

/// The spelling of one value of a template; positions are counted from its beginning.
fn segment(entry: &Ai, value: &str, key: bool, options: &Options) -> Result<String, Refusal> {
    let braces = value.find('{').filter(|_| value.ends_with('}'));
    let chars = |octet: usize| value.get(..octet).unwrap_or(value).chars().count();
    match braces {
        None => {
            let (decoded, zeros) = pad(entry, unescape(value, false), options);
            fits(entry, &decoded, options).map_err(|finding| {
                let at = written(value, finding.at.saturating_sub(zeros));
                in_value(entry, Finding { at, ..finding })
            })?;
            Ok(escape(&decoded, false))
        }
        Some(0) if !key => Ok(ANY.to_owned()),
        Some(open) if key && BEGINNING_KEYS.contains(&entry.code()) => {
            let beginning = unescape(value.get(..open).unwrap_or_default(), false);
            if beginning.len() < BEGINNING_CHARS {
                let (zh, en) = ("主键开头部分至少12个字符", "the beginning of a key needs at least 12 characters");
                return Err(refuse("gs1-template-short", zh, en).at(chars(open)));
            }
            begins(entry, &beginning)?;
            Ok(escape(&beginning, false) + ANY)
        }
        Some(open) => {
            let (zh, en) = (
                "模板变量只能代替限定符的整个值，或00、8003、8004的后半部分",
                "a variable stands for the whole value of a qualifier, or for the rest of 00, 8003 or 8004",
            );
            Err(refuse("gs1-template-place", zh, en).at(chars(open)))
        }
    }
}

/// A short GTIN with zeros before it, and how many.
fn pad(entry: &Ai, value: String, options: &Options) -> (String, usize) {
    let digits = value.bytes().all(|octet| octet.is_ascii_digit());
    let short = entry.code() == "01" && options.short_gtin && digits && matches!(value.len(), 8 | 12 | 13);
    if short { (format!("{value:0>14}"), 14 - value.len()) } else { (value, 0) }
}

fn fits(entry: &Ai, value: &str, options: &Options) -> Result<(), Finding> {
    let (least, most) = entry.lengths();
    match value.chars().count() {
        length if length < least => Err(Fault::TooShort.at(length, 0)),
        length if length > most => Err(Fault::TooLong.at(most, length - most)),
        _ => check::value(value, entry.parts(), options.century),
    }
}

/// Characters that the first `count` characters of a value take where they are written with escapes.
fn written(mut text: &str, count: usize) -> usize {
    let mut written = 0;
    for _ in 0..count {
        let size = if escaped(text).is_some() { 3 } else { usize::from(!text.is_empty()) };
        written += size;
        let mut characters = text.chars();
        characters.by_ref().take(size).for_each(drop);
        text = characters.as_str();
    }
    written
}

/// Whether a value may begin so: its characters are those of the parts.
fn begins(entry: &Ai, beginning: &str) -> Result<(), Refusal> {
    let digits = entry.parts().iter().take_while(|part| part.charset == Charset::Digits);
    let digits = digits.map(|part| part.most).sum::<usize>().min(beginning.len());
    let (front, back) = beginning.split_at_checked(digits).unwrap_or((beginning, ""));
    let shifted = |finding: Finding| Finding { at: finding.at + digits, ..finding };
    check::only_digits(front)
        .and_then(|()| check::characters(back, Charset::Set82).map_err(shifted))
        .map_err(|finding| in_value(entry, finding))?;
    if beginning.len() > entry.lengths().1 {
        return Err(in_value(entry, Fault::TooLong.at(entry.lengths().1, 0)));
    }
    Ok(())
}

fn in_value(entry: &Ai, finding: Finding) -> Refusal {
    let (code, fault) = (entry.code(), finding.fault);
    let (zh, en) = (format!("（{code}）{}", fault.zh()), format!("({code}) {}", fault.en()));
    Refusal::new(fault.code(), fault.clause(), zh, en).at(finding.at)
}

fn refuse(code: &'static str, zh: &str, en: &str) -> Refusal {
    Refusal::new(code, CLAUSE, zh, en)
}
