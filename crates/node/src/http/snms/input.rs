//! What a call brings: parameters behind the `?`, or a JSON body. Numbers come as numbers or as texts.

use super::Asked;
use super::envelope::Failure;
use hufu_registry::Time;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, offset};
use serde_json::Value as Json;

/// Rows of a page: default and most.
const PAGE: i64 = 10;
const PAGE_MOST: i64 = 200;

/// What comes as a form and not as JSON.
const FORM: &str = "/snms/api/file/upload";
/// Most items of a list.
const ITEMS: usize = 100;

pub struct Input {
    body: Json,
}

/// The clock of China.
fn china() -> TimeZone {
    TimeZone::fixed(offset(8))
}

/// `yyyy-MM-dd HH:mm:ss` in China.
pub fn moment(at: Time) -> String {
    let at = jiff::Timestamp::from_millisecond(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(china()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The dates in China on which a dated password is taken: today, and the neighbour within ten minutes of midnight.
pub fn dates(now: Time) -> Vec<String> {
    const LEEWAY: Time = 600_000;
    let day = |at: Time| moment(at).chars().take(10).collect::<String>();
    let mut dates = vec![day(now), day(now - LEEWAY), day(now + LEEWAY)];
    dates.dedup();
    dates
}

impl Input {
    pub fn read(asked: &Asked) -> Result<Self, Failure> {
        if asked.is_get() {
            let pairs = form(&asked.query);
            return Ok(Input { body: Json::Object(pairs) });
        }
        if asked.path == FORM {
            return Ok(Input { body: Json::Null });
        }
        match serde_json::from_slice(&asked.body) {
            Ok(body @ Json::Object(_)) => Ok(Input { body }),
            _ => Err(Failure::wrong_type("body")),
        }
    }

    pub fn of(body: Json) -> Self {
        Input { body }
    }

    /// The items of a list; absent is empty.
    pub fn list<T>(&self, path: &str, read: impl Fn(&Input) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
        match self.at(path) {
            None => Ok(Vec::new()),
            Some(Json::Array(items)) if items.len() <= ITEMS => {
                items.iter().map(|item| read(&Input::of(item.clone()))).collect()
            }
            Some(_) => Err(Failure::wrong_type(path)),
        }
    }

    /// A number from a table of the interface.
    pub fn choice(&self, path: &str) -> Result<Option<u8>, Failure> {
        let number = self.number(path)?;
        number.map(|number| u8::try_from(number).map_err(|_| Failure::wrong_type(path))).transpose()
    }

    /// The value at a path of members; null and absent are the same.
    fn at(&self, path: &str) -> Option<&Json> {
        let found = path.split('.').try_fold(&self.body, |body, name| body.get(name))?;
        (!found.is_null()).then_some(found)
    }

    pub fn has(&self, path: &str) -> bool {
        self.at(path).is_some()
    }

    /// A text; empty and absent are the same.
    pub fn text(&self, path: &str) -> Result<Option<String>, Failure> {
        match self.at(path) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Some(Json::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(Failure::wrong_type(path)),
        }
    }

    /// A text that must be there, of at most so many characters.
    pub fn required(&self, path: &str, most: usize) -> Result<String, Failure> {
        let text = self.text(path)?.ok_or_else(|| Failure::missing(path))?;
        match text.chars().count() > most {
            true => Err(Failure::business(format!("参数过长: {path}"))),
            false => Ok(text),
        }
    }

    pub fn number(&self, path: &str) -> Result<Option<i64>, Failure> {
        let text = self.text(path)?;
        text.map(|text| text.parse().map_err(|_| Failure::wrong_type(path))).transpose()
    }

    /// Number and size of the page.
    pub fn page(&self) -> Result<(i64, i64), Failure> {
        let number = self.number("currentPage")?.unwrap_or(1);
        let size = self.number("pageSize")?.unwrap_or(PAGE);
        for (name, wrong) in [("currentPage", number < 1), ("pageSize", !(1..=PAGE_MOST).contains(&size))] {
            if wrong {
                return Err(Failure::business(format!("参数超出范围: {name}")));
            }
        }
        Ok((number, size))
    }

    /// `startDate`, and the moment after `endDate`.
    pub fn span(&self) -> Result<(Option<Time>, Option<Time>), Failure> {
        let moment = |name: &str| -> Result<Option<Time>, Failure> {
            let Some(text) = self.text(name)? else { return Ok(None) };
            let wrong = || Failure::wrong_type(name);
            let civil = DateTime::strptime("%Y-%m-%d %H:%M:%S", &text).map_err(|_| wrong())?;
            let at = civil.to_zoned(china()).map_err(|_| wrong())?;
            Ok(Some(at.timestamp().as_millisecond()))
        };
        Ok((moment("startDate")?, moment("endDate")?.map(|at| at + 1000)))
    }
}

/// The page object; numbers start at 1.
pub fn paged(content: Vec<Json>, total: i64, (number, size): (i64, i64)) -> Json {
    let pages = (total + size - 1) / size;
    serde_json::json!({
        "first": number == 1, "last": number >= pages, "totalPages": pages, "totalElements": total,
        "number": number, "size": size, "sort": null, "numberOfElements": content.len(), "content": content,
    })
}

/// Pairs of a query; of a name that comes twice the last counts.
fn form(query: &str) -> serde_json::Map<String, Json> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), Json::String(decode(value))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dated_password_is_taken_around_midnight_of_china() {
        // 2019-08-14T16:05:00Z is five minutes into the 15th in China.
        let midnight = 1_565_798_400_000;
        assert_eq!(dates(midnight + 300_000), ["2019-08-15", "2019-08-14", "2019-08-15"]);
        assert_eq!(dates(midnight + 3_600_000), ["2019-08-15"]);
        assert_eq!(moment(midnight), "2019-08-15 00:00:00");
    }

    #[test]
    fn pages_are_numbered_from_one() {
        let page = paged(vec![Json::Null], 11, (2, 10));
        assert_eq!((page["first"].as_bool(), page["last"].as_bool()), (Some(false), Some(true)));
        assert_eq!((page["totalPages"].as_i64(), page["numberOfElements"].as_i64()), (Some(2), Some(1)));
    }
}
