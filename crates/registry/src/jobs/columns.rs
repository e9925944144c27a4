//! Which column of a file is what: proposed by the headings, remembered, changed by hand. Pure.

use crate::objects::change::{ObjectChange, ObjectOperation};
use crate::templates::Template;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What a column is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case", tag = "is", content = "name")]
pub enum ColumnUse {
    /// Nothing that is read.
    Ignored,
    /// The whole identifier.
    Identifier,
    /// What comes after the prefix.
    Suffix,
    /// A field of the template, by name.
    Field(String),
}

/// How the rows of a file become changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportSettings {
    /// Handle or id of the template.
    #[schema(max_length = 255)]
    pub template: String,
    /// Put before a suffix.
    #[serde(default)]
    #[schema(max_length = 255)]
    pub prefix: String,
    /// `create`, `put` or `patch`; `put` may be repeated without harm.
    pub operation: ObjectOperation,
    /// One for each column, from the first.
    #[schema(max_items = 1000)]
    pub columns: Vec<ColumnUse>,
    /// The first row, as it stands in the file; set by the node.
    #[serde(default)]
    pub headings: Vec<String>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowError {
    /// Empty in CSV.
    pub sheet: String,
    /// From 1, headings included.
    pub row: u32,
    /// From 1; 0 for the row as a whole.
    pub column: u32,
    /// Heading of the column.
    pub heading: String,
    pub code: String,
    pub zh: String,
    pub en: String,
}

/// Headings are compared without case, spaces and the marks of required columns.
fn folded(heading: &str) -> String {
    heading
        .chars()
        .filter(|letter| !letter.is_whitespace() && !"*＊_-".contains(*letter))
        .flat_map(char::to_lowercase)
        .collect()
}

const IDENTIFIERS: [&str; 7] = ["标识", "标识编码", "标识码", "identifier", "handle", "id", "code"];
const SUFFIXES: [&str; 4] = ["后缀", "标识后缀", "suffix", "序列号后缀"];

/// What the headings say.
pub fn propose(headings: &[String], template: &Template) -> Vec<ColumnUse> {
    let mut taken: Vec<ColumnUse> = Vec::new();
    let of = |heading: &String| {
        let name = folded(heading);
        let field = template
            .items
            .iter()
            .find(|item| folded(&item.name) == name || item.labels.values().any(|label| folded(label) == name));
        match field {
            Some(item) => ColumnUse::Field(item.name.clone()),
            None if IDENTIFIERS.contains(&name.as_str()) => ColumnUse::Identifier,
            None if SUFFIXES.contains(&name.as_str()) => ColumnUse::Suffix,
            None => ColumnUse::Ignored,
        }
    };
    for heading in headings {
        let column = of(heading);
        // Of two columns for one thing the first counts.
        let again = column != ColumnUse::Ignored && taken.contains(&column);
        taken.push(if again { ColumnUse::Ignored } else { column });
    }
    taken
}

impl ImportSettings {
    /// What a row asks for. A cell that is empty says nothing.
    pub fn change(&self, cells: &[String]) -> ObjectChange {
        let mut change = ObjectChange { identifier: None, ..ObjectChange::of(self.operation, "") };
        change.template = Some(self.template.clone()).filter(|_| self.operation != ObjectOperation::Patch);
        for (column, cell) in self.columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            match column {
                ColumnUse::Ignored => {}
                ColumnUse::Identifier => change.identifier = Some(cell.clone()),
                ColumnUse::Suffix if self.prefix.contains(':') => {
                    change.identifier = Some(format!("{}{cell}", self.prefix));
                }
                ColumnUse::Suffix => change.identifier = Some(format!("{}/{cell}", self.prefix)),
                ColumnUse::Field(name) => {
                    change.values.insert(name.clone(), Json::String(cell.clone()));
                }
            }
        }
        change
    }

    /// The column that a field of a refusal (`identifier`, `values.name`) stands in; 0 for none.
    pub fn column_of(&self, field: &str) -> (u32, String) {
        let wanted = |column: &ColumnUse| match (column, field.strip_prefix("values.")) {
            (ColumnUse::Field(name), Some(field)) => name == field,
            (ColumnUse::Identifier | ColumnUse::Suffix, None) => field == "identifier",
            _ => false,
        };
        match self.columns.iter().position(wanted) {
            Some(at) => (u32::try_from(at + 1).unwrap_or(0), self.headings.get(at).cloned().unwrap_or_default()),
            None => (0, String::new()),
        }
    }

    /// Why the settings cannot be carried out.
    pub fn check(&self, template: &Template) -> Result<(), (&'static str, String, String)> {
        use ObjectOperation::{Create, Patch, Put};
        if !matches!(self.operation, Create | Put | Patch) {
            let (zh, en) = ("导入方式应为 create、put 或 patch", "an import creates, puts or patches");
            return Err(("operation", zh.into(), en.into()));
        }
        let names = |column: &&ColumnUse| matches!(column, ColumnUse::Identifier | ColumnUse::Suffix);
        if self.columns.iter().filter(names).count() != 1 {
            let zh = "须有且仅有一列为标识（identifier）或后缀（suffix）";
            return Err(("columns", zh.into(), "exactly one column is the identifier or the suffix".into()));
        }
        if self.columns.contains(&ColumnUse::Suffix) && self.prefix.is_empty() {
            return Err(("prefix", "使用后缀列时请指定前缀".into(), "name the prefix of the suffixes".into()));
        }
        for (at, column) in self.columns.iter().enumerate() {
            let ColumnUse::Field(name) = column else { continue };
            if !template.items.iter().any(|item| item.name == *name) {
                let (zh, en) = (format!("模板没有字段 {name}"), format!("the template has no field {name}"));
                return Err(("columns", zh, en));
            }
            if self.columns[..at].contains(column) {
                let (zh, en) = (format!("字段 {name} 对应了两列"), format!("two columns are the field {name}"));
                return Err(("columns", zh, en));
            }
        }
        Ok(())
    }
}
