//! Where a value goes and how its data are written in a line of text: `[INDEX:]TYPE[;base64|;hex]`.
//!
//! `hufu create --value`, the columns of `hufu import` and those of `hufu export` share this form, so that what
//! is exported can be imported. Text types are written as they are; HS_ADMIN as `[RIGHTS@]INDEX:HANDLE`; HS_VLIST
//! as `INDEX:HANDLE,…`; everything else needs `;base64` or `;hex`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hufu_ident::systems::handle::{AdminRecord, Data, kind, kinds, right};
use hufu_ident::{Permissions, Reference, Value};
use std::fmt;

/// Index at which administrators stand by habit.
pub const ADMIN_INDEX: u32 = 100;
/// Permissions of a secret: administrators only.
const SECRET: Permissions = Permissions(Permissions::ADMIN_READ | Permissions::ADMIN_WRITE);

/// How data are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    Text,
    Base64,
    Hex,
}

/// Index, type and form of a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// None: whoever asks chooses.
    pub index: Option<u32>,
    pub kind: String,
    pub form: Form,
}

impl Slot {
    pub fn parse(text: &str) -> Result<Self, String> {
        let (text, form) = match text.rsplit_once(';') {
            Some((rest, form)) if form.trim().eq_ignore_ascii_case("base64") => (rest, Form::Base64),
            Some((rest, form)) if form.trim().eq_ignore_ascii_case("hex") => (rest, Form::Hex),
            _ => (text, Form::Text),
        };
        let (index, kind) = match text.split_once(':') {
            Some((index, kind)) if !index.trim().is_empty() && index.trim().bytes().all(|b| b.is_ascii_digit()) => {
                let number = index.trim().parse::<u32>().ok().filter(|index| (1..=i32::MAX as u32).contains(index));
                (Some(number.ok_or_else(|| format!("`{index}` is no index: 1 to {}", i32::MAX))?), kind)
            }
            _ => (None, text),
        };
        match kind.trim() {
            "" => Err("the type is missing".into()),
            kind => Ok(Slot { index, kind: kind.into(), form }),
        }
    }

    /// The data that a text means here.
    pub fn data(&self, text: &str) -> Result<Vec<u8>, String> {
        match self.form {
            Form::Base64 => STANDARD.decode(text.trim()).map_err(|error| format!("base64: {error}")),
            Form::Hex => hex::decode(text.trim()).map_err(|error| format!("hex: {error}")),
            Form::Text => text_data(&self.kind, text),
        }
    }

    /// The value with this text, at `index` unless the slot has its own.
    pub fn value(&self, index: u32, text: &str) -> Result<Value, String> {
        let value = Value::new(self.index.unwrap_or(index), &self.kind, self.data(text)?);
        Ok(if value.is_kind(kind::SECKEY) { value.with_permissions(SECRET.0) } else { value })
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.index.map_or(Ok(()), |index| write!(f, "{index}:"))?;
        f.write_str(&self.kind)?;
        f.write_str(match self.form {
            Form::Text => "",
            Form::Base64 => ";base64",
            Form::Hex => ";hex",
        })
    }
}

fn text_data(kind: &str, text: &str) -> Result<Vec<u8>, String> {
    if kind.eq_ignore_ascii_case(kind::ADMIN) {
        return admin(text).map(|admin| admin.to_bytes());
    }
    if kind.eq_ignore_ascii_case(kind::VLIST) {
        let one = |text: &str| Reference::parse(text.trim()).ok_or_else(|| format!("`{text}` is not INDEX:HANDLE"));
        let list = text.split(',').map(one).collect::<Result<_, _>>()?;
        return Ok(Data::ValueList(list).to_bytes());
    }
    let binary = [kind::SITE, kind::SITE_6, kind::SITE_PREFIX, kind::NA_DELEGATE, kind::PUBKEY];
    match kind::is_one_of(kind.as_bytes(), &binary) {
        true => Err(format!("{kind} has no text form; write {kind};base64 or {kind};hex")),
        false => Ok(text.as_bytes().to_vec()),
    }
}

/// `[RIGHTS@]INDEX:HANDLE`; without rights, those of an owner of one record.
fn admin(text: &str) -> Result<AdminRecord, String> {
    let (rights, name) = match text.split_once('@') {
        Some((bits, name)) if bits.bytes().all(|b| matches!(b, b'0' | b'1' | b'*')) => {
            let rights = AdminRecord::parse_permissions(bits);
            (rights.ok_or_else(|| format!("`{bits}` are not twelve characters 0 or 1"))?, name)
        }
        _ => (right::RECORD, text),
    };
    let admin = Reference::parse(name.trim()).ok_or_else(|| format!("`{name}` is not INDEX:HANDLE"))?;
    Ok(AdminRecord::new(rights, admin))
}

/// HS_ADMIN for `admin` with the rights of an owner of one record.
pub fn admin_value(index: u32, admin: &Reference) -> Value {
    Value::new(index, kind::ADMIN, AdminRecord::new(right::RECORD, admin.clone()).to_bytes())
}

/// The text of data and the form it is in; reading it with that form gives the same octets.
pub fn written(kind: &[u8], data: &[u8]) -> (Form, String) {
    let text = match Data::decode(kind, data) {
        Ok(Data::Text(text) | Data::Name(text)) => Some(text),
        Ok(Data::Admin(admin)) => Some(format!("{}@{}", admin.permission_string(), admin.admin)),
        Ok(Data::ValueList(list)) => Some(list.iter().map(Reference::to_string).collect::<Vec<_>>().join(",")),
        Ok(Data::Octets(octets)) => String::from_utf8(octets).ok().filter(|text| kinds::is_text(text)),
        _ => None,
    };
    let kind = String::from_utf8_lossy(kind);
    let read_back = |text: &String| text_data(&kind, text).is_ok_and(|octets| octets == data);
    match text.filter(|text| !text.is_empty() && read_back(text)) {
        Some(text) => (Form::Text, text),
        None => (Form::Base64, STANDARD.encode(data)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_slot() {
        let slot = |text: &str| Slot::parse(text).unwrap();
        assert_eq!(slot("URL"), Slot { index: None, kind: "URL".into(), form: Form::Text });
        assert_eq!(slot("5:EMAIL").to_string(), "5:EMAIL");
        assert_eq!(
            slot("300:HS_PUBKEY;base64"),
            Slot { index: Some(300), kind: "HS_PUBKEY".into(), form: Form::Base64 }
        );
        assert_eq!(slot("10320/loc").kind, "10320/loc");
        assert_eq!(slot("gs1:pip").kind, "gs1:pip");
        for text in ["", "5:", "0:URL", "4294967296:URL", ";base64"] {
            assert!(Slot::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn written_data_read_back() {
        let admin = AdminRecord::new(right::ALL, Reference::new(300, "0.NA/88.118.8"));
        let list = Data::ValueList(vec![Reference::new(1, "88.1/a"), Reference::new(2, "88.1/b")]).to_bytes();
        for (kind, data, form) in [
            ("URL", b"https://a.example/".to_vec(), Form::Text),
            ("HS_ADMIN", admin.to_bytes(), Form::Text),
            ("HS_VLIST", list, Form::Text),
            ("PICTURE", vec![0, 1, 2], Form::Base64),
            ("URL", vec![], Form::Base64),
            ("HS_VLIST", Data::ValueList(vec![Reference::new(1, "88.1/a,b")]).to_bytes(), Form::Base64),
        ] {
            let (found, text) = written(kind.as_bytes(), &data);
            assert_eq!(found, form, "{kind}");
            let slot = Slot { index: None, kind: kind.into(), form };
            assert_eq!(slot.data(&text).unwrap(), data, "{kind}");
        }
        assert_eq!(Slot::parse("HS_SECKEY").unwrap().value(301, "s").unwrap().permissions.0, 0x0C);
        assert!(Slot::parse("HS_SITE").unwrap().data("x").is_err());
    }
}
