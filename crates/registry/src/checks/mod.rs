//! Facts of an application that can be checked without asking anybody: form, check digits, contents of a file.
//!
//! Every check is a pure function from what was typed to a value or to a [`Refusal`](hufu_ident::Refusal) that names
//! the character and the rule. Whether the organisation, person or server exists is a question for others.

pub mod address;
pub mod citizen;
pub mod contact;
pub mod credit_code;
pub mod division;
pub mod document;
pub mod domain;
pub mod passport;
pub mod website;

/// From where a registered address must be reachable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// From the whole internet: private and reserved addresses and names are refused.
    Public,
    /// From where the operator says: an isolated network may use private ones.
    Anywhere,
}

/// How many characters a text has, where more than `most` are not counted.
fn length(text: &str, most: usize) -> usize {
    text.chars().take(most + 1).count()
}

#[cfg(test)]
mod vectors {
    //! Reads the entries of a vector file of the registry.

    use serde_json::Value as Json;

    pub fn entries(file: &str) -> Vec<Json> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/registry").join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let entries: Vec<Json> = serde_json::from_str(&text).unwrap();
        assert!(entries.len() >= 80, "{file} is too short");
        entries
    }

    /// The code and the place that an entry expects, where it expects a refusal.
    pub fn refusal(entry: &Json) -> Option<(&str, Option<usize>)> {
        let code = entry["code"].as_str()?;
        Some((code, entry["at"].as_u64().map(|at| at as usize)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::Date;
    use proptest::prelude::*;

    /// Texts near to what the checks read, so that they get past the first character.
    fn near() -> impl Strategy<Value = String> {
        prop_oneof![
            "\\PC{0,40}",
            "[0-9A-Za-z]{15,19}",
            "[0-9]{6}(19|20)[0-9]{6}[0-9]{3}[0-9Xx]",
            "(\\+86|0086|86-)?[ 0-9()（）转-]{0,20}",
            "\\[[0-9a-f:.]{1,20}\\]:[0-9]{1,6}(;\\[[0-9.]{1,15}\\]:[0-9]{1,5}){0,3}",
            "[a-z.@。-]{1,30}",
            "https?://[a-z0-9.:/\\[\\]@-]{0,30}",
        ]
    }

    proptest! {
        #[test]
        fn no_text_makes_a_check_panic_and_every_place_is_in_the_text(text in near()) {
            let length = text.chars().count();
            let today = Date::constant(2026, 11, 25);
            let refusals = [
                credit_code::CreditCode::parse(&text).err(),
                citizen::CitizenNumber::parse(&text, today).err(),
                division::Division::parse(&text).err(),
                passport::parse(&text).err(),
                contact::Phone::parse(&text).err(),
                contact::MailAddress::parse(&text, Reach::Public).err(),
                domain::parse(&text, Reach::Public).err(),
                address::addresses(&text, Reach::Public).err(),
                address::endpoints(&text, Reach::Public).err(),
                website::parse(&text, Reach::Public).err(),
            ];
            for refusal in refusals.into_iter().flatten() {
                prop_assert!(refusal.at.is_none_or(|at| at <= length), "{refusal}");
                prop_assert!(!refusal.zh.is_empty() && !refusal.en.is_empty() && !refusal.clause.is_empty());
            }
        }

        #[test]
        fn what_was_parsed_is_written_as_something_that_parses_to_the_same(text in near()) {
            if let Ok(phone) = contact::Phone::parse(&text) {
                prop_assert_eq!(contact::Phone::parse(&phone.to_string()).unwrap(), phone);
            }
            if let Ok(mail) = contact::MailAddress::parse(&text, Reach::Anywhere) {
                prop_assert_eq!(contact::MailAddress::parse(&mail.to_string(), Reach::Anywhere).unwrap(), mail);
            }
            if let Ok(name) = domain::parse(&text, Reach::Anywhere) {
                prop_assert_eq!(domain::parse(&name, Reach::Anywhere).unwrap(), name);
            }
            if let Ok(list) = address::endpoints(&text, Reach::Anywhere) {
                let written = list.iter().map(ToString::to_string).collect::<Vec<_>>().join(";");
                prop_assert_eq!(address::endpoints(&written, Reach::Anywhere).unwrap(), list);
            }
        }

        #[test]
        fn no_octets_make_the_recognition_panic(
            start in prop_oneof![
                Just(&b"\x89PNG\r\n\x1a\n"[..]), Just(&b"\xff\xd8\xff"[..]), Just(&b"%PDF-1.7"[..]), Just(&b""[..])
            ],
            rest in proptest::collection::vec(any::<u8>(), 0..64),
            name in "\\PC{0,40}",
        ) {
            let octets = [start, &rest].concat();
            let kind = document::DocumentKind::recognise(&octets).unwrap_or(document::DocumentKind::Pdf);
            let stored = document::file_name(&name, kind);
            prop_assert!(!stored.contains(['/', '\\', '\0', '\n']) && !stored.starts_with('.'));
            prop_assert_eq!(document::file_name(&stored, kind), stored);
        }
    }
}
