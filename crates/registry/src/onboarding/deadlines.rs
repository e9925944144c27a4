//! Deadlines: working days in China, and who is reminded of them.

use super::application::{self, ApplicationKind};
use crate::caller::{Caller, Time};
use crate::error::Error;
use crate::notices::NoticeKind;
use crate::permission::Permission;
use crate::registry::Registry;
use crate::settings::ReviewSettings;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};
use serde_json::json;
use sqlx::Row;

/// Milliseconds of an hour.
const HOUR: Time = 3_600_000;
/// Applications that are looked at in one act.
const STRIDE: i64 = 50;

fn china() -> TimeZone {
    TimeZone::fixed(offset(8))
}

/// The date in China.
pub fn date_in_china(at: Time) -> Date {
    let moment = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.to_zoned(china()).date()
}

/// The last day before a deadline, as texts name it.
pub fn day_in_china(due: Time) -> String {
    if due == 0 { String::new() } else { date_in_china(due - 1).to_string() }
}

/// The end of the last working day on which an application may be decided.
pub fn due(settings: &ReviewSettings, kind: ApplicationKind, now: Time) -> Result<Time, Error> {
    let days = match kind {
        ApplicationKind::Onboarding => settings.deadlines.onboarding,
        ApplicationKind::Prefix => settings.deadlines.prefix,
        ApplicationKind::Amendment => settings.deadlines.amendment,
    };
    let fault = |error: String| Error::Fault(format!("no deadline can be found: {error}"));
    let calendar = settings.working_days().map_err(|refusal| fault(refusal.en))?;
    let last = calendar.add_working_days(date_in_china(now), days).map_err(|refusal| fault(refusal.en))?;
    let end = last.tomorrow().and_then(|day| day.to_zoned(china())).map_err(|error| fault(error.to_string()))?;
    Ok(end.timestamp().as_millisecond())
}

impl Registry {
    /// Reminds reviewers of applications that are due soon, and once more when they are overdue. For the node's
    /// clock; doing it again changes nothing. Says how many reminders there were.
    pub async fn remind_reviewers(&self, caller: &Caller) -> Result<u64, Error> {
        let settings: ReviewSettings = self.setting().await?;
        let soon = caller.at.saturating_add(Time::from(settings.remind_hours) * HOUR);
        let select = "SELECT id FROM application WHERE waiting = 1 AND due > 0 \
                      AND ((reminded = 0 AND due <= $1) OR (reminded < 2 AND due <= $2)) ORDER BY due, id LIMIT $3";
        let waiting = |now: Time| sqlx::query(select).bind(soon).bind(now).bind(STRIDE);
        // Most of the time there is nothing to do: no turn to write is taken then.
        if waiting(caller.at).fetch_optional(self.database.reader()).await?.is_none() {
            return Ok(0);
        }
        let mut act = self.begin(caller, Permission::ApplicationReview, "application").await?;
        let rows = waiting(caller.at).fetch_all(act.sql()).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        for row in &rows {
            let id: String = row.try_get(0)?;
            let Some(found) = application::find(act.sql(), &id).await? else { continue };
            let overdue = found.due <= caller.at;
            let kind = if overdue { NoticeKind::ApplicationOverdue } else { NoticeKind::ApplicationDue };
            act.tell_reviewers(&found, kind).await?;
            let update = sqlx::query("UPDATE application SET reminded = $1 WHERE id = $2");
            update.bind(if overdue { 2i64 } else { 1 }).bind(&id).execute(act.sql()).await?;
            let after = json!({"due": found.due, "overdue": overdue});
            let organisation = application::owner(&found.organisation);
            act.record("application.remind", &application::object(&id), organisation, json!(null), after);
        }
        act.commit(rows.len() as u64).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds of a moment in China.
    fn moment(text: &str) -> Time {
        format!("{text}+08:00").parse::<Timestamp>().expect("a moment").as_millisecond()
    }

    #[test]
    fn a_deadline_ends_with_the_working_day_and_passes_over_holidays() {
        let settings = ReviewSettings::default();
        let due = |text| due(&settings, ApplicationKind::Onboarding, moment(text)).expect("a deadline");
        // Monday to Monday.
        assert_eq!(due("2026-01-05T10:00:00"), moment("2026-01-13T00:00:00"));
        // Late in the evening it is still the same day in China.
        assert_eq!(due("2026-01-05T23:59:59"), moment("2026-01-13T00:00:00"));
        // National Day 2025: 1 to 8 October off, Saturday 11 worked.
        assert_eq!(due("2025-09-29T10:00:00"), moment("2025-10-14T00:00:00"));
        assert_eq!(day_in_china(due("2025-09-29T10:00:00")), "2025-10-13");
    }

    #[test]
    fn own_days_come_before_the_built_in_ones() {
        let settings = ReviewSettings { calendar: "2026-01-06\toff\tstock-taking".into(), ..Default::default() };
        let due = due(&settings, ApplicationKind::Prefix, moment("2026-01-05T10:00:00")).expect("a deadline");
        assert_eq!(due, moment("2026-01-14T00:00:00"));
    }
}
