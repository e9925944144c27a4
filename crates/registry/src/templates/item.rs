//! Items: what the fields of an object may hold. See [`super::rules`] for what restricts a value.

use super::rules::Rules;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Index of the first item: what lies below belongs to the record itself.
pub const FIRST_INDEX: u32 = 2000;
/// Highest index.
pub const LAST_INDEX: u32 = 99_999;
/// Most items of a template.
pub const ITEMS: usize = 500;
/// Longest name, code and label, in characters.
pub const NAME: usize = 128;
/// Longest definition, in characters.
pub const DEFINITION: usize = 1000;
/// Most languages of a label.
pub const LANGUAGES: usize = 20;

/// Who sees a field unless the object says otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    /// Everybody.
    #[default]
    Public,
    /// Those to whom the owner grants it.
    Granted,
    /// The owner alone.
    Private,
}

/// How sensitive the data are (数据分级); the label follows them into exports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Classification {
    Public,
    #[default]
    Internal,
    Important,
    Secret,
}

/// What kind of value an item has; the numbers of the national interfaces are 1 to 8 in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DataType {
    #[default]
    String,
    Number,
    Date,
    File,
    Reference,
    Audio,
    Video,
    Image,
}

impl DataType {
    pub const ALL: [DataType; 8] = [
        DataType::String,
        DataType::Number,
        DataType::Date,
        DataType::File,
        DataType::Reference,
        DataType::Audio,
        DataType::Video,
        DataType::Image,
    ];

    /// Its number in the national interfaces.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    pub fn of_number(number: u8) -> Option<Self> {
        DataType::ALL.into_iter().find(|known| known.number() == number)
    }

    pub const fn name(self) -> &'static str {
        match self {
            DataType::String => "string",
            DataType::Number => "number",
            DataType::Date => "date",
            DataType::File => "file",
            DataType::Reference => "reference",
            DataType::Audio => "audio",
            DataType::Video => "video",
            DataType::Image => "image",
        }
    }

    pub const fn zh(self) -> &'static str {
        match self {
            DataType::String => "字符型",
            DataType::Number => "数值型",
            DataType::Date => "日期型",
            DataType::File => "文件型",
            DataType::Reference => "引用型",
            DataType::Audio => "音频",
            DataType::Video => "视频",
            DataType::Image => "图片",
        }
    }

    /// Whether its values are attachments.
    pub const fn is_file(self) -> bool {
        matches!(self, DataType::File | DataType::Audio | DataType::Video | DataType::Image)
    }

    /// Suffixes of attachments that it takes unless its rules name others; empty takes any.
    pub const fn suffixes(self) -> &'static [&'static str] {
        match self {
            DataType::Audio => &["wav", "mp3", "mp4"],
            DataType::Video => &["avi", "mov", "wmv", "flv", "mp4"],
            DataType::Image => &["jpg", "jpe", "png", "jpeg", "gif", "tif", "tiff", "jxr", "bmp"],
            _ => &[],
        }
    }
}

/// Whether values may be given to an item. An item is never deleted, and its index never used again.
///
/// ```text
/// pending ──► enabled ◄──► disabled
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ItemState {
    #[default]
    Enabled,
    /// Kept where objects have it, taken no more.
    Disabled,
    /// Not yet in force.
    Pending,
}

/// One item of a template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Item {
    /// Index of the value in the record, from 2000; 0 in a request takes the next free one.
    #[schema(maximum = 99999)]
    pub index: u32,
    /// The maker's own code; empty takes the name.
    #[schema(max_length = 128)]
    pub code: String,
    /// English name, unique in the template; it is the type of the value in the record.
    #[schema(max_length = 128)]
    pub name: String,
    /// What people read, by language (BCP 47): `zh`, `en`, ….
    pub labels: BTreeMap<String, String>,
    pub data_type: DataType,
    pub rules: Rules,
    pub required: bool,
    /// No two objects of the template have the same value.
    pub unique: bool,
    pub visibility: Visibility,
    pub classification: Classification,
    /// Asked for in forms.
    pub input: bool,
    /// A column of lists.
    pub listed: bool,
    pub state: ItemState,
    /// The metadata entry that it is made from, as `id`; empty for none.
    #[schema(max_length = 128)]
    pub metadata: String,
    /// Version of that entry; 0 takes the newest.
    pub metadata_version: i64,
    #[schema(max_length = 1000)]
    pub definition: String,
}

impl Item {
    /// The label in a language, or in another, or the name.
    pub fn label(&self, language: &str) -> &str {
        let wanted = self.labels.get(language).or_else(|| self.labels.get("zh")).or_else(|| self.labels.get("en"));
        wanted.map_or(&self.name, String::as_str)
    }

    /// Whether objects take a value for it now.
    pub fn is_enabled(&self) -> bool {
        self.state == ItemState::Enabled
    }
}

/// A template as objects need it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    pub handle: String,
    pub version: String,
    pub items: Vec<Item>,
}

impl Template {
    /// Indexes of the items whose values are unique.
    pub fn unique_indexes(&self) -> Vec<u32> {
        self.items.iter().filter(|item| item.unique).map(|item| item.index).collect()
    }

    pub fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.name == name)
    }
}
