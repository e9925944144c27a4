//! The lens, entry by entry (`vectors/lens/`), and against anything.

use crate::corpus::{own, text};
use hufu_ident::{Scheme, lens};

#[test]
fn texts_lead_to_their_identifier_or_are_refused() {
    let entries = own("lens/texts.json");
    assert!(entries.len() >= 100);
    for entry in &entries {
        let written = text(entry, "text");
        match lens::read(written) {
            Ok(reading) => {
                let name = reading.name.map(|name| name.to_string());
                assert_eq!(name.as_deref(), entry["identifier"].as_str(), "{written:?}");
                assert_eq!(reading.system, text(entry, "system"), "{written:?}");
            }
            Err(refusal) => {
                assert_eq!(Some(refusal.code), entry["code"].as_str(), "{written:?}: {refusal}");
                assert_eq!(refusal.at.map(|at| at as u64), entry["at"].as_u64(), "{written:?}");
            }
        }
    }
}

/// Random changes of good texts: nothing panics, positions lie within the text, and every name that is found has a
/// home that can be delegated step by step.
#[test]
fn no_text_panics() {
    let mut seeds: Vec<String> = Vec::new();
    for file in ["lens/texts.json", "did/names.json", "ecode/codes.json"] {
        seeds.extend(own(file).iter().map(|entry| text(entry, "text").to_owned()).filter(|text| text.len() < 300));
    }
    let pieces = [
        "/",
        ":",
        "%",
        "%41",
        "did:",
        "]Q1",
        "\u{1d}",
        "虎",
        "[)>\u{1e}06\u{1d}",
        "?id=",
        "https://",
        "ecode:",
        " ",
        "0",
    ];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let mut found = 0;
    for _ in 0..40_000 {
        let mut characters: Vec<char> = seeds[random(seeds.len())].chars().collect();
        for _ in 0..random(4) {
            let at = random(characters.len() + 1);
            match random(3) {
                0 if at < characters.len() => drop(characters.remove(at)),
                1 => drop(characters.splice(at..at, pieces[random(pieces.len())].chars())),
                _ => characters.truncate(at),
            }
        }
        let input: String = characters.iter().collect();
        for system in Scheme::ALL.into_iter().filter_map(Scheme::system) {
            let path = system.authority(&input);
            assert!(input.contains(path), "{input:?}");
            assert!(
                system.parent(path).is_none_or(|left| path.is_char_boundary(left) && left < path.len()),
                "{input:?}"
            );
            let _ = (system.check_path(&input), system.canonical(&input));
        }
        match lens::read(&input) {
            Ok(reading) => found += reading.name.map_or(0, |name| name.name().home().lineage().count().min(1)),
            Err(refusal) => assert!(refusal.at.is_none_or(|at| at <= characters.len()), "{input:?}: {refusal}"),
        }
    }
    assert!(found > 4_000, "{found}");
}
