//! Ecodes, entry by entry (`vectors/ecode/`).

use crate::corpus::{own, text};
use hufu_ident::System;
use hufu_ident::systems::ecode::{Ecode, Schemes, Version, cut, from_octets, parse, to_octets};

#[test]
fn codes_parse_or_name_place_and_rule() {
    let entries = own("ecode/codes.json");
    assert!(entries.len() >= 200);
    for entry in &entries {
        let written = text(entry, "text");
        if let Some(code) = entry["code"].as_str() {
            let refusal = Ecode.canonical(written).unwrap_err();
            assert_eq!((refusal.code, refusal.at.map(|at| at as u64)), (code, entry["at"].as_u64()), "{written}");
            let read = Ecode.read(&format!("ecode:{written}")).unwrap().unwrap_err();
            assert_eq!((read.code, read.at), (refusal.code, refusal.at.map(|at| at + 6)), "{written}");
            continue;
        }
        let parsed = parse(written).unwrap_or_else(|refusal| panic!("{written}: {refusal}"));
        let own = (parsed.version.digit().to_string(), parsed.nsi, parsed.md);
        assert_eq!(own, (text(entry, "v").to_owned(), text(entry, "nsi"), text(entry, "md")), "{written}");
        let canonical = Ecode.canonical(written).unwrap();
        assert_eq!(canonical, text(entry, "canonical"), "{written}");
        if let Some(authority) = entry["authority"].as_str() {
            assert_eq!(Ecode.authority(&canonical), authority, "{written}");
            Ecode.check_path(authority).unwrap_or_else(|refusal| panic!("{written}: {refusal}"));
        }
        let parts = cut(&parsed, Schemes::built_in()).unwrap();
        let parts = parts.map(|(_, parts)| {
            parts.iter().map(|(part, own)| [part.name.clone(), (*own).to_owned()]).collect::<Vec<_>>()
        });
        assert_eq!(serde_json::to_value(parts).unwrap(), entry["cut"], "{written}");
        match to_octets(&parsed) {
            Ok(octets) => assert_eq!(from_octets(&octets).unwrap(), canonical, "{written}"),
            Err(refusal) => assert_eq!((refusal.code, parsed.version), ("ecode-bits", Version::V0), "{written}"),
        }
    }
}

#[test]
fn every_step_of_a_lineage_is_a_path() {
    for entry in own("ecode/codes.json").iter().filter(|entry| entry["authority"].is_string()) {
        let mut path = text(entry, "authority");
        while let Some(left) = Ecode.parent(path) {
            assert!(left < path.len());
            path = &path[..left];
            Ecode.check_path(path).unwrap_or_else(|refusal| panic!("{path}: {refusal}"));
        }
        assert_eq!(path, "");
    }
}
