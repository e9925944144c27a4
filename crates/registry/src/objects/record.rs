//! An object as a record: which value holds what. Pure.
//!
//! | index | type | data | who reads |
//! |---|---|---|---|
//! | 1000 | `TEMPLATE_ID` | handle of the template | everybody |
//! | 1001 | `TEMPLATE` | version of the template (national interface) | everybody |
//! | 1002 | `OBJECT` | [`Sheet`] as JSON: state, authors, private fields | administrators; nobody writes |
//! | 1003 | `STATUS` | `suspended: why`, `deleted: why`; absent while active | everybody |
//! | 1100–1999 | `REL.contains`, … | identifier of the other object | as the relation says |
//! | ≥ 2000 | name of the item | canonical text | as the field says |
//!
//! A field is open to everybody by the `public read` permission of its value, so every door that shows public values
//! only needs to know nothing of objects. A suspended object keeps its values, closed, and what each was; a deleted
//! one keeps none: its record is a tombstone, and its last version is among the earlier ones.

use super::relation::Relation;
use crate::caller::Time;
use crate::error::Error;
use crate::templates::Visibility;
use hufu_ident::{Permissions, Ttl, Value, ValueRef, ValueSet};
use serde::{Deserialize, Serialize};

/// Index of the template's handle.
pub const TEMPLATE_ID: u32 = 1000;
/// Index of the template's version.
pub const TEMPLATE: u32 = 1001;
/// Index of the [`Sheet`].
pub const SHEET: u32 = 1002;
/// Index of the status that everybody reads.
pub const STATUS: u32 = 1003;
/// Indexes of relations.
pub const RELATIONS: std::ops::Range<u32> = 1100..2000;
/// First index of fields.
pub const FIELDS: u32 = 2000;

const OPEN: u8 = Permissions::ADMIN_READ | Permissions::ADMIN_WRITE | Permissions::PUBLIC_READ;
const CLOSED: u8 = Permissions::ADMIN_READ | Permissions::ADMIN_WRITE;

/// Where an object stands.
///
/// ```text
/// active ──suspend──► suspended ──resume──► active
///    └──────delete──────────┴──► deleted (for good: the identifier is not given out again)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectState {
    Active,
    Suspended,
    Deleted,
}

impl ObjectState {
    pub const fn name(self) -> &'static str {
        match self {
            ObjectState::Active => "active",
            ObjectState::Suspended => "suspended",
            ObjectState::Deleted => "deleted",
        }
    }
}

/// What the node keeps about an object beside its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// The identifier as it was registered; its key is folded.
    #[serde(rename = "i")]
    pub identifier: String,
    #[serde(rename = "s")]
    pub state: ObjectState,
    /// From 1, one more with every change; the ETag.
    #[serde(rename = "n")]
    pub version: i64,
    #[serde(rename = "w", default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    #[serde(rename = "c")]
    pub created: Time,
    #[serde(rename = "cb")]
    pub created_by: String,
    #[serde(rename = "u")]
    pub updated: Time,
    #[serde(rename = "ub")]
    pub updated_by: String,
    /// Indexes of values that no grant opens.
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub private: Vec<u32>,
    /// While suspended: the values that were open.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub was_open: Vec<u32>,
    /// The job, run or application that made it.
    #[serde(rename = "j", default, skip_serializing_if = "String::is_empty")]
    pub mark: String,
}

/// One field of an object as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub index: u32,
    /// Name of the item, which is the type of the value.
    pub name: String,
    /// Canonical text.
    pub text: String,
    pub visibility: Visibility,
}

/// An object, read from its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub sheet: Sheet,
    pub template: String,
    pub template_version: String,
    pub fields: Vec<Held>,
    pub relations: Vec<Relation>,
    /// Values that are none of ours: keys, administrators, what other doors have written. They stay as they are.
    pub others: Vec<Value>,
}

fn text_of(value: &ValueRef<'_>) -> String {
    String::from_utf8_lossy(value.data).into_owned()
}

/// The sheet of a record, if the record is an object.
pub fn sheet_of(values: &ValueSet) -> Option<Result<Sheet, Error>> {
    let value = values.iter().find(|value| value.index == SHEET && value.is_kind("OBJECT"))?;
    Some(serde_json::from_slice(value.data).map_err(Error::from))
}

impl Kept {
    /// Reads a record; `None` if it is no object.
    pub fn read(values: &ValueSet) -> Result<Option<Kept>, Error> {
        let Some(sheet) = sheet_of(values).transpose()? else { return Ok(None) };
        let mut kept = Kept {
            template: String::new(),
            template_version: String::new(),
            fields: Vec::new(),
            relations: Vec::new(),
            others: Vec::new(),
            sheet,
        };
        for value in values.iter() {
            let visibility = kept.visibility(&value);
            let (index, name) = (value.index, String::from_utf8_lossy(value.kind).into_owned());
            match index {
                TEMPLATE_ID => kept.template = text_of(&value),
                TEMPLATE => kept.template_version = text_of(&value),
                SHEET | STATUS => {}
                _ if RELATIONS.contains(&index) => kept.relations.extend(Relation::read(&value, visibility)),
                _ if index >= FIELDS => {
                    kept.fields.push(Held { index, name, text: text_of(&value), visibility });
                }
                _ => kept.others.push(value.to_value()),
            }
        }
        Ok(Some(kept))
    }

    /// Who may read a value while the object is active.
    fn visibility(&self, value: &ValueRef<'_>) -> Visibility {
        if self.sheet.private.contains(&value.index) {
            return Visibility::Private;
        }
        match value.permissions.public_read() || self.sheet.was_open.contains(&value.index) {
            true => Visibility::Public,
            false => Visibility::Granted,
        }
    }

    /// The record; what has not changed since `before` keeps the time of its value.
    pub fn compose(&self, before: Option<&ValueSet>, ttl: Ttl) -> Result<ValueSet, Error> {
        let mut values = Vec::with_capacity(self.fields.len() + self.relations.len() + self.others.len() + 4);
        let stamp = u32::try_from(self.sheet.updated / 1000).unwrap_or(u32::MAX);
        let mut add = |index: u32, kind: &str, data: Vec<u8>, permissions: u8| {
            let mut value = Value::new(index, kind, data).with_permissions(permissions);
            (value.timestamp, value.ttl) = (stamp, ttl);
            values.push(value);
        };
        if !self.template.is_empty() {
            add(TEMPLATE_ID, "TEMPLATE_ID", self.template.clone().into_bytes(), OPEN);
            add(TEMPLATE, "TEMPLATE", self.template_version.clone().into_bytes(), OPEN);
        }
        let state = self.sheet.state;
        if state != ObjectState::Active {
            let status = match self.sheet.reason.is_empty() {
                true => state.name().to_owned(),
                false => format!("{}: {}", state.name(), self.sheet.reason),
            };
            add(STATUS, "STATUS", status.into_bytes(), OPEN);
        }
        let mut sheet = Sheet { private: Vec::new(), was_open: Vec::new(), ..self.sheet.clone() };
        if state != ObjectState::Deleted {
            let mut permit = |index: u32, visibility: Visibility| {
                match visibility {
                    Visibility::Public if state == ObjectState::Suspended => sheet.was_open.push(index),
                    Visibility::Public => return OPEN,
                    Visibility::Private => sheet.private.push(index),
                    Visibility::Granted => {}
                }
                CLOSED
            };
            for (index, relation) in RELATIONS.zip(&self.relations) {
                let permissions = permit(index, relation.visibility);
                add(index, relation.kind.value_type(), relation.to.clone().into_bytes(), permissions);
            }
            for field in &self.fields {
                let permissions = permit(field.index, field.visibility);
                add(field.index, &field.name, field.text.clone().into_bytes(), permissions);
            }
        }
        add(SHEET, "OBJECT", serde_json::to_vec(&sheet)?, Permissions::ADMIN_READ);
        values.extend(self.others.iter().cloned());
        if let Some(before) = before {
            keep_times(&mut values, before);
        }
        Ok(ValueSet::from_values(values))
    }
}

/// Values that say what they said before keep their time.
fn keep_times(values: &mut [Value], before: &ValueSet) {
    for old in before.iter() {
        let same = values.iter_mut().find(|value| value.index == old.index);
        if let Some(value) = same.filter(|value| value.same_but_time(&old.to_value())) {
            value.timestamp = old.timestamp;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::relation::RelationKind;
    use super::*;

    fn kept() -> Kept {
        let sheet = Sheet {
            identifier: "88.118.8/a".into(),
            state: ObjectState::Active,
            version: 1,
            reason: String::new(),
            created: 1_000,
            created_by: "u".into(),
            updated: 2_000,
            updated_by: "v".into(),
            private: vec![2002],
            was_open: Vec::new(),
            mark: String::new(),
        };
        let field = |index, name: &str, visibility| Held { index, name: name.into(), text: "x".into(), visibility };
        Kept {
            sheet,
            template: "88.118.8/META_1".into(),
            template_version: "1.0".into(),
            fields: vec![
                field(2000, "name", Visibility::Public),
                field(2001, "batch", Visibility::Granted),
                field(2002, "cost", Visibility::Private),
            ],
            relations: vec![Relation {
                kind: RelationKind::Contains,
                to: "88.118.8/b".into(),
                visibility: Visibility::Public,
            }],
            others: vec![Value::new(100, "HS_ADMIN", "x")],
        }
    }

    #[test]
    fn an_object_is_read_as_it_was_composed() {
        let kept = kept();
        let values = kept.compose(None, Ttl::default()).expect("composed");
        assert_eq!(Kept::read(&values).expect("read"), Some(kept));
        let open: Vec<u32> = values.public().iter().map(|value| value.index).collect();
        assert_eq!(open, [100, 1000, 1001, 1100, 2000]);
    }

    #[test]
    fn a_suspended_object_shows_its_status_and_remembers_the_rest() {
        let mut kept = kept();
        (kept.sheet.state, kept.sheet.reason) = (ObjectState::Suspended, "召回".into());
        let values = kept.compose(None, Ttl::default()).expect("composed");
        let open: Vec<u32> = values.public().iter().map(|value| value.index).collect();
        assert_eq!(open, [100, 1000, 1001, 1003]);
        let mut again = Kept::read(&values).expect("read").expect("an object");
        assert_eq!(again.fields, kept.fields);
        again.sheet.state = ObjectState::Active;
        let values = again.compose(Some(&values), Ttl::default()).expect("composed");
        assert_eq!(values.public().iter().filter(|value| value.index >= 1100).count(), 2);
    }

    #[test]
    fn a_tombstone_keeps_no_field() {
        let mut kept = kept();
        (kept.sheet.state, kept.sheet.reason) = (ObjectState::Deleted, "报废".into());
        let values = kept.compose(None, Ttl::default()).expect("composed");
        assert!(values.iter().all(|value| value.index < 1100));
        let status = values.iter().find(|value| value.index == STATUS).expect("a status");
        assert_eq!(status.data, "deleted: 报废".as_bytes());
    }
}
