//! What is counted: organisations, accounts, applications, prefixes, and how long things took.
//!
//! Every number comes from the tables at the moment of asking, so each can be counted again by hand; nothing is rolled
//! up. The rows are grouped by the database; classes, regions and months are folded here, because only the
//! classification knows what belongs to what. Months are those of China. Callers see what they reach.

use crate::caller::{Caller, Time};
use crate::checks::division::{self, Division};
use crate::error::{Error, Kind, Refusal};
use crate::industry::{self, Industry};
use crate::onboarding::deadlines::date_in_china;
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};
use std::collections::BTreeMap;

/// Milliseconds by which the clock of China is ahead.
const CHINA: Time = 8 * 3_600_000;
const DAY: Time = crate::caller::DAY;

/// How many things there are of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    /// State, class, region or month; empty where it is not known.
    pub key: String,
    /// What the key stands for, in Chinese; empty if the key says it.
    pub name: String,
    pub count: i64,
}

/// Things counted by one property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    pub group_by: String,
    /// The sum of the groups.
    pub total: i64,
    /// In the order of their keys.
    pub groups: Vec<Count>,
}

/// How long something took, in milliseconds; the percentiles are those of nearest rank, absent where nothing is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Durations {
    pub count: i64,
    pub p50: Option<i64>,
    pub p99: Option<i64>,
    pub most: Option<i64>,
}

/// Everything at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Moment of counting, in milliseconds since 1970.
    pub at: Time,
    /// By kind: `enterprise`, `operator`.
    pub organisations: Counted,
    /// By state.
    pub accounts: Counted,
    pub applications: Counted,
    pub prefixes: Counted,
    /// From submission to decision.
    pub review: Durations,
    /// From approval to resolvable 标识注册生效时间.
    pub activation: Durations,
    /// Publications that the data plane does not answer for yet.
    pub unpublished: i64,
}

/// What is counted, and when it must have come to be.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct CountFilter {
    /// Organisations: `kind`, `state`. Prefixes: `state`, `system`, `origin`, `parent`. Applications: `kind`, `state`.
    /// All: `month`. Organisations and prefixes: `industry1` … `industry4` (GB/T 4754), `province`, `city`.
    pub group_by: Option<String>,
    /// Moment of creation in milliseconds, inclusive.
    pub since: Option<i64>,
    /// Moment of creation in milliseconds, exclusive.
    pub until: Option<i64>,
    pub organisation: Option<String>,
}

/// A class of the classification of economic activities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IndustryClass {
    pub code: String,
    /// In Chinese; the standard has no other.
    pub name: String,
    /// 1 门类, 2 大类, 3 中类, 4 小类.
    #[schema(minimum = 1, maximum = 4)]
    pub level: u8,
    /// The class one level up; empty above a 门类.
    pub parent: String,
    /// Classes one level down.
    pub children: i64,
}

/// Which classes are wanted.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct IndustryFilter {
    /// Those one level below this class; of nothing else: the 门类.
    pub parent: Option<String>,
    /// Those with this in their name, or this code, of any level.
    pub q: Option<String>,
}

/// Most classes that a search finds.
const FOUND: usize = 100;

/// A property by which rows are grouped: what the database groups by, and how its values are folded.
#[derive(Clone, Copy)]
struct Group {
    name: &'static str,
    expression: &'static str,
    fold: Fold,
}

#[derive(Clone, Copy)]
enum Fold {
    Nothing,
    Month,
    /// Level 1–4.
    Industry(u8),
    Province,
    City,
}

/// Things that can be counted. Names of tables and columns come from here, never from a caller.
struct Things {
    from: &'static str,
    created: &'static str,
    organisation: &'static str,
    groups: &'static [Group],
}

const fn group(name: &'static str, expression: &'static str, fold: Fold) -> Group {
    Group { name, expression, fold }
}

const ORGANISATIONS: Things = Things {
    from: "organisation",
    created: "organisation.created",
    organisation: "organisation.id",
    groups: &[
        group("kind", "organisation.kind", Fold::Nothing),
        group("state", "organisation.state", Fold::Nothing),
        group("month", "organisation.created", Fold::Month),
        group("industry1", "organisation.industry", Fold::Industry(1)),
        group("industry2", "organisation.industry", Fold::Industry(2)),
        group("industry3", "organisation.industry", Fold::Industry(3)),
        group("industry4", "organisation.industry", Fold::Industry(4)),
        group("province", "organisation.region", Fold::Province),
        group("city", "organisation.region", Fold::City),
    ],
};

const PREFIXES: Things = Things {
    from: "prefix LEFT JOIN organisation ON organisation.id = prefix.organisation",
    created: "prefix.created",
    organisation: "prefix.organisation",
    groups: &[
        group("state", "prefix.state", Fold::Nothing),
        group("system", "prefix.system", Fold::Nothing),
        group("origin", "prefix.origin", Fold::Nothing),
        group("parent", "prefix.parent", Fold::Nothing),
        group("month", "prefix.created", Fold::Month),
        group("industry1", "COALESCE(organisation.industry, '')", Fold::Industry(1)),
        group("industry2", "COALESCE(organisation.industry, '')", Fold::Industry(2)),
        group("industry3", "COALESCE(organisation.industry, '')", Fold::Industry(3)),
        group("industry4", "COALESCE(organisation.industry, '')", Fold::Industry(4)),
        group("province", "COALESCE(organisation.region, '')", Fold::Province),
        group("city", "COALESCE(organisation.region, '')", Fold::City),
    ],
};

const APPLICATIONS: Things = Things {
    from: "application",
    created: "application.created",
    organisation: "application.organisation",
    groups: &[
        group("state", "application.state", Fold::Nothing),
        group("kind", "application.kind", Fold::Nothing),
        group("month", "application.created", Fold::Month),
    ],
};

const ACCOUNTS: Things = Things {
    from: "account",
    created: "account.created",
    organisation: "account.organisation",
    groups: &[group("state", "account.state", Fold::Nothing)],
};

/// Something that took time.
struct Spans {
    from: &'static str,
    span: &'static str,
    /// Of whose; `$1` is the organisation.
    organisation: &'static str,
}

const REVIEWS: Spans = Spans {
    from: "application WHERE decided > 0 AND submitted > 0 AND state IN ('approved', 'rejected')",
    span: "decided - submitted",
    organisation: " AND organisation = $1",
};

const ACTIVATIONS: Spans = Spans {
    from: "outbox WHERE published IS NOT NULL",
    span: "published - created",
    organisation: " AND prefix IN (SELECT name FROM prefix WHERE organisation = $1)",
};

impl Fold {
    /// The key of the group to which a value of the database belongs.
    fn key(self, row: &AnyRow) -> Result<String, Error> {
        if let Fold::Month = self {
            // Days were grouped; the middle of the day is in it whatever the rounding.
            let date = date_in_china(row.try_get::<i64, _>(0)? * DAY - CHINA + DAY / 2);
            return Ok(format!("{:04}-{:02}", date.year(), date.month()));
        }
        let value: String = row.try_get(0)?;
        Ok(match self {
            Fold::Nothing | Fold::Month => value,
            Fold::Industry(level) => class(&value, level).map(|found| found.code().to_owned()).unwrap_or_default(),
            Fold::Province => region(&value, division::Level::Province),
            Fold::City => region(&value, division::Level::Prefecture),
        })
    }

    /// What a key stands for.
    fn name(self, key: &str) -> String {
        match self {
            Fold::Industry(_) => Industry::find(key).map(|found| found.name().to_owned()).unwrap_or_default(),
            Fold::Province | Fold::City => {
                Division::parse(key).map(|found| found.province().0.to_owned()).unwrap_or_default()
            }
            Fold::Nothing | Fold::Month => String::new(),
        }
    }
}

/// The class of this level above a code, or the code itself where it is not as deep; none if there is no such code.
fn class(code: &str, level: u8) -> Option<&'static Industry> {
    let mut found = Industry::parse(code).ok()?;
    while depth(found) > level {
        found = found.parent()?;
    }
    Some(found)
}

fn depth(class: &Industry) -> u8 {
    match class.level() {
        industry::Level::Category => 1,
        industry::Level::Specific => 2,
        industry::Level::Trade => 3,
        industry::Level::Subclass => 4,
    }
}

/// The division of this level around a code, or the code itself where it is not as fine; empty if it is none.
fn region(code: &str, level: division::Level) -> String {
    let Ok(mut found) = Division::parse(code) else { return String::new() };
    while found.level() > level {
        match found.parent() {
            Some(parent) => found = parent,
            None => break,
        }
    }
    found.to_string()
}

impl From<&'static Industry> for IndustryClass {
    fn from(class: &'static Industry) -> Self {
        IndustryClass {
            code: class.code().to_owned(),
            name: class.name().to_owned(),
            level: depth(class),
            parent: class.parent().map(|parent| parent.code().to_owned()).unwrap_or_default(),
            children: i64::try_from(class.children().count()).unwrap_or(i64::MAX),
        }
    }
}

/// The classification, to browse and to search. Anybody may.
pub fn industries(filter: &IndustryFilter) -> Result<Vec<IndustryClass>, Refusal> {
    let given =
        |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    if let Some(text) = given(&filter.q) {
        let coded = Industry::parse(&text).ok();
        let named = Industry::search(&text, FOUND);
        return Ok(coded.into_iter().chain(named).take(FOUND).map(IndustryClass::from).collect());
    }
    match given(&filter.parent) {
        None => Ok(Industry::all().iter().filter(|class| class.parent().is_none()).map(IndustryClass::from).collect()),
        Some(code) => {
            let parent = Industry::parse(&code).map_err(|_| Refusal::absent("行业", "class", &code))?;
            Ok(parent.children().map(IndustryClass::from).collect())
        }
    }
}

impl Registry {
    /// Everything at a glance.
    pub async fn overview(&self, caller: &Caller) -> Result<Overview, Error> {
        self.authorise(caller, Permission::StatisticsRead, "statistics").await?;
        let all = CountFilter::default();
        Ok(Overview {
            at: caller.at,
            organisations: self.count(caller, &ORGANISATIONS, &all).await?,
            accounts: self.count(caller, &ACCOUNTS, &all).await?,
            applications: self.count(caller, &APPLICATIONS, &all).await?,
            prefixes: self.count(caller, &PREFIXES, &all).await?,
            review: self.durations(caller, &REVIEWS).await?,
            activation: self.durations(caller, &ACTIVATIONS).await?,
            unpublished: self.unpublished(caller).await?,
        })
    }

    pub async fn count_organisations(&self, caller: &Caller, filter: &CountFilter) -> Result<Counted, Error> {
        self.authorise(caller, Permission::StatisticsRead, "statistics").await?;
        self.count(caller, &ORGANISATIONS, filter).await
    }

    pub async fn count_prefixes(&self, caller: &Caller, filter: &CountFilter) -> Result<Counted, Error> {
        self.authorise(caller, Permission::StatisticsRead, "statistics").await?;
        self.count(caller, &PREFIXES, filter).await
    }

    pub async fn count_applications(&self, caller: &Caller, filter: &CountFilter) -> Result<Counted, Error> {
        self.authorise(caller, Permission::StatisticsRead, "statistics").await?;
        self.count(caller, &APPLICATIONS, filter).await
    }

    async fn count(&self, caller: &Caller, things: &Things, filter: &CountFilter) -> Result<Counted, Error> {
        let group = chosen(things, filter.group_by.as_deref())?;
        let (mut texts, mut numbers, mut conditions) = (Vec::new(), Vec::new(), Vec::new());
        // Both hold: what is asked for, and what the caller reaches.
        for id in [caller.organisation(), filter.organisation.as_deref()].into_iter().flatten() {
            texts.push(id.to_owned());
            conditions.push(format!("{} = ${}", things.organisation, texts.len()));
        }
        for (comparison, moment) in [(">=", filter.since), ("<", filter.until)] {
            if let Some(moment) = moment {
                numbers.push(moment);
                conditions.push(format!("{} {comparison} ${}", things.created, texts.len() + numbers.len()));
            }
        }
        let expression = match group.fold {
            Fold::Month => format!("({} + {CHINA}) / {DAY}", group.expression),
            _ => group.expression.to_owned(),
        };
        let conditions =
            if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        // Built from names in the code and `$n`; whatever the caller sent is bound.
        let select = format!("SELECT {expression}, COUNT(*) FROM {}{conditions} GROUP BY {expression}", things.from);
        let mut query = sqlx::query(AssertSqlSafe(select));
        for text in texts {
            query = query.bind(text);
        }
        for number in numbers {
            query = query.bind(number);
        }
        let mut groups: BTreeMap<String, i64> = BTreeMap::new();
        for row in query.fetch_all(self.database.reader()).await? {
            *groups.entry(group.fold.key(&row)?).or_default() += row.try_get::<i64, _>(1)?;
        }
        let total = groups.values().sum();
        let named = |(key, count): (String, i64)| Count { name: group.fold.name(&key), key, count };
        Ok(Counted { group_by: group.name.to_owned(), total, groups: groups.into_iter().map(named).collect() })
    }

    async fn durations(&self, caller: &Caller, spans: &Spans) -> Result<Durations, Error> {
        let scope = if caller.organisation().is_some() { spans.organisation } else { "" };
        let count = self.number(format!("SELECT COUNT(*) FROM {}{scope}", spans.from), caller).await?.unwrap_or(0);
        let mut ranks = Vec::new();
        for percent in [50, 99, 100] {
            // Nearest rank: the smallest value that so many per cent do not exceed.
            let rank = (count * percent + 99) / 100;
            let select = format!(
                "SELECT {span} FROM {from}{scope} ORDER BY {span} LIMIT 1 OFFSET {skip}",
                span = spans.span,
                from = spans.from,
                skip = (rank - 1).max(0),
            );
            ranks.push(self.number(select, caller).await?);
        }
        Ok(Durations { count, p50: ranks[0], p99: ranks[1], most: ranks[2] })
    }

    async fn unpublished(&self, caller: &Caller) -> Result<i64, Error> {
        let scope = if caller.organisation().is_some() { ACTIVATIONS.organisation } else { "" };
        let select = format!("SELECT COUNT(*) FROM outbox WHERE published IS NULL{scope}");
        Ok(self.number(select, caller).await?.unwrap_or(0))
    }

    /// The only number of the only row. `select` is from this file; its `$1`, if any, is the caller's organisation.
    async fn number(&self, select: String, caller: &Caller) -> Result<Option<i64>, Error> {
        let mut query = sqlx::query(AssertSqlSafe(select));
        if let Some(organisation) = caller.organisation() {
            query = query.bind(organisation.to_owned());
        }
        let row = query.fetch_optional(self.database.reader()).await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }
}

/// The property of that name; the first if none is named.
fn chosen(things: &Things, name: Option<&str>) -> Result<Group, Error> {
    let found = match name {
        Some(name) => things.groups.iter().find(|group| group.name == name),
        None => things.groups.first(),
    };
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = things.groups.iter().map(|group| group.name).collect();
        let names = names.join(", ");
        let (zh, en) = (format!("groupBy 可用：{names}"), format!("groupBy is one of: {names}"));
        Refusal::new(Kind::Invalid, "group-by", zh, en).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_folded_to_the_level_that_is_asked_for() {
        let code = |text: &str, level| class(text, level).map(Industry::code);
        assert_eq!([1, 2, 3, 4].map(|level| code("A0111", level)), [Some("A"), Some("01"), Some("011"), Some("0111")]);
        assert_eq!([1, 2, 3, 4].map(|level| code("C34", level)), [Some("C"), Some("34"), Some("34"), Some("34")]);
        assert_eq!((code("", 1), code("Z99", 1)), (None, None));
        assert_eq!(region("440305", division::Level::Prefecture), "440300");
        assert_eq!(region("440305", division::Level::Province), "440000");
        assert_eq!(region("440000", division::Level::Prefecture), "440000");
        assert_eq!(region("x", division::Level::Province), "");
    }

    #[test]
    fn the_classification_is_browsed_and_searched() {
        let top = industries(&IndustryFilter::default()).expect("the top");
        assert_eq!(top.len(), 20);
        let below = IndustryFilter { parent: Some("A".into()), q: None };
        let below = industries(&below).expect("below");
        assert_eq!((below.len(), below[0].code.as_str(), below[0].level), (5, "01", 2));
        let found = industries(&IndustryFilter { parent: None, q: Some("稻谷".into()) }).expect("found");
        assert!(found.iter().all(|class| class.name.contains("稻谷")) && !found.is_empty());
        let unknown = industries(&IndustryFilter { parent: Some("ZZ".into()), q: None });
        assert_eq!(unknown.expect_err("unknown").code, "not-found");
    }
}
