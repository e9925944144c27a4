//! How a person is reached: telephone numbers of the mainland's numbering plan, and e-mail addresses.

use super::{Reach, domain, length};
use hufu_ident::Refusal;
use std::fmt;

/// YD/T, the numbering plan of the mainland's telephone network (2017 edition).
const PHONE_CLAUSE: &str = "电信网编号计划 2017";
const MAIL_CLAUSE: &str = "RFC 5321 §4.1.2";
/// As the tables of the top-level interface have it.
const PHONE_LENGTH: usize = 32;
/// RFC 5321 §4.5.3.1 with erratum 1690, in octets.
const MAIL_LENGTH: usize = 254;
const LOCAL_LENGTH: usize = 64;

/// A telephone number of the mainland, digits only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Phone {
    /// Eleven digits from 13 to 19.
    Mobile(String),
    /// Area code with its 0, number, and extension.
    Landline { area: String, number: String, extension: Option<String> },
    /// 400 and 800 numbers, ten digits.
    Service(String),
}

impl Phone {
    /// Parses a number; a country code of 86, spaces and hyphens between groups may be there.
    pub fn parse(text: &str) -> Result<Phone, Refusal> {
        if length(text, PHONE_LENGTH) > PHONE_LENGTH {
            let (zh, en) = ("电话号码过长", "the telephone number is too long");
            return Err(Refusal::new("phone-length", PHONE_CLAUSE, zh, en).at(PHONE_LENGTH));
        }
        if let Some(at) = text.chars().position(|c| !c.is_ascii_digit() && !" +-()（）转".contains(c)) {
            let (zh, en) = ("电话号码里有不能用的字符", "a character that a telephone number cannot have");
            return Err(Refusal::new("phone-character", PHONE_CLAUSE, zh, en).at(at));
        }
        let (whole, abroad) = without_country(text)?;
        let groups: Vec<&str> = whole.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
        let digits = groups.concat();
        mobile(&digits)
            .or_else(|| service(&digits))
            .or_else(|| landline(&groups, abroad))
            .ok_or_else(|| not_a_phone(&digits))
    }

    /// Whether short messages reach it.
    pub fn is_mobile(&self) -> bool {
        matches!(self, Phone::Mobile(_))
    }
}

/// The form in which it is stored: `13800138000`, `010-62345678-12`, `400-123-4567`.
impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Phone::Mobile(digits) => f.write_str(digits),
            Phone::Service(digits) => write!(f, "{}-{}-{}", &digits[..3], &digits[3..6], &digits[6..]),
            Phone::Landline { area, number, extension } => {
                write!(f, "{area}-{number}")?;
                extension.as_ref().map_or(Ok(()), |extension| write!(f, "-{extension}"))
            }
        }
    }
}

/// The text behind `+86`, `0086` or `86-`, and whether there was one.
fn without_country(text: &str) -> Result<(&str, bool), Refusal> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('+') {
        return rest.strip_prefix("86").map(|rest| (rest, true)).ok_or_else(|| {
            let (zh, en) = ("只接受中国内地（86）的号码", "only numbers of the mainland (86) are taken");
            Refusal::new("phone-country", "our profile", zh, en).at(1)
        });
    }
    let rest = ["0086", "86-", "86 "].iter().find_map(|country| text.strip_prefix(country));
    Ok(rest.map_or((text, false), |rest| (rest, true)))
}

fn mobile(digits: &str) -> Option<Phone> {
    let fits = digits.len() == 11 && digits.starts_with('1') && ('3'..='9').contains(&digits.chars().nth(1)?);
    fits.then(|| Phone::Mobile(digits.to_owned()))
}

fn service(digits: &str) -> Option<Phone> {
    let fits = digits.len() == 10 && (digits.starts_with("400") || digits.starts_with("800"));
    fits.then(|| Phone::Service(digits.to_owned()))
}

/// Behind the country code the 0 of the area code is left out. A group of one to six digits at the end is an extension.
fn landline(groups: &[&str], abroad: bool) -> Option<Phone> {
    let (&first, rest) = groups.split_first()?;
    let first = if abroad && !first.starts_with('0') { format!("0{first}") } else { first.to_owned() };
    let area_length = match first.as_bytes() {
        [b'0', b'1', b'0', ..] | [b'0', b'2', b'0'..=b'9', ..] => 3,
        [b'0', b'3'..=b'9', b'1'..=b'9', b'0'..=b'9', ..] => 4,
        _ => return None,
    };
    let (area, begun) = first.split_at(area_length);
    let (number, extension) = match (begun, rest) {
        ("", [number]) => (*number, None),
        ("", [number, extension]) => (*number, Some(*extension)),
        ("", _) => return None,
        (number, []) => (number, None),
        (number, [extension]) => (number, Some(*extension)),
        _ => return None,
    };
    let lengths = if area_length == 3 { 8..=8 } else { 7..=8 };
    let fits = lengths.contains(&number.len()) && !number.starts_with(['0', '1']);
    let extended = extension.is_none_or(|digits| digits.len() <= 6);
    (fits && extended).then(|| Phone::Landline {
        area: area.to_owned(),
        number: number.to_owned(),
        extension: extension.map(str::to_owned),
    })
}

fn not_a_phone(digits: &str) -> Refusal {
    let (zh, en) = if digits.starts_with('1') {
        ("手机号须为11位，以13至19开头", "a mobile number has 11 digits and begins with 13 to 19")
    } else {
        ("座机号须带区号，如010-62345678", "a landline number needs its area code, as in 010-62345678")
    };
    Refusal::new("phone-form", PHONE_CLAUSE, zh, en)
}

/// An e-mail address with its domain as A-labels in small letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MailAddress {
    local: String,
    domain: String,
}

impl MailAddress {
    /// Parses `local@domain`; quoted local parts and address literals are not taken.
    pub fn parse(text: &str, reach: Reach) -> Result<MailAddress, Refusal> {
        let text = text.trim();
        if text.len() > MAIL_LENGTH {
            let zh = format!("邮箱地址超过{MAIL_LENGTH}个字节");
            let en = format!("the e-mail address has more than {MAIL_LENGTH} octets");
            return Err(Refusal::new("mail-length", "RFC 5321 §4.5.3.1", zh, en));
        }
        let Some((local, host)) = text.rsplit_once('@') else {
            let (zh, en) = ("邮箱地址缺少“@”", "an e-mail address has an “@”");
            return Err(Refusal::new("mail-at", MAIL_CLAUSE, zh, en).at(text.chars().count()));
        };
        check_local(local)?;
        let begins = local.chars().count() + 1;
        let domain = domain::parse(host, reach).map_err(|refusal| refusal.shifted(begins))?;
        Ok(MailAddress { local: local.to_owned(), domain })
    }

    pub fn domain(&self) -> &str {
        &self.domain
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

/// Atoms with single dots between (RFC 5322 §3.2.3).
fn check_local(local: &str) -> Result<(), Refusal> {
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c);
    if let Some(at) = local.chars().position(|c| c != '.' && !atom(c)) {
        let (zh, en) = ("“@”之前有不能用的字符", "a character that cannot stand in front of the “@”");
        return Err(Refusal::new("mail-character", "RFC 5322 §3.2.3", zh, en).at(at));
    }
    let mut at = 0;
    for part in local.split('.') {
        if part.is_empty() {
            let (zh, en) = ("“@”之前为空或多了一个点", "nothing, or a dot too many, in front of the “@”");
            return Err(Refusal::new("mail-dot", "RFC 5322 §3.2.3", zh, en).at(at));
        }
        at += part.len() + 1;
    }
    if local.len() > LOCAL_LENGTH {
        let zh = format!("“@”之前超过{LOCAL_LENGTH}个字符");
        let en = format!("more than {LOCAL_LENGTH} characters in front of the “@”");
        return Err(Refusal::new("mail-length", "RFC 5321 §4.5.3.1.1", zh, en).at(LOCAL_LENGTH));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telephone_numbers_in_every_spelling() {
        for (text, stored) in [
            ("13800138000", "13800138000"),
            ("+86 138 0013 8000", "13800138000"),
            ("0086-13800138000", "13800138000"),
            ("86-199-0000-0000", "19900000000"),
            ("010-62345678", "010-62345678"),
            ("+86 10 62345678", "010-62345678"),
            ("(0755)8234567", "0755-8234567"),
            ("0755 82345678 转 123", "0755-82345678-123"),
            ("02162345678", "021-62345678"),
            ("05716234567-8", "0571-6234567-8"),
            ("400-123-4567", "400-123-4567"),
            ("8001234567", "800-123-4567"),
        ] {
            assert_eq!(Phone::parse(text).unwrap().to_string(), stored, "{text}");
        }
        assert!(Phone::parse("13800138000").unwrap().is_mobile());
        assert!(!Phone::parse("02162345678").unwrap().is_mobile());
    }

    #[test]
    fn telephone_numbers_that_are_none() {
        for (text, code) in [
            ("", "phone-form"),
            ("12800138000", "phone-form"),
            ("1380013800", "phone-form"),
            ("138001380000", "phone-form"),
            ("62345678", "phone-form"),
            ("010-6234567", "phone-form"),
            ("010-12345678", "phone-form"),
            ("0755-823456789", "phone-form"),
            ("0001-6234567", "phone-form"),
            ("021-62345678-1234567", "phone-form"),
            ("021-62345678-1-2", "phone-form"),
            ("+1 650 253 0000", "phone-country"),
            ("1380013800a", "phone-character"),
            ("１３８00138000", "phone-character"),
            ("000000000000000000000000000000000", "phone-length"),
        ] {
            assert_eq!(Phone::parse(text).unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn mail_addresses() {
        for (text, stored) in [
            ("a@example.cn", "a@example.cn"),
            (" First.Last+tag@Example.CN ", "First.Last+tag@example.cn"),
            ("box@例子.中国", "box@xn--fsqu00a.xn--fiqs8s"),
        ] {
            assert_eq!(MailAddress::parse(text, Reach::Public).unwrap().to_string(), stored);
        }
        for (text, code, at) in [
            ("nobody", "mail-at", 6),
            ("@a.cn", "mail-dot", 0),
            (".a@b.cn", "mail-dot", 0),
            ("a..b@c.cn", "mail-dot", 2),
            ("a.@c.cn", "mail-dot", 2),
            ("a b@c.cn", "mail-character", 1),
            ("\"a\"@c.cn", "mail-character", 0),
            ("a@b@c.cn", "mail-character", 1),
            ("中@c.cn", "mail-character", 0),
            ("a@cn", "domain-labels", 2),
            ("a@[192.0.2.1]", "domain-character", 2),
            ("ab@-c.cn", "domain-hyphen", 3),
        ] {
            let refusal = MailAddress::parse(text, Reach::Public).unwrap_err();
            assert_eq!((refusal.code, refusal.at), (code, Some(at)), "{text}");
        }
        let long = format!("{}@a.cn", "a".repeat(65));
        assert_eq!(MailAddress::parse(&long, Reach::Public).unwrap_err().code, "mail-length");
        let long = format!("a@{}cn", "a.".repeat(200));
        assert_eq!(MailAddress::parse(&long, Reach::Public).unwrap_err().code, "mail-length");
    }
}
