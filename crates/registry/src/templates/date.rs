//! Forms of dates: `YYYY-MM-DD HH:mm:ss`, `YYYYMM`, `HH:mm`. Pure; what was read stays as it was written.
//!
//! | part | stands for |
//! |---|---|
//! | `YYYY`, `MM`, `DD` | year, month, day; `yyyy` and `dd` are read alike |
//! | `HH`, `mm`, `ss`, `SSS` | hour, minute, second, thousandths |
//! | `Z` | `Z` or an offset such as `+08:00` |
//! | `T`, space, `-`, `/`, `.`, `:`, `年`, `月`, `日` | themselves |

use jiff::civil;

/// The form where a rule names none.
pub const DEFAULT: &str = "YYYY-MM-DD";
/// Longest form, in characters.
pub const FORM: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Thousandth,
    Offset,
    Mark(char),
}

const PARTS: [(&str, Part); 9] = [
    ("YYYY", Part::Year),
    ("yyyy", Part::Year),
    ("MM", Part::Month),
    ("DD", Part::Day),
    ("dd", Part::Day),
    ("HH", Part::Hour),
    ("mm", Part::Minute),
    ("SSS", Part::Thousandth),
    ("ss", Part::Second),
];

/// Reads a form; `None` if it has other letters, a part twice, or a part without the one that it belongs to.
fn form(text: &str) -> Option<Vec<Part>> {
    if text.is_empty() || text.chars().count() > FORM {
        return None;
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if let Some((name, part)) = PARTS.iter().find(|(name, _)| rest.starts_with(name)) {
            parts.push(*part);
            rest = rest.get(name.len()..)?;
            continue;
        }
        parts.push(match next {
            'Z' => Part::Offset,
            'T' | ' ' | '-' | '/' | '.' | ':' | '年' | '月' | '日' | '时' | '分' | '秒' => Part::Mark(next),
            _ => return None,
        });
        rest = rest.get(next.len_utf8()..)?;
    }
    let times = |wanted: Part| parts.iter().filter(|part| **part == wanted).count();
    let needs = [
        (Part::Month, Part::Year),
        (Part::Day, Part::Month),
        (Part::Minute, Part::Hour),
        (Part::Second, Part::Minute),
        (Part::Thousandth, Part::Second),
        (Part::Offset, Part::Hour),
    ];
    let alone = needs.iter().any(|(part, needed)| times(*part) > 0 && times(*needed) == 0);
    let all = [Part::Year, Part::Month, Part::Day, Part::Hour, Part::Minute, Part::Second, Part::Offset];
    let twice = all.iter().any(|part| times(*part) > 1);
    let dated_time = times(Part::Hour) > 0 && times(Part::Year) > 0 && times(Part::Day) == 0;
    let says_something = times(Part::Year) + times(Part::Hour) > 0;
    (!alone && !twice && !dated_time && says_something).then_some(parts)
}

/// Whether it is a form.
pub fn is_form(text: &str) -> bool {
    form(text).is_some()
}

/// Whether `text` is a date or time of that form which exists: not February 30, not 24:00.
pub fn matches(form_text: &str, text: &str) -> bool {
    form(form_text).and_then(|parts| read(&parts, text)).is_some()
}

fn read(parts: &[Part], text: &str) -> Option<()> {
    let (mut year, mut month, mut day) = (2000_i16, 1_i8, 1_i8);
    let (mut hour, mut minute, mut second) = (0_i8, 0_i8, 0_i8);
    let mut rest = text;
    for part in parts {
        match part {
            Part::Year => year = digits(&mut rest, 4)?,
            Part::Month => month = digits(&mut rest, 2)?.try_into().ok()?,
            Part::Day => day = digits(&mut rest, 2)?.try_into().ok()?,
            Part::Hour => hour = digits(&mut rest, 2)?.try_into().ok()?,
            Part::Minute => minute = digits(&mut rest, 2)?.try_into().ok()?,
            Part::Second => second = digits(&mut rest, 2)?.try_into().ok()?,
            Part::Thousandth => drop(digits(&mut rest, 3)?),
            Part::Offset => offset(&mut rest)?,
            Part::Mark(mark) => rest = rest.strip_prefix(*mark)?,
        }
    }
    civil::Date::new(year, month, day).ok().filter(|_| year > 0)?;
    civil::Time::new(hour, minute, second, 0).ok()?;
    rest.is_empty().then_some(())
}

fn digits(rest: &mut &str, count: usize) -> Option<i16> {
    let head = rest.get(..count).filter(|head| head.bytes().all(|octet| octet.is_ascii_digit()))?;
    *rest = rest.get(count..)?;
    head.parse().ok()
}

fn offset(rest: &mut &str) -> Option<()> {
    if let Some(after) = rest.strip_prefix('Z') {
        *rest = after;
        return Some(());
    }
    *rest = rest.strip_prefix(['+', '-'])?;
    let hour = digits(rest, 2)?;
    *rest = rest.strip_prefix(':').unwrap_or(rest);
    let minute = digits(rest, 2)?;
    (hour <= 14 && minute < 60).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_the_form_and_exist() {
        let cases = [
            ("YYYY-MM-DD", "2024-02-29", true),
            ("YYYY-MM-DD", "2023-02-29", false),
            ("YYYY-MM-DD", "2024-02-30", false),
            ("YYYY-MM-DD", "2024-13-01", false),
            ("YYYY-MM-DD", "2024-00-10", false),
            ("YYYY-MM-DD", "2024-1-1", false),
            ("YYYY-MM-DD", "2024-01-01 ", false),
            ("YYYY-MM-DD", "２０２４-01-01", false),
            ("YYYY-MM-DD", "0000-01-01", false),
            ("yyyy-MM-dd", "2024-01-31", true),
            ("YYYY-MM-DD HH:mm:ss", "2024-06-30 23:59:59", true),
            ("YYYY-MM-DD HH:mm:ss", "2024-06-30 24:00:00", false),
            ("YYYY-MM-DD HH:mm:ss", "2024-06-30", false),
            ("YYYY-MM-DDTHH:mm:ssZ", "2024-06-30T08:00:00+08:00", true),
            ("YYYY-MM-DDTHH:mm:ssZ", "2024-06-30T08:00:00Z", true),
            ("YYYY-MM-DDTHH:mm:ssZ", "2024-06-30T08:00:00", false),
            ("YYYY-MM-DD HH:mm:ss.SSS", "2024-06-30 08:00:00.123", true),
            ("YYYYMMDD", "20241231", true),
            ("YYYY-MM", "2024-12", true),
            ("YYYY", "2024", true),
            ("HH:mm", "07:59", true),
            ("HH:mm", "7:59", false),
            ("YYYY年MM月DD日", "2024年06月30日", true),
            ("YYYY/MM/DD", "2024-06-30", false),
        ];
        for (form, text, fits) in cases {
            assert_eq!(matches(form, text), fits, "{text} as {form}");
        }
    }

    #[test]
    fn forms_that_say_nothing_are_none() {
        for wrong in ["", "-", "DD", "MM-DD", "YYYY-DD", "YYYY-YYYY", "YYYY HH:mm", "mm", "YYYY-QQ", "Z", "date"] {
            assert!(!is_form(wrong), "{wrong}");
        }
    }
}
