//! The “+” schemes (TDS 2.2 §14.6): GS1 elements in bits, without the length of a company prefix.

use super::bits::{Bits, Reader};
use super::elements::{self, Element};
use super::kind::Set;
use super::refuse::{self, PLUS};
use super::values::Component;
use crate::refusal::Refusal;

/// A “+” scheme: its header, and the elements that follow filter value and data toggle.
pub struct PlusScheme {
    pub name: &'static str,
    pub header: u8,
    pub elements: &'static [&'static str],
}

const fn plus(name: &'static str, header: u8, elements: &'static [&'static str]) -> PlusScheme {
    PlusScheme { name, header, elements }
}

/// A date that comes before the elements of its scheme: which one, four bits say.
pub const DATED: &str = "dsgtin+";

/// Every “+” scheme of TDS 2.2.
pub const PLUS_SCHEMES: [PlusScheme; 12] = [
    plus("cpi+", 0xF0, &["8010", "8011"]),
    plus("grai+", 0xF1, &["8003"]),
    plus("sgln+", 0xF2, &["414", "254"]),
    plus("itip+", 0xF3, &["8006", "21"]),
    plus("gsrn+", 0xF4, &["8018"]),
    plus("gsrnp+", 0xF5, &["8017"]),
    plus("gdti+", 0xF6, &["253"]),
    plus("sgtin+", 0xF7, &["01", "21"]),
    plus("sgcn+", 0xF8, &["255"]),
    plus("sscc+", 0xF9, &["00"]),
    plus("giai+", 0xFA, &["8004"]),
    plus(DATED, 0xFB, &["01", "21"]),
];

/// The dates of `dsgtin+`, by their number.
pub const DATES: [&str; 7] = ["11", "13", "15", "16", "17", "7006", "7007"];

/// What an element's value is made of (TDT table F).
pub fn components(ai: &str) -> &'static [Component] {
    use Component::{Date, Delimited, Digits, Number, Text};
    match ai {
        "00" | "8006" | "8017" | "8018" => &[Digits(18)],
        "01" => &[Digits(14)],
        "21" | "254" => &[Text(20)],
        "253" => &[Digits(13), Text(17)],
        "255" => &[Digits(13), Number(12)],
        "414" => &[Digits(13)],
        "8003" => &[Digits(14), Text(16)],
        "8004" | "8010" => &[Delimited(30)],
        "8011" => &[Number(12)],
        "11" | "13" | "15" | "16" | "17" | "7006" | "7007" => &[Date],
        _ => &[],
    }
}

/// The “+” scheme with that header.
pub fn headed(header: u8) -> Option<&'static PlusScheme> {
    PLUS_SCHEMES.iter().find(|scheme| scheme.header == header)
}

/// The “+” scheme of a set of elements, and its bits. A date is coded with a GTIN only where `dated` asks for it.
pub fn encode(elements: &[(&str, &str)], filter: u8, dated: bool) -> Option<(&'static PlusScheme, Bits)> {
    let value = |ai: &str| match elements.iter().find(|(own, _)| *own == ai) {
        Some((_, value)) => Some(*value),
        // A location without extension has the extension 0, as in the older schemes.
        None => (ai == "254").then_some("0"),
    };
    let complete =
        |scheme: &&PlusScheme| (scheme.name == DATED) == dated && scheme.elements.iter().all(|ai| value(ai).is_some());
    let scheme = PLUS_SCHEMES.iter().find(complete)?;
    let mut bits = Bits::default();
    bits.push(u128::from(scheme.header), 8);
    bits.push(0, 1);
    bits.push(u128::from(filter), if filter < 8 { 3 } else { return None });
    if dated {
        let (number, date) = DATES.iter().enumerate().find_map(|(number, ai)| Some((number, value(ai)?)))?;
        bits.push(number as u128, 4);
        Component::Date.write(date, &mut bits)?;
    }
    for ai in scheme.elements {
        write(ai, value(ai)?, &mut bits)?;
    }
    Some((scheme, bits))
}

fn write(ai: &'static str, value: &str, bits: &mut Bits) -> Option<()> {
    check(ai, value).ok()?;
    let mut rest = value;
    for component in components(ai) {
        let (own, left) = match component {
            Component::Digits(digits) => rest.split_at_checked(*digits)?,
            _ => (rest, ""),
        };
        component.write(own, bits)?;
        rest = left;
    }
    rest.is_empty().then_some(())
}

impl PlusScheme {
    /// The filter value and the elements that follow the header.
    pub fn decode(&self, reader: &mut Reader<'_>) -> Result<(u8, Vec<Element>), Refusal> {
        let at = reader.place();
        if reader.take(1)? == 1 {
            let (zh, en) =
                ("EPC之后附有AIDC数据，暂不支持", "additional AIDC data follow the EPC, which is not supported");
            return Err(Refusal::new("epc-additional-data", PLUS, zh, en).at(at));
        }
        let filter = u8::try_from(reader.take(3)?).unwrap_or_default();
        let mut elements: Vec<Element> = Vec::new();
        if self.name == DATED {
            let at = reader.place();
            let number = usize::try_from(reader.take(4)?).unwrap_or(usize::MAX);
            let Some(ai) = DATES.get(number) else {
                let (zh, en) = ("未定义的日期类型", "no date of this number");
                return Err(Refusal::new("epc-date-kind", refuse::DATE, zh, en).at(at));
            };
            elements.push((ai, Component::Date.read(reader)?));
        }
        for ai in self.elements {
            let at = reader.place();
            let parts: Result<String, Refusal> =
                components(ai).iter().map(|component| component.read(reader)).collect();
            let value = parts?;
            check(ai, &value).map_err(|refusal| refusal.at(at))?;
            // The extension 0 says that there is none.
            if (*ai, value.as_str()) != ("254", "0") {
                elements.push((ai, value));
            }
        }
        Ok((filter, elements))
    }
}

/// The rules of the general specifications that a value in bits can still break.
fn check(ai: &'static str, value: &str) -> Result<(), Refusal> {
    let clause = "GS1 General Specifications §3";
    let set = if ai == "8010" { Set::Y } else { Set::X };
    if !value.chars().all(|character| set.has(character)) {
        let (zh, en) = ("含该AI不允许的字符", "a character that this element may not hold");
        return Err(Refusal::new("epc-character", clause, format!("AI({ai})：{zh}"), format!("AI ({ai}): {en}")));
    }
    let company = value.bytes().take(4).filter(u8::is_ascii_digit).count() == 4;
    if matches!(ai, "8004" | "8010") && !company {
        let (zh, en) = (format!("AI({ai})须以厂商识别代码开头"), format!("AI ({ai}) must begin with a company prefix"));
        return Err(Refusal::new("epc-company-prefix", clause, zh, en));
    }
    if ai == "8003" && !value.starts_with('0') {
        return Err(Refusal::new("epc-grai-zero", clause, "GRAI须以0开头", "a GRAI begins with 0"));
    }
    if ai == "8011" && value.starts_with('0') {
        return Err(Refusal::new("epc-leading-zero", clause, "不得以0开头", "may not begin with 0"));
    }
    elements::check(ai, value)
}
