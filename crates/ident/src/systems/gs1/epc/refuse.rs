//! The refusals of this folder: what was wrong, where, and by which section of the Tag Data Standard.

use crate::refusal::Refusal;

pub const URI: &str = "TDS 2.2 §6.3";
pub const ESCAPES: &str = "TDS 2.2 §6.3, escapes";
pub const PATTERN: &str = "TDS 2.2 §8";
pub const TAG_URI: &str = "TDS 2.2 §12";
pub const HEADER: &str = "TDS 2.2 §14.2";
pub const PARTITION: &str = "TDS 2.2 §14.3";
pub const INTEGER: &str = "TDS 2.2 §14.4.1";
pub const STRING: &str = "TDS 2.2 §14.4.2";
pub const CODING: &str = "TDS 2.2 §14.6";
pub const PLUS: &str = "TDS 2.2 §14.5";
pub const DATE: &str = "TDS 2.2 §14.5.8";
pub const CHECK_DIGIT: &str = "GS1 General Specifications §7.9";

/// The octets end before the field that starts at `at`.
pub fn short(at: usize) -> Refusal {
    Refusal::new("epc-short", CODING, "EPC编码在此字段中途结束", "the EPC ends within this field").at(at)
}

/// A number has more digits than its field may have.
pub fn overflow(digits: usize) -> Refusal {
    let zh = format!("数值超出该字段允许的{digits}位数字");
    let en = format!("the number needs more than the {digits} digits of this field");
    Refusal::new("epc-overflow", INTEGER, zh, en)
}

/// A value has no place in this binary scheme; another scheme may hold it.
pub fn unfit(scheme: &str, zh: &str, en: &str) -> Refusal {
    Refusal::new("epc-unfit", CODING, format!("{scheme}无法编码：{zh}"), format!("{scheme} cannot hold this: {en}"))
}

/// A wrong check digit, and the right one.
pub fn check_digit(ai: &str, due: char, found: char) -> Refusal {
    let zh = format!("AI({ai})的校验位应为{due}，现为{found}");
    let en = format!("the check digit of AI ({ai}) must be {due}, not {found}");
    Refusal::new("epc-check-digit", CHECK_DIGIT, zh, en)
}
