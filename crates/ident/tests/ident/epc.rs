//! EPC: own vectors, the published translation tables as an oracle, a third party's pairs, and every input.

use crate::corpus;
use hufu_ident::systems::gs1::epc::plus::{self, DATES, PLUS_SCHEMES};
use hufu_ident::systems::gs1::epc::scheme::{self, COMPANY_BITS, Coding, SCHEMES};
use hufu_ident::systems::gs1::epc::values::{Component, Encoding};
use hufu_ident::systems::gs1::epc::{self, Epc, elements, identity::Identity};
use proptest::prelude::*;
use serde_json::Value as Json;
use std::path::PathBuf;

fn elements_of(entry: &Json) -> Vec<(&str, &str)> {
    let pair = |pair: &'static str, one: &Json| panic!("{pair} is no pair: {one}");
    let list = entry["elements"].as_array().expect("a list of elements");
    list.iter()
        .map(|one| match (one[0].as_str(), one[1].as_str()) {
            (Some(ai), Some(value)) => (ai, value),
            _ => pair("element", one),
        })
        .collect()
}

fn own_elements(epc: &Epc) -> Vec<(&str, &str)> {
    epc.elements.iter().map(|(ai, value)| (*ai, value.as_str())).collect()
}

fn read(text: &str) -> Epc {
    let read = epc::read(text).unwrap_or_else(|| panic!("{text} is not recognised"));
    read.unwrap_or_else(|refusal| panic!("{text}: {refusal}"))
}

fn form(forms: &[(&'static str, String)], name: &str) -> Option<String> {
    forms.iter().find(|(own, _)| *own == name).map(|(_, text)| text.clone())
}

#[test]
fn the_bound_of_a_urn_counts_characters() {
    let urn = format!("urn:epc:tag:sgtin-96:{}", "中".repeat(300));
    let refusal = epc::read(&urn).expect("an EPC").unwrap_err();
    assert!(refusal.at.is_some_and(|at| at <= urn.chars().count()), "{refusal}");
}

#[test]
fn tags_are_bits_tag_uri_identity_and_elements() {
    for entry in corpus::own("epc/tags.json") {
        let (name, hex) = (corpus::text(&entry, "name"), corpus::text(&entry, "hex"));
        let (tag, uri) = (corpus::text(&entry, "tag"), corpus::text(&entry, "uri"));
        for text in [hex, &hex.to_lowercase(), tag] {
            // Digits alone that begin a GS1 element string as well are still an EPC here, because they decode.
            let epc = read(text);
            assert_eq!(epc.hex().as_deref(), Some(hex), "{name}");
            assert_eq!(epc.tag_uri().as_deref(), Some(tag), "{name}");
            assert_eq!(epc.identity_uri().as_deref(), Some(uri), "{name}");
            assert_eq!(own_elements(&epc), elements_of(&entry), "{name}");
            assert_eq!(epc::decode_zeros_and_ones(&epc.zeros_and_ones().unwrap()).as_ref(), Ok(&epc), "{name}");
        }
        let epc = read(uri);
        assert_eq!(epc.identity_uri().as_deref(), Some(uri), "{name}");
        assert_eq!(own_elements(&epc), elements_of(&entry), "{name}");
        let again = read(&epc.hex().unwrap());
        assert_eq!(again.identity, epc.identity, "{name}: the shortest scheme means the same");
        if let Some(company) = epc.identity.as_ref().and_then(Identity::company_length) {
            let forms = epc::forms(&elements_of(&entry), Some(company));
            assert_eq!(form(&forms, "epc_uri").as_deref(), Some(uri), "{name}");
            assert_eq!(form(&forms, "epc_hex"), epc.hex(), "{name}");
        }
    }
}

#[test]
fn plus_tags_are_elements() {
    for entry in corpus::own("epc/plus.json") {
        let (name, hex) = (corpus::text(&entry, "name"), corpus::text(&entry, "hex"));
        let epc = read(hex);
        let tag = epc.tag.expect("a tag");
        assert_eq!(tag.scheme, corpus::text(&entry, "scheme"), "{name}");
        assert_eq!(u64::from(tag.filter), corpus::number(&entry, "filter"), "{name}");
        assert_eq!(own_elements(&epc), elements_of(&entry), "{name}");
        assert_eq!(epc.hex().as_deref(), Some(hex), "{name}");
        assert_eq!((epc.identity.as_ref(), epc.tag_uri()), (None, None), "{name}");
        let plus = form(&epc::forms(&elements_of(&entry), None), "epc_plus_hex").expect("a form without a length");
        let dated = tag.scheme == plus::DATED;
        let due = elements_of(&entry).into_iter().skip(usize::from(dated)).collect::<Vec<_>>();
        assert_eq!(own_elements(&read(&plus)), due, "{name}");
        let company = usize::try_from(corpus::number(&entry, "company")).unwrap();
        let identity = epc.with_company(company).identity.unwrap_or_else(|| panic!("{name}: no identity"));
        assert_eq!(identity.company_length(), Some(company), "{name}");
        let again = elements::of(&identity);
        let again: Vec<(&str, &str)> = again.iter().map(|(ai, value)| (*ai, value.as_str())).collect();
        assert_eq!(again, due, "{name}");
    }
}

#[test]
fn identities_are_elements() {
    for entry in corpus::own("epc/identities.json") {
        let uri = corpus::text(&entry, "uri");
        let epc = read(uri);
        assert_eq!(epc.identity_uri().as_deref(), Some(uri));
        assert_eq!(own_elements(&epc), elements_of(&entry), "{uri}");
        let company = entry["company"].as_u64().map(|digits| usize::try_from(digits).unwrap());
        assert_eq!(epc.identity.as_ref().and_then(Identity::company_length), company, "{uri}");
        let found = form(&epc::forms(&elements_of(&entry), company), "epc_uri");
        assert_eq!(found.as_deref(), company.map(|_| uri), "{uri}");
        assert_eq!(form(&epc::forms(&elements_of(&entry), None), "epc_uri"), None, "no length, no URN: {uri}");
    }
}

#[test]
fn refused_ones_name_the_place() {
    let mut wrong = Vec::new();
    for entry in corpus::own("epc/refused.json") {
        let text = corpus::text(&entry, "text");
        let read = if text.starts_with("urn:") { epc::read(text).expect("a URN") } else { epc::decode_hex(text) };
        let refusal = match read {
            Ok(epc) => panic!("{text} is read as {epc:?}"),
            Err(refusal) => refusal,
        };
        let due = (corpus::text(&entry, "code"), usize::try_from(corpus::number(&entry, "at")).unwrap());
        if (refusal.code, refusal.at) != (due.0, Some(due.1)) {
            wrong.push(format!("{text}: {refusal:?}, due {due:?}"));
        }
        assert!(!refusal.clause.is_empty() && !refusal.zh.is_empty() && !refusal.en.is_empty());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_epcs_are_taken() {
    for text in [
        "",
        "urn:isbn:0",
        "(01)80614141123458",
        "010061414112345821678911",
        "30",
        "3074257BF7194E40",
        "3074257BF7194E4000001A8G",
        "DEADBEEFDEADBEEFDEADBEEF",
        "310300012301061414112345",
        "88.118.8/JXDY2106023",
    ] {
        assert!(epc::read(text).is_none(), "{text}");
    }
    assert!(epc::read("URN:EPC:ID:sgtin:0614141.812345.6789").is_some_and(|read| read.is_ok()));
}

/// A file of the shared recordings that is no list, if they are at hand.
fn table(file: &str) -> Option<Json> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("HUFU_SHARED").map_or(beside, PathBuf::from);
    let Ok(text) = std::fs::read_to_string(folder.join("vectors/epcis").join(file)) else {
        println!("skipped: shared vectors absent");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}")))
}

fn number(field: &Json) -> Option<u64> {
    field.as_u64().or_else(|| field.as_str()?.parse().ok())
}

/// Bits that the options of a binary level give each field: by partition, without header.
fn widths(coding: Coding, partition: usize) -> Option<usize> {
    match coding {
        Coding::Company => COMPANY_BITS.get(partition).copied(),
        Coding::Reference(widths) | Coding::Asset(widths, _) | Coding::AssetText(widths) => {
            widths.get(partition).copied()
        }
        Coding::Integer(width, _) | Coding::Text(width) => Some(width),
        Coding::Pair => Some(7),
        Coding::Marked => Some(41),
        Coding::Cage(width) => Some(6 * width),
        Coding::Terminated(_) => None,
    }
}

#[test]
fn the_published_schemes_have_these_bits() {
    let mut compared = 0;
    for scheme in &SCHEMES {
        let name = if scheme.name.ends_with("-var") { scheme.name.replace("-var", "") } else { scheme.name.to_owned() };
        let file = if name == scheme.name { name.to_uppercase() } else { format!("{}-var", name.to_uppercase()) };
        let Some(json) = table(&format!("tdt/JSON/{file}.json")) else { return };
        let published = &json["tdt:epcTagDataTranslation"]["scheme"];
        let level = published["level"].as_array().unwrap().iter().find(|level| level["type"] == "BINARY").unwrap();
        assert_eq!(level["prefixMatch"], format!("{:08b}", scheme.header), "{file}");
        for option in level["option"].as_array().unwrap() {
            let fields: Vec<&Json> = option["field"].as_array().unwrap().iter().collect();
            let length = option["optionKey"].as_str().and_then(|key| key.parse::<usize>().ok());
            let partition = length.and_then(|digits| 12usize.checked_sub(digits)).unwrap_or_default();
            let filtered = fields.first().is_some_and(|field| field["name"] == "filter");
            assert_eq!(filtered, scheme.filter != 0, "{file}");
            if scheme.name == "adi-var" {
                continue; // its options leave out constant parts, so fields do not pair up; vectors cover it
            }
            let mut bits = 8 + scheme.filter + scheme.spare;
            for (coding, field) in scheme.codings.iter().zip(fields.iter().skip(usize::from(filtered))) {
                let own = widths(*coding, partition);
                assert_eq!(
                    own,
                    number(&field["bitLength"]).map(|bits| usize::try_from(bits).unwrap()),
                    "{file} {field}"
                );
                bits += own.unwrap_or_default() + if *coding == Coding::Company { 3 } else { 0 };
                if let (Coding::Integer(_, most), Some(due)) = (coding, number(&field["decimalMaximum"])) {
                    assert_eq!(*most, due, "{file} {field}");
                }
                if let (Coding::Reference(_), Some(due)) = (coding, number(&field["decimalMaximum"])) {
                    let of_kind = scheme.kind.row().fields.get(1).copied();
                    let Some(hufu_ident::systems::gs1::epc::kind::Field::Reference(total)) = of_kind else { panic!() };
                    assert_eq!(10u64.pow(u32::try_from(total - length.unwrap()).unwrap()) - 1, due, "{file} {field}");
                }
                compared += 1;
            }
            if let Some(total) = number(&published["tagLength"]) {
                assert_eq!(bits, usize::try_from(total).unwrap(), "{file}");
            }
        }
    }
    assert!(compared > 390, "{compared} fields compared");
}

#[test]
fn the_published_plus_schemes_have_these_elements() {
    for scheme in &PLUS_SCHEMES {
        let Some(json) = table(&format!("tdt/JSON/{}.json", scheme.name.to_uppercase())) else { return };
        let levels = json["tdt:epcTagDataTranslation"]["scheme"]["level"].as_array().unwrap().clone();
        let level = levels.iter().find(|level| level["type"] == "BINARY").unwrap();
        assert_eq!(level["prefixMatch"], format!("{:08b}", scheme.header));
        let options = level["option"].as_array().unwrap();
        for option in options {
            let found = option["encodedAI"].as_array().unwrap();
            let found: Vec<&str> = found.iter().map(|one| one["ai"].as_str().unwrap()).collect();
            assert_eq!(found, scheme.elements, "{}", scheme.name);
        }
        assert_eq!(options.len(), if scheme.name == plus::DATED { DATES.len() } else { 1 });
    }
}

#[test]
fn the_published_value_tables_are_these() {
    let (Some(lengths), Some(formats)) = (table("tdt/JSON/TDT_TableB.json"), table("tdt/JSON/TDT_TableF.json")) else {
        return;
    };
    let columns = [
        ("b", Encoding::Integer),
        ("c", Encoding::UpperHex),
        ("d", Encoding::LowerHex),
        ("e", Encoding::Code40),
        ("f", Encoding::Base64),
        ("g", Encoding::Ascii),
    ];
    for row in lengths["rows"].as_array().unwrap() {
        let length = usize::try_from(number(&row["a"]).unwrap()).unwrap();
        for (column, encoding) in columns.iter().filter(|_| length <= 30) {
            assert_eq!(Some(encoding.bits(length) as u64), number(&row[column]), "{encoding:?} of {length}");
        }
    }
    let mut compared = 0;
    for row in formats["rows"].as_array().unwrap() {
        let ai = row["a"].as_str().unwrap();
        let own = plus::components(ai);
        if own.is_empty() || ai == "7007" {
            continue; // (7007) is a range on its own, in `dsgtin+` it is a date
        }
        let component = |format: &str, fixed: &str, most: &str| {
            let count = |column: &str| usize::try_from(number(&row[column]).unwrap_or_default()).unwrap();
            Some(match row[format].as_str()? {
                "Fixed-length numeric" => Component::Digits(count(fixed)),
                "Variable-length alphanumeric" => Component::Text(count(most)),
                "Delimited/terminated numeric" => Component::Delimited(count(most)),
                "6-digit date YYMMDD" => Component::Date,
                "Variable-length numeric string without encoding indicator" => Component::Number(count(most)),
                other => panic!("{ai}: {other}"),
            })
        };
        let due: Vec<Component> = [component("b", "d", "h"), component("i", "k", "o")].into_iter().flatten().collect();
        assert_eq!(own, due, "{ai}");
        compared += 1;
    }
    assert!(compared >= 18, "{compared}");
}

/// The elements of a third party's Digital Link, escapes decoded where there are any; the last two or four segments.
fn link_elements(link: &str) -> Option<Vec<(String, String)>> {
    let path = link.split_once("://")?.1.trim_start_matches("https://");
    let path = path.split_once('/')?.1;
    let keys = ["00", "01", "253", "255", "401", "402", "414", "417", "8003", "8004", "8006", "8010", "8017", "8018"];
    let parts: Vec<&str> = path.split('/').collect();
    let start = parts.iter().position(|part| keys.contains(part))?;
    let rest = parts.get(start + 1..)?;
    let qualifier = rest.iter().skip(1).position(|part| ["21", "10", "235", "254", "8011"].contains(part));
    let decode = |text: String| {
        text.replace("%2F", "/")
            .replace("%22", "\"")
            .replace("%26", "&")
            .replace("%3F", "?")
            .replace("%25", "%")
            .replace("%23", "#")
    };
    let (value, tail) = match qualifier {
        Some(at) => (rest.get(..at + 1)?.join("/"), rest.get(at + 1..)?),
        None => (rest.join("/"), &[][..]),
    };
    let mut found = vec![(parts.get(start)?.to_string(), decode(value))];
    if let Some((ai, value)) = tail.split_first() {
        found.push((ai.to_string(), decode(value.join("/"))));
    }
    Some(found)
}

#[test]
fn a_third_partys_pairs_agree_or_differ_for_a_reason() {
    let Some(json) = table("epc_urn_dl_pairs_openepcis.json") else { return };
    let (mut agreed, mut unescaped, mut check_digits, mut differing) = (0, 0, 0, Vec::new());
    for case in json["cases"].as_array().unwrap() {
        let (text, expect) = (case["in"].as_str().unwrap(), case["expect"].as_str().unwrap());
        let (urn, link) = if text.starts_with("urn:") { (text, expect) } else { (expect, text) };
        if !urn.starts_with("urn:") || !link.starts_with("http") {
            differing.push(format!("not a pair: {urn} {link}"));
            continue;
        }
        let Some(Ok(epc)) = epc::read(urn) else {
            let refusal = epc::read(urn).unwrap().unwrap_err();
            match refusal.code {
                "epc-escape" => unescaped += 1,
                _ => differing.push(format!("{urn}: {refusal}")),
            }
            continue;
        };
        let due = link_elements(link).unwrap_or_else(|| panic!("{link}"));
        let found: Vec<(String, String)> =
            epc.elements.iter().map(|(ai, value)| ((*ai).to_owned(), value.clone())).collect();
        match found == due {
            true => agreed += 1,
            // The pair was made with a wrong check digit, which a URN does not carry.
            false if differ_in_one_digit(&found, &due) => check_digits += 1,
            false => differing.push(format!("{urn}: {found:?}, not {due:?}")),
        }
    }
    println!("{agreed} agree, {unescaped} leave characters unescaped that a URN escapes");
    assert_eq!((agreed, unescaped, check_digits), (74, 20, 10));
    // Two cases name a file instead of a code; a consignment needs at least one character behind the prefix.
    let due = ["not a pair", "not a pair", "urn:epc:id:ginc:656987789012.: this field needs 1 to 18 characters"];
    assert_eq!(differing.len(), due.len(), "{differing:#?}");
    for start in due {
        assert!(differing.iter().any(|line| line.starts_with(start)), "{start}: {differing:#?}");
    }
}

fn differ_in_one_digit(one: &[(String, String)], other: &[(String, String)]) -> bool {
    let octets =
        |list: &[(String, String)]| list.iter().map(|(ai, value)| format!("{ai} {value} ")).collect::<String>();
    let (one, other) = (octets(one), octets(other));
    one.len() == other.len() && one.bytes().zip(other.bytes()).filter(|(a, b)| a != b).count() == 1
}

/// What must hold of whatever was read.
fn holds(text: &str) -> Result<(), TestCaseError> {
    let Some(Ok(epc)) = epc::read(text) else { return Ok(()) };
    if let Some(uri) = epc.identity_uri() {
        let again = epc::read(&uri).and_then(Result::ok);
        prop_assert_eq!(again.and_then(|again| again.identity), epc.identity.clone(), "{}", text);
    }
    if epc.tag.is_some() {
        let hex = epc.hex();
        prop_assert!(hex.is_some(), "{} decodes and does not encode", text);
        let again = epc::read(&hex.unwrap_or_default()).and_then(Result::ok);
        prop_assert_eq!(again.as_ref(), Some(&epc), "{}", text);
    }
    for digits in 6..=12 {
        for (_, form) in epc::forms(&own_elements(&epc), Some(digits)) {
            prop_assert!(epc::read(&form).is_some_and(|read| read.is_ok()), "{}: {}", text, form);
        }
    }
    Ok(())
}

/// All texts of the vectors.
fn seeds() -> Vec<String> {
    let mut seeds = Vec::new();
    for (file, fields) in [
        ("epc/tags.json", &["hex", "tag", "uri"][..]),
        ("epc/plus.json", &["hex"]),
        ("epc/identities.json", &["uri"]),
        ("epc/refused.json", &["text"]),
    ] {
        for entry in corpus::own(file) {
            seeds.extend(fields.iter().map(|field| corpus::text(&entry, field).to_owned()));
        }
    }
    seeds
}

#[test]
fn mutated_texts_never_panic_and_stay_themselves() {
    let seeds = seeds();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % bound.max(1)
    };
    let characters: Vec<char> = "0123456789ABCDEFabcdef.:%/#*-\"&zZ中".chars().collect();
    let mut read = 0;
    for _ in 0..150_000 {
        let mut text: Vec<char> = seeds[next(seeds.len())].chars().collect();
        for _ in 0..=next(3) {
            let at = next(text.len());
            match next(4) {
                0 => text.insert(at, characters[next(characters.len())]),
                1 if !text.is_empty() => drop(text.remove(at)),
                2 => text.truncate(at),
                _ if !text.is_empty() => text[at] = characters[next(characters.len())],
                _ => {}
            }
        }
        let text: String = text.into_iter().collect();
        read += usize::from(epc::read(&text).is_some_and(|read| read.is_ok()));
        holds(&text).unwrap_or_else(|error| panic!("{error}"));
    }
    assert!(read > 5_000, "{read} mutated texts still read");
}

#[test]
fn random_bits_never_panic_and_stay_themselves() {
    let headers: Vec<u8> =
        SCHEMES.iter().map(|one| one.header).chain(PLUS_SCHEMES.iter().map(|one| one.header)).collect();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut read = 0;
    for round in 0..100_000_usize {
        let octets = 11 + usize::try_from(next() % 24).unwrap();
        let tail: String = (0..octets).map(|_| format!("{:02X}", next() >> 56)).collect();
        let text = format!("{:02X}{tail}", headers[round % headers.len()]);
        read += usize::from(epc::read(&text).is_some_and(|read| read.is_ok()));
        let cut: String = text.chars().take(24).collect();
        holds(&text).and_then(|()| holds(&cut)).unwrap_or_else(|error| panic!("{error}"));
        read += usize::from(epc::read(&cut).is_some_and(|read| read.is_ok()));
    }
    assert!(read > 5_000, "{read} random tags read");
}

#[test]
fn a_scheme_has_one_header_and_one_name() {
    for one in &SCHEMES {
        assert!(scheme::headed(one.header).is_some_and(|found| found.name == one.name));
        assert!(plus::headed(one.header).is_none());
    }
    assert_eq!(elements::check_digit("8061414112345"), '8');
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,80}") {
        holds(&text)?;
    }

    #[test]
    fn any_urn_is_read_without_panic(kind in "(id|tag|idpat|class):(sgtin|sgtin-96|cpi|cpi-var|gid|adi|adi-var|itip|bic)", rest in "[:.0-9A-Za-z%/#*]{0,60}") {
        holds(&format!("urn:epc:{kind}:{rest}"))?;
    }
}
