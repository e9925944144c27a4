//! VAA (ISO/IEC 15459 issuing agency code of CAICT): `issuer.node.enterprise/suffix`.
//!
//! The same engine as Handle serves it; this is its own, stricter grammar (VAA coding rule; `did:cn` 2025):
//! issuer 2 digits (88, and 86 for the Chinese Handle prefix), node 3 to 5, enterprise 1 to 128, all kept as text
//! because leading zeros matter.

use crate::identifier::Identifier;
use crate::refusal::Refusal;

pub const CLAUSE: &str = "VAA coding rule §prefix";
/// Issuers whose prefixes follow this grammar.
pub const ISSUERS: [&str; 2] = ["88", "86"];

/// The parts of a VAA identifier, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'a> {
    pub issuer: &'a str,
    pub node: &'a str,
    pub enterprise: &'a str,
    pub suffix: &'a str,
}

/// Whether a name is under one of the issuers (its first segment says so).
pub fn claims(text: &str) -> bool {
    let prefix = text.split('/').next().unwrap_or_default().trim_start();
    ISSUERS.contains(&prefix.split('.').next().unwrap_or_default())
}

/// Parses an identifier, naming the character and the rule that it breaks.
pub fn parse(text: &str) -> Result<Parts<'_>, Refusal> {
    Identifier::parse_new(text)?;
    let Some((prefix, suffix)) = text.split_once('/') else {
        let refusal = Refusal::new("no-suffix", CLAUSE, "缺少“/”和后缀", "“/” and a suffix are missing");
        return Err(refusal.at(text.chars().count()));
    };
    Ok(Parts { suffix, ..parse_prefix(prefix)? })
}

/// Parses the prefix of an enterprise alone; the suffix is empty.
pub fn parse_prefix(prefix: &str) -> Result<Parts<'_>, Refusal> {
    let mut segments = prefix.splitn(3, '.');
    let mut at = 0;
    let mut segment = |name: Segment| -> Result<&str, Refusal> {
        let Some(digits) = segments.next() else {
            return Err(name.missing().at(at.max(1) - 1));
        };
        name.check(digits, at)?;
        at += digits.len() + 1;
        Ok(digits)
    };
    let issuer = segment(Segment::ISSUER)?;
    if !ISSUERS.contains(&issuer) {
        return Err(Refusal::new("vaa-issuer", CLAUSE, "签发者须为88或86", "the issuer must be 88 or 86").at(0));
    }
    let (node, enterprise) = (segment(Segment::NODE)?, segment(Segment::ENTERPRISE)?);
    Ok(Parts { issuer, node, enterprise, suffix: "" })
}

struct Segment {
    zh: &'static str,
    en: &'static str,
    least: usize,
    most: usize,
}

impl Segment {
    const ISSUER: Segment = Segment { zh: "签发者", en: "issuer", least: 2, most: 2 };
    const NODE: Segment = Segment { zh: "二级节点", en: "node", least: 3, most: 5 };
    const ENTERPRISE: Segment = Segment { zh: "企业", en: "enterprise", least: 1, most: 128 };

    fn missing(&self) -> Refusal {
        let (zh, en) = (format!("缺少{}段", self.zh), format!("the {} segment is missing", self.en));
        Refusal::new("vaa-segment-missing", CLAUSE, zh, en)
    }

    fn check(&self, digits: &str, start: usize) -> Result<(), Refusal> {
        if let Some(position) = digits.chars().position(|character| !character.is_ascii_digit()) {
            let (zh, en) =
                (format!("{}段只能是数字", self.zh), format!("the {} segment may hold digits only", self.en));
            return Err(Refusal::new("vaa-digit", CLAUSE, zh, en).at(start + position));
        }
        if !(self.least..=self.most).contains(&digits.len()) {
            let (least, most, found) = (self.least, self.most, digits.len());
            let zh = format!("{}段须为{least}至{most}位数字，现为{found}位", self.zh);
            let en = format!("the {} segment needs {least} to {most} digits, not {found}", self.en);
            return Err(Refusal::new("vaa-segment-length", CLAUSE, zh, en).at(start));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_parse() {
        for text in [
            "88.118.8/JXDY2106023",
            "88.389.00054/0001",
            "88.300.15907541011/a",
            "88.1021.150/002",
            "86.122.2/x",
            "88.111.1/teleinfo.cn",
            "88.101.5/型号:A 1/2",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
        assert_eq!(parse("88.389.00054/0001").unwrap().enterprise, "00054");
    }

    #[test]
    fn broken_ones_name_the_place_and_the_rule() {
        for (text, code, at) in [
            ("88/abc", "vaa-segment-missing", 2),
            ("88.12.1/a", "vaa-segment-length", 3),
            ("88.123456.1/a", "vaa-segment-length", 3),
            ("88.111.x/a", "vaa-digit", 7),
            ("88.111.1", "no-suffix", 8),
            ("88.111.1/", "empty-suffix", 8),
            (" 88.111.1/a", "outer-space", 0),
            ("87.111.1/a", "vaa-issuer", 0),
        ] {
            let refusal = parse(text).unwrap_err();
            assert_eq!((refusal.code, refusal.at), (code, Some(at)), "{text:?}");
        }
    }
}
