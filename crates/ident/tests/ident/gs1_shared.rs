//! The public test data of GS1, where they are at hand.

use crate::corpus::{shared_document, text};
use hufu_ident::systems::gs1::{
    self, Ai, Century, Charset, Check, Code, DataSet, Finding, Options, Scan, Symbology, ai, characters,
};
use serde_json::Value as Json;

/// The year to which the open reference fixes the century.
const YEAR: u16 = 2021;

fn cases(file: &str) -> Option<Vec<Json>> {
    let document: Json = serde_json::from_str(&shared_document(&format!("gs1/{file}"))?).unwrap();
    let cases = document["cases"].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    Some(cases)
}

/// What the public tests parse by: relations are a test of their own.
fn options(case: &Json) -> Options {
    let on = |name: &str| case["options"][name] == "true";
    Options {
        short_gtin: on("setPermitZeroSuppressedGTINinDLuris"),
        alpha_keys: on("setPermitConvenienceAlphas"),
        allow_unknown_ai: on("setPermitUnknownAIs"),
        check_needs: false,
        century: Century { year: YEAR },
    }
}

#[test]
fn bracketed_element_strings() {
    let Some(cases) = cases("ai_bracketed.json") else { return };
    for case in cases {
        let parsed = DataSet::from_bracketed(text(&case, "bracketed"), &options(&case));
        assert_eq!(parsed.is_ok(), case["valid"] == true, "{case}: {parsed:?}");
        if let Ok(set) = parsed {
            assert_eq!(set.to_separated(), text(&case, "caret"));
            assert_eq!(set.to_bracketed(), text(&case, "bracketed"));
        }
    }
}

#[test]
fn separated_element_strings() {
    let Some(cases) = cases("ai_caret.json") else { return };
    // `buf` is the name of a variable that the extraction left behind, not an input.
    for case in cases.iter().filter(|case| case["caret"] != "buf") {
        let parsed = DataSet::from_separated(text(case, "caret"), &options(case));
        assert_eq!(parsed.is_ok(), case["valid"] == true, "{case}: {parsed:?}");
    }
}

#[test]
fn relations_between_elements() {
    let Some(cases) = cases("ai_associations.json") else { return };
    for case in cases {
        let needs = text(&case, "check") == "validateAIrequisites";
        let options = Options { check_needs: needs, ..options(&case) };
        let parsed = DataSet::from_bracketed(text(&case, "bracketed"), &options);
        assert_eq!(parsed.is_ok(), case["valid"] == true, "{case}: {parsed:?}");
        if let Err(refusal) = parsed {
            let expected = match text(&case, "check") {
                "validateAIrepeats" => "gs1-repeated",
                "validateAImutex" => "gs1-never-with",
                "validateAIrequisites" => "gs1-needs",
                _ => "gs1-signed-without-serial",
            };
            assert_eq!(refusal.code, expected, "{case}");
        }
    }
}

/// The public name of a fault, in our spelling.
fn code_of(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

#[test]
fn faults_in_values() {
    let Some(cases) = cases("ai_linters.json") else { return };
    for case in cases {
        let expected = code_of(text(&case, "lint").trim_start_matches("GS1_LINTER_"));
        let parsed = DataSet::from_bracketed(text(&case, "bracketed"), &options(&case));
        let found = parsed.as_ref().map_or_else(|refusal| refusal.code, |_| "ok");
        assert_eq!(found, expected, "{case}: {parsed:?}");
    }
}

#[test]
fn scan_data() {
    let Some(cases) = cases("scandata_process.json") else { return };
    for case in cases {
        let scan = Scan::parse(text(&case, "scan_data"), &options(&case));
        assert_eq!(scan.is_ok(), case["valid"] == true, "{case}: {scan:?}");
        let Ok(scan) = scan else { continue };
        assert_eq!(scan.message(), text(&case, "expect"), "{case}");
        let expected = match text(&case, "symbology") {
            "QR" => Symbology::QrCode,
            "DM" => Symbology::DataMatrix,
            "DotCode" if text(&case, "scan_data").starts_with("]J1") => Symbology::Gs1DotCode,
            "DotCode" => Symbology::DotCode,
            "DataBarExpanded" => Symbology::DataBar,
            "GS1_128_CCA" => Symbology::Gs1_128,
            "EAN8" => Symbology::Ean8,
            other => panic!("{other}"),
        };
        assert_eq!(scan.symbology, expected);
    }
}

/// Runs a public check by its name.
fn lint(name: &str, text: &str) -> Option<Result<(), Finding>> {
    let charset = match name {
        "csetnumeric" => Some(Charset::Digits),
        "cset82" => Some(Charset::Set82),
        "cset39" => Some(Charset::Set39),
        "cset64" => Some(Charset::Set64),
        _ => None,
    };
    if let Some(charset) = charset {
        return Some(characters(text, charset));
    }
    Some(Check::named(own_name(name)?)?.run(text, Century { year: YEAR }))
}

/// Our name of a public check.
fn own_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "csum" => "mod10",
        "csumalpha" => "mod1021",
        "gcppos1" => "gcp@1",
        "gcppos2" => "gcp@2",
        "yymmdd" => "date6",
        "yymmd0" => "date6z",
        "yyyymmdd" => "date8",
        "yyyymmd0" => "date8z",
        "hh" => "hour",
        "mi" => "minute",
        "ss" => "second",
        "hhmi" => "hourmin",
        "iso3166" => "country3",
        "iso3166999" => "country3+999",
        "iso3166alpha2" => "country2",
        "iso4217" => "currency3",
        "iso5218" => "sex",
        "yesno" => "bool",
        "winding" => "winding",
        "hyphen" => "minus",
        "zero" => "zero",
        "nonzero" => "nonzero",
        "nozeroprefix" => "nolead0",
        "hasnondigit" => "mixed",
        "pcenc" => "pct",
        "latitude" => "lat",
        "longitude" => "lon",
        "pieceoftotal" => "piece",
        "posinseqslash" => "posof",
        "importeridx" => "importer",
        "mediatype" => "media",
        "packagetype" => "package",
        "iban" => "iban",
        "couponcode" => "coupon1",
        "couponposoffer" => "coupon2",
        _ => return None,
    })
}

#[test]
fn checks_of_parts() {
    let Some(cases) = cases("linters.json") else { return };
    let mut ran = 0;
    for case in &cases {
        let (name, input) = (text(case, "linter"), text(case, "in"));
        // Rows that come from a table of company prefixes, which there is none of, or whose text is the name of a
        // parameter of the test's.
        let tabled = case["err"] == "GCP_DATASOURCE_OFFLINE"
            || input == "data"
            || case["err"] == "INVALID_GCP_PREFIX" && (name.starts_with("coupon") || input == "I1234567");
        if tabled {
            continue;
        }
        let found = lint(name, input).unwrap_or_else(|| panic!("no check {name}"));
        ran += 1;
        match found {
            Ok(()) => assert_eq!(case["pass"], true, "{case}"),
            Err(finding) => {
                assert_eq!(case["pass"], false, "{case}: {finding:?}");
                assert_eq!(finding.fault.code(), code_of(text(case, "err")), "{case}");
                let letters: Vec<char> = input.chars().collect();
                let (front, rest) = letters.split_at(finding.at.min(letters.len()));
                let (bad, behind) = rest.split_at(finding.length.min(rest.len()));
                let join = |part: &[char]| part.iter().collect::<String>();
                assert_eq!(format!("{}*{}*{}", join(front), join(bad), join(behind)), text(case, "marked"), "{case}");
            }
        }
    }
    assert!(ran + 20 > cases.len(), "{ran} of {}", cases.len());
}

#[test]
fn escapes_of_uris() {
    let (Some(unescape), Some(escape)) = (cases("uri_unescape.json"), cases("uri_escape.json")) else { return };
    for case in unescape {
        assert_eq!(gs1::unescape(text(&case, "in"), false), text(&case, "path"));
        assert_eq!(gs1::unescape(text(&case, "in"), true), text(&case, "query"));
    }
    for case in escape {
        assert_eq!(gs1::escape(text(&case, "in"), false), text(&case, "path"));
        assert_eq!(gs1::escape(text(&case, "in"), true), text(&case, "query"));
    }
}

#[test]
fn sequences_of_paths() {
    let Some(document) = shared_document("gs1/dl_valid_path_ai_sequences.json") else { return };
    let document: Json = serde_json::from_str(&document).unwrap();
    let listed = document["valid_sequences"].as_array().unwrap();
    let name = |code: &Json| code.as_str().unwrap().to_owned();
    let mut listed: Vec<Vec<String>> =
        listed.iter().map(|list| list.as_array().unwrap().iter().map(name).collect()).collect();
    listed.sort();
    listed.dedup();
    let mut ours = Vec::new();
    for key in gs1::all().iter().filter(|entry| entry.is_key()) {
        ours.push(vec![key.code().to_owned()]);
        for order in key.qualifiers() {
            for chosen in 1..1u32 << order.len() {
                let kept = order.iter().enumerate().filter(|(at, _)| chosen & (1 << at) != 0);
                let codes = kept.map(|(_, code)| code.as_str().to_owned());
                ours.push([key.code().to_owned()].into_iter().chain(codes).collect());
            }
        }
    }
    ours.sort();
    ours.dedup();
    let unlisted = |list: &&Vec<String>| !listed.contains(*list);
    // The public list leaves 415 out of its half, or has it with its compulsory 8020.
    for extra in ours.iter().filter(unlisted) {
        assert!(extra[0] == "415", "{extra:?}");
    }
    assert!(listed.iter().all(|list| ours.contains(list)));
}

/// The table, fact by fact, against the dictionary that it was made from.
#[test]
fn the_table_is_the_dictionary() {
    let Some(dictionary) = shared_document("gs1/dictionary/gs1-syntax-dictionary.txt") else { return };
    let rows = dictionary.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_digit()));
    let mut count = 0;
    for row in rows {
        count += 1;
        let (facts, title) = row.split_once('#').unwrap_or((row, ""));
        let mut words = facts.split_whitespace();
        let codes = words.next().unwrap();
        let words: Vec<&str> = words.collect();
        let (first, last) = codes.split_once('-').unwrap_or((codes, codes));
        for number in first.parse::<u32>().unwrap()..=last.parse().unwrap() {
            let code = format!("{number:0width$}", width = first.len());
            let entry = ai(&code).unwrap_or_else(|| panic!("no {code}"));
            assert_eq!(entry.title(), title.trim(), "{code}");
            compare(entry, &words);
        }
    }
    assert_eq!(count, gs1::rows());
}

fn compare(entry: &Ai, words: &[&str]) {
    let (flags, rest) = match words[0] {
        flags if flags.chars().all(|c| "*?".contains(c)) => (flags, &words[1..]),
        _ => ("", words),
    };
    assert_eq!(entry.separated(), !flags.contains('*'), "{}", entry.code());
    assert_eq!(entry.is_attribute(), flags.contains('?'), "{}", entry.code());
    let attribute = |word: &&&str| word.contains('=') || **word == "dlpkey";
    let parts: Vec<&&str> = rest.iter().filter(|word| !attribute(word)).collect();
    assert_eq!(entry.parts().len(), parts.len(), "{}", entry.code());
    for (part, word) in entry.parts().iter().zip(parts) {
        let mut pieces = word.split(',');
        let shape = pieces.next().unwrap();
        assert_eq!(part.optional, shape.starts_with('['), "{}", entry.code());
        let shape = shape.trim_matches(['[', ']']);
        let charset = match shape.as_bytes()[0] {
            b'N' => Charset::Digits,
            b'X' => Charset::Set82,
            b'Y' => Charset::Set39,
            _ => Charset::Set64,
        };
        assert_eq!(part.charset, charset, "{}", entry.code());
        let (least, most) = match shape[1..].strip_prefix("..") {
            Some(most) => (1, most),
            None => (shape[1..].parse().unwrap(), &shape[1..]),
        };
        assert_eq!((part.least, part.most), (least, most.parse().unwrap()), "{}", entry.code());
        let checks: Vec<Check> = pieces.map(|name| Check::named(own_name(name).unwrap()).unwrap()).collect();
        assert_eq!(part.checks, checks, "{}", entry.code());
    }
    let value = |name: &str| rest.iter().find_map(|word| word.strip_prefix(name));
    let groups = |list: &str| -> Vec<Vec<String>> {
        list.split(',').map(|group| group.split('+').map(str::to_owned).collect()).collect()
    };
    let own: Vec<Vec<String>> =
        entry.needs().iter().map(|group| group.iter().map(|own| own.as_str().to_owned()).collect()).collect();
    assert_eq!(own, value("req=").map(groups).unwrap_or_default(), "{}", entry.code());
    let own: Vec<&str> = entry.never_with().iter().map(|pattern| pattern.as_str()).collect();
    assert_eq!(own, value("ex=").map(|list| list.split(',').collect::<Vec<_>>()).unwrap_or_default());
    assert_eq!(entry.is_key(), rest.iter().any(|word| word.starts_with("dlpkey")), "{}", entry.code());
    let orders = |list: &str| -> Vec<Vec<Code>> {
        list.split('|').map(|order| order.split(',').map(|code| Code::parse(code).unwrap()).collect()).collect()
    };
    assert_eq!(entry.qualifiers(), value("dlpkey=").map(orders).unwrap_or_default(), "{}", entry.code());
}
