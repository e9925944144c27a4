//! stand-in while the real one is written
use crate::error::Error;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sqlx::AnyConnection;
use std::collections::BTreeMap;
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    #[default]
    Public,
    Granted,
    Private,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Classification {
    Public,
    Internal,
    Important,
    Secret,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DataType {
    String,
    Number,
    Date,
    File,
    Reference,
    Audio,
    Video,
    Image,
}
#[derive(Debug, Clone, Default)]
pub struct Rules {
    pub unit: Option<String>,
}
#[derive(Debug, Clone)]
pub struct Item {
    pub index: u32,
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub data_type: DataType,
    pub rules: Rules,
    pub required: bool,
    pub unique: bool,
    pub visibility: Visibility,
    pub classification: Classification,
}
#[derive(Debug, Clone)]
pub struct Template {
    pub handle: String,
    pub version: String,
    pub items: Vec<Item>,
}
impl Template {
    pub fn unique_indexes(&self) -> Vec<u32> {
        self.items.iter().filter(|i| i.unique).map(|i| i.index).collect()
    }
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Create,
    Overwrite,
    Patch,
}
pub struct FieldFault {
    pub field: String,
    pub rule: &'static str,
    pub zh: String,
    pub en: String,
}
fn demo(name: &str) -> Template {
    let item = |index, name: &str, visibility, unique| Item {
        index,
        name: name.into(),
        labels: BTreeMap::new(),
        data_type: DataType::String,
        rules: Rules::default(),
        required: false,
        unique,
        visibility,
        classification: Classification::Internal,
    };
    Template {
        handle: name.to_owned(),
        version: "1.0".into(),
        items: vec![
            item(2000, "name", Visibility::Public, false),
            item(2001, "batch", Visibility::Granted, false),
            item(2002, "cost", Visibility::Private, false),
            item(2003, "serial", Visibility::Public, true),
        ],
    }
}
pub async fn usable(_: &mut AnyConnection, name: &str, _: Option<&str>) -> Result<Template, Error> {
    Ok(demo(name))
}
pub async fn as_used(_: &mut AnyConnection, name: &str) -> Result<Template, Error> {
    Ok(demo(name))
}
pub async fn unique_indexes(_: &mut AnyConnection, name: &str) -> Result<Vec<u32>, Error> {
    Ok(demo(name).unique_indexes())
}
pub fn check_values<'a>(
    template: &'a Template,
    values: &Map<String, Json>,
    _: Mode,
) -> Result<Vec<(&'a Item, Option<String>)>, Vec<FieldFault>> {
    let mut out = Vec::new();
    for (name, value) in values {
        let Some(item) = template.items.iter().find(|i| i.name == *name) else {
            return Err(vec![FieldFault {
                field: name.clone(),
                rule: "unknown-field",
                zh: String::new(),
                en: String::new(),
            }]);
        };
        out.push((item, value.as_str().map(str::to_owned)));
    }
    Ok(out)
}
