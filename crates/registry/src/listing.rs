//! Lists: filters, order, pages. One way for all of them.
//!
//! A page ends with a cursor that names the last row's place in the order, so pages neither skip nor repeat rows when
//! others are added meanwhile.

use crate::error::{Error, Kind, Refusal};
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

/// Rows of a page: default and most.
pub const PAGE: i64 = 50;
pub const PAGE_MOST: i64 = 200;

/// What every list takes.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Rows of the page, 1–200.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// `next` of the page before.
    pub after: Option<String>,
    /// A field of the list, with `-` before it for the reverse order.
    pub sort: Option<String>,
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Rows of all pages.
    pub total: i64,
    /// What to send as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A value to compare with.
#[derive(Debug, Clone)]
enum Bound {
    Number(i64),
    Text(String),
}

/// A column by which a list can be ordered.
#[derive(Debug, Clone, Copy)]
pub enum Column {
    Number(&'static str),
    Text(&'static str),
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Column::Number(name) | Column::Text(name) => name,
        }
    }

    /// Whether a cursor's value can be compared with it.
    fn takes(self, bound: &Bound) -> bool {
        matches!((self, bound), (Column::Number(_), Bound::Number(_)) | (Column::Text(_), Bound::Text(_)))
    }
}

/// A list with its conditions. Names of tables and columns come from the code, values are bound.
pub struct Filter {
    table: &'static str,
    columns: &'static str,
    conditions: Vec<String>,
    values: Vec<Bound>,
}

impl Filter {
    pub fn new(table: &'static str, columns: &'static str) -> Self {
        Filter { table, columns, conditions: Vec::new(), values: Vec::new() }
    }

    fn push(&mut self, column: &str, comparison: &str, value: Bound) {
        self.values.push(value);
        self.conditions.push(format!("{column} {comparison} ${}", self.values.len()));
    }

    pub fn equal(&mut self, column: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.push(column, "=", Bound::Text(value.into()));
        }
    }

    /// Equal to one of the columns.
    pub fn either(&mut self, columns: &[&'static str], value: Option<&str>) {
        if let Some(value) = value {
            self.values.push(Bound::Text(value.into()));
            let place = self.values.len();
            let any: Vec<String> = columns.iter().map(|column| format!("{column} = ${place}")).collect();
            self.conditions.push(format!("({})", any.join(" OR ")));
        }
    }

    pub fn is(&mut self, column: &'static str, value: Option<i64>) {
        if let Some(value) = value {
            self.push(column, "=", Bound::Number(value));
        }
    }

    pub fn at_least(&mut self, column: &'static str, value: Option<i64>) {
        if let Some(value) = value {
            self.push(column, ">=", Bound::Number(value));
        }
    }

    pub fn below(&mut self, column: &'static str, value: Option<i64>) {
        if let Some(value) = value {
            self.push(column, "<", Bound::Number(value));
        }
    }

    /// Texts that begin so.
    pub fn prefixed(&mut self, column: &'static str, start: Option<&str>) {
        if let Some(start) = start.filter(|start| !start.is_empty()) {
            self.push(column, "LIKE", Bound::Text(format!("{}%", escaped(start))));
            self.escape();
        }
    }

    /// Texts with this somewhere in them, whatever the case of ASCII letters.
    pub fn containing(&mut self, column: &'static str, part: Option<&str>) {
        if let Some(part) = part.filter(|part| !part.is_empty()) {
            self.values.push(Bound::Text(format!("%{}%", escaped(&part.to_lowercase()))));
            self.conditions.push(format!("LOWER({column}) LIKE ${}", self.values.len()));
            self.escape();
        }
    }

    /// Texts that are one of these; none where there are none.
    pub fn one_of(&mut self, column: &'static str, values: &[&str]) {
        let mut places = Vec::with_capacity(values.len());
        for value in values {
            self.values.push(Bound::Text((*value).into()));
            places.push(format!("${}", self.values.len()));
        }
        self.conditions.push(match places.is_empty() {
            true => "1 = 0".into(),
            false => format!("{column} IN ({})", places.join(", ")),
        });
    }

    /// Rows for which a condition from the code holds, with `value` in the place of `$?`.
    pub fn such_that(&mut self, condition: &'static str, value: &str) {
        self.values.push(Bound::Text(value.into()));
        self.conditions.push(condition.replace("$?", &format!("${}", self.values.len())));
    }

    fn escape(&mut self) {
        if let Some(last) = self.conditions.last_mut() {
            last.push_str(" ESCAPE '!'");
        }
    }

    /// The page, ordered by `listing.sort` (one of `sortable`, else `default`), ties by `key`, which is unique.
    ///
    /// Refuses an unknown order, a limit out of range and a cursor that is none of ours.
    pub async fn page<T>(
        mut self,
        registry: &Registry,
        listing: &Listing,
        sortable: &[Column],
        default: &'static str,
        key: Column,
        read: impl Fn(&AnyRow) -> Result<T, Error>,
    ) -> Result<Page<T>, Error> {
        let limit = listing.limit.unwrap_or(PAGE);
        if !(1..=PAGE_MOST).contains(&limit) {
            let en = format!("limit is 1 to {PAGE_MOST}");
            return Err(Refusal::new(Kind::Invalid, "page-limit", format!("limit 应为 1–{PAGE_MOST}"), en).into());
        }
        let sort = listing.sort.as_deref().unwrap_or(default);
        let (name, reverse) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
        let matches = |column: &&Column| camel(column.name()) == name || column.name() == name;
        let Some(sorted_by) = sortable.iter().copied().find(|column| matches(&column)) else {
            let names: Vec<String> = sortable.iter().map(|column| camel(column.name())).collect();
            let names = names.join(", ");
            let refusal = Refusal::new(
                Kind::Invalid,
                "page-sort",
                format!("不能按 {name} 排序，可用：{names}"),
                format!("cannot sort by {name}; use one of: {names}"),
            );
            return Err(refusal.into());
        };
        let (column, unique) = (sorted_by.name(), key.name());
        let count = format!("SELECT COUNT(*) FROM {}{}", self.table, self.where_clause());
        let total: i64 = self.fetch(registry, count).await?.first().map_or(Ok(0), |row| row.try_get(0))?;
        let order = if reverse { "DESC" } else { "ASC" };
        if let Some(cursor) = &listing.after {
            let place = decode(cursor).filter(|(sorted, keyed)| sorted_by.takes(sorted) && key.takes(keyed));
            let (sorted, keyed) = place.ok_or_else(bad_cursor)?;
            let comparison = if reverse { "<" } else { ">" };
            self.values.push(sorted);
            let first = self.values.len();
            self.values.push(keyed);
            let second = self.values.len();
            self.conditions.push(format!(
                "({column} {comparison} ${first} OR ({column} = ${first} AND {unique} {comparison} ${second}))"
            ));
        }
        let select = format!(
            "SELECT {columns}, {column} AS page_sort, {unique} AS page_key FROM {table}{conditions} \
             ORDER BY {column} {order}, {unique} {order} LIMIT {more}",
            columns = self.columns,
            table = self.table,
            conditions = self.where_clause(),
            more = limit + 1,
        );
        let rows = self.fetch(registry, select).await?;
        let shown = rows.len().min(usize::try_from(limit).unwrap_or(0));
        let next = match rows.len() > shown {
            true => rows.get(shown.saturating_sub(1)).map(encode).transpose()?,
            false => None,
        };
        let items = rows[..shown].iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page { items, total, next })
    }

    /// The page of this number, from 1, newest `order` first: for dialects that number pages. Rows and their total.
    pub async fn numbered<T>(
        &self,
        registry: &Registry,
        (number, size): (i64, i64),
        order: Column,
        key: Column,
        read: impl Fn(&AnyRow) -> Result<T, Error>,
    ) -> Result<(Vec<T>, i64), Error> {
        let (size, skip) =
            (size.clamp(1, PAGE_MOST), number.max(1).saturating_sub(1).saturating_mul(size.clamp(1, PAGE_MOST)));
        let (columns, table, conditions) = (self.columns, self.table, self.where_clause());
        let count = format!("SELECT COUNT(*) FROM {table}{conditions}");
        let total: i64 = self.fetch(registry, count).await?.first().map_or(Ok(0), |row| row.try_get(0))?;
        let select = format!(
            "SELECT {columns} FROM {table}{conditions} ORDER BY {} DESC, {} DESC LIMIT {size} OFFSET {skip}",
            order.name(),
            key.name(),
        );
        let rows = self.fetch(registry, select).await?;
        Ok((rows.iter().map(read).collect::<Result<_, _>>()?, total))
    }

    /// The first rows by a column, without counting: for those who read on from the last.
    pub async fn first<T>(
        &self,
        registry: &Registry,
        order: Column,
        limit: i64,
        read: impl Fn(&AnyRow) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let (columns, table, conditions, order) = (self.columns, self.table, self.where_clause(), order.name());
        let select = format!("SELECT {columns} FROM {table}{conditions} ORDER BY {order} LIMIT {limit}");
        self.fetch(registry, select).await?.iter().map(read).collect()
    }

    fn where_clause(&self) -> String {
        match self.conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", self.conditions.join(" AND ")),
        }
    }

    async fn fetch(&self, registry: &Registry, text: String) -> Result<Vec<AnyRow>, Error> {
        // Built from names in the code and `$n`; whatever the caller sent is bound.
        let mut query = sqlx::query(AssertSqlSafe(text));
        for value in &self.values {
            query = match value {
                Bound::Number(number) => query.bind(*number),
                Bound::Text(text) => query.bind(text.clone()),
            };
        }
        Ok(query.fetch_all(registry.database().reader()).await?)
    }
}

fn escaped(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

/// `certificate_code` → `certificateCode`, as the views spell it.
fn camel(column: &str) -> String {
    let mut parts = column.split('_');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

fn bad_cursor() -> Refusal {
    Refusal::new(
        Kind::Invalid,
        "page-cursor",
        "after 参数无效，请使用上一页的 next",
        "after is no cursor; send `next` of the page before",
    )
}

/// The place of a row in the order: `n<number>` or `t<text>` for the sort column and the key, hex against surprises.
fn encode(row: &AnyRow) -> Result<String, Error> {
    let part = |name: &str| -> Result<String, Error> {
        match row.try_get::<i64, _>(name) {
            Ok(number) => Ok(format!("n{number}")),
            Err(_) => Ok(format!("t{}", hex::encode(row.try_get::<String, _>(name)?))),
        }
    };
    Ok(format!("{}.{}", part("page_sort")?, part("page_key")?))
}

fn decode(cursor: &str) -> Option<(Bound, Bound)> {
    let part = |text: &str| match text.split_at_checked(1)? {
        ("n", number) => Some(Bound::Number(number.parse().ok()?)),
        ("t", text) => Some(Bound::Text(String::from_utf8(hex::decode(text).ok()?).ok()?)),
        _ => None,
    };
    let (sorted, keyed) = cursor.split_once('.')?;
    Some((part(sorted)?, part(keyed)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_the_names_of_the_api() {
        assert_eq!(camel("certificate_code"), "certificateCode");
        assert_eq!(camel("name"), "name");
    }

    #[test]
    fn a_cursor_of_somebody_else_is_none() {
        for text in ["", ".", "n1", "n1.x2", "tzz.n1", "é.n1", "n1.t6g"] {
            assert!(decode(text).is_none(), "{text}");
        }
        assert!(decode("n1.t61").is_some());
    }
}
