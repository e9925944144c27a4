//! What must hold of every input, by decoder: none panics, places point into the text, and what one accepts is
//! written and read again as the same. libFuzzer (`fuzz_targets/`) and `hufu-bench hammer` ask the same.
//!
//! A probe panics where something does not hold, and says else whether the input was one of its decoder's.
//!
//! # How to run
//!
//! ```sh
//! cargo install cargo-fuzz
//! cargo +nightly fuzz run oid_text -- -max_len=4096
//! cargo run --release -p hufu-bench -- hammer --inputs 10000000    # all of them, without another toolchain
//! ```
//!
//! from the root of the repository. The texts in the files that a probe names as its seeds are good inputs for it. A
//! find becomes a vector in `vectors/` before it is fixed.

mod did;
mod ecode;
mod envelope;
mod epc;
mod gs1;
mod handle;
mod identifier;
mod lens;
mod oid;

use hufu_ident::{Refusal, System};

/// A probe, and which conformance data are good inputs for it.
pub struct Probe {
    pub name: &'static str,
    /// Folders or files of `vectors/`.
    pub seeds: &'static [&'static str],
    /// Whether the texts of the seeds are hexadecimal octets.
    pub octets: bool,
    pub run: fn(&[u8]) -> bool,
}

/// The probe of that name.
pub fn of(name: &str) -> Option<&'static Probe> {
    ALL.iter().find(|probe| probe.name == name)
}

/// All of them.
pub static ALL: [Probe; 15] = [
    Probe { name: "handle_message", seeds: &["handle/messages.json"], octets: true, run: handle::message },
    Probe { name: "value_data", seeds: &["handle/messages.json"], octets: true, run: handle::value_data },
    Probe { name: "identifier", seeds: &["handle", "vaa", "oid", "did"], octets: false, run: identifier::probe },
    Probe { name: "gs1_parse", seeds: &["gs1"], octets: false, run: gs1::parse },
    Probe { name: "gs1_link", seeds: &["gs1/links.json", "gs1/compressed.json"], octets: false, run: gs1::link },
    Probe { name: "gs1_name", seeds: &["gs1/names.json"], octets: false, run: gs1::name },
    Probe { name: "epc_urn", seeds: &["epc"], octets: false, run: epc::text },
    Probe { name: "epc_octets", seeds: &["epc"], octets: true, run: epc::octets },
    Probe { name: "oid_text", seeds: &["oid"], octets: false, run: oid::text },
    Probe { name: "oid_octets", seeds: &["oid"], octets: true, run: oid::octets },
    Probe { name: "ecode_text", seeds: &["ecode"], octets: false, run: ecode::text },
    Probe { name: "ecode_octets", seeds: &["ecode"], octets: true, run: ecode::octets },
    Probe { name: "did", seeds: &["did"], octets: false, run: did::probe },
    Probe { name: "envelope", seeds: &["lens"], octets: false, run: envelope::probe },
    Probe {
        name: "lens",
        seeds: &["lens", "gs1", "epc", "oid", "ecode", "did", "vaa"],
        octets: false,
        run: lens::probe,
    },
];

/// The verdict of a decoder of texts: a refusal points into the text.
fn judged<T>(text: &str, verdict: Result<T, Refusal>) -> Option<T> {
    match verdict {
        Ok(found) => Some(found),
        Err(refusal) => {
            let length = text.chars().count();
            assert!(refusal.at.is_none_or(|at| at <= length), "{text:?}: {refusal}");
            assert!(!refusal.zh.is_empty() && !refusal.en.is_empty(), "{text:?}: {refusal}");
            None
        }
    }
}

/// What holds of every system's names: a canonical one is its own, is delegated by its authority path and all above,
/// and is found under its key. Says whether `rest` is a name.
fn named(system: &dyn System, rest: &str) -> bool {
    let mut key = Vec::new();
    // Names off the wire come unchecked.
    system.write_key(rest, &mut key);
    let _ = (system.name_of_key(&key), system.check_path(rest), system.parent(rest));
    let Some(canonical) = judged(rest, system.canonical(rest)) else { return false };
    assert_eq!(system.canonical(&canonical).as_deref(), Ok(canonical.as_str()), "{rest:?}");
    let mut path = system.authority(&canonical);
    key.clear();
    system.write_key(&canonical, &mut key);
    assert_eq!(system.name_of_key(&key), canonical);
    loop {
        assert!(system.check_path(path).is_ok(), "{canonical:?} is delegated by {path:?}, which is no path");
        let mut range = Vec::new();
        system.write_range(path, &mut range);
        assert!(key.starts_with(&range), "{canonical:?} is not below {path:?}");
        match system.parent(path) {
            Some(left) => path = &path[..left],
            None => return true,
        }
    }
}
