//! Working days: weekends, holidays, and weekends that are worked.
//!
//! A deadline in working days does not count the day on which it begins: one working day after a Friday is Monday.

use hufu_ident::Refusal;
use jiff::civil::{Date, Weekday};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

const CLAUSE: &str = "全国年节及纪念日放假办法";

static CHINA: LazyLock<Calendar> = LazyLock::new(|| Calendar::parse(include_str!("calendar.tsv")).unwrap_or_default());

/// What a day is, where it differs from its place in the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exception {
    Off,
    Work,
}

/// Which days are worked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    exceptions: BTreeMap<Date, Exception>,
    certain: BTreeSet<i16>,
}

impl Calendar {
    /// The built-in calendar: years whose arrangement was published are certain, the others have weekends only.
    pub fn china() -> &'static Calendar {
        &CHINA
    }

    /// Reads a table: `date, tab, off|work, tab, what for`, and `year, tab, number` for a year that is complete.
    pub fn parse(text: &str) -> Result<Calendar, Refusal> {
        let mut calendar = Calendar::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            calendar.read(line).ok_or_else(|| {
                let (zh, en) = (
                    format!("日历第{number}行不是“日期、off或work、说明”，也不是“year、年份”"),
                    format!(
                        "line {number} of the calendar is neither “date, off or work, what for” nor “year, number”"
                    ),
                );
                Refusal::new("calendar-line", "our profile", zh, en)
            })?;
        }
        Ok(calendar)
    }

    /// This calendar, where `other` has nothing to say about a day.
    pub fn amended_by(mut self, other: Calendar) -> Calendar {
        self.exceptions.extend(other.exceptions);
        self.certain.extend(other.certain);
        self
    }

    pub fn is_working_day(&self, day: Date) -> bool {
        match self.exceptions.get(&day) {
            Some(exception) => *exception == Exception::Work,
            None => !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday),
        }
    }

    /// Whether the arrangement of every year that the span touches is known.
    pub fn is_certain(&self, from: Date, to: Date) -> bool {
        (from.year().min(to.year())..=from.year().max(to.year())).all(|year| self.certain.contains(&year))
    }

    /// The `days`th working day after `from`; with 0, `from` itself or the first working day after it.
    pub fn add_working_days(&self, from: Date, days: u32) -> Result<Date, Refusal> {
        let mut day = from;
        if days == 0 {
            while !self.is_working_day(day) {
                day = next(day)?;
            }
        }
        for _ in 0..days {
            day = next(day)?;
            while !self.is_working_day(day) {
                day = next(day)?;
            }
        }
        Ok(day)
    }

    /// How many working days come after `from` up to and with `to`; negative if `to` is earlier.
    pub fn working_days_between(&self, from: Date, to: Date) -> i64 {
        if to < from {
            return -self.working_days_between(to, from);
        }
        let mut count = 0;
        let mut day = from;
        while day < to {
            let Ok(following) = day.tomorrow() else { break };
            day = following;
            count += i64::from(self.is_working_day(day));
        }
        count
    }

    fn read(&mut self, line: &str) -> Option<()> {
        let mut cells = line.split('\t');
        let (first, second) = (cells.next()?, cells.next()?);
        if first == "year" {
            self.certain.insert(second.parse().ok()?);
            return Some(());
        }
        let exception = match second {
            "off" => Exception::Off,
            "work" => Exception::Work,
            _ => return None,
        };
        self.exceptions.insert(first.parse().ok()?, exception);
        Some(())
    }
}

fn next(day: Date) -> Result<Date, Refusal> {
    day.tomorrow().map_err(|_| {
        let (zh, en) = ("期限超出了日历的范围", "the deadline lies beyond the calendar");
        Refusal::new("calendar-range", CLAUSE, zh, en)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn the_built_in_table_is_read() {
        let built_in = Calendar::parse(include_str!("calendar.tsv")).unwrap();
        assert_eq!(Calendar::china(), &built_in);
        assert_eq!(built_in.certain, BTreeSet::from([2025, 2026]));
        let count = |year, kind| {
            built_in.exceptions.iter().filter(|(day, found)| day.year() == year && **found == kind).count()
        };
        assert_eq!((count(2025, Exception::Off), count(2025, Exception::Work)), (28, 5));
        assert_eq!((count(2026, Exception::Off), count(2026, Exception::Work)), (33, 6));
    }

    #[test]
    fn moved_days_are_weekends_and_balance_the_holidays() {
        // 13 holidays by law since 2025: what else is off on a weekday is worked on a weekend.
        let built_in = Calendar::china();
        for year in [2025, 2026] {
            let days: Vec<_> = built_in.exceptions.iter().filter(|(day, _)| day.year() == year).collect();
            let weekend = |day: &Date| matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
            assert!(days.iter().all(|(day, kind)| **kind == Exception::Off || weekend(day)));
            let worked = days.iter().filter(|(_, kind)| **kind == Exception::Work).count();
            let weekdays_off = days.iter().filter(|(day, kind)| **kind == Exception::Off && !weekend(day)).count();
            assert_eq!(weekdays_off - worked, 13, "{year}");
        }
    }

    #[test]
    fn holidays_and_worked_weekends() {
        let calendar = Calendar::china();
        for (day, worked) in [
            ("2026-02-13", true),
            ("2026-02-14", true),
            ("2026-02-15", false),
            ("2026-02-23", false),
            ("2026-02-24", true),
            ("2026-02-28", true),
            ("2026-03-01", false),
            ("2026-10-08", true),
            ("2026-10-10", true),
            ("2026-10-11", false),
            ("2025-10-08", false),
            ("2027-10-01", true),
        ] {
            assert_eq!(calendar.is_working_day(date(day)), worked, "{day}");
        }
    }

    #[test]
    fn deadlines() {
        let calendar = Calendar::china();
        for (from, days, to) in [
            ("2026-11-25", 0, "2026-11-25"),
            ("2026-11-28", 0, "2026-11-30"),
            ("2026-11-27", 1, "2026-11-30"),
            ("2026-11-28", 1, "2026-11-30"),
            ("2026-02-13", 1, "2026-02-14"),
            ("2026-02-13", 2, "2026-02-24"),
            ("2026-09-30", 5, "2026-10-13"),
            ("2026-11-25", 20, "2026-12-23"),
        ] {
            let found = calendar.add_working_days(date(from), days).unwrap();
            assert_eq!(found, date(to), "{from} + {days}");
            let counted = calendar.working_days_between(date(from), found);
            let skipped = i64::from(days == 0 && !calendar.is_working_day(date(from)));
            assert_eq!(counted, i64::from(days) + skipped, "{from} + {days}");
            assert_eq!(calendar.working_days_between(found, date(from)), -counted, "{from} + {days}");
        }
        assert!(calendar.is_certain(date("2025-12-31"), date("2026-01-01")));
        assert!(!calendar.is_certain(date("2026-12-31"), date("2027-01-04")));
        assert_eq!(calendar.add_working_days(Date::MAX, 1).unwrap_err().code, "calendar-range");
    }

    #[test]
    fn an_operator_amends_it() {
        let own = Calendar::parse("year\t2027\n2027-01-01\toff\t元旦\n2026-12-24\toff\tplant closed\n").unwrap();
        let calendar = Calendar::china().clone().amended_by(own);
        assert!(!calendar.is_working_day(date("2027-01-01")));
        assert!(!calendar.is_working_day(date("2026-12-24")));
        assert!(!calendar.is_working_day(date("2026-10-01")));
        assert!(calendar.is_certain(date("2026-12-31"), date("2027-01-04")));
        for line in ["2026-13-01\toff", "2026-01-01", "2026-01-01\tfree", "year\tnext", "2026-01-01 off"] {
            assert_eq!(Calendar::parse(line).unwrap_err().code, "calendar-line", "{line}");
        }
    }
}
