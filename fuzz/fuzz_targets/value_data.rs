//! Value sets and the data of every predefined type: no input panics, and what decodes encodes to the same octets.
//!
//! # How to run
//!
//! ```sh
//! cargo install cargo-fuzz
//! cargo +nightly fuzz run value_data -- -max_len=4096
//! ```
//!
//! from the root of the repository. The first octet says as what the rest is decoded.
//! A find becomes a vector in `vectors/handle/` before it is fixed.

#![no_main]

use bytes::Bytes;
use hufu_ident::ValueSet;
use hufu_ident::systems::handle::{Data, kind};
use libfuzzer_sys::fuzz_target;

const KINDS: [&str; 8] =
    [kind::ADMIN, kind::SITE, kind::PUBKEY, kind::VLIST, kind::ALIAS, kind::SERV, kind::SECKEY, kind::URL];

fuzz_target!(|input: &[u8]| {
    let Some((first, data)) = input.split_first() else {
        return;
    };
    match KINDS.get(usize::from(*first)) {
        Some(kind) => {
            if let Ok(decoded) = Data::decode(kind.as_bytes(), data) {
                assert_eq!(decoded.to_bytes(), data);
            }
        }
        None => value_set(Bytes::copy_from_slice(data)),
    }
});

fn value_set(octets: Bytes) {
    let trusted = ValueSet::trusted(octets.clone());
    let _ = (trusted.public(), trusted.with_ttl_at_most(30), trusted.shortest_ttl(0));
    let Ok(set) = ValueSet::decode(octets) else { return };
    for changed in [set.public(), set.filtered(|value| value.index % 2 == 0), set.with_ttl_at_most(30)] {
        assert_eq!(ValueSet::decode(changed.as_bytes().clone()), Ok(changed));
    }
}
