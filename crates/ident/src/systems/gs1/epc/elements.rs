//! Identities and GS1 elements (application identifier, value): one into the other.

use super::identity::{COMPANY_DIGITS, Identity};
use super::kind::Kind;
use super::refuse;
use crate::refusal::Refusal;

/// An application identifier and its value, without escapes.
pub type Element = (&'static str, String);

/// The check digit behind `digits` (GS1 General Specifications §7.9.1).
pub fn check_digit(digits: &str) -> char {
    let weighted = |(place, digit): (usize, u32)| if place % 2 == 0 { digit * 3 } else { digit };
    let sum: u32 = digits.chars().rev().filter_map(|one| one.to_digit(10)).enumerate().map(weighted).sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap_or('0')
}

fn checked(mut digits: String) -> String {
    digits.push(check_digit(&digits));
    digits
}

/// The elements of an identity, in the order of a Digital Link; none where GS1 has no key for it.
pub fn of(identity: &Identity) -> Vec<Element> {
    let field = |index: usize| identity.field(index);
    let company = field(0);
    let whole = || checked(format!("{company}{}", field(1)));
    let indicated = || {
        let (first, rest) = field(1).split_at_checked(1).unwrap_or_default();
        checked(format!("{first}{company}{rest}"))
    };
    let mut elements = match identity.kind() {
        Kind::Sgtin => vec![("01", indicated()), ("21", field(2).to_owned())],
        Kind::Upui => vec![("01", indicated()), ("235", field(2).to_owned())],
        Kind::Lgtin => vec![("01", indicated()), ("10", field(2).to_owned())],
        Kind::Sscc => vec![("00", indicated())],
        Kind::Sgln if field(2) == "0" => vec![("414", whole())],
        Kind::Sgln => vec![("414", whole()), ("254", field(2).to_owned())],
        Kind::Pgln => vec![("417", whole())],
        Kind::Grai => vec![("8003", format!("0{}{}", whole(), field(2)))],
        Kind::Giai => vec![("8004", format!("{company}{}", field(1)))],
        Kind::Gsrn => vec![("8018", whole())],
        Kind::Gsrnp => vec![("8017", whole())],
        Kind::Gdti => vec![("253", format!("{}{}", whole(), field(2)))],
        Kind::Sgcn => vec![("255", format!("{}{}", whole(), field(2)))],
        Kind::Cpi => vec![("8010", format!("{company}{}", field(1))), ("8011", field(2).to_owned())],
        Kind::Ginc => vec![("401", format!("{company}{}", field(1)))],
        Kind::Gsin => vec![("402", whole())],
        Kind::Itip => {
            vec![("8006", format!("{}{}{}", indicated(), field(2), field(3))), ("21", field(4).to_owned())]
        }
        Kind::Gid | Kind::Usdod | Kind::Adi | Kind::Bic | Kind::Imovn => Vec::new(),
    };
    // A pattern leaves its last field open; where that is an element of its own, there is none.
    elements.retain(|(_, value)| !value.is_empty());
    elements
}

/// The identity of a set of elements, with a company prefix of `company` digits. `None` if the set has no key with
/// an EPC, or a value does not fit its key.
pub fn identity(elements: &[(&str, &str)], company: usize) -> Option<Identity> {
    if !COMPANY_DIGITS.contains(&company) {
        return None;
    }
    let value = |ai: &str| elements.iter().find(|(own, _)| *own == ai).map(|(_, value)| *value);
    let key = Key { company };
    let mut found = None;
    if let Some(gtin) = value("01") {
        let (kind, last) = match (value("21"), value("235"), value("10")) {
            (Some(serial), _, _) => (Kind::Sgtin, Some(serial)),
            (_, Some(extension), _) => (Kind::Upui, Some(extension)),
            (_, _, Some(lot)) => (Kind::Lgtin, Some(lot)),
            _ => (Kind::Sgtin, None),
        };
        found = key.indicated(gtin, 14).map(|fields| (kind, with(fields, last)));
    } else if let Some(itip) = value("8006") {
        let (gtin, pieces) = itip.split_at_checked(14)?;
        let (piece, total) = pieces.split_at_checked(2)?;
        let fields = with(with(key.indicated(gtin, 14)?, Some(piece)), Some(total));
        found = Some((Kind::Itip, with(fields, value("21"))));
    } else if let Some(sscc) = value("00") {
        found = key.indicated(sscc, 18).map(|fields| (Kind::Sscc, fields));
    } else if let Some(gln) = value("414") {
        let extension = value("254").unwrap_or("0");
        found = key.whole(gln, 13).map(|fields| (Kind::Sgln, with(fields, Some(extension))));
    } else if let Some(party) = value("417") {
        found = key.whole(party, 13).map(|fields| (Kind::Pgln, fields));
    } else if let Some(grai) = value("8003") {
        found = key.serialised(grai.strip_prefix('0')?).map(|fields| (Kind::Grai, fields));
    } else if let Some(gdti) = value("253") {
        found = key.serialised(gdti).map(|fields| (Kind::Gdti, fields));
    } else if let Some(coupon) = value("255") {
        found = key.serialised(coupon).map(|fields| (Kind::Sgcn, fields));
    } else if let Some(asset) = value("8004") {
        found = key.cut(asset).map(|fields| (Kind::Giai, fields));
    } else if let Some(part) = value("8010") {
        found = key.cut(part).map(|fields| (Kind::Cpi, with(fields, value("8011"))));
    } else if let Some(consignment) = value("401") {
        found = key.cut(consignment).map(|fields| (Kind::Ginc, fields));
    } else if let Some(shipment) = value("402") {
        found = key.whole(shipment, 17).map(|fields| (Kind::Gsin, fields));
    } else if let Some(recipient) = value("8018") {
        found = key.whole(recipient, 18).map(|fields| (Kind::Gsrn, fields));
    } else if let Some(provider) = value("8017") {
        found = key.whole(provider, 18).map(|fields| (Kind::Gsrnp, fields));
    }
    let (kind, fields) = found?;
    Identity::new(kind, fields, &[]).ok()
}

fn with(mut fields: Vec<String>, last: Option<&str>) -> Vec<String> {
    fields.extend(last.map(str::to_owned));
    fields
}

/// How a key is cut when its company prefix has this many digits.
struct Key {
    company: usize,
}

impl Key {
    fn cut(&self, text: &str) -> Option<Vec<String>> {
        let (company, rest) = text.split_at_checked(self.company)?;
        Some(vec![company.to_owned(), rest.to_owned()])
    }

    /// Company prefix, reference, check digit.
    fn whole(&self, text: &str, digits: usize) -> Option<Vec<String>> {
        self.cut(number(text, digits)?)
    }

    /// One digit in front of the company prefix belongs to the reference.
    fn indicated(&self, text: &str, digits: usize) -> Option<Vec<String>> {
        let (first, rest) = number(text, digits)?.split_at_checked(1)?;
        let (company, reference) = rest.split_at_checked(self.company)?;
        Some(vec![company.to_owned(), format!("{first}{reference}")])
    }

    /// Thirteen digits, and a serial if there is one.
    fn serialised(&self, text: &str) -> Option<Vec<String>> {
        let (digits, serial) = text.split_at_checked(13)?;
        Some(with(self.whole(digits, 13)?, Some(serial).filter(|serial| !serial.is_empty())))
    }
}

/// The digits in front of a right check digit.
fn number(text: &str, digits: usize) -> Option<&str> {
    let (number, last) = text.split_at_checked(digits.checked_sub(1)?)?;
    let sound = text.len() == digits && text.bytes().all(|octet| octet.is_ascii_digit());
    (sound && last.starts_with(check_digit(number))).then_some(number)
}

/// Checks the check digit of an element whose digits are known to be digits.
pub fn check(ai: &'static str, value: &str) -> Result<(), Refusal> {
    let (skip, digits) = match ai {
        "00" | "8017" | "8018" => (0, 18),
        "01" | "8006" => (0, 14),
        "8003" => (1, 13),
        "253" | "255" | "414" => (0, 13),
        _ => return Ok(()),
    };
    let number = value.get(skip..skip + digits - 1).unwrap_or_default();
    let found = value.chars().nth(skip + digits - 1).unwrap_or('?');
    match check_digit(number) {
        due if due == found => Ok(()),
        due => Err(refuse::check_digit(ai, due, found)),
    }
}
