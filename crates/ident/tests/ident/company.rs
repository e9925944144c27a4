//! Company prefixes: what the lens reads of the EPC vectors' elements has their URNs as forms once the prefix is known.

use crate::corpus;
use hufu_ident::systems::gs1::{Companies, epc};
use hufu_ident::{Reading, lens};
use serde_json::Value as Json;

/// The elements as a person writes them.
fn bracketed(entry: &Json) -> String {
    let elements = entry["elements"].as_array().expect("a list of elements");
    let text = |one: &Json| one.as_str().expect("a text").replace('(', "\\(");
    elements.iter().map(|one| format!("({}){}", text(&one[0]), text(&one[1]))).collect()
}

fn complete(text: &str, companies: &str) -> Reading {
    let companies = Companies::parse(companies).unwrap_or_else(|refusal| panic!("{companies}: {refusal}"));
    let reading = lens::read(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
    companies.complete(reading).unwrap_or_else(|refusal| panic!("{text}: {refusal}"))
}

#[test]
fn elements_have_their_epc_once_the_company_prefix_is_known() {
    let mut seen = 0;
    let entries = corpus::own("epc/identities.json").into_iter().chain(corpus::own("epc/tags.json"));
    for entry in entries {
        let text = bracketed(&entry);
        let uri = corpus::text(&entry, "uri");
        let identity = epc::read(uri).expect("an EPC").expect("a good one").identity.expect("an identity");
        // Schemes of others, and data that need more than the key (a lot its GTIN's count, say), have no reading.
        let (Some(company), Ok(plain)) = (identity.company_length(), lens::read(&text)) else { continue };
        assert_eq!(plain.form_named("epc_uri"), None, "{text}: nobody said where the key is cut");
        let prefix = identity.field(0);
        for companies in [company.to_string(), format!("{prefix},999999"), format!("{},{prefix}", &prefix[..6])] {
            let reading = complete(&text, &companies);
            let forms = ["epc_uri", "urn"].map(|name| reading.form_named(name));
            assert_eq!(forms, [Some(uri), Some(uri)], "{text} with {companies}");
            let hex = reading.form_named("epc_hex").map(|hex| epc::decode_hex(hex).expect("a tag").identity_uri());
            assert!(hex.is_none_or(|again| again.as_deref() == Some(uri)), "{text}");
        }
        seen += 1;
    }
    assert!(seen > 150, "{seen} vectors were read");
}

#[test]
fn only_what_can_be_cut_is_cut() {
    let gtin = "(01)09521321000018(21)7";
    let reading = complete(gtin, "7");
    assert_eq!(reading.form_named("epc_uri"), Some("urn:epc:id:sgtin:9521321.000001.7"));
    assert_eq!(reading.form_named("epc_hex"), Some("30164522A400004000000007"));
    // Another's prefix, another system, data without a key: nothing to add.
    for (text, companies) in [(gtin, "6901234"), ("88.118.8/A1", "7"), ("oid:1.2.156", "6901234"), ("(10)ABC", "7")] {
        let Ok(plain) = lens::read(text) else { continue };
        assert_eq!(complete(text, companies), plain, "{text}");
    }
    // An EPC says it itself, and is not contradicted by a table.
    let urn = "urn:epc:id:sgtin:9521321.000001.7";
    for companies in ["7", "952132100", "9521321"] {
        assert_eq!(complete(urn, companies), lens::read(urn).unwrap(), "{companies}");
    }
    for (text, digits, code) in [
        (urn, 8, "gs1-company-prefix-other"),
        // Six digits of company prefix and one of its own: nothing is left behind ten.
        ("(8004)9521321", 10, "gs1-company-prefix-key"),
    ] {
        let companies = Companies::of_length(digits).unwrap();
        assert_eq!(companies.complete(lens::read(text).unwrap()).unwrap_err().code, code, "{text}");
    }
}
