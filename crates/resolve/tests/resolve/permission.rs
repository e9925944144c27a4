//! Whatever is selected, nobody gets a value that its permissions keep from them.

use hufu_ident::systems::handle::wire::Reader;
use hufu_ident::{Permissions, Selection, SelectionBuf, Value, ValueSet};
use hufu_resolve::{Selected, select};
use proptest::prelude::*;

fn record() -> impl Strategy<Value = ValueSet> {
    let kind = prop::sample::select(vec!["URL", "url", "URL.us", "HS_ADMIN", "HS_SECKEY", ""]);
    let value = (1u32..8, kind, 0u8..16, prop::collection::vec(any::<u8>(), 0..8));
    prop::collection::vec(value, 0..8).prop_map(|values| {
        let mut values: Vec<_> = values
            .into_iter()
            .map(|(index, kind, bits, data)| Value::new(index, kind, data).with_permissions(bits))
            .collect();
        values.sort_by_key(|value| value.index);
        values.dedup_by_key(|value| value.index);
        ValueSet::from_values(values)
    })
}

fn wanted() -> impl Strategy<Value = SelectionBuf> {
    let kinds = prop::sample::select(vec!["URL", "URL.", "HS_SECKEY", "none"]);
    let types = prop::collection::vec(kinds, 0..3);
    (prop::collection::vec(0u32..9, 0..4), types).prop_map(|(indexes, types)| SelectionBuf {
        indexes,
        types: types.into_iter().map(|kind| kind.as_bytes().to_vec()).collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn nobody_gets_what_they_may_not_read(
        record in record(), buffer in wanted(), public_only: bool, authorised: bool,
    ) {
        let mut wire = Vec::new();
        buffer.compose(&mut wire);
        let selection = Selection::decode(&mut Reader::new(&wire)).expect("a selection");
        let mut out = b"before".to_vec();
        let selected = select(&record, &selection, public_only, authorised, &mut out);
        prop_assert_eq!(&out[..6], b"before");

        let asked: Vec<_> = record.iter().filter(|value| buffer.wants(value)).map(|value| value.to_value()).collect();
        let (public, private): (Vec<_>, Vec<_>) = asked.iter().cloned().partition(|v| v.permissions.public_read());
        let sealed = private.iter().any(|value| !value.permissions.has(Permissions::ADMIN_READ));
        let (expected, given) = match (public_only, private.is_empty()) {
            (true, _) | (false, true) if public.is_empty() => (Selected::Nothing, vec![]),
            (true, _) | (false, true) => (Selected::Values(public.len()), public),
            _ if sealed => (Selected::Unreadable, vec![]),
            _ if authorised => (Selected::Values(asked.len()), asked),
            _ => (Selected::NeedsAuthority, vec![]),
        };
        prop_assert_eq!(selected, expected);
        if given.is_empty() {
            prop_assert_eq!(out.len(), 6, "nothing is left behind");
        } else {
            let shown = ValueSet::decode(out[6..].to_vec().into()).expect("a value set");
            prop_assert_eq!(shown.to_values(), given);
        }
    }
}
