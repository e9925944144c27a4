//! The message envelope of ISO/IEC 15434: `[)>` RS, formats of fields, EOT; and its data identifiers.

use crate::refusal::Refusal;

pub const CLAUSE: &str = "ISO/IEC 15434";
pub const DI_CLAUSE: &str = "ANSI MH10.8.2";
/// Octets of a message.
pub const MESSAGE_OCTETS: usize = 3000;
/// Fields of a message.
const MOST_FIELDS: usize = 500;
const HEADER: &str = "[)>";
const EOT: char = '\u{04}';
const GS: char = '\u{1D}';
const RS: char = '\u{1E}';

/// One field of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Two digits: 05 application identifiers, 06 data identifiers, 12 text elements.
    pub format: String,
    /// The data identifier; empty in formats without.
    pub di: String,
    pub data: String,
}

/// What a data identifier means, from `di.tsv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    pub di: &'static str,
    /// Whether the data is an ISO/IEC 15459 identifier.
    pub licence: bool,
    /// The application identifier that says the same, if there is one.
    pub element: Option<&'static str>,
    pub zh: &'static str,
    pub en: &'static str,
}

/// The meaning of a data identifier, if it is known.
pub fn meaning(di: &str) -> Option<Meaning> {
    rows().find(|row| row.di == di)
}

fn rows() -> impl Iterator<Item = Meaning> {
    let lines = include_str!("di.tsv").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let mut fields = line.split('\t');
        let mut next = || fields.next();
        let (di, licence, element) = (next()?, next()? == "y", next().filter(|element| *element != "-"));
        Some(Meaning { di, licence, element, zh: next()?, en: next()? })
    })
}

/// Whether a text begins like a message.
pub fn claims(text: &str) -> bool {
    text.starts_with(HEADER)
}

/// Parses a message. A missing last RS or EOT is tolerated; positions count characters of the message.
pub fn parse(text: &str) -> Result<Vec<Field>, Refusal> {
    if text.len() > MESSAGE_OCTETS {
        let (zh, en) = (format!("报文超过{MESSAGE_OCTETS}字节"), format!("longer than {MESSAGE_OCTETS} octets"));
        return Err(Refusal::new("envelope-length", "our profile", zh, en));
    }
    let body = text.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix(RS)).ok_or_else(|| {
        let (zh, en) =
            ("报文须以“[)>”和记录分隔符（1E）开头", "a message begins with “[)>” and a record separator (1E)");
        Refusal::new("envelope-header", CLAUSE, zh, en).at(HEADER.len().min(text.chars().count()))
    })?;
    let mut at = HEADER.len() + 1;
    let mut fields = Vec::new();
    let body = body.strip_suffix(EOT).unwrap_or(body);
    for record in body.strip_suffix(RS).unwrap_or(body).split(RS) {
        parse_record(record, at, &mut fields)?;
        at += record.chars().count() + 1;
    }
    Ok(fields)
}

fn parse_record(record: &str, at: usize, fields: &mut Vec<Field>) -> Result<(), Refusal> {
    let digits = record.chars().take_while(char::is_ascii_digit).count();
    let (format, content) = record.split_at(digits.min(2));
    if format.len() != 2 {
        let (zh, en) = ("格式须为两位数字", "a format is two digits");
        return Err(Refusal::new("envelope-format", CLAUSE, zh, en).at(at + format.len()));
    }
    let separated = matches!(format, "05" | "06" | "12");
    if !separated {
        fields.push(Field { format: format.to_owned(), di: String::new(), data: content.to_owned() });
        return bounded(fields);
    }
    let Some(content) = content.strip_prefix(GS) else {
        let (zh, en) = ("格式之后缺少组分隔符（1D）", "a group separator (1D) must follow the format");
        return Err(Refusal::new("envelope-separator", CLAUSE, zh, en).at(at + 2));
    };
    let mut at = at + 3;
    for text in content.split(GS) {
        let (di, data) = match format {
            "06" => split_di(text).map_err(|refusal| refusal.shifted(at))?,
            _ => ("", text),
        };
        fields.push(Field { format: format.to_owned(), di: di.to_owned(), data: data.to_owned() });
        bounded(fields)?;
        at += text.chars().count() + 1;
    }
    Ok(())
}

fn bounded(fields: &[Field]) -> Result<(), Refusal> {
    if fields.len() <= MOST_FIELDS {
        return Ok(());
    }
    let (zh, en) = (format!("字段超过{MOST_FIELDS}个"), format!("more than {MOST_FIELDS} fields"));
    Err(Refusal::new("envelope-fields", "our profile", zh, en))
}

/// Splits a field into its data identifier (up to three digits and a capital letter) and its data.
pub fn split_di(text: &str) -> Result<(&str, &str), Refusal> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let letter = text.as_bytes().get(digits).is_some_and(u8::is_ascii_uppercase);
    if digits > 3 || !letter {
        let (zh, en) =
            ("数据标识符应为至多3位数字加一个大写字母", "a data identifier is up to 3 digits and a capital letter");
        return Err(Refusal::new("envelope-di", DI_CLAUSE, zh, en).at(digits.min(3)));
    }
    let (di, data) = text.split_at(digits + 1);
    if data.is_empty() {
        let (zh, en) = (format!("{di}没有数据"), format!("{di} has no data"));
        return Err(Refusal::new("envelope-empty", DI_CLAUSE, zh, en).at(digits + 1));
    }
    Ok((di, data))
}

/// Writes a message: fields of one format that stand together share a record.
pub fn compose(fields: &[Field]) -> String {
    let mut out = format!("{HEADER}{RS}");
    for record in fields.chunk_by(|a, b| a.format == b.format && matches!(a.format.as_str(), "05" | "06" | "12")) {
        let Some(first) = record.first() else { continue };
        out.push_str(&first.format);
        for field in record {
            if matches!(field.format.as_str(), "05" | "06" | "12") {
                out.push(GS);
            }
            out.push_str(&field.di);
            out.push_str(&field.data);
        }
        out.push(RS);
    }
    out.push(EOT);
    out
}

/// The fields of format 05 as one element string, each behind its separator; none if there are none.
pub fn element_string(fields: &[Field]) -> Option<String> {
    let text: String =
        fields.iter().filter(|field| field.format == "05").map(|field| format!("{GS}{}", field.data)).collect();
    (!text.is_empty()).then_some(text)
}

/// The fields of format 06 that have an application identifier, as a bracketed element string: the one that can
/// stand alone first; none if no such field is there.
pub fn as_elements(fields: &[Field]) -> Option<String> {
    let pairs: Vec<(&str, &str)> = fields
        .iter()
        .filter(|field| field.format == "06")
        .filter_map(|field| Some((meaning(&field.di)?.element?, field.data.as_str())))
        .collect();
    let primary = pairs.iter().find(|(element, _)| matches!(*element, "01" | "00"))?;
    // A logistic unit has no serial of its own: only what a trade item may carry follows it.
    let more = pairs.iter().filter(|(element, _)| primary.0 == "01" && matches!(*element, "10" | "21"));
    let mut out = String::new();
    for (element, data) in std::iter::once(primary).chain(more) {
        out.push_str(&format!("({element}){}", data.replace('(', "\\(")));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_and_writes() {
        let text = "[)>\u{1e}06\u{1d}25SVAA88.118.8/A1\u{1d}1PXY-7\u{1e}05\u{1d}0106901234567892\u{1e}\u{4}";
        let fields = parse(text).unwrap();
        let seen: Vec<_> = fields.iter().map(|f| (f.format.as_str(), f.di.as_str(), f.data.as_str())).collect();
        assert_eq!(seen, [("06", "25S", "VAA88.118.8/A1"), ("06", "1P", "XY-7"), ("05", "", "0106901234567892")]);
        assert_eq!(compose(&fields), text);
        assert_eq!(parse(text.trim_end_matches(['\u{1e}', '\u{4}'])).unwrap(), fields);
    }

    #[test]
    fn broken_ones_name_the_place() {
        for (text, code, at) in [
            ("[)>06", "envelope-header", 3),
            ("[)>\u{1e}6\u{1d}S1", "envelope-format", 5),
            ("[)>\u{1e}06S1", "envelope-separator", 6),
            ("[)>\u{1e}06\u{1d}s1", "envelope-di", 7),
            ("[)>\u{1e}06\u{1d}S1\u{1d}P", "envelope-empty", 11),
        ] {
            let refusal = parse(text).unwrap_err();
            assert_eq!((refusal.code, refusal.at), (code, Some(at)), "{text:?}");
        }
    }
}
