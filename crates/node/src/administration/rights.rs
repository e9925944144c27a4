//! Which rights a change needs (reference server's rules): pure, from the values before and after.

use hufu_ident::systems::handle::{kind, right};
use hufu_ident::{Permissions, Value, ValueRef};

fn is_admin(value: &Value) -> bool {
    value.is_kind(kind::ADMIN)
}

/// Rights to add these values.
pub fn to_add<'a>(values: impl IntoIterator<Item = &'a Value>) -> u16 {
    let one = |value: &Value| if is_admin(value) { right::ADD_ADMIN } else { right::ADD_VALUE };
    values.into_iter().fold(0, |rights, value| rights | one(value))
}

/// Rights to remove these values.
pub fn to_remove<'a>(values: impl IntoIterator<Item = &'a Value>) -> u16 {
    let one = |value: &Value| if is_admin(value) { right::REMOVE_ADMIN } else { right::REMOVE_VALUE };
    values.into_iter().fold(0, |rights, value| rights | one(value))
}

/// Rights to put `new` in the place of `old`; none for a rewrite that changes nothing or a publicly writable value.
pub fn to_modify(old: &Value, new: &Value) -> u16 {
    if old.same_but_time(new) {
        return 0;
    }
    match (is_admin(old), is_admin(new)) {
        (true, true) => right::MODIFY_ADMIN,
        (true, false) => right::REMOVE_ADMIN | right::MODIFY_VALUE,
        (false, true) => right::MODIFY_VALUE | right::ADD_ADMIN,
        (false, false) if old.permissions.has(Permissions::PUBLIC_WRITE) => 0,
        (false, false) => right::MODIFY_VALUE,
    }
}

/// Rights to turn the whole set `old` into `new`.
pub fn to_overwrite(old: &[Value], new: &[Value]) -> u16 {
    let at = |values: &[Value], index: u32| values.iter().find(|value| value.index == index).cloned();
    let mut rights = to_remove(old.iter().filter(|value| at(new, value.index).is_none()));
    for value in new {
        rights |= match at(old, value.index) {
            Some(before) => to_modify(&before, value),
            None => to_add([value]),
        };
    }
    rights
}

/// Whether everybody may make this modification.
pub fn is_open(old: &ValueRef<'_>, new: &Value) -> bool {
    old.permissions.has(Permissions::PUBLIC_WRITE) && !old.is_kind(kind::ADMIN) && !is_admin(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_need_the_rights_of_the_table() {
        let url = Value::new(1, "URL", "a");
        let other = Value::new(1, "URL", "b");
        let admin = Value::new(1, kind::ADMIN, "x");
        assert_eq!(to_modify(&url, &url.clone()), 0);
        assert_eq!(to_modify(&url, &other), right::MODIFY_VALUE);
        assert_eq!(to_modify(&url, &admin), right::MODIFY_VALUE | right::ADD_ADMIN);
        assert_eq!(to_modify(&admin, &url), right::REMOVE_ADMIN | right::MODIFY_VALUE);
        assert_eq!(to_modify(&url.clone().with_permissions(0x0F), &other), 0);
        assert_eq!(
            to_overwrite(std::slice::from_ref(&url), &[Value::new(2, "URL", "c")]),
            right::REMOVE_VALUE | right::ADD_VALUE
        );
    }
}
