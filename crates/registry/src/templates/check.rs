//! Values against items: is a value acceptable, and what is its one canonical text. Pure.
//!
//! | data type | value | canonical text |
//! |---|---|---|
//! | string | a text | itself |
//! | number | a number, or a text where a number would be rounded | digits without superfluous zeros |
//! | date | a text of the item's form | itself |
//! | file, audio, video, image | `{"file","name","size","type"}`, a list where there may be many | the same, in this order |
//! | reference | an identifier, a list where there may be many | JSON text, or list |

use super::date;
use super::fault::FieldFault;
use super::item::{DataType, Item, Template};
use super::number::{Decimal, Range};
use super::rules::{REFERENCES, Rules};
use serde_json::{Map, Value as Json, json};

/// Longest name of an attachment, in characters.
const FILE_NAME: usize = 255;
/// Longest media type, in characters.
const MEDIA_TYPE: usize = 127;
/// A number from which JSON readers begin to round: 2^53.
const ROUNDED: f64 = 9_007_199_254_740_992.0;
/// Digits that a binary fraction holds for certain.
const SURE_DIGITS: usize = 15;

/// How values come to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is new: required ones must be there.
    Create,
    /// All of them are replaced: required ones must be there.
    Overwrite,
    /// Only those named are changed; null takes one away.
    Patch,
}

/// Wherever texts and their labels are named in a fault.
struct Named<'a>(&'a Item);

impl Named<'_> {
    fn fault(&self, rule: &'static str, zh: impl AsRef<str>, en: impl AsRef<str>) -> FieldFault {
        let zh = format!("{}：{}", self.0.label("zh"), zh.as_ref());
        let en = format!("{}: {}", self.0.label("en"), en.as_ref());
        FieldFault::new(&self.0.name, rule, zh, en)
    }

    fn wrong_type(&self, zh: &str, en: &str) -> FieldFault {
        self.fault("wrong-type", format!("应为{zh}"), format!("has to be {en}"))
    }
}

/// The canonical text of a value of an item.
pub fn check(item: &Item, value: &Json) -> Result<String, FieldFault> {
    let named = Named(item);
    match item.data_type {
        DataType::String => string(&named, &item.rules, value),
        DataType::Number => number(&named, &item.rules, value),
        DataType::Date => day(&named, &item.rules, value),
        DataType::Reference => references(&named, &item.rules, value),
        _ => files(&named, &item.rules, value),
    }
}

fn string(named: &Named<'_>, rules: &Rules, value: &Json) -> Result<String, FieldFault> {
    let text = value.as_str().ok_or_else(|| named.wrong_type("文本", "a text"))?;
    if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
        return Err(named.fault("control-character", "含有控制字符", "has control characters"));
    }
    let (length, longest) = (text.chars().count(), rules.longest(DataType::String) as usize);
    if length > longest {
        let zh = format!("不超过 {longest} 个字符（现 {length} 个）");
        return Err(named.fault("too-long", zh, format!("at most {longest} characters, these are {length}")));
    }
    let shortest = rules.min_length.unwrap_or(0) as usize;
    if length < shortest {
        let zh = format!("至少 {shortest} 个字符（现 {length} 个）");
        return Err(named.fault("too-short", zh, format!("at least {shortest} characters, these are {length}")));
    }
    if !rules.enumeration.is_empty() && !rules.enumeration.iter().any(|choice| choice == text) {
        let some: Vec<&str> = rules.enumeration.iter().take(20).map(String::as_str).collect();
        let zh = format!("只能取：{}", some.join("、"));
        return Err(named.fault("not-in-enumeration", zh, format!("has to be one of: {}", some.join(", "))));
    }
    if let Some(pattern) = &rules.pattern {
        let regex = pattern
            .regex()
            .ok_or_else(|| named.fault("bad-pattern", "模板中的正则表达式无效", "the template's pattern is none"))?;
        if !regex.is_match(text) {
            let zh = format!("不符合格式 {}", pattern.text());
            return Err(named.fault("pattern", zh, format!("does not match {}", pattern.text())));
        }
    }
    Ok(text.to_owned())
}

/// What was sent, if a reader of JSON has not rounded it on the way.
fn digits_of(named: &Named<'_>, value: &Json) -> Result<Decimal, FieldFault> {
    let no_number = || named.fault("not-a-number", "不是数值", "is no number");
    match value {
        Json::String(text) => Decimal::parse(text.trim()).ok_or_else(no_number),
        Json::Number(number) => {
            let decimal = Decimal::parse(&number.to_string()).ok_or_else(no_number)?;
            let exact = number.is_i64() || number.is_u64();
            let rounds = number.as_f64().is_none_or(|float| float.abs() >= ROUNDED);
            if !exact && (rounds || decimal.digits() > SURE_DIGITS) {
                let zh = format!("超过 {SURE_DIGITS} 位的数值请以文本传送，以免被舍入");
                let en = format!("send numbers of more than {SURE_DIGITS} digits as text, or they are rounded");
                return Err(named.fault("number-as-text", zh, en));
            }
            Ok(decimal)
        }
        _ => Err(named.wrong_type("数值", "a number")),
    }
}

fn number(named: &Named<'_>, rules: &Rules, value: &Json) -> Result<String, FieldFault> {
    let number = digits_of(named, value)?;
    let (digits, longest) = (number.digits(), rules.longest(DataType::Number) as usize);
    if digits > longest {
        let zh = format!("不超过 {longest} 位数字（现 {digits} 位）");
        return Err(named.fault("too-long", zh, format!("at most {longest} digits, these are {digits}")));
    }
    let shortest = rules.min_length.unwrap_or(0) as usize;
    if digits < shortest {
        let zh = format!("至少 {shortest} 位数字（现 {digits} 位）");
        return Err(named.fault("too-short", zh, format!("at least {shortest} digits, these are {digits}")));
    }
    if let Some(decimals) = rules.decimals.filter(|decimals| number.decimals() > *decimals as usize) {
        let zh = format!("小数不超过 {decimals} 位");
        return Err(named.fault("too-many-decimals", zh, format!("at most {decimals} digits after the point")));
    }
    if let Some(range) = &rules.range {
        let inside = Range::parse(range).is_some_and(|range| range.contains(&number));
        if !inside {
            let unit = rules.unit.as_deref().unwrap_or_default();
            let zh = format!("应在 {range}{unit} 之内");
            return Err(named.fault("out-of-range", zh, format!("has to lie in {range} {unit}").trim_end()));
        }
    }
    Ok(number.to_string())
}

fn day(named: &Named<'_>, rules: &Rules, value: &Json) -> Result<String, FieldFault> {
    let text = value.as_str().ok_or_else(|| named.wrong_type("日期文本", "a text with a date"))?;
    match date::matches(rules.date_form(), text) {
        true => Ok(text.to_owned()),
        false => {
            let form = rules.date_form();
            let zh = format!("不是有效日期，格式为 {form}");
            Err(named.fault("bad-date", zh, format!("no date that exists in the form {form}")))
        }
    }
}

/// The values of a list where there may be many, or the one.
fn listed<'a>(named: &Named<'_>, value: &'a Json, most: usize) -> Result<Vec<&'a Json>, FieldFault> {
    let values: Vec<&Json> = match value {
        Json::Array(values) => values.iter().collect(),
        one => vec![one],
    };
    if values.is_empty() || values.len() > most {
        let zh = format!("应有 1–{most} 项");
        return Err(named.fault("wrong-count", zh, format!("has to have 1 to {most} entries")));
    }
    Ok(values)
}

fn references(named: &Named<'_>, rules: &Rules, value: &Json) -> Result<String, FieldFault> {
    let mut names = Vec::new();
    for entry in listed(named, value, if rules.many { REFERENCES } else { 1 })? {
        let text = entry.as_str().ok_or_else(|| named.wrong_type("标识文本", "an identifier"))?;
        let identifier = hufu_ident::Identifier::parse(text)
            .map_err(|refusal| named.fault("bad-identifier", &refusal.zh, &refusal.en))?;
        let name = identifier.as_str().to_owned();
        if names.contains(&name) {
            return Err(named.fault("repeated", format!("{name} 重复"), format!("{name} occurs twice")));
        }
        names.push(name);
    }
    Ok(match (rules.many, names.as_slice()) {
        (false, [one]) => json!(one).to_string(),
        _ => json!(names).to_string(),
    })
}

fn files(named: &Named<'_>, rules: &Rules, value: &Json) -> Result<String, FieldFault> {
    let most = rules.files() as usize;
    let files = listed(named, value, most)?;
    let mut kept = files.into_iter().map(|entry| file(named, rules, entry)).collect::<Result<Vec<_>, _>>()?;
    Ok(match (most, kept.len()) {
        (1, 1) => kept.remove(0).to_string(),
        _ => Json::Array(kept).to_string(),
    })
}

/// A digest in hex, with the name of its algorithm before it or without.
fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sm3:").or_else(|| text.strip_prefix("sha256:")).unwrap_or(text);
    hex.len() == 64 && hex.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'))
}

fn file(named: &Named<'_>, rules: &Rules, value: &Json) -> Result<Json, FieldFault> {
    let shape = || {
        let zh = "附件（file 摘要、name 文件名、size 字节数、type 类型）";
        named.wrong_type(zh, "an attachment: file (digest), name, size, type")
    };
    let members = value.as_object().ok_or_else(shape)?;
    let known = |member: &String| matches!(member.as_str(), "file" | "name" | "size" | "type");
    let text = |member: &str| members.get(member).and_then(Json::as_str).unwrap_or_default();
    let (digest, name, media) = (text("file"), text("name"), text("type"));
    let size = members.get("size").and_then(Json::as_u64).ok_or_else(shape)?;
    if !members.keys().all(known) || !is_digest(digest) {
        return Err(shape());
    }
    let odd = |letter: char| letter.is_control() || matches!(letter, '/' | '\\');
    if name.is_empty() || name.chars().count() > FILE_NAME || name.contains(odd) || media.chars().count() > MEDIA_TYPE {
        return Err(named.fault("bad-file-name", "文件名或类型无效", "the name or type of the file is not acceptable"));
    }
    let suffix = name.rsplit_once('.').map(|(_, suffix)| suffix.to_ascii_lowercase()).unwrap_or_default();
    let own: Vec<&str> = rules.file_kinds.iter().map(String::as_str).collect();
    let kinds = if own.is_empty() { named.0.data_type.suffixes() } else { &own };
    if !kinds.is_empty() && !kinds.contains(&suffix.as_str()) {
        let zh = format!("文件类型只能是 {}", kinds.join("、"));
        return Err(named.fault("file-kind", zh, format!("the file has to be {}", kinds.join(", "))));
    }
    if let Some(most) = rules.file_size.filter(|most| size > *most) {
        let zh = format!("文件不超过 {most} 字节（现 {size}）");
        return Err(named.fault("file-size", zh, format!("a file has at most {most} octets, this one {size}")));
    }
    Ok(json!({"file": digest, "name": name, "size": size, "type": media}))
}

/// Every value against its item: the items with their canonical texts, `None` where a value is taken away; or all
/// that is wrong.
pub fn check_values<'a>(
    template: &'a Template,
    values: &Map<String, Json>,
    mode: Mode,
) -> Result<Vec<(&'a Item, Option<String>)>, Vec<FieldFault>> {
    let (mut kept, mut faults) = (Vec::new(), Vec::new());
    for (name, value) in values {
        let Some(item) = template.item(name) else {
            let zh = format!("模板中没有字段 {name}");
            faults.push(FieldFault::new(name, "unknown-field", zh, format!("the template has no field {name}")));
            continue;
        };
        match one(item, value, mode) {
            Ok(Some(text)) => kept.push((item, Some(text))),
            Ok(None) if mode == Mode::Patch => kept.push((item, None)),
            Ok(None) => {}
            Err(fault) => faults.push(fault),
        }
    }
    if mode != Mode::Patch {
        let absent = |item: &&Item| values.get(&item.name).is_none_or(Json::is_null);
        let required = template.items.iter().filter(|item| item.required && item.is_enabled());
        faults.extend(required.filter(absent).map(missing));
    }
    if faults.is_empty() { Ok(kept) } else { Err(faults) }
}

fn missing(item: &Item) -> FieldFault {
    Named(item).fault("missing", "必填", "is required")
}

/// The text of one value; `None` where it is null.
fn one(item: &Item, value: &Json, mode: Mode) -> Result<Option<String>, FieldFault> {
    match value {
        Json::Null if item.required && item.is_enabled() && mode == Mode::Patch => Err(missing(item)),
        Json::Null => Ok(None),
        _ if !item.is_enabled() => Err(Named(item).fault("disabled-field", "该字段未启用", "the field is not in use")),
        Json::String(text) if item.required && text.trim().is_empty() => Err(missing(item)),
        value => check(item, value).map(Some),
    }
}
