//! Number plans: how the numbers below an own prefix are given out. Pure.

use super::name::with_step;
use crate::error::{FieldRefusal, Kind, Refusal};
use hufu_ident::Prefix as Name;
use serde::{Deserialize, Serialize};

/// Digits of the widest number.
const DIGITS_MOST: u32 = 18;
/// Places to fill in a pattern.
const PLACES_MOST: usize = 9;
/// Names tried before the search for a free one is given up.
pub const TRIES_MOST: usize = 20_000;

/// How the numbers below an own prefix are given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NumberPlan {
    /// The first number.
    #[schema(minimum = 0)]
    pub first: i64,
    /// The last number.
    #[schema(minimum = 0)]
    pub last: i64,
    /// Digits; shorter numbers get leading zeros. 0 for none.
    #[schema(minimum = 0, maximum = 18)]
    pub width: u32,
}

impl Default for NumberPlan {
    fn default() -> Self {
        NumberPlan { first: 1, last: 999_999, width: 0 }
    }
}

impl NumberPlan {
    /// For the children of `own`: nodes have three digits at least.
    pub fn of(own: &Name) -> Self {
        match own.as_str() {
            "88" | "86" => NumberPlan { first: 100, last: 99_999, width: 0 },
            _ => NumberPlan::default(),
        }
    }

    pub fn check(&self) -> Result<(), Refusal> {
        let least_digits = self.last.checked_ilog10().unwrap_or(0) + 1;
        let fits = self.width == 0 || self.width >= least_digits;
        if self.first >= 0 && self.last >= self.first && self.width <= DIGITS_MOST && fits {
            return Ok(());
        }
        let zh = format!("号段应满足 0 ≤ first ≤ last，位数不超过 {DIGITS_MOST} 且容得下 last");
        let en = format!("a plan has 0 ≤ first ≤ last, and at most {DIGITS_MOST} digits into which last fits");
        Err(Refusal::fields(vec![FieldRefusal::new("plan", "number-plan", zh, en)]))
    }

    /// Numbers from `start` on, then from the first up to it: each once.
    pub fn from(&self, start: i64) -> impl Iterator<Item = i64> + use<> {
        let (first, last) = (self.first, self.last);
        let start = if (first..=last).contains(&start) { start } else { first };
        (start..=last).chain(first..start)
    }

    pub fn name(&self, own: &Name, number: i64) -> String {
        with_step(own, &format!("{number:0width$}", width = self.width as usize))
    }
}

/// The names that a pattern stands for, `#` being any digit: lowest first.
pub fn names_of_pattern(pattern: &str) -> Result<impl Iterator<Item = String> + use<>, Refusal> {
    let places = pattern.matches('#').count();
    if !(1..=PLACES_MOST).contains(&places) {
        let zh = format!("模式中应有 1–{PLACES_MOST} 个“#”，每个代表一位数字");
        let en = format!("a pattern has 1 to {PLACES_MOST} “#”, each for one digit");
        return Err(Refusal::fields(vec![FieldRefusal::new("pattern", "prefix-pattern", zh, en)]));
    }
    let pattern = pattern.to_owned();
    Ok((0..10_u64.pow(places as u32)).map(move |number| {
        let digits = format!("{number:0places$}");
        let mut digits = digits.chars();
        pattern.chars().map(|c| if c == '#' { digits.next().unwrap_or('0') } else { c }).collect()
    }))
}

pub fn exhausted() -> Refusal {
    let (zh, en) = (
        "没有可分配的号码，请联系节点运营方扩充号段",
        "no free number is left; the node's operator must widen the plan",
    );
    Refusal::new(Kind::Limit, "numbers-exhausted", zh, en)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_once_whatever_the_start() {
        let plan = NumberPlan { first: 3, last: 7, width: 2 };
        for start in -1..10 {
            let mut numbers: Vec<i64> = plan.from(start).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, [3, 4, 5, 6, 7], "{start}");
        }
        assert_eq!(plan.from(6).collect::<Vec<_>>(), [6, 7, 3, 4, 5]);
        assert_eq!(plan.name(&Name::folded("88.118"), 7), "88.118.07");
    }

    #[test]
    fn a_plan_that_cannot_be_is_refused() {
        for (first, last, width) in [(-1, 5, 0), (6, 5, 0), (1, 1000, 3), (1, 5, 19)] {
            assert!(NumberPlan { first, last, width }.check().is_err(), "{first} {last} {width}");
        }
        assert!(NumberPlan { first: 0, last: 0, width: 1 }.check().is_ok());
    }

    #[test]
    fn a_pattern_stands_for_its_digits() {
        let names: Vec<String> = names_of_pattern("88.118.6#6").expect("a pattern").collect();
        assert_eq!((names.len(), names[0].as_str(), names[9].as_str()), (10, "88.118.606", "88.118.696"));
        assert!(names_of_pattern("88.118.6").is_err());
        assert!(names_of_pattern("##########").is_err());
    }
}
