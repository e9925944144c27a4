//! The classification of economic activities (GB/T 4754-2017): four levels, their names, what belongs to what.
//!
//! | level | example | field of the interface |
//! |---|---|---|
//! | 门类 | `A` | `industryCategory` |
//! | 大类 | `01` | `industrySpecific` |
//! | 中类 | `011` | `industryTrade` |
//! | 小类 | `0111` | `industrySubclass` |

use hufu_ident::Refusal;
use std::collections::HashMap;
use std::sync::OnceLock;

const CLAUSE: &str = "GB/T 4754-2017";

/// How deep a code is; named after the fields of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// 门类
    Category,
    /// 大类
    Specific,
    /// 中类
    Trade,
    /// 小类
    Subclass,
}

/// One line of the classification.
#[derive(Debug, PartialEq, Eq)]
pub struct Industry {
    code: &'static str,
    name: &'static str,
    level: Level,
    at: usize,
    parent: Option<usize>,
}

struct Table {
    rows: Vec<Industry>,
    by_code: HashMap<&'static str, usize>,
}

impl Industry {
    /// The line of a code as the standard writes it: `A`, `01`, `011`, `0111`.
    pub fn find(code: &str) -> Option<&'static Industry> {
        let table = table();
        table.by_code.get(code).map(|&at| &table.rows[at])
    }

    /// Parses a code; the letter may stand in front of the digits, as in `A0111`, and has to be the right one.
    pub fn parse(text: &str) -> Result<&'static Industry, Refusal> {
        let unknown = |at| {
            let (zh, en) = ("国民经济行业分类中没有这个代码", "the classification of activities has no such code");
            Refusal::new("industry-unknown", CLAUSE, zh, en).at(at)
        };
        if let Some(industry) = Industry::find(text) {
            return Ok(industry);
        }
        let mut rest = text.chars();
        let letter = rest.next().filter(char::is_ascii_uppercase).ok_or_else(|| unknown(0))?;
        let industry = Industry::find(rest.as_str()).filter(|found| found.level != Level::Category);
        let industry = industry.ok_or_else(|| unknown(1))?;
        let category = industry.category().code;
        if !category.starts_with(letter) {
            let zh = format!("{}属于门类{category}", industry.code);
            let en = format!("{} belongs to category {category}", industry.code);
            return Err(Refusal::new("industry-category", CLAUSE, zh, en).at(0));
        }
        Ok(industry)
    }

    /// The deepest of the four fields of the interface; each one given must lie in the one before. Empty ones at the
    /// end are left out.
    pub fn parse_fields(fields: [&str; 4]) -> Result<&'static Industry, Refusal> {
        let levels = [Level::Category, Level::Specific, Level::Trade, Level::Subclass];
        let mut deepest: Option<&Industry> = None;
        let mut ended = false;
        for (field, level) in fields.into_iter().zip(levels) {
            if field.is_empty() {
                ended = true;
                continue;
            }
            let industry = Industry::parse(field)?;
            let fits = industry.level == level && deepest.is_none_or(|above| industry.is_within(above)) && !ended;
            if !fits {
                let (zh, en) = ("门类、大类、中类、小类不是逐级所属", "each level has to belong to the one above it");
                return Err(Refusal::new(
                    "industry-levels",
                    CLAUSE,
                    format!("{zh}：{field}"),
                    format!("{en}: {field}"),
                ));
            }
            deepest = Some(industry);
        }
        deepest.ok_or_else(|| {
            let (zh, en) = ("缺少行业门类", "the category of industry is missing");
            Refusal::new("industry-missing", CLAUSE, zh, en)
        })
    }

    /// All lines, parents first.
    pub fn all() -> &'static [Industry] {
        &table().rows
    }

    /// Lines whose name has the text in it: equal names first, then those that begin with it, then the higher levels.
    pub fn search(text: &str, most: usize) -> Vec<&'static Industry> {
        let text = text.trim();
        if text.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<_> = Industry::all().iter().filter(|industry| industry.name.contains(text)).collect();
        found.sort_by_key(|industry| (industry.name != text, !industry.name.starts_with(text), industry.level));
        found.truncate(most);
        found
    }

    pub fn code(&self) -> &'static str {
        self.code
    }

    /// In Chinese; the standard has no other.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn level(&self) -> Level {
        self.level
    }

    /// One level up; none above a category.
    pub fn parent(&self) -> Option<&'static Industry> {
        self.parent.map(|at| &Industry::all()[at])
    }

    /// One level down, in order.
    pub fn children(&self) -> impl Iterator<Item = &'static Industry> {
        let at = self.at;
        self.below().filter(move |industry| industry.parent == Some(at))
    }

    /// Its category, the letter.
    pub fn category(&self) -> &'static Industry {
        let mut industry = &Industry::all()[self.at];
        while let Some(parent) = industry.parent() {
            industry = parent;
        }
        industry
    }

    /// Whether it is `other` or belongs to it.
    pub fn is_within(&self, other: &Industry) -> bool {
        self.at == other.at || self.parent().is_some_and(|parent| parent.is_within(other))
    }

    /// Everything that belongs to it: the table has parents first, so these follow until the level is reached again.
    fn below(&self) -> impl Iterator<Item = &'static Industry> {
        let level = self.level;
        Industry::all()[self.at + 1..].iter().take_while(move |industry| industry.level > level)
    }
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| Table::read(include_str!("industry.tsv")))
}

impl Table {
    fn read(text: &'static str) -> Table {
        let mut table = Table { rows: Vec::new(), by_code: HashMap::new() };
        // The line last read of each level is the parent of what follows one level down.
        let mut last = [None; 4];
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((code, name)) = line.split_once('\t') else { continue };
            let level = level(code);
            let at = table.rows.len();
            let parent = (level as usize).checked_sub(1).and_then(|above| last[above]);
            last[level as usize] = Some(at);
            table.by_code.insert(code, at);
            table.rows.push(Industry { code, name, level, at, parent });
        }
        table
    }
}

fn level(code: &str) -> Level {
    match code.len() {
        1 => Level::Category,
        2 => Level::Specific,
        3 => Level::Trade,
        _ => Level::Subclass,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_are_those_of_the_standard() {
        let count = |level| Industry::all().iter().filter(|industry| industry.level == level).count();
        let levels = [Level::Category, Level::Specific, Level::Trade, Level::Subclass];
        assert_eq!(levels.map(count), [20, 97, 473, 1381]);
        assert_eq!(table().by_code.len(), Industry::all().len());
    }

    #[test]
    fn every_line_is_in_order_and_below_its_parent() {
        let codes = |level| Industry::all().iter().filter(move |row| row.level == level).map(|row| row.code);
        assert_eq!(codes(Level::Category).collect::<String>(), "ABCDEFGHIJKLMNOPQRST");
        let numbers: Vec<String> = (1..=97).map(|number| format!("{number:02}")).collect();
        assert!(codes(Level::Specific).eq(numbers.iter().map(String::as_str)));
        for industry in Industry::all() {
            assert!(!industry.name.is_empty() && !industry.name.contains(char::is_whitespace), "{}", industry.code);
            assert!(industry.code.len() == 1 || industry.code.bytes().all(|octet| octet.is_ascii_digit()));
            if let Some(parent) = industry.parent().filter(|parent| parent.level != Level::Category) {
                assert_eq!(&industry.code[..parent.code.len()], parent.code);
            }
            assert_eq!(industry.parent().is_none(), industry.level == Level::Category);
            // Only classes have nothing below them; a group that is not divided has one class with a 0.
            assert_eq!(industry.children().next().is_none(), industry.level == Level::Subclass, "{}", industry.code);
        }
    }

    #[test]
    fn the_second_level_belongs_to_the_right_category() {
        for (category, first, last) in [
            ("A", "01", "05"),
            ("B", "06", "12"),
            ("C", "13", "43"),
            ("D", "44", "46"),
            ("E", "47", "50"),
            ("F", "51", "52"),
            ("G", "53", "60"),
            ("H", "61", "62"),
            ("I", "63", "65"),
            ("J", "66", "69"),
            ("K", "70", "70"),
            ("L", "71", "72"),
            ("M", "73", "75"),
            ("N", "76", "79"),
            ("O", "80", "82"),
            ("P", "83", "83"),
            ("Q", "84", "85"),
            ("R", "86", "90"),
            ("S", "91", "96"),
            ("T", "97", "97"),
        ] {
            let children: Vec<_> = Industry::find(category).unwrap().children().map(Industry::code).collect();
            assert_eq!((children.first(), children.last()), (Some(&first), Some(&last)), "{category}");
        }
    }

    #[test]
    fn lookup_up_and_down() {
        let rice = Industry::parse("0111").unwrap();
        assert_eq!((rice.name(), rice.level()), ("稻谷种植", Level::Subclass));
        let up: Vec<_> = std::iter::successors(Some(rice), |row| row.parent()).map(Industry::code).collect();
        assert_eq!(up, ["0111", "011", "01", "A"]);
        assert_eq!(Industry::parse("A0111").unwrap(), rice);
        let children: Vec<_> = rice.parent().unwrap().children().map(Industry::code).collect();
        assert_eq!(children, ["0111", "0112", "0113", "0119"]);
        assert!(rice.is_within(Industry::find("A").unwrap()) && !rice.is_within(Industry::find("012").unwrap()));
        assert_eq!(Industry::find("9700").unwrap().category().name(), "国际组织");
    }

    #[test]
    fn codes_that_are_none() {
        for (text, code, at) in [
            ("", "industry-unknown", 0),
            ("U", "industry-unknown", 1),
            ("98", "industry-unknown", 0),
            ("0114", "industry-unknown", 0),
            ("01110", "industry-unknown", 0),
            ("a0111", "industry-unknown", 0),
            ("AA", "industry-unknown", 1),
            ("B0111", "industry-category", 0),
            ("农业", "industry-unknown", 0),
        ] {
            let refusal = Industry::parse(text).unwrap_err();
            assert_eq!((refusal.code, refusal.at), (code, Some(at)), "{text}");
        }
    }

    #[test]
    fn the_fields_of_the_interface() {
        assert_eq!(Industry::parse_fields(["A", "01", "011", "0111"]).unwrap().code(), "0111");
        assert_eq!(Industry::parse_fields(["A", "A01", "", ""]).unwrap().code(), "01");
        for (fields, code) in [
            (["", "", "", ""], "industry-missing"),
            (["", "01", "", ""], "industry-levels"),
            (["A", "06", "", ""], "industry-levels"),
            (["A", "011", "", ""], "industry-levels"),
            (["A", "", "011", ""], "industry-levels"),
            (["A", "99", "", ""], "industry-unknown"),
        ] {
            assert_eq!(Industry::parse_fields(fields).unwrap_err().code, code, "{fields:?}");
        }
    }

    #[test]
    fn search_finds_the_nearest_first() {
        let codes = |text, most| Industry::search(text, most).into_iter().map(Industry::code).collect::<Vec<_>>();
        assert_eq!(codes("农业", 2), ["01", "051"]);
        assert_eq!(codes("集成电路", 9).first(), Some(&"652"));
        assert!(codes("集成电路", 9).contains(&"3973"));
        assert!(codes(" ", 9).is_empty() && codes("没有的行业", 9).is_empty());
        assert_eq!(codes("制造", 5).len(), 5);
    }
}
