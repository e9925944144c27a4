//! The unified social credit code of an organisation (GB 32100-2015): eighteen characters.
//!
//! ```text
//! 9 1 110101 12345678X C
//! │ │ │      │         └ check character, modulo 31 (annex A)
//! │ │ │      └ organisation code of nine characters, the last one its own check (GB 11714-1997)
//! │ │ └ division of the registering office; 100000 is the national office
//! │ └ class of organisation, by authority
//! └ registration authority
//! ```

use super::division::Division;
use super::length;
use hufu_ident::Refusal;
use std::fmt;

const CLAUSE: &str = "GB 32100-2015";
const ORGANISATION_CLAUSE: &str = "GB 11714-1997";
const LENGTH: usize = 18;
/// The characters of the code in the order of their values; I, O, S, V and Z are left out.
const CHARACTERS: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// The division that stands for an office of the whole country.
const NATIONAL: &str = "100000";
const ORGANISATION_WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];

/// A registration authority (登记管理部门): its character, its names, and the classes it registers.
#[derive(Debug, PartialEq, Eq)]
pub struct Authority {
    pub code: char,
    pub zh: &'static str,
    pub en: &'static str,
    classes: &'static [(char, &'static str, &'static str)],
}

const OTHER: (char, &str, &str) = ('9', "其他", "other");

/// Table 1 of the standard with its amendment.
const AUTHORITIES: [Authority; 12] = [
    Authority {
        code: '1',
        zh: "机构编制",
        en: "public sector establishment",
        classes: &[
            ('1', "机关", "state organ"),
            ('2', "事业单位", "public institution"),
            ('3', "编办直接管理机构编制的群众团体", "mass organisation"),
            OTHER,
        ],
    },
    Authority {
        code: '2',
        zh: "外交",
        en: "foreign affairs",
        classes: &[('1', "外国常驻新闻机构", "foreign news bureau"), OTHER],
    },
    Authority {
        code: '3',
        zh: "司法行政",
        en: "justice",
        classes: &[
            ('1', "律师执业机构", "law firm"),
            ('2', "公证处", "notary office"),
            ('3', "基层法律服务所", "legal service office"),
            ('4', "司法鉴定机构", "forensic institution"),
            ('5', "仲裁委员会", "arbitration commission"),
            OTHER,
        ],
    },
    Authority {
        code: '4',
        zh: "文化",
        en: "culture",
        classes: &[('1', "外国在华文化中心", "foreign cultural centre"), OTHER],
    },
    Authority {
        code: '5',
        zh: "民政",
        en: "civil affairs",
        classes: &[
            ('1', "社会团体", "association"),
            ('2', "民办非企业单位", "private non-enterprise unit"),
            ('3', "基金会", "foundation"),
            OTHER,
        ],
    },
    Authority {
        code: '6',
        zh: "旅游",
        en: "tourism",
        classes: &[
            ('1', "外国旅游部门常驻代表机构", "foreign tourism office"),
            ('2', "港澳台地区旅游部门常驻内地（大陆）代表机构", "tourism office of Hong Kong, Macao or Taiwan"),
            OTHER,
        ],
    },
    Authority {
        code: '7',
        zh: "宗教",
        en: "religious affairs",
        classes: &[('1', "宗教活动场所", "place of worship"), ('2', "宗教院校", "religious school"), OTHER],
    },
    Authority {
        code: '8', zh: "工会", en: "trade unions", classes: &[('1', "基层工会", "local trade union"), OTHER]
    },
    Authority {
        code: '9',
        zh: "市场监督管理（工商）",
        en: "market regulation",
        classes: &[
            ('1', "企业", "enterprise"),
            ('2', "个体工商户", "individual business"),
            ('3', "农民专业合作社", "farmers' cooperative"),
        ],
    },
    Authority {
        code: 'A',
        zh: "中央军委改革和编制办公室",
        en: "military establishment",
        classes: &[('1', "军队事业单位", "military institution"), OTHER],
    },
    Authority {
        code: 'N',
        zh: "农业",
        en: "agriculture",
        classes: &[
            ('1', "组级集体经济组织", "collective of a group"),
            ('2', "村级集体经济组织", "collective of a village"),
            ('3', "乡镇级集体经济组织", "collective of a township"),
            OTHER,
        ],
    },
    Authority { code: 'Y', zh: "其他", en: "other", classes: &[('1', "其他", "other")] },
];

/// A unified social credit code whose structure and both check characters are right; in capitals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CreditCode(String);

impl CreditCode {
    /// Parses a code; small letters are taken as capitals.
    pub fn parse(text: &str) -> Result<CreditCode, Refusal> {
        let values = values(text)?;
        let code = CreditCode(text.to_ascii_uppercase());
        code.check_authority()?;
        code.check_division()?;
        code.check_organisation()?;
        let expected = check_character(&values);
        if code.octet(17) != expected {
            let expected = char::from(expected);
            return Err(Refusal::new(
                "credit-code-check",
                "GB 32100-2015 annex A",
                format!("校验码不符，应为{expected}"),
                format!("the check character should be {expected}"),
            )
            .at(17));
        }
        Ok(code)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Who registered the organisation.
    pub fn authority(&self) -> Option<&'static Authority> {
        AUTHORITIES.iter().find(|authority| authority.code == char::from(self.octet(0)))
    }

    /// The class of organisation, in Chinese and English.
    pub fn class(&self) -> Option<(&'static str, &'static str)> {
        let class = char::from(self.octet(1));
        let (_, zh, en) = self.authority()?.classes.iter().find(|row| row.0 == class)?;
        Some((zh, en))
    }

    /// Where it was registered; none for an office of the whole country.
    pub fn division(&self) -> Option<Division> {
        Division::parse(self.0.get(2..8)?).ok()
    }

    /// The nine characters of the organisation code, without its hyphen.
    pub fn organisation(&self) -> &str {
        self.0.get(8..17).unwrap_or_default()
    }

    fn octet(&self, at: usize) -> u8 {
        self.0.as_bytes().get(at).copied().unwrap_or_default()
    }

    fn check_authority(&self) -> Result<(), Refusal> {
        let Some(authority) = self.authority() else {
            let (zh, en) = ("没有这个登记管理部门代码", "there is no such registration authority");
            return Err(Refusal::new("credit-code-authority", CLAUSE, zh, en).at(0));
        };
        if self.class().is_none() {
            let (zh, en) = (
                format!("登记管理部门“{}”没有这个机构类别", authority.zh),
                format!("the authority for {} registers no such class", authority.en),
            );
            return Err(Refusal::new("credit-code-class", CLAUSE, zh, en).at(1));
        }
        Ok(())
    }

    fn check_division(&self) -> Result<(), Refusal> {
        match self.0.get(2..8) {
            Some(NATIONAL) => Ok(()),
            digits => Division::parse(digits.unwrap_or_default()).map(drop).map_err(|refusal| refusal.shifted(2)),
        }
    }

    fn check_organisation(&self) -> Result<(), Refusal> {
        let expected = organisation_check(&self.organisation().as_bytes()[..8]);
        if self.octet(16) == expected {
            return Ok(());
        }
        let expected = char::from(expected);
        Err(Refusal::new(
            "organisation-code-check",
            ORGANISATION_CLAUSE,
            format!("主体标识码（组织机构代码）的校验码不符，应为{expected}"),
            format!("the check character of the organisation code should be {expected}"),
        )
        .at(16))
    }
}

impl fmt::Display for CreditCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value of every character, or what is wrong with one.
fn values(text: &str) -> Result<Vec<u32>, Refusal> {
    let value = |(at, character): (usize, char)| {
        let capital = character.to_ascii_uppercase();
        let value = CHARACTERS.iter().position(|&known| char::from(known) == capital);
        value.map(|value| value as u32).ok_or_else(|| {
            let (zh, en) = (
                "只能使用数字和除I、O、S、V、Z以外的大写字母",
                "only digits and the letters other than I, O, S, V and Z are used",
            );
            Refusal::new("credit-code-character", CLAUSE, zh, en).at(at)
        })
    };
    let values = text.chars().take(LENGTH + 1).enumerate().map(value).collect::<Result<Vec<_>, _>>()?;
    if values.len() != LENGTH {
        let at = length(text, LENGTH).min(LENGTH);
        let (zh, en) = ("统一社会信用代码须为18位", "a unified social credit code has 18 characters");
        return Err(Refusal::new("credit-code-length", CLAUSE, zh, en).at(at));
    }
    Ok(values)
}

/// Annex A: weights are the powers of 3, modulo 31.
fn check_character(values: &[u32]) -> u8 {
    let mut weight = 1;
    let mut sum = 0;
    for value in values.iter().take(LENGTH - 1) {
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    CHARACTERS[((31 - sum % 31) % 31) as usize]
}

/// GB 11714: digits count as themselves, letters from A = 10; modulo 11.
fn organisation_check(octets: &[u8]) -> u8 {
    let value = |octet: &u8| char::from(*octet).to_digit(36).unwrap_or_default();
    let sum: u32 = octets.iter().zip(ORGANISATION_WEIGHTS).map(|(octet, weight)| value(octet) * weight).sum();
    match 11 - sum % 11 {
        10 => b'X',
        11 => b'0',
        digit => b'0' + digit as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::super::vectors;
    use super::*;

    #[test]
    fn the_vectors_hold() {
        let mut valid = 0;
        for entry in vectors::entries("credit-codes.json") {
            let text = entry["text"].as_str().unwrap();
            let found = CreditCode::parse(text);
            if let Some(expected) = vectors::refusal(&entry) {
                let refusal = found.unwrap_err();
                assert_eq!((refusal.code, refusal.at), expected, "{text}");
                continue;
            }
            let code = found.unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
            valid += 1;
            assert_eq!(code.as_str(), text.to_ascii_uppercase());
            assert_eq!(code.authority().unwrap().code.to_string(), entry["authority"].as_str().unwrap());
            assert_eq!(code.division().map(|division| division.to_string()).as_deref(), entry["division"].as_str());
            assert_eq!(code.organisation(), entry["organisation"].as_str().unwrap());
            assert!(code.class().is_some());
        }
        assert!(valid >= 40);
    }

    #[test]
    fn any_change_of_one_character_is_noticed() {
        for entry in vectors::entries("credit-codes.json").iter().filter(|entry| entry["code"].is_null()) {
            let text = entry["text"].as_str().unwrap().to_ascii_uppercase();
            for at in 0..LENGTH {
                for &other in CHARACTERS {
                    let mut changed = text.clone().into_bytes();
                    if changed[at] == other {
                        continue;
                    }
                    changed[at] = other;
                    let changed = String::from_utf8(changed).unwrap();
                    assert!(CreditCode::parse(&changed).is_err(), "{changed}");
                }
            }
        }
    }

    #[test]
    fn a_long_text_is_not_read_to_its_end() {
        let refusal = CreditCode::parse(&"9".repeat(1 << 20)).unwrap_err();
        assert_eq!((refusal.code, refusal.at), ("credit-code-length", Some(18)));
    }
}
