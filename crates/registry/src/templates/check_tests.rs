//! Values against items, from a table: data type, rules, value, and the canonical text or the rule that is broken.

use super::check::{Mode, check, check_values};
use super::item::{DataType, Item, ItemState, Template};
use super::rules::Rules;
use serde_json::{Map, Value as Json, json};

const DIGEST: &str = "sm3:66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";

fn item(data_type: DataType, rules: &Json) -> Item {
    let rules: Rules = serde_json::from_value(rules.clone()).expect("rules");
    Item { name: "field".into(), data_type, rules, ..Item::default() }
}

fn run(data_type: DataType, cases: &[(Json, Json, &str)]) {
    for (rules, value, expected) in cases {
        let outcome = check(&item(data_type, rules), value);
        let told = outcome.as_ref().map_or_else(|fault| format!("!{}", fault.rule), Clone::clone);
        assert_eq!(&told, expected, "{value} by {rules}: {outcome:?}");
        if let Err(fault) = outcome {
            assert!(fault.zh.starts_with("field：") && fault.en.starts_with("field: "), "{fault:?}");
        }
    }
}

#[test]
fn strings() {
    let long = "长".repeat(4_000);
    let longer = "长".repeat(4_001);
    let cases = [
        (json!({}), json!("泵"), "泵"),
        (json!({}), json!(""), ""),
        (json!({}), json!(" x "), " x "),
        (json!({}), json!(long), long.as_str()),
        (json!({}), json!(longer), "!too-long"),
        (json!({}), json!(1), "!wrong-type"),
        (json!({}), json!(true), "!wrong-type"),
        (json!({}), json!(["x"]), "!wrong-type"),
        (json!({}), json!({"x": 1}), "!wrong-type"),
        (json!({}), json!("a\u{0}b"), "!control-character"),
        (json!({}), json!("a\u{1b}[31m"), "!control-character"),
        (json!({}), json!("two\nlines\t"), "two\nlines\t"),
        // Characters are counted, not octets.
        (json!({"maxLength": 4}), json!("发动机号"), "发动机号"),
        (json!({"maxLength": 4}), json!("发动机号码"), "!too-long"),
        (json!({"minLength": 2}), json!("号"), "!too-short"),
        (json!({"minLength": 2}), json!("号码"), "号码"),
        (json!({"minLength": 17, "maxLength": 17}), json!("LFV2A21K8A3000001"), "LFV2A21K8A3000001"),
        (json!({"minLength": 17, "maxLength": 17}), json!("LFV2A21K8A300000"), "!too-short"),
        (json!({"enumeration": ["红", "绿"]}), json!("绿"), "绿"),
        (json!({"enumeration": ["红", "绿"]}), json!("蓝"), "!not-in-enumeration"),
        (json!({"enumeration": ["A"]}), json!("a"), "!not-in-enumeration"),
        (json!({"pattern": "[A-Z]{2}\\d+"}), json!("SN42"), "SN42"),
        // The whole value, not a part of it.
        (json!({"pattern": "[A-Z]{2}\\d+"}), json!("xSN42"), "!pattern"),
        (json!({"pattern": "[A-Z]{2}\\d+"}), json!("SN42\n"), "!pattern"),
        (json!({"pattern": "a|b"}), json!("ab"), "!pattern"),
        (json!({"pattern": "a|b"}), json!("b"), "b"),
        (json!({"pattern": "\\p{Han}+"}), json!("汉字"), "汉字"),
        (json!({"pattern": "\\p{Han}+"}), json!("kanji"), "!pattern"),
        (json!({"pattern": "("}), json!("("), "!bad-pattern"),
        (json!({"pattern": "a)(b"}), json!("ab"), "!bad-pattern"),
        // What takes exponential time elsewhere is fast here, and what takes much memory is refused.
        (json!({"pattern": "(a+)+b"}), json!("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"), "!pattern"),
        (json!({"pattern": "((\\w{1,99}){1,99}){1,99}"}), json!("x"), "!bad-pattern"),
    ];
    run(DataType::String, &cases);
}

#[test]
fn numbers() {
    let most = "9".repeat(38);
    let more = format!("1{}", "0".repeat(38));
    let cases = [
        (json!({}), json!(0), "0"),
        (json!({}), json!(-12), "-12"),
        (json!({}), json!(1.5), "1.5"),
        (json!({}), json!("1.50"), "1.5"),
        (json!({}), json!(" 7 "), "7"),
        (json!({}), json!("+007"), "7"),
        (json!({}), json!("1e3"), "1000"),
        (json!({}), json!(u64::MAX), "18446744073709551615"),
        (json!({}), json!(i64::MIN), "-9223372036854775808"),
        (json!({}), json!(most), most.as_str()),
        (json!({}), json!(more), "!too-long"),
        (json!({}), json!("1e38"), "!too-long"),
        (json!({}), json!("1e999999999"), "!not-a-number"),
        // A reader of JSON has rounded these: what was meant cannot be known.
        (json!({}), json!(1e38), "!number-as-text"),
        (json!({}), json!(0.1 + 0.2), "!number-as-text"),
        (json!({}), json!("0.30000000000000004"), "0.30000000000000004"),
        (json!({}), json!("twelve"), "!not-a-number"),
        (json!({}), json!("1,000"), "!not-a-number"),
        (json!({}), json!("１２"), "!not-a-number"),
        (json!({}), json!("NaN"), "!not-a-number"),
        (json!({}), json!(""), "!not-a-number"),
        (json!({}), json!(true), "!wrong-type"),
        (json!({}), json!([1]), "!wrong-type"),
        (json!({"maxLength": 3}), json!(12.5), "12.5"),
        (json!({"maxLength": 3}), json!("12.50"), "12.5"),
        (json!({"maxLength": 3}), json!(1234), "!too-long"),
        (json!({"minLength": 3}), json!(12), "!too-short"),
        (json!({"decimals": 2}), json!("3.14"), "3.14"),
        (json!({"decimals": 2}), json!("3.1400"), "3.14"),
        (json!({"decimals": 2}), json!("3.141"), "!too-many-decimals"),
        (json!({"decimals": 0}), json!(3.5), "!too-many-decimals"),
        (json!({"range": "[1,10)"}), json!(1), "1"),
        (json!({"range": "[1,10)"}), json!(10), "!out-of-range"),
        (json!({"range": "[1,10)"}), json!("9.999"), "9.999"),
        (json!({"range": "(1,10]"}), json!(1), "!out-of-range"),
        (json!({"range": "[0,)", "unit": "kW"}), json!(-0.1), "!out-of-range"),
        (json!({"range": "[0,)", "unit": "kW"}), json!(110), "110"),
        (json!({"range": "(,-40]"}), json!(-41), "-41"),
    ];
    run(DataType::Number, &cases);
}

#[test]
fn dates() {
    let cases = [
        (json!({}), json!("2024-02-29"), "2024-02-29"),
        (json!({}), json!("2024-02-30"), "!bad-date"),
        (json!({}), json!("2023-02-29"), "!bad-date"),
        (json!({}), json!("2024-2-9"), "!bad-date"),
        (json!({}), json!("20240209"), "!bad-date"),
        (json!({}), json!(""), "!bad-date"),
        (json!({}), json!(20_240_209), "!wrong-type"),
        (json!({"dateFormat": "YYYY-MM-DD HH:mm:ss"}), json!("2024-02-29 23:59:59"), "2024-02-29 23:59:59"),
        (json!({"dateFormat": "YYYY-MM-DD HH:mm:ss"}), json!("2024-02-29 23:60:00"), "!bad-date"),
        (json!({"dateFormat": "YYYY-MM-DD HH:mm:ss"}), json!("2024-02-29"), "!bad-date"),
        (json!({"dateFormat": "YYYYMM"}), json!("202412"), "202412"),
    ];
    run(DataType::Date, &cases);
}

#[test]
fn attachments() {
    let file = |name: &str, size: u64| json!({"file": DIGEST, "name": name, "size": size, "type": "application/pdf"});
    let kept = format!(r#"{{"file":"{DIGEST}","name":"合格证.pdf","size":9,"type":"application/pdf"}}"#);
    let list = format!("[{kept}]");
    let cases = [
        (json!({}), file("合格证.pdf", 9), kept.as_str()),
        (json!({"fileKinds": ["pdf"]}), file("合格证.pdf", 9), kept.as_str()),
        (json!({"fileKinds": ["pdf"]}), file("合格证.PDF.exe", 9), "!file-kind"),
        (json!({"fileKinds": ["pdf"]}), file("pdf", 9), "!file-kind"),
        (json!({"fileSize": 8}), file("合格证.pdf", 9), "!file-size"),
        (json!({"fileCount": 2}), json!([file("合格证.pdf", 9)]), list.as_str()),
        (json!({"fileCount": 2}), json!([]), "!wrong-count"),
        (json!({}), json!([file("a.pdf", 1), file("b.pdf", 1)]), "!wrong-count"),
        (json!({}), file("../a.pdf", 1), "!bad-file-name"),
        (json!({}), file("", 1), "!bad-file-name"),
        (json!({}), json!("a.pdf"), "!wrong-type"),
        (json!({}), json!({"file": "abc", "name": "a.pdf", "size": 1, "type": ""}), "!wrong-type"),
        (json!({}), json!({"file": DIGEST, "name": "a", "size": -1, "type": ""}), "!wrong-type"),
        (json!({}), json!({"file": DIGEST, "name": "a", "size": 1, "type": "", "url": "x"}), "!wrong-type"),
    ];
    run(DataType::File, &cases);
    run(DataType::Image, &[(json!({}), file("a.pdf", 1), "!file-kind")]);
    run(DataType::Audio, &[(json!({}), file("a.bmp", 1), "!file-kind")]);
}

#[test]
fn references() {
    let cases = [
        (json!({}), json!("88.118.1/A1"), r#""88.118.1/A1""#),
        (json!({}), json!(["88.118.1/A1"]), r#""88.118.1/A1""#),
        (json!({}), json!(["88.118.1/A1", "88.118.1/A2"]), "!wrong-count"),
        (json!({"many": true}), json!(["88.118.1/A1", "88.118.1/A2"]), r#"["88.118.1/A1","88.118.1/A2"]"#),
        (json!({"many": true}), json!("88.118.1/A1"), r#"["88.118.1/A1"]"#),
        (json!({"many": true}), json!(["88.118.1/A1", "88.118.1/A1"]), "!repeated"),
        (json!({"many": true}), json!([]), "!wrong-count"),
        (json!({}), json!(""), "!bad-identifier"),
        (json!({}), json!(1), "!wrong-type"),
    ];
    run(DataType::Reference, &cases);
}

fn template() -> Template {
    let field =
        |index, name: &str, required, state| Item { index, name: name.into(), required, state, ..Item::default() };
    let items = vec![
        field(2000, "name", true, ItemState::Enabled),
        field(2001, "note", false, ItemState::Enabled),
        field(2002, "old", true, ItemState::Disabled),
        field(2003, "coming", false, ItemState::Pending),
    ];
    Template { handle: "88.118.1/META_1".into(), version: "1".into(), items }
}

fn outcome(values: &Json, mode: Mode) -> String {
    let values: Map<String, Json> = values.as_object().cloned().unwrap_or_default();
    match check_values(&template(), &values, mode) {
        Ok(kept) => {
            let shown = kept.iter().map(|(item, text)| format!("{}={}", item.index, text.as_deref().unwrap_or("∅")));
            shown.collect::<Vec<_>>().join(" ")
        }
        Err(faults) => {
            let shown = faults.iter().map(|fault| format!("{}:{}", fault.field, fault.rule));
            shown.collect::<Vec<_>>().join(" ")
        }
    }
}

#[test]
fn values_together() {
    let cases = [
        (json!({"name": "泵", "note": "x"}), Mode::Create, "2000=泵 2001=x"),
        (json!({"name": "泵", "note": null}), Mode::Create, "2000=泵"),
        (json!({"note": "x"}), Mode::Create, "name:missing"),
        (json!({"note": "x"}), Mode::Overwrite, "name:missing"),
        (json!({"note": "x"}), Mode::Patch, "2001=x"),
        (json!({"note": null}), Mode::Patch, "2001=∅"),
        (json!({"name": null}), Mode::Patch, "name:missing"),
        (json!({"name": null}), Mode::Create, "name:missing"),
        (json!({"name": "  "}), Mode::Create, "name:missing"),
        (json!({"name": "泵", "old": "x"}), Mode::Create, "old:disabled-field"),
        (json!({"name": "泵", "coming": "x"}), Mode::Create, "coming:disabled-field"),
        // What is disabled may still be taken away.
        (json!({"old": null}), Mode::Patch, "2002=∅"),
        (json!({"nme": "泵"}), Mode::Create, "nme:unknown-field name:missing"),
        (json!({"note": 1, "x": 2}), Mode::Patch, "note:wrong-type x:unknown-field"),
        (json!({}), Mode::Patch, ""),
    ];
    for (values, mode, expected) in cases {
        assert_eq!(outcome(&values, mode), expected, "{values} {mode:?}");
    }
}

/// What is wrong with rules, by member.
fn faults(data_type: DataType, rules: &Json) -> Vec<String> {
    let rules: Rules = serde_json::from_value(rules.clone()).expect("rules");
    rules.check(data_type).iter().map(|fault| format!("{}:{}", fault.field, fault.rule)).collect()
}

#[test]
fn rules_themselves_are_checked() {
    let cases = [
        (DataType::String, json!({"maxLength": 0}), "rules.maxLength:out-of-range"),
        (DataType::String, json!({"maxLength": 40_000}), "rules.maxLength:out-of-range"),
        (DataType::String, json!({"minLength": 5, "maxLength": 4}), "rules.minLength:out-of-range"),
        (DataType::String, json!({"pattern": "["}), "rules.pattern:bad-pattern"),
        (DataType::String, json!({"pattern": "x".repeat(501)}), "rules.pattern:bad-pattern"),
        (DataType::String, json!({"enumeration": ["a", "a"]}), "rules.enumeration:bad-enumeration"),
        (DataType::String, json!({"enumeration": [""]}), "rules.enumeration:bad-enumeration"),
        (DataType::String, json!({"range": "[1,2]"}), "rules.range:rule-misplaced"),
        (DataType::Number, json!({"maxLength": 39}), "rules.maxLength:out-of-range"),
        (DataType::Number, json!({"range": "[2,1]"}), "rules.range:bad-range"),
        (DataType::Number, json!({"decimals": 39}), "rules.decimals:out-of-range"),
        (DataType::Number, json!({"unit": " "}), "rules.unit:bad-unit"),
        (DataType::Number, json!({"pattern": "x"}), "rules.pattern:rule-misplaced"),
        (DataType::Date, json!({"dateFormat": "DD"}), "rules.dateFormat:bad-format"),
        (DataType::Date, json!({"unit": "d"}), "rules.unit:rule-misplaced"),
        (DataType::File, json!({"fileKinds": [".pdf"]}), "rules.fileKinds:bad-suffix"),
        (DataType::File, json!({"fileCount": 51}), "rules.fileCount:out-of-range"),
        (DataType::File, json!({"fileSize": 0}), "rules.fileSize:out-of-range"),
        (DataType::File, json!({"many": true}), "rules.many:rule-misplaced"),
        (DataType::Reference, json!({"referenceTemplate": "x"}), "rules.referenceTemplate:bad-handle"),
    ];
    for (data_type, rules, expected) in cases {
        assert_eq!(faults(data_type, &rules), [expected], "{data_type:?} {rules}");
    }
    for data_type in DataType::ALL {
        assert_eq!(faults(data_type, &json!({})), [""; 0], "{data_type:?}");
        assert_eq!(DataType::of_number(data_type.number()), Some(data_type));
    }
}

#[test]
fn rules_narrow_and_do_not_widen() {
    let cases = [
        (DataType::String, json!({"maxLength": 10}), json!({"maxLength": 5}), ""),
        (DataType::String, json!({"maxLength": 10}), json!({"maxLength": 11}), "maxLength"),
        (DataType::String, json!({"maxLength": 10}), json!({}), "maxLength"),
        (DataType::String, json!({"minLength": 2}), json!({"minLength": 1}), "minLength"),
        (DataType::String, json!({"pattern": "a+"}), json!({}), "pattern"),
        (DataType::String, json!({}), json!({"pattern": "a+"}), ""),
        (DataType::String, json!({"enumeration": ["a", "b"]}), json!({"enumeration": ["b"]}), ""),
        (DataType::String, json!({"enumeration": ["a", "b"]}), json!({"enumeration": ["c"]}), "enumeration"),
        (DataType::String, json!({"enumeration": ["a", "b"]}), json!({}), "enumeration"),
        (DataType::Number, json!({"range": "[0,100]"}), json!({"range": "(0,50]"}), ""),
        (DataType::Number, json!({"range": "[0,100)"}), json!({"range": "[0,100]"}), "range"),
        (DataType::Number, json!({"range": "[0,100]"}), json!({}), "range"),
        (DataType::Number, json!({"decimals": 2}), json!({"decimals": 3}), "decimals"),
        (DataType::Number, json!({"unit": "kW"}), json!({"unit": "W"}), "unit"),
        (DataType::Number, json!({}), json!({"unit": "W"}), ""),
        (DataType::Date, json!({}), json!({"dateFormat": "YYYY"}), "dateFormat"),
        (DataType::File, json!({"fileKinds": ["pdf", "doc"]}), json!({"fileKinds": ["pdf"]}), ""),
        (DataType::File, json!({"fileKinds": ["pdf"]}), json!({"fileKinds": ["exe"]}), "fileKinds"),
        (DataType::File, json!({"fileSize": 9}), json!({"fileSize": 10}), "fileSize"),
        (DataType::File, json!({}), json!({"fileCount": 2}), "fileCount"),
        (DataType::Reference, json!({}), json!({"many": true}), "many"),
    ];
    for (data_type, above, own, expected) in cases {
        let read = |rules: &Json| serde_json::from_value::<Rules>(rules.clone()).expect("rules");
        let found = read(&own).widenings(&read(&above), data_type);
        let members: Vec<&str> = found.iter().map(|fault| fault.field.trim_start_matches("rules.")).collect();
        assert_eq!(members.join(" "), expected, "{own} below {above}");
    }
}
