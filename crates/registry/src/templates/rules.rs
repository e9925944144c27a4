//! Rules: what restricts the values of an item beyond its data type. Each belongs to some data types only.
//!
//! | rule | data types |
//! |---|---|
//! | `minLength`, `maxLength` (characters; digits of a number) | string, number |
//! | `pattern` (the whole value), `enumeration` | string |
//! | `range`, `decimals`, `unit` | number |
//! | `dateFormat` | date |
//! | `fileKinds`, `fileCount`, `fileSize` | file, audio, video, image |
//! | `referenceTemplate`, `many` | reference |

use super::date;
use super::fault::FieldFault;
use super::item::DataType;
use super::number::{DIGITS, Range};
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::OnceLock;

/// Longest string where a rule says nothing, in characters.
pub const LENGTH: u32 = 4_000;
/// Longest string that a rule may allow, in characters.
pub const LENGTH_MOST: u32 = 32_000;
/// Longest pattern, in characters.
pub const PATTERN: usize = 500;
/// Memory of one compiled pattern, in octets.
const PATTERN_MEMORY: usize = 1 << 18;
/// Most values of an enumeration, and longest of them in characters.
pub const CHOICES: usize = 500;
pub const CHOICE: usize = 200;
/// Longest unit, in characters.
pub const UNIT: usize = 32;
/// Most attachments of one item.
pub const FILES: u32 = 50;
/// Largest attachment that a rule may allow, in octets.
pub const FILE_SIZE: u64 = 1 << 30;
/// Most suffixes of an item.
pub const KINDS: usize = 50;
/// Most references of one item.
pub const REFERENCES: usize = 1_000;

/// A regular expression that the whole value has to match, compiled when it is first used.
#[derive(Clone, Default)]
pub struct Pattern {
    text: String,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub fn new(text: impl Into<String>) -> Self {
        Pattern { text: text.into(), compiled: OnceLock::new() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// `None` if it is no expression, or one that takes too much memory.
    pub fn regex(&self) -> Option<&Regex> {
        let compile = || {
            let whole = format!("^(?:{})$", self.text);
            let mut builder = RegexBuilder::new(&whole);
            let builder = builder.size_limit(PATTERN_MEMORY).dfa_size_limit(PATTERN_MEMORY).nest_limit(50);
            // Alone first: `a)(b` is none, although it becomes one between the parentheses.
            Regex::new(&self.text).ok()?;
            builder.build().ok()
        };
        match self.text.chars().count() > PATTERN {
            true => None,
            false => self.compiled.get_or_init(compile).as_ref(),
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl std::fmt::Debug for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.text.fmt(f)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Pattern::new)
    }
}

/// What restricts the values of an item; absent rules do not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rules {
    /// Characters at least; of a number, digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// Characters at most (4000 unless given); of a number, digits (38).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// Regular expression that the whole value matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub pattern: Option<Pattern>,
    /// The only values that there are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 500)]
    pub enumeration: Vec<String>,
    /// `[1,10)`; an end may be missing: `[0,)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub range: Option<String>,
    /// Digits after the point at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 38)]
    pub decimals: Option<u32>,
    /// Unit of measurement, as it is written: `kW`, `℃`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 32)]
    pub unit: Option<String>,
    /// `YYYY-MM-DD` unless given; `YYYY-MM-DD HH:mm:ss`, `YYYY-MM`, `HH:mm`, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 40)]
    pub date_format: Option<String>,
    /// Suffixes of attachments without a point: `pdf`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 50)]
    pub file_kinds: Vec<String>,
    /// Attachments at most, 1 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 50)]
    pub file_count: Option<u32>,
    /// Octets of one attachment at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_073_741_824_u64)]
    pub file_size: Option<u64>,
    /// Handle of the template of the objects that are referred to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 255)]
    pub reference_template: Option<String>,
    /// It refers to any number of objects, not to one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub many: bool,
}

type Faults = Vec<FieldFault>;
/// Told of a member, whether it is wider than above, and what is asked for there.
type Wider<'a> = dyn FnMut(&str, bool, &dyn Fn() -> String) + 'a;

fn fault(faults: &mut Faults, member: &str, rule: &'static str, zh: &str, en: &str) {
    faults.push(FieldFault::new(&format!("rules.{member}"), rule, zh, en));
}

impl Rules {
    /// Longest value of the data type, in characters or digits.
    pub fn longest(&self, data_type: DataType) -> u32 {
        self.max_length.unwrap_or(if data_type == DataType::Number { DIGITS as u32 } else { LENGTH })
    }

    /// Attachments that one item takes.
    pub fn files(&self) -> u32 {
        self.file_count.unwrap_or(1)
    }

    /// The form of a date.
    pub fn date_form(&self) -> &str {
        self.date_format.as_deref().unwrap_or(date::DEFAULT)
    }

    /// What is wrong with the rules for items of a data type.
    pub fn check(&self, data_type: DataType) -> Faults {
        let mut faults = Vec::new();
        self.check_place(data_type, &mut faults);
        match data_type {
            DataType::String => self.check_string(&mut faults),
            DataType::Number => self.check_number(&mut faults),
            DataType::Date => {
                if !date::is_form(self.date_form()) {
                    let zh = "日期格式无效，例：YYYY-MM-DD、YYYY-MM-DD HH:mm:ss";
                    fault(&mut faults, "dateFormat", "bad-format", zh, "no form of a date: YYYY-MM-DD HH:mm:ss");
                }
            }
            DataType::Reference => {
                let handle = self.reference_template.as_deref();
                let is_handle = |text: &str| text.contains(['/', ':']) && hufu_ident::Identifier::parse(text).is_ok();
                if handle.is_some_and(|handle| !is_handle(handle)) {
                    let (zh, en) = ("引用的模板标识无效", "no handle of a template");
                    fault(&mut faults, "referenceTemplate", "bad-handle", zh, en);
                }
            }
            _ => self.check_files(&mut faults),
        }
        faults
    }

    /// Rules that do not belong to the data type.
    fn check_place(&self, data_type: DataType, faults: &mut Faults) {
        let (text, number) = (data_type == DataType::String, data_type == DataType::Number);
        let places = [
            ("minLength", self.min_length.is_some(), text || number),
            ("maxLength", self.max_length.is_some(), text || number),
            ("pattern", self.pattern.is_some(), text),
            ("enumeration", !self.enumeration.is_empty(), text),
            ("range", self.range.is_some(), number),
            ("decimals", self.decimals.is_some(), number),
            ("unit", self.unit.is_some(), number || text),
            ("dateFormat", self.date_format.is_some(), data_type == DataType::Date),
            ("fileKinds", !self.file_kinds.is_empty(), data_type.is_file()),
            ("fileCount", self.file_count.is_some(), data_type.is_file()),
            ("fileSize", self.file_size.is_some(), data_type.is_file()),
            ("referenceTemplate", self.reference_template.is_some(), data_type == DataType::Reference),
            ("many", self.many, data_type == DataType::Reference),
        ];
        for (member, _, _) in places.into_iter().filter(|(_, given, fits)| *given && !*fits) {
            let zh = format!("{}没有 {member} 这项规则", data_type.zh());
            let en = format!("items of type {} have no {member}", data_type.name());
            fault(faults, member, "rule-misplaced", &zh, &en);
        }
    }

    fn check_lengths(&self, most: u32, faults: &mut Faults) {
        if self.max_length.is_some_and(|length| length == 0 || length > most) {
            let (zh, en) = (format!("最大长度应为 1–{most}"), format!("maxLength is 1 to {most}"));
            fault(faults, "maxLength", "out-of-range", &zh, &en);
        } else if self.min_length.unwrap_or(0) > self.max_length.unwrap_or(most) {
            fault(faults, "minLength", "out-of-range", "最小长度大于最大长度", "minLength is above maxLength");
        }
    }

    fn check_string(&self, faults: &mut Faults) {
        self.check_lengths(LENGTH_MOST, faults);
        if self.pattern.as_ref().is_some_and(|pattern| pattern.regex().is_none()) {
            let (zh, en) = ("正则表达式无效或过于复杂", "no regular expression, or one too large");
            fault(faults, "pattern", "bad-pattern", zh, en);
        }
        let mut choices: Vec<&String> = self.enumeration.iter().collect();
        choices.sort();
        choices.dedup();
        if choices.len() < self.enumeration.len() || choices.len() > CHOICES {
            let (zh, en) =
                (format!("枚举值重复或超过 {CHOICES} 个"), format!("values occur twice, or more than {CHOICES}"));
            fault(faults, "enumeration", "bad-enumeration", &zh, &en);
        }
        if choices.iter().any(|choice| choice.is_empty() || choice.chars().count() > CHOICE) {
            let (zh, en) = (format!("枚举值应为 1–{CHOICE} 个字符"), format!("a value has 1 to {CHOICE} characters"));
            fault(faults, "enumeration", "bad-enumeration", &zh, &en);
        }
        self.check_unit(faults);
    }

    fn check_unit(&self, faults: &mut Faults) {
        if self.unit.as_ref().is_some_and(|unit| unit.trim().is_empty() || unit.chars().count() > UNIT) {
            let (zh, en) = (format!("单位应为 1–{UNIT} 个字符"), format!("a unit has 1 to {UNIT} characters"));
            fault(faults, "unit", "bad-unit", &zh, &en);
        }
    }

    fn check_number(&self, faults: &mut Faults) {
        self.check_lengths(DIGITS as u32, faults);
        if self.range.as_deref().is_some_and(|range| Range::parse(range).is_none()) {
            let zh = "数值范围无效，例：[1,10)、[0,)";
            fault(faults, "range", "bad-range", zh, "no range, or one without numbers: [1,10), [0,)");
        }
        if self.decimals.is_some_and(|decimals| decimals as usize > DIGITS) {
            let (zh, en) = (format!("小数位数不超过 {DIGITS}"), format!("decimals is at most {DIGITS}"));
            fault(faults, "decimals", "out-of-range", &zh, &en);
        }
        self.check_unit(faults);
    }

    fn check_files(&self, faults: &mut Faults) {
        let suffix = |kind: &String| {
            (1..=16).contains(&kind.len())
                && kind.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit())
        };
        if self.file_kinds.len() > KINDS || !self.file_kinds.iter().all(suffix) {
            let zh = format!("文件后缀应为小写字母或数字、不带点，最多 {KINDS} 个");
            let en = format!("suffixes are lower-case letters and digits without a point, at most {KINDS}");
            fault(faults, "fileKinds", "bad-suffix", &zh, &en);
        }
        if self.file_count.is_some_and(|count| !(1..=FILES).contains(&count)) {
            let (zh, en) = (format!("文件数应为 1–{FILES}"), format!("fileCount is 1 to {FILES}"));
            fault(faults, "fileCount", "out-of-range", &zh, &en);
        }
        if self.file_size.is_some_and(|size| !(1..=FILE_SIZE).contains(&size)) {
            let (zh, en) = (format!("文件大小应为 1–{FILE_SIZE} 字节"), format!("fileSize is 1 to {FILE_SIZE} octets"));
            fault(faults, "fileSize", "out-of-range", &zh, &en);
        }
    }

    /// What these rules allow that `above` does not: an item may narrow the metadata that it is made from, not widen.
    pub fn widenings(&self, above: &Rules, data_type: DataType) -> Faults {
        let mut faults = Vec::new();
        let mut wider = |member: &str, is: bool, limit: &dyn Fn() -> String| {
            if is {
                let (zh, en) = (
                    format!("比所用元数据更宽：元数据要求 {}", limit()),
                    format!("wider than the metadata it is made from, which asks for {}", limit()),
                );
                fault(&mut faults, member, "wider-than-metadata", &zh, &en);
            }
        };
        let least = above.min_length.unwrap_or(0);
        let most = above.longest(data_type);
        if matches!(data_type, DataType::String | DataType::Number) {
            wider("minLength", self.min_length.unwrap_or(0) < least, &|| format!("minLength ≥ {least}"));
            wider("maxLength", self.longest(data_type) > most, &|| format!("maxLength ≤ {most}"));
        }
        let pattern = above.pattern.as_ref().is_some_and(|pattern| self.pattern.as_ref() != Some(pattern));
        wider("pattern", pattern, &|| format!("{:?}", above.pattern.as_ref().map_or("", Pattern::text)));
        let chosen = |choice: &String| above.enumeration.contains(choice);
        let free = self.enumeration.is_empty() || !self.enumeration.iter().all(chosen);
        wider("enumeration", !above.enumeration.is_empty() && free, &|| above.enumeration.join(", "));
        let read = |rules: &Rules| rules.range.as_deref().and_then(Range::parse);
        let inside = match (read(self), read(above)) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(mine), Some(theirs)) => mine.lies_in(&theirs),
        };
        wider("range", !inside, &|| above.range.clone().unwrap_or_default());
        let finer = above.decimals.is_some_and(|decimals| self.decimals.is_none_or(|mine| mine > decimals));
        wider("decimals", finer, &|| format!("decimals ≤ {}", above.decimals.unwrap_or_default()));
        wider("unit", above.unit.is_some() && self.unit != above.unit, &|| above.unit.clone().unwrap_or_default());
        let form = data_type == DataType::Date && self.date_form() != above.date_form();
        wider("dateFormat", form, &|| above.date_form().to_owned());
        self.file_widenings(above, data_type, &mut wider);
        faults
    }

    fn file_widenings(&self, above: &Rules, data_type: DataType, wider: &mut Wider<'_>) {
        let taken = |kind: &String| above.file_kinds.contains(kind);
        let any = self.file_kinds.is_empty() || !self.file_kinds.iter().all(taken);
        wider("fileKinds", !above.file_kinds.is_empty() && any, &|| above.file_kinds.join(", "));
        let more = data_type.is_file() && self.files() > above.files();
        wider("fileCount", more, &|| format!("fileCount ≤ {}", above.files()));
        let larger = above.file_size.is_some_and(|size| self.file_size.is_none_or(|mine| mine > size));
        wider("fileSize", larger, &|| format!("fileSize ≤ {}", above.file_size.unwrap_or_default()));
        let other = above.reference_template.is_some() && self.reference_template != above.reference_template;
        wider("referenceTemplate", other, &|| above.reference_template.clone().unwrap_or_default());
        wider("many", self.many && !above.many && data_type == DataType::Reference, &|| "one reference".to_owned());
    }
}
