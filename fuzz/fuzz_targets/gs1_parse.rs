//! Whatever parses as GS1 data is written in every shape, and reads again as the same.
#![no_main]

use hufu_ident::system::System;
use hufu_ident::systems::gs1::{CompressOptions, DataSet, Gs1, Options};
use libfuzzer_sys::fuzz_target;

fn sorted(set: &DataSet) -> Vec<(String, String)> {
    let mut all: Vec<_> = set.elements().map(|own| (own.code().to_owned(), own.value.to_owned())).collect();
    all.sort();
    all
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let _ = Gs1.read(&text);
    if let Ok(name) = Gs1.canonical(&text) {
        assert_eq!(Gs1.canonical(&name), Ok(name.clone()));
    }
    let options = Options { check_needs: false, ..Options::resolver(2026) };
    let Ok(set) = DataSet::parse(&text, &options) else { return };
    let links = [set.to_uri(None), set.to_compressed(None, CompressOptions::default())];
    let shapes = [set.to_bracketed(), set.to_separated()].into_iter().chain(links.into_iter().flatten());
    for shape in shapes {
        let again = DataSet::parse(&shape, &options).expect("what was written parses");
        assert_eq!(sorted(&again), sorted(&set), "{shape}");
    }
});
