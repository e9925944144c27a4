//! Which values of a record an asker gets: selection, and the permissions on the way out.

use hufu_ident::systems::handle::wire::put_u32;
use hufu_ident::{Permissions, Selection, ValueRef, ValueSet};

/// What a selection found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selected {
    /// So many values were appended.
    Values(usize),
    /// Nothing that the asker may see.
    Nothing,
    /// A selected value needs its reader to prove a right.
    NeedsAuthority,
    /// A selected value can be read by nobody.
    Unreadable,
}

/// Appends the selected values in wire form (`u4 n · n × record`).
///
/// With `public_only` the values without public read are left out; without it they make the result
/// [`Selected::NeedsAuthority`], unless `authorised`, and one that administrators may not read either makes it
/// [`Selected::Unreadable`]. On any outcome but `Values`, `out` is as before.
pub fn select(
    values: &ValueSet,
    selection: &Selection<'_>,
    public_only: bool,
    authorised: bool,
    out: &mut Vec<u8>,
) -> Selected {
    let start = out.len();
    put_u32(out, 0);
    let mut count = 0u32;
    let mut private = false;
    for value in values.iter().filter(|value| selection.wants(value)) {
        if !readable(&value) {
            if public_only {
                continue;
            }
            if !value.permissions.has(Permissions::ADMIN_READ) {
                out.truncate(start);
                return Selected::Unreadable;
            }
            private |= !authorised;
        }
        out.extend_from_slice(value.raw);
        count += 1;
    }
    if private || count == 0 {
        out.truncate(start);
        return if private { Selected::NeedsAuthority } else { Selected::Nothing };
    }
    out[start..start + 4].copy_from_slice(&count.to_be_bytes());
    Selected::Values(count as usize)
}

fn readable(value: &ValueRef<'_>) -> bool {
    value.permissions.public_read()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_ident::Value;

    fn record() -> ValueSet {
        let secret = Value::new(301, "HS_SECKEY", "s").with_permissions(0x0C);
        let sealed = Value::new(400, "X", "s").with_permissions(0x04);
        ValueSet::from_values(vec![Value::new(1, "URL", "u"), secret, sealed])
    }

    fn ask(indexes: &[u32], public_only: bool, authorised: bool) -> Selected {
        let mut wire = Vec::new();
        hufu_ident::SelectionBuf { indexes: indexes.to_vec(), types: vec![] }.compose(&mut wire);
        let selection = Selection::decode(&mut hufu_ident::systems::handle::wire::Reader::new(&wire)).unwrap();
        select(&record(), &selection, public_only, authorised, &mut Vec::new())
    }

    #[test]
    fn permissions_are_enforced_on_the_way_out() {
        assert_eq!(ask(&[], true, false), Selected::Values(1));
        assert_eq!(ask(&[301], true, false), Selected::Nothing);
        assert_eq!(ask(&[301], false, false), Selected::NeedsAuthority);
        assert_eq!(ask(&[400], false, false), Selected::Unreadable);
        assert_eq!(ask(&[1, 301], false, true), Selected::Values(2));
        assert_eq!(ask(&[1, 301], true, true), Selected::Values(1));
        assert_eq!(ask(&[400], false, true), Selected::Unreadable);
    }
}
