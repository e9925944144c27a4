//! GS1: our vectors, what holds for every data set, and inputs that nobody meant.

use crate::corpus::{own, text};
use hufu_ident::reading::Reading;
use hufu_ident::refusal::Refusal;
use hufu_ident::system::System;
use hufu_ident::systems::gs1::{CompressOptions, DataSet, Gs1, NOT_A_LINK, Options, Scan, Symbology, all};
use proptest::prelude::*;
use serde_json::Value as Json;

const YEAR: u16 = 2026;
const CODES: CompressOptions = CompressOptions { codes: true, partial: false, pairs: true };
const PLAIN: CompressOptions = CompressOptions { codes: false, partial: false, pairs: true };
const PARTIAL: CompressOptions = CompressOptions { codes: false, partial: true, pairs: true };

fn strict() -> Options {
    Options::strict(YEAR)
}

fn optional(entry: &Json, field: &str) -> Option<String> {
    entry[field].as_str().map(str::to_owned)
}

/// Holds a refusal against an entry's `code` and `at`.
fn check_refusal(entry: &Json, refusal: &Refusal) {
    let at = entry["at"].as_u64().map(|at| at as usize);
    assert_eq!((refusal.code, refusal.at), (text(entry, "code"), at), "{entry}\n{refusal}");
    assert!(!refusal.zh.is_empty() && !refusal.en.is_empty() && !refusal.clause.is_empty());
}

/// Whether an entry says that it is refused; if so the result is checked.
fn refused<T: std::fmt::Debug>(entry: &Json, result: &Result<T, Refusal>) -> bool {
    match (result, entry.get("code")) {
        (Ok(_), None) => false,
        (Err(refusal), Some(_)) => {
            check_refusal(entry, refusal);
            true
        }
        _ => panic!("{entry}\n{result:?}"),
    }
}

#[test]
fn element_strings_are_as_their_vectors_say() {
    for entry in own("gs1/elements.json") {
        let parsed = DataSet::from_bracketed(text(&entry, "text"), &strict());
        if refused(&entry, &parsed) {
            continue;
        }
        let set = parsed.unwrap();
        assert_eq!(set.to_separated(), text(&entry, "separated"), "{entry}");
        assert_eq!(set.name(), optional(&entry, "record"), "{entry}");
        assert_eq!(set.to_canonical_uri().ok(), optional(&entry, "link"), "{entry}");
        check_shapes(&set);
    }
}

#[test]
fn links_are_as_their_vectors_say() {
    for entry in own("gs1/links.json") {
        let options = match entry["options"].as_str() {
            Some("resolver") => Options::resolver(YEAR),
            Some("alpha") => Options { alpha_keys: true, ..strict() },
            _ => strict(),
        };
        let parsed = DataSet::from_uri(text(&entry, "uri"), &options);
        if refused(&entry, &parsed) {
            continue;
        }
        let set = parsed.unwrap();
        assert_eq!(set.to_bracketed(), text(&entry, "elements"), "{entry}");
        assert_eq!(set.name(), optional(&entry, "record"), "{entry}");
        assert_eq!(set.to_canonical_uri().unwrap(), text(&entry, "canonical"), "{entry}");
        check_shapes(&set);
    }
}

#[test]
fn compressed_links_are_as_their_vectors_say() {
    for entry in own("gs1/compressed.json") {
        if let Some(compressed) = optional(&entry, "compressed") {
            let parsed = DataSet::from_uri(&compressed, &strict());
            match entry["code"].as_str() {
                Some(NOT_A_LINK) => assert_eq!(parsed.unwrap_err().code, NOT_A_LINK, "{entry}"),
                Some(_) => check_refusal(&entry, &parsed.unwrap_err()),
                None => assert_eq!(parsed.unwrap().to_bracketed(), text(&entry, "elements"), "{entry}"),
            }
            continue;
        }
        let set = DataSet::from_uri(text(&entry, "link"), &strict()).unwrap();
        if entry.get("code").is_some() {
            check_refusal(&entry, &set.to_compressed(None, CODES).unwrap_err());
            continue;
        }
        for (field, options) in [("with_codes", CODES), ("plain", PLAIN), ("partial", PARTIAL)] {
            let Some(expected) = optional(&entry, field) else { continue };
            assert_eq!(set.to_compressed(None, options).unwrap(), expected, "{entry}");
            let again = DataSet::from_uri(&expected, &strict()).unwrap();
            assert_eq!(again.to_uri(None).unwrap(), text(&entry, "link"), "{entry}");
        }
    }
}

#[test]
fn names_are_as_their_vectors_say() {
    for entry in own("gs1/names.json") {
        let canonical = Gs1.canonical(text(&entry, "text"));
        if refused(&entry, &canonical) {
            continue;
        }
        let canonical = canonical.unwrap();
        assert_eq!(canonical, text(&entry, "record"), "{entry}");
        assert_eq!(Gs1.authority(&canonical), text(&entry, "authority"), "{entry}");
        assert_eq!(Gs1.canonical(&canonical).as_ref(), Ok(&canonical), "a canonical name stays as it is");
    }
}

#[test]
fn scans_are_as_their_vectors_say() {
    for entry in own("gs1/scans.json") {
        let parsed = Scan::parse(text(&entry, "text"), &strict());
        if refused(&entry, &parsed) {
            continue;
        }
        let scan = parsed.unwrap();
        assert_eq!(scan.symbology.identifier(), text(&entry, "symbology"));
        assert_eq!(scan.message(), text(&entry, "message"), "{entry}");
        let symbology = scan.symbology;
        let set = scan.into_data_set();
        assert_eq!(set.as_ref().ok().map(DataSet::to_bracketed), optional(&entry, "elements"), "{entry}");
        if let Ok(set) = set
            && !text(&entry, "text").contains('|')
        {
            assert_eq!(set.to_scan_data(symbology).unwrap(), text(&entry, "text"));
        }
    }
}

#[test]
fn paths_to_delegate_are_digits() {
    for (path, refusal) in [
        ("", None),
        ("952", None),
        ("952132100001", None),
        ("9521321000018", Some(("gs1-prefix-length", Some(12)))),
        ("95A", Some(("gs1-prefix-digit", Some(2)))),
        ("中", Some(("gs1-prefix-digit", Some(0)))),
    ] {
        let found = Gs1.check_path(path).err().map(|refusal| (refusal.code, refusal.at));
        assert_eq!(found, refusal, "{path}");
    }
    assert_eq!((Gs1.parent("952"), Gs1.parent("9中"), Gs1.parent("")), (Some(2), Some(1), None));
}

fn read(text: &str) -> Option<Result<Reading, Refusal>> {
    Gs1.read(text)
}

#[test]
fn readings_say_what_a_code_is() {
    let reading = read("(01)09521321000018(10)ABC(17)261231").unwrap().unwrap();
    assert_eq!(reading.system, "gs1");
    assert_eq!(reading.name.as_ref().unwrap().as_str(), "gs1:01/09521321000018/10/ABC");
    let parts: Vec<_> = reading.parts.iter().map(|part| (part.name.as_str(), part.value.as_str())).collect();
    assert_eq!(
        parts,
        [("GTIN (01)", "09521321000018"), ("BATCH/LOT (10)", "ABC"), ("USE BY or EXPIRY (17)", "261231")]
    );
    for (form, expected) in [
        ("element_string", "(01)09521321000018(10)ABC(17)261231"),
        ("element_string_fnc1", "^010952132100001810ABC^17261231"),
        ("digital_link", "https://id.gs1.org/01/09521321000018/10/ABC?17=261231"),
    ] {
        assert_eq!(reading.form_named(form), Some(expected));
    }
    assert!(reading.form_named("digital_link_compressed").is_some());
    assert!(reading.checks.iter().all(|check| check.ok));

    let gtin = read("9521321000018").unwrap().unwrap();
    assert_eq!(gtin.name.unwrap().as_str(), "gs1:01/09521321000018");
    assert!(gtin.checks.iter().any(|check| !check.ok && check.code == "gs1-without-ai"));
    // Attributes alone name nothing.
    assert_eq!(read("(8002)A").unwrap().unwrap().name, None);
}

#[test]
fn what_is_not_gs1_is_left_to_others() {
    for text in [
        "",
        "hello",
        "9521321000019",
        "340123453111111115",
        "1.2.156.20009",
        "88.118.8/x",
        "10.1000/1",
        "did:bid:ef",
        "(a)b",
        "https://example.com/",
        "https://example.com/about/us?x=1",
        "https://user@example.com/01/09521321000018",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
    for text in [
        "(01)09521321000019",
        "^99~",
        "https://id.gs1.org/01/09521321000019",
        "]d201",
        "01/09521321000019",
        "urn:epc:id:sgtin:1.2.3",
    ] {
        assert!(read(text).unwrap().unwrap_err().at.is_some(), "{text}");
    }
}

#[test]
fn the_constrained_form_has_one_qualifier() {
    let base = "https://id.gs1.org";
    for (text, expected) in [
        ("(01)09521321000018", Some("/01/09521321000018")),
        ("(01)09521321000018(10)A(21)B(22)C(17)261231", Some("/01/09521321000018/21/B")),
        ("(01)09521321000018(10)A(22)C", Some("/01/09521321000018/10/A")),
        ("(01)09521321000018(22)C", Some("/01/09521321000018")),
        ("(01)09521321000018(235)C", Some("/01/09521321000018/235/C")),
        ("(8004)9521321AB(7040)1ABC", Some("/8004/9521321AB")),
        ("(8013)1987654Ad4X4bL5ttr2310c2K", None),
    ] {
        let set = DataSet::from_bracketed(text, &strict()).unwrap();
        assert_eq!(set.to_constrained_uri().ok(), expected.map(|path| format!("{base}{path}")), "{text}");
    }
}

/// Every shape that a data set can be written in reads as the same data set.
fn check_shapes(set: &DataSet) {
    let options = Options { allow_unknown_ai: true, check_needs: false, ..strict() };
    let bare = DataSet::from_bracketed(&set.to_bracketed(), &options).unwrap();
    assert_eq!(sorted(&bare), sorted(set));
    assert_eq!(DataSet::from_separated(&set.to_separated(), &options).as_ref(), Ok(&bare));
    for symbology in Symbology::ALL {
        let Ok(scan) = set.to_scan_data(symbology) else { continue };
        assert_eq!(sorted(&DataSet::parse(&scan, &options).unwrap()), sorted(set), "{scan:?}");
    }
    let Ok(link) = set.to_uri(set.stem()) else { return };
    let again = DataSet::parse(&link, &options).unwrap_or_else(|refusal| panic!("{link}: {refusal}"));
    assert_eq!((sorted(&again), again.name(), again.extras()), (sorted(set), set.name(), set.extras()), "{link}");
    assert_eq!(again.to_uri(again.stem()).unwrap(), link);
    for how in [CODES, PLAIN, PARTIAL, CompressOptions::default()] {
        let Ok(short) = set.to_compressed(None, how) else { continue };
        let again = DataSet::parse(&short, &options).unwrap_or_else(|refusal| panic!("{link} as {short}: {refusal}"));
        assert_eq!((sorted(&again), again.name()), (sorted(set), set.name()), "{short}");
    }
    let name = set.name().unwrap();
    if set.key().is_some_and(|key| key.code() != "415") || set.value("8020").is_some() {
        assert_eq!(Gs1.canonical(&name), Ok(name));
    }
}

fn sorted(set: &DataSet) -> Vec<(String, String)> {
    let mut all: Vec<_> = set.elements().map(|own| (own.code().to_owned(), own.value.to_owned())).collect();
    all.sort();
    all
}

fn set82(most: usize) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("[!\"%-?A-Z_a-z]{{1,{most}}}")).unwrap()
}

proptest! {
    #[test]
    fn shapes_go_into_each_other(
        number in 0u64..10_000_000_000_000,
        lot in proptest::option::of(set82(20)),
        serial in proptest::option::of(set82(20)),
        variant in proptest::option::of(set82(20)),
        weight in proptest::option::of(0u32..1_000_000),
        internal in proptest::option::of(set82(90)),
        digits in proptest::option::of("[0-9]{1,90}"),
    ) {
        let front = format!("{number:013}");
        let gtin = format!("{front}{}", hufu_ident::systems::gs1::check_digit_of(&front));
        let mut text = format!("(01){gtin}");
        let mut add = |ai: &str, value: Option<String>| {
            let value = value.map(|value| value.replace('(', "\\("));
            text.extend(value.map(|value| format!("({ai}){value}")));
        };
        add("22", variant);
        add("10", lot);
        add("21", serial);
        add("3103", weight.map(|weight| format!("{weight:06}")));
        add("91", internal);
        add("92", digits);
        // A backslash is in no value, so every bracket of a value is escaped.
        match DataSet::from_bracketed(&text, &strict()) {
            Ok(set) => {
                prop_assert_eq!(set.to_bracketed(), text);
                check_shapes(&set);
            }
            Err(refusal) => prop_assert_eq!(refusal.code, "invalid-gcp-prefix"),
        }
    }

    #[test]
    fn any_text_is_read_or_refused_in_its_place(text in "\\PC{0,60}") {
        probe(&text);
    }
}

/// What holds for every input; returns whether it was taken.
fn probe(text: &str) -> bool {
    let length = text.chars().count();
    let place = |refusal: &Refusal| assert!(refusal.at.is_none_or(|at| at <= length), "{text:?}: {refusal}");
    if let Some(Err(refusal)) = Gs1.read(text) {
        place(&refusal);
    }
    match Gs1.canonical(text) {
        Ok(name) => assert_eq!(Gs1.canonical(&name).as_ref(), Ok(&name), "{text:?}"),
        Err(refusal) => place(&refusal),
    }
    let authority = Gs1.authority(text);
    assert!(authority.len() <= 12 && Gs1.check_path(authority).is_ok());
    let options = Options { alpha_keys: true, check_needs: false, ..Options::resolver(YEAR) };
    match DataSet::parse(text, &options) {
        Ok(set) => {
            check_shapes(&set);
            true
        }
        Err(refusal) => {
            place(&refusal);
            false
        }
    }
}

const INPUTS: u64 = 200_000;

/// Inputs are mutations of the vectors, made by a seeded generator; `HUFU_FUZZ_INPUTS` says how many.
#[test]
fn no_input_panics_and_what_parses_is_written_in_every_shape() {
    let inputs = std::env::var("HUFU_FUZZ_INPUTS").map_or(INPUTS, |text| text.parse().unwrap());
    let mut seeds: Vec<Vec<char>> = Vec::new();
    for (file, fields) in [
        ("elements", &["text", "separated", "link"][..]),
        ("links", &["uri"]),
        ("compressed", &["with_codes", "plain", "partial", "compressed"]),
        ("names", &["text"]),
        ("scans", &["text"]),
    ] {
        let entries = own(&format!("gs1/{file}.json"));
        let texts = entries.iter().flat_map(|entry| fields.iter().filter_map(|field| entry[*field].as_str()));
        seeds.extend(texts.map(|text| text.chars().collect()));
    }
    let codes: Vec<&str> = all().iter().map(|entry| entry.code()).collect();
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % bound.max(1)
    };
    let signs: Vec<char> = "()^\u{1D}]/?&=%#{}\\+.-_:0123456789AZaz~ 中é\u{0}".chars().collect();
    let (mut taken, mut input) = (0, Vec::new());
    for _ in 0..inputs {
        input.clone_from(&seeds[below(seeds.len())]);
        for _ in 0..below(4) {
            let at = below(input.len() + 1).min(input.len());
            match below(6) {
                0 if at < input.len() => input[at] = signs[below(signs.len())],
                1 => input.insert(at, signs[below(signs.len())]),
                2 if at < input.len() => drop(input.remove(at)),
                3 => input.truncate(at),
                4 => {
                    let code = codes[below(codes.len())];
                    input.splice(at..at, format!("({code})").chars());
                }
                _ => {
                    let other = &seeds[below(seeds.len())];
                    input.truncate(at);
                    input.extend_from_slice(&other[below(other.len())..]);
                }
            }
        }
        let text: String = input.iter().collect();
        taken += u64::from(probe(&text));
    }
    assert!(taken > inputs / 20, "only {taken} of {inputs} inputs parse");
}

#[test]
fn long_inputs_are_refused_cleanly() {
    for text in [
        format!("(91){}", "A".repeat(9000)),
        "(".repeat(9000),
        "^".to_owned() + &"91A^".repeat(3000),
        format!("https://id.gs1.org/{}", "01/".repeat(4000)),
        format!("https://id.gs1.org/{}", "A".repeat(9000)),
        format!("https://id.gs1.org/01/09521321000018?{}", "a&".repeat(4000)),
        "/".repeat(9000),
        format!("]Q1{}", "x".repeat(9000)),
    ] {
        assert!(!probe(&text), "{:?}", &text[..40]);
    }
}
