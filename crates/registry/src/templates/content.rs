//! What a template says: its names, its place among industries, its items; and what may not be said.

use super::fault::FieldFault;
use super::item::{DEFINITION, DataType, FIRST_INDEX, ITEMS, Item, ItemState, LANGUAGES, LAST_INDEX, NAME};
use crate::error::{FieldRefusal, Refusal};
use crate::industry::Industry;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// Longest standard and description, in characters.
const STANDARD: usize = 200;
const DESCRIPTION: usize = 1000;
/// Types of values that mean something to resolvers or to this node: no item may be called so. Lower case is free.
const RESERVED: [&str; 4] = ["TEMPLATE", "TEMPLATE_ID", "OBJECT", "STATUS"];
const RESERVED_STARTS: [&str; 3] = ["HS_", "REL.", "10320/"];

/// What a template says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TemplateContent {
    /// By language (BCP 47): `zh`, `en`, ….
    pub labels: BTreeMap<String, String>,
    /// The maker's own code.
    #[schema(max_length = 128)]
    pub code: String,
    /// Class in the maker's own order.
    #[schema(max_length = 128)]
    pub class: String,
    /// Four levels of GB/T 4754: `C`, `36`, `361`, `3611`; deeper ones may be empty.
    #[schema(max_length = 8)]
    pub industry_category: String,
    #[schema(max_length = 8)]
    pub industry_specific: String,
    #[schema(max_length = 8)]
    pub industry_trade: String,
    #[schema(max_length = 8)]
    pub industry_subclass: String,
    /// Its objects are active carriers (主动标识载体).
    pub active_carrier: bool,
    /// Standard that it follows.
    #[schema(max_length = 200)]
    pub standard: String,
    #[schema(max_length = 1000)]
    pub description: String,
    #[schema(max_items = 500)]
    pub items: Vec<Item>,
}

type Faults = Vec<FieldRefusal>;

fn wrong(faults: &mut Faults, field: impl Into<String>, code: &str, zh: impl Into<String>, en: impl Into<String>) {
    faults.push(FieldRefusal::new(field, code, zh, en));
}

/// A text that is there and not too long.
pub(super) fn check_text(faults: &mut Faults, field: &str, text: &str, most: usize) {
    if text.chars().count() > most || text.chars().any(char::is_control) {
        let (zh, en) = (format!("不超过 {most} 个字符，且不含控制字符"), format!("at most {most} plain characters"));
        wrong(faults, field, "too-long", zh, en);
    }
}

/// A language tag as far as its form goes.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    let letters = (2..=3).contains(&first.len()) && first.bytes().all(|octet| octet.is_ascii_alphabetic());
    letters && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|o| o.is_ascii_alphanumeric()))
}

/// Labels: one language at least, each named and filled in.
pub(super) fn check_labels(faults: &mut Faults, field: &str, labels: &BTreeMap<String, String>) {
    if labels.is_empty() || labels.len() > LANGUAGES {
        let (zh, en) = ("至少给出一种语言的名称（zh 或 en）", "name it in one language at least: zh, en");
        wrong(faults, field, "missing", zh, en);
    }
    for (language, label) in labels {
        let place = format!("{field}.{language}");
        if !is_language(language) {
            wrong(faults, &place, "bad-language", "语言代码无效，例：zh、en", "no language tag: zh, en");
        }
        if label.trim().is_empty() {
            wrong(faults, &place, "missing", "名称为空", "the name is empty");
        }
        check_text(faults, &place, label, NAME);
    }
}

/// An English name that can be the type of a value.
pub(super) fn check_name(faults: &mut Faults, field: &str, name: &str) {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.' | b':' | b'+');
    let begins = name.bytes().next().is_some_and(|octet| octet.is_ascii_alphabetic());
    if !begins || name.len() > NAME || !name.bytes().all(plain) {
        let zh = format!("英文名应以字母开头，由字母、数字、_、-、.、:、+ 组成，不超过 {NAME} 个字符");
        let en = format!("a name begins with a letter and has letters, digits, _, -, ., :, + only, at most {NAME}");
        return wrong(faults, field, "bad-name", zh, en);
    }
    let upper = name.to_ascii_uppercase();
    if RESERVED.contains(&name) || RESERVED_STARTS.iter().any(|start| upper.starts_with(start)) {
        let (zh, en) = ("该名称由系统保留", "this name is reserved: it means something to resolvers");
        wrong(faults, field, "reserved-name", zh, en);
    }
}

/// The four levels in their places; empty is no industry.
pub(super) fn check_industry(faults: &mut Faults, fields: [&str; 4]) {
    if fields.iter().all(|field| field.is_empty()) {
        return;
    }
    if let Err(refusal) = Industry::parse_fields(fields) {
        faults.push(FieldRefusal::of("industryCategory", &refusal));
    }
}

impl TemplateContent {
    /// The name in Chinese, or in another language.
    pub fn name(&self) -> &str {
        let wanted = self.labels.get("zh").or_else(|| self.labels.get("en"));
        wanted.or_else(|| self.labels.values().next()).map_or(self.code.as_str(), String::as_str)
    }

    fn industries(&self) -> [&str; 4] {
        [&self.industry_category, &self.industry_specific, &self.industry_trade, &self.industry_subclass]
    }

    /// The finest industry that is filled in, with its letter: `C3611`.
    pub fn industry(&self) -> String {
        let finest = self.industries().into_iter().skip(1).rev().find(|code| !code.is_empty());
        format!("{}{}", self.industry_category, finest.unwrap_or_default())
    }

    /// Gives every item without an index the next free one, from the highest ever used.
    pub fn number_items(&mut self, highest: u32) {
        let given = self.items.iter().map(|item| item.index).max().unwrap_or(0);
        let mut next = highest.max(given).max(FIRST_INDEX - 1);
        for item in self.items.iter_mut().filter(|item| item.index == 0) {
            next = next.saturating_add(1);
            item.index = next;
        }
    }

    /// Fills in what may be left out.
    pub fn complete(&mut self) {
        for item in &mut self.items {
            if item.code.is_empty() {
                item.code.clone_from(&item.name);
            }
        }
    }

    /// Refuses what may not be said. Items are numbered.
    pub fn check(&self) -> Result<(), Refusal> {
        let mut faults = Vec::new();
        check_labels(&mut faults, "labels", &self.labels);
        check_text(&mut faults, "code", &self.code, NAME);
        check_text(&mut faults, "class", &self.class, NAME);
        check_text(&mut faults, "standard", &self.standard, STANDARD);
        if self.description.chars().count() > DESCRIPTION {
            let zh = format!("说明不超过 {DESCRIPTION} 个字符");
            wrong(&mut faults, "description", "too-long", zh, format!("at most {DESCRIPTION} characters"));
        }
        check_industry(&mut faults, self.industries());
        if self.items.is_empty() || self.items.len() > ITEMS {
            let (zh, en) = (format!("数据项应为 1–{ITEMS} 个"), format!("a template has 1 to {ITEMS} items"));
            wrong(&mut faults, "items", "wrong-count", zh, en);
        }
        let (mut names, mut indexes) = (HashSet::new(), HashSet::new());
        for (at, item) in self.items.iter().enumerate().take(ITEMS) {
            let place = format!("items[{at}]");
            if !names.insert(item.name.to_ascii_lowercase()) {
                let (zh, en) = (format!("英文名 {} 重复", item.name), format!("two items are called {}", item.name));
                wrong(&mut faults, format!("{place}.name"), "repeated", zh, en);
            }
            if !indexes.insert(item.index) {
                let (zh, en) = (format!("索引 {} 重复", item.index), format!("two items have index {}", item.index));
                wrong(&mut faults, format!("{place}.index"), "repeated", zh, en);
            }
            check_item(&mut faults, &place, item);
        }
        if faults.is_empty() { Ok(()) } else { Err(Refusal::fields(faults)) }
    }
}

fn check_item(faults: &mut Faults, place: &str, item: &Item) {
    check_name(faults, &format!("{place}.name"), &item.name);
    check_labels(faults, &format!("{place}.labels"), &item.labels);
    check_text(faults, &format!("{place}.code"), &item.code, NAME);
    check_text(faults, &format!("{place}.metadata"), &item.metadata, NAME);
    if item.definition.chars().count() > DEFINITION {
        let zh = format!("定义不超过 {DEFINITION} 个字符");
        wrong(faults, format!("{place}.definition"), "too-long", zh, format!("at most {DEFINITION} characters"));
    }
    if !(FIRST_INDEX..=LAST_INDEX).contains(&item.index) {
        let (zh, en) =
            (format!("索引应为 {FIRST_INDEX}–{LAST_INDEX}"), format!("an index is {FIRST_INDEX} to {LAST_INDEX}"));
        wrong(faults, format!("{place}.index"), "out-of-range", zh, en);
    }
    if item.unique && (item.data_type.is_file() || item.data_type == DataType::Reference) {
        let (zh, en) = ("只有字符、数值、日期型可设为唯一", "only strings, numbers and dates can be unique");
        wrong(faults, format!("{place}.unique"), "not-unique-able", zh, en);
    }
    faults.extend(item.rules.check(item.data_type).into_iter().map(|fault: FieldFault| fault.below(place)));
}

/// The items of a published template after a change: new ones, other labels, states and defaults; nothing else.
/// Those that are not sent stay.
pub fn merged(before: &[Item], sent: &[Item]) -> Result<Vec<Item>, Refusal> {
    let (mut items, mut faults) = (before.to_vec(), Vec::new());
    let known: HashSet<u32> = before.iter().map(|item| item.index).collect();
    for (at, new) in sent.iter().enumerate() {
        let place = format!("items[{at}]");
        let same_name = before.iter().find(|old| old.name.eq_ignore_ascii_case(&new.name));
        match same_name {
            None if known.contains(&new.index) => {
                let zh = format!("索引 {} 已用于其他数据项，不能改名或重用", new.index);
                let en =
                    format!("index {} belongs to another item; an item is not renamed, no index used again", new.index);
                wrong(&mut faults, format!("{place}.index"), "index-taken", zh, en);
            }
            None => items.push(new.clone()),
            Some(old) if new.index != 0 && new.index != old.index => {
                let zh = format!("数据项 {} 的索引是 {}，不能更改", old.name, old.index);
                let en = format!("{} has index {}, which does not change", old.name, old.index);
                wrong(&mut faults, format!("{place}.index"), "index-fixed", zh, en);
            }
            Some(old) => {
                faults.extend(fixed_members(&place, old, new));
                if let Some(item) = items.iter_mut().find(|item| item.index == old.index) {
                    let (index, metadata_version) = (old.index, old.metadata_version);
                    *item = Item { index, metadata_version, name: old.name.clone(), ..new.clone() };
                }
            }
        }
    }
    if faults.is_empty() { Ok(items) } else { Err(Refusal::fields(faults)) }
}

/// What of an item that objects have does not change any more.
fn fixed_members(place: &str, old: &Item, new: &Item) -> Faults {
    let returned = old.state != ItemState::Pending && new.state == ItemState::Pending;
    let changed = [
        ("dataType", old.data_type != new.data_type),
        ("rules", old.rules != new.rules),
        ("required", old.required != new.required),
        ("unique", old.unique != new.unique),
        ("metadata", old.metadata != new.metadata),
        ("state", returned),
    ];
    let changed = changed.into_iter().filter(|(_, is)| *is);
    changed
        .map(|(member, _)| {
            let zh = format!("模板已发布，数据项 {} 的 {member} 不能更改；请停用该项并新增一项", old.name);
            let en = format!(
                "the template is published: {member} of {} is fixed; disable the item and add another",
                old.name
            );
            FieldRefusal::new(format!("{place}.{member}"), "published", zh, en)
        })
        .collect()
}
