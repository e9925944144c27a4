//! Names that are not given out: reserved (for one organisation, or with a reason), blocked (for nobody).
//!
//! A pattern is one name, a range of numbers `88.118.100-199`, or has `*` for any text and `?` for one character.

use super::name;
use crate::act::{Act, difference};
use crate::caller::{Caller, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// Most rows: all are read at an allocation.
pub const RESERVATIONS_MOST: i64 = 5_000;
/// Characters of a pattern and of a reason.
const PATTERN_MOST: usize = 128;
const REASON_MOST: usize = 500;

/// Whether it can be given out after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReservationKind {
    /// To one organisation, or to anybody by whoever may reserve, with a reason.
    Reserved,
    /// To nobody.
    Blocked,
}

/// A name, range or pattern that is not given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    pub id: String,
    pub kind: ReservationKind,
    pub pattern: String,
    /// The organisation that it is reserved for; empty for none.
    pub organisation: String,
    pub reason: String,
    pub created: Time,
    pub version: i64,
}

/// A reservation to be.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewReservation {
    pub kind: ReservationKind,
    /// `88.118.8`, `88.118.100-199`, `88.118.66*`, `88.118.??`.
    #[schema(min_length = 1, max_length = 128)]
    pub pattern: String,
    #[serde(default)]
    pub organisation: String,
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// Which reservations are wanted.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ReservationFilter {
    /// `reserved` or `blocked`.
    pub kind: Option<String>,
    /// Part of the pattern.
    pub pattern: Option<String>,
}

/// What a pattern means.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    Exact,
    Range(i64, i64),
    Glob,
}

/// A pattern in canonical spelling, and what it means.
fn shape(text: &str) -> Result<(String, Shape), Refusal> {
    let refuse =
        |zh: &str, en: &str| Refusal::fields(vec![FieldRefusal::new("pattern", "reservation-pattern", zh, en)]);
    if text.is_empty() || text.chars().count() > PATTERN_MOST {
        return Err(refuse("请填写名称，不超过 128 个字符", "a pattern has 1 to 128 characters"));
    }
    if text.contains(['*', '?']) {
        let plain = text.replace(['*', '?'], "");
        if plain.chars().any(|c| c.is_control() || c.is_whitespace()) || !plain.contains(|c: char| c.is_alphanumeric())
        {
            return Err(refuse("模式中除“*”“?”外还须有字母或数字", "a pattern names something beside “*” and “?”"));
        }
        return Ok((text.to_ascii_uppercase(), Shape::Glob));
    }
    if let Some((start, last)) = text.split_once('-') {
        let digits = start.len() - start.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (first, last) = (start[digits..].parse::<i64>(), last.parse::<i64>());
        let (Ok(first), Ok(last)) = (first, last) else {
            return Err(refuse("号段应写作 88.118.100-199", "a range is written 88.118.100-199"));
        };
        if first > last || digits == 0 {
            return Err(refuse(
                "号段应写作 88.118.100-199，且首号不大于末号",
                "a range is written 88.118.100-199, lower number first",
            ));
        }
        return Ok((text.to_ascii_uppercase(), Shape::Range(first, last)));
    }
    Ok((name::check(text)?.name.as_str().to_owned(), Shape::Exact))
}

/// One rule, ready to be held against names.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub kind: ReservationKind,
    pattern: String,
    shape: Shape,
    pub organisation: String,
    pub reason: String,
}

impl Rule {
    fn covers(&self, name: &str) -> bool {
        match &self.shape {
            Shape::Exact => self.pattern == name,
            Shape::Glob => glob(self.pattern.as_bytes(), name.as_bytes()),
            Shape::Range(first, last) => {
                let start = self.pattern.split_once('-').map_or("", |(start, _)| start);
                let stem = start.trim_end_matches(|c: char| c.is_ascii_digit());
                let number = name.strip_prefix(stem).filter(|rest| rest.bytes().all(|octet| octet.is_ascii_digit()));
                number.and_then(|number| number.parse().ok()).is_some_and(|number| (*first..=*last).contains(&number))
            }
        }
    }
}

/// Whether `text` is what `pattern` says: `*` any text, `?` one character. Folded both.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(octet) if *octet == b'?' || *octet == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    (p, t) = (at + 1, from + 1);
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|octet| *octet == b'*')
}

/// All rules, blocked ones first.
#[derive(Debug, Default)]
pub(crate) struct Reservations(Vec<Rule>);

impl Reservations {
    pub async fn read(connection: &mut AnyConnection) -> Result<Self, Error> {
        let select = "SELECT kind, pattern, first_number, last_number, organisation, reason FROM reservation \
                      ORDER BY kind, id LIMIT $1";
        let rows = sqlx::query(select).bind(RESERVATIONS_MOST).fetch_all(connection).await?;
        let mut rules = Vec::with_capacity(rows.len());
        for row in rows {
            let pattern: String = row.try_get(1)?;
            let (first, last): (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
            let shape = match (first, pattern.contains(['*', '?'])) {
                (_, true) => Shape::Glob,
                (-1, false) => Shape::Exact,
                (first, false) => Shape::Range(first, last),
            };
            let (kind, organisation, reason) =
                (kind_of(&row.try_get::<String, _>(0)?), row.try_get(4)?, row.try_get(5)?);
            rules.push(Rule { kind, pattern, shape, organisation, reason });
        }
        Ok(Reservations(rules))
    }

    /// The rule that keeps `name` from `organisation`.
    pub fn against(&self, name: &str, organisation: &str) -> Option<&Rule> {
        let mine = |rule: &Rule| {
            rule.kind == ReservationKind::Reserved && !organisation.is_empty() && rule.organisation == organisation
        };
        self.0.iter().find(|rule| rule.covers(name) && !mine(rule))
    }
}

fn kind_of(text: &str) -> ReservationKind {
    if text == "blocked" { ReservationKind::Blocked } else { ReservationKind::Reserved }
}

impl ReservationKind {
    pub const fn name(self) -> &'static str {
        match self {
            ReservationKind::Reserved => "reserved",
            ReservationKind::Blocked => "blocked",
        }
    }
}

const COLUMNS: &str = "id, kind, pattern, organisation, reason, created, version";
const SORTABLE: [Column; 2] = [Column::Text("pattern"), Column::Number("created")];

fn read(row: &AnyRow) -> Result<Reservation, Error> {
    Ok(Reservation {
        id: row.try_get(0)?,
        kind: kind_of(&row.try_get::<String, _>(1)?),
        pattern: row.try_get(2)?,
        organisation: row.try_get(3)?,
        reason: row.try_get(4)?,
        created: row.try_get(5)?,
        version: row.try_get(6)?,
    })
}

async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<Reservation>, Error> {
    let select = "SELECT id, kind, pattern, organisation, reason, created, version FROM reservation WHERE id = $1";
    sqlx::query(select).bind(id).fetch_optional(connection).await?.as_ref().map(read).transpose()
}

fn absent(id: &str) -> Refusal {
    Refusal::absent("保留名单条目", "reservation", id)
}

impl Registry {
    /// Reserves or blocks names. Prefixes that are given out already stay.
    pub async fn reserve(&self, caller: &Caller, new: &NewReservation) -> Result<Reservation, Error> {
        let act = self.begin(caller, Permission::PrefixReserve, "reservation").await?;
        let mut act = act.reach(None, "reservation", absent("")).await?;
        let (pattern, shape) = shape(new.pattern.trim())?;
        let reason = checked_reason(&new.reason)?;
        let count = sqlx::query("SELECT COUNT(*) FROM reservation").fetch_one(act.sql()).await?;
        if count.try_get::<i64, _>(0)? >= RESERVATIONS_MOST {
            let zh = format!("保留名单最多 {RESERVATIONS_MOST} 条，请合并为号段或模式");
            let en = format!("there are {RESERVATIONS_MOST} entries at most; join some to a range or pattern");
            return Err(Refusal::new(Kind::Limit, "reservations-full", zh, en).into());
        }
        let reservation = Reservation {
            id: act.fresh_id("rsv"),
            kind: new.kind,
            pattern,
            organisation: new.organisation.clone(),
            reason,
            created: act.now(),
            version: 1,
        };
        let (first, last) = if let Shape::Range(first, last) = shape { (first, last) } else { (-1, -1) };
        enter(&mut act, &reservation, first, last).await?;
        let object = format!("reservation {}", reservation.id);
        act.record("reservation.create", &object, None, json!(null), serde_json::to_value(&reservation)?);
        act.commit(reservation).await
    }

    pub async fn reservations(
        &self,
        caller: &Caller,
        filter: &ReservationFilter,
        listing: &Listing,
    ) -> Result<Page<Reservation>, Error> {
        self.authorise(caller, Permission::PrefixReserve, "reservation").await?;
        let mut wanted = Filter::new("reservation", COLUMNS);
        wanted.equal("organisation", caller.organisation());
        wanted.equal("kind", filter.kind.as_deref());
        wanted.containing("pattern", filter.pattern.as_deref());
        wanted.page(self, listing, &SORTABLE, "-created", Column::Text("id"), read).await
    }

    pub async fn reservation(&self, caller: &Caller, id: &str) -> Result<Reservation, Error> {
        let object = format!("reservation {id}");
        self.authorise(caller, Permission::PrefixReserve, &object).await?;
        let mut connection = self.database.reader().acquire().await?;
        let found = find(&mut connection, id).await?;
        drop(connection);
        let organisation = found.as_ref().map(|found| found.organisation.clone());
        self.reach(caller, Permission::PrefixReserve, organisation.as_deref(), &object, absent(id)).await?;
        Ok(found.ok_or_else(|| absent(id))?)
    }

    /// The names can be given out again.
    pub async fn release_reservation(&self, caller: &Caller, id: &str) -> Result<(), Error> {
        let object = format!("reservation {id}");
        let act = self.begin(caller, Permission::PrefixReserve, &object).await?;
        let mut act = act.reach(None, &object, absent(id)).await?;
        let before = find(act.sql(), id).await?.ok_or_else(|| absent(id))?;
        sqlx::query("DELETE FROM reservation WHERE id = $1").bind(id).execute(act.sql()).await?;
        let (old, new) = difference(&before, &json!({}));
        act.record("reservation.delete", &object, None, old, new);
        act.commit(()).await
    }
}

async fn enter(act: &mut Act, new: &Reservation, first: i64, last: i64) -> Result<(), Error> {
    let insert = "INSERT INTO reservation (id, kind, pattern, first_number, last_number, organisation, reason, \
                  created, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)";
    sqlx::query(insert)
        .bind(&new.id)
        .bind(new.kind.name())
        .bind(&new.pattern)
        .bind(first)
        .bind(last)
        .bind(&new.organisation)
        .bind(&new.reason)
        .bind(new.created)
        .execute(act.sql())
        .await?;
    Ok(())
}

/// A reason that is there and not too long.
pub(crate) fn checked_reason(reason: &str) -> Result<String, Refusal> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_MOST {
        let (zh, en) = ("请填写理由，不超过 500 个字符", "give a reason of 1 to 500 characters");
        return Err(Refusal::fields(vec![FieldRefusal::new("reason", "reason", zh, en)]));
    }
    Ok(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(pattern: &str) -> Rule {
        let (pattern, shape) = shape(pattern).expect("a pattern");
        Rule { kind: ReservationKind::Blocked, pattern, shape, organisation: String::new(), reason: String::new() }
    }

    #[test]
    fn patterns_cover_what_they_say() {
        for (pattern, inside, outside) in [
            ("88.118.8", vec!["88.118.8"], vec!["88.118.88", "88.118"]),
            (
                "88.118.100-199",
                vec!["88.118.100", "88.118.150", "88.118.199"],
                vec!["88.118.99", "88.118.200", "88.1180.150", "88.118.1500"],
            ),
            ("88.118.66*", vec!["88.118.66", "88.118.6601"], vec!["88.118.65", "88.118.166"]),
            ("88.118.?", vec!["88.118.8"], vec!["88.118.", "88.118.88"]),
            ("*.88", vec!["86.122.88"], vec!["86.122.880"]),
            ("gs1:690*", vec!["GS1:6901234"], vec!["GS1:691"]),
            ("8*8*8", vec!["8.8.8", "88888"], vec!["8.8.9"]),
        ] {
            let rule = rule(pattern);
            inside.iter().for_each(|name| assert!(rule.covers(name), "{pattern} {name}"));
            outside.iter().for_each(|name| assert!(!rule.covers(name), "{pattern} {name}"));
        }
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for pattern in ["", "*", "?*.", "88.118.9-1", "88.118.a-b", "1-2", "88.118.x", "88 *"] {
            assert!(shape(pattern).is_err(), "{pattern}");
        }
    }
}
