//! GS1: data sets in every shape, Digital Links, names of records.

use super::{judged, named};
use hufu_ident::System;
use hufu_ident::systems::gs1::{Companies, CompressOptions, DataSet, Gs1, Options};

fn sorted(set: &DataSet) -> Vec<(String, String)> {
    let mut all: Vec<_> = set.elements().map(|own| (own.code().to_owned(), own.value.to_owned())).collect();
    all.sort();
    all
}

fn options() -> Options {
    Options { check_needs: false, ..Options::resolver(2026) }
}

/// What parses is written in every shape, and reads again as the same.
fn every_shape(set: &DataSet) {
    let plain = CompressOptions { codes: false, ..CompressOptions::default() };
    let links = [
        set.to_uri(None),
        set.to_canonical_uri(),
        set.to_compressed(None, CompressOptions::default()),
        set.to_compressed(Some("https://id.example.cn"), plain),
    ];
    let shapes = [set.to_bracketed(), set.to_separated()].into_iter().chain(links.into_iter().flatten());
    for shape in shapes {
        let again = DataSet::parse(&shape, &options()).unwrap_or_else(|refusal| panic!("{shape:?}: {refusal}"));
        assert_eq!(sorted(&again), sorted(set), "{shape:?}");
    }
}

/// Any shape: brackets, separators, scan data, links.
pub fn parse(input: &[u8]) -> bool {
    let text = &*String::from_utf8_lossy(input);
    if let Some(reading) = Gs1.read(text).and_then(|read| judged(text, read)) {
        for companies in ["7", "12", "952132,9521321,690123456789"] {
            let companies = Companies::parse(companies).expect("good company prefixes");
            if let Ok(complete) = companies.complete(reading.clone()) {
                assert_eq!(complete.name, reading.name);
            }
        }
    }
    judged(text, Companies::parse(text));
    let Some(set) = judged(text, DataSet::parse(text, &options())) else { return false };
    every_shape(&set);
    true
}

/// Digital Links, also compressed ones: the input is a URI, or what stands behind the host of one.
pub fn link(input: &[u8]) -> bool {
    let text = &*String::from_utf8_lossy(input);
    let behind = format!("https://id.gs1.org/{text}");
    let sets = [text, behind.as_str()].map(|uri| judged(uri, DataSet::from_uri(uri, &options())));
    sets.iter().flatten().for_each(every_shape);
    sets.iter().any(Option::is_some)
}

/// Names of records and templates of them.
pub fn name(input: &[u8]) -> bool {
    named(&Gs1, &String::from_utf8_lossy(input))
}
