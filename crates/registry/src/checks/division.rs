//! Administrative division codes of six digits (GB/T 2260): province, prefecture, county.
//!
//! The provinces are a table. Below them the codes change every year, so only their structure is checked.

use hufu_ident::Refusal;
use std::fmt;

const CLAUSE: &str = "GB/T 2260-2007";

/// The code of the province level, its name, and the name in English.
pub const PROVINCES: [(u8, &str, &str); 34] = [
    (11, "北京市", "Beijing"),
    (12, "天津市", "Tianjin"),
    (13, "河北省", "Hebei"),
    (14, "山西省", "Shanxi"),
    (15, "内蒙古自治区", "Inner Mongolia"),
    (21, "辽宁省", "Liaoning"),
    (22, "吉林省", "Jilin"),
    (23, "黑龙江省", "Heilongjiang"),
    (31, "上海市", "Shanghai"),
    (32, "江苏省", "Jiangsu"),
    (33, "浙江省", "Zhejiang"),
    (34, "安徽省", "Anhui"),
    (35, "福建省", "Fujian"),
    (36, "江西省", "Jiangxi"),
    (37, "山东省", "Shandong"),
    (41, "河南省", "Henan"),
    (42, "湖北省", "Hubei"),
    (43, "湖南省", "Hunan"),
    (44, "广东省", "Guangdong"),
    (45, "广西壮族自治区", "Guangxi"),
    (46, "海南省", "Hainan"),
    (50, "重庆市", "Chongqing"),
    (51, "四川省", "Sichuan"),
    (52, "贵州省", "Guizhou"),
    (53, "云南省", "Yunnan"),
    (54, "西藏自治区", "Xizang"),
    (61, "陕西省", "Shaanxi"),
    (62, "甘肃省", "Gansu"),
    (63, "青海省", "Qinghai"),
    (64, "宁夏回族自治区", "Ningxia"),
    (65, "新疆维吾尔自治区", "Xinjiang"),
    (71, "台湾省", "Taiwan"),
    (81, "香港特别行政区", "Hong Kong"),
    (82, "澳门特别行政区", "Macao"),
];

/// How far down a division is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Province,
    Prefecture,
    County,
}

/// A division code whose province exists and whose structure is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Division {
    province: u8,
    prefecture: u8,
    county: u8,
}

impl Division {
    /// Parses six digits.
    pub fn parse(text: &str) -> Result<Division, Refusal> {
        let [province, prefecture, county] = pairs(text)?;
        if province_name(province).is_none() {
            return Err(Refusal::new(
                "division-province",
                CLAUSE,
                format!("没有代码为{province:02}的省级行政区"),
                format!("there is no province with the code {province:02}"),
            )
            .at(0));
        }
        // 01–20 and 51–70 cities, 21–50 prefectures and leagues, 90 counties directly below the province.
        if !matches!(prefecture, 0..=70 | 90) {
            let (zh, en) = ("地级代码须为01至70或90", "the prefecture must be 01 to 70, or 90");
            return Err(Refusal::new("division-prefecture", CLAUSE, zh, en).at(2));
        }
        if prefecture == 0 && county != 0 {
            let (zh, en) = ("县级代码之前缺少地级代码", "a county needs a prefecture in front of it");
            return Err(Refusal::new("division-prefecture", CLAUSE, zh, en).at(2));
        }
        Ok(Division { province, prefecture, county })
    }

    pub fn level(self) -> Level {
        match (self.prefecture, self.county) {
            (0, _) => Level::Province,
            (_, 0) => Level::Prefecture,
            _ => Level::County,
        }
    }

    /// The code one level up; none above a province.
    pub fn parent(self) -> Option<Division> {
        match self.level() {
            Level::Province => None,
            Level::Prefecture => Some(Division { prefecture: 0, ..self }),
            Level::County => Some(Division { county: 0, ..self }),
        }
    }

    /// The name of its province in Chinese and English.
    pub fn province(self) -> (&'static str, &'static str) {
        province_name(self.province).unwrap_or_default()
    }

    /// Whether `self` is `other` or lies in it.
    pub fn is_within(self, other: Division) -> bool {
        self == other || self.parent().is_some_and(|parent| parent.is_within(other))
    }
}

impl fmt::Display for Division {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}{:02}{:02}", self.province, self.prefecture, self.county)
    }
}

fn province_name(code: u8) -> Option<(&'static str, &'static str)> {
    let at = PROVINCES.binary_search_by_key(&code, |row| row.0).ok()?;
    Some((PROVINCES[at].1, PROVINCES[at].2))
}

fn pairs(text: &str) -> Result<[u8; 3], Refusal> {
    if let Some(at) = text.chars().position(|c| !c.is_ascii_digit()) {
        let refusal =
            Refusal::new("division-digit", CLAUSE, "行政区划代码只能是数字", "a division code has digits only");
        return Err(refusal.at(at));
    }
    let &[a, b, c, d, e, f] = text.as_bytes() else {
        let refusal = Refusal::new("division-length", CLAUSE, "行政区划代码须为6位", "a division code has 6 digits");
        return Err(refusal.at(text.len().min(6)));
    };
    let pair = |tens: u8, units: u8| (tens - b'0') * 10 + (units - b'0');
    Ok([pair(a, b), pair(c, d), pair(e, f)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provinces_are_sorted_and_parse() {
        assert!(PROVINCES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (code, zh, en) in PROVINCES {
            let division = Division::parse(&format!("{code:02}0000")).unwrap();
            assert_eq!(division.province(), (zh, en));
            assert_eq!((division.level(), division.parent()), (Level::Province, None));
        }
    }

    #[test]
    fn levels_and_parents() {
        let county = Division::parse("440305").unwrap();
        assert_eq!(county.level(), Level::County);
        assert_eq!(county.parent().unwrap().to_string(), "440300");
        assert_eq!(county.parent().unwrap().parent().unwrap().to_string(), "440000");
        assert!(county.is_within(Division::parse("440000").unwrap()));
        assert!(!county.is_within(Division::parse("450000").unwrap()));
        assert_eq!(Division::parse("429021").unwrap().level(), Level::County);
        assert_eq!(Division::parse("110000").unwrap().to_string(), "110000");
    }

    #[test]
    fn what_is_refused_and_where() {
        for (text, code, at) in [
            ("", "division-length", 0),
            ("11000", "division-length", 5),
            ("1100000", "division-length", 6),
            ("11x000", "division-digit", 2),
            ("１１0000", "division-digit", 0),
            ("100000", "division-province", 0),
            ("990000", "division-province", 0),
            ("117100", "division-prefecture", 2),
            ("110001", "division-prefecture", 2),
        ] {
            let refusal = Division::parse(text).unwrap_err();
            assert_eq!((refusal.code, refusal.at), (code, Some(at)), "{text}");
        }
    }
}
