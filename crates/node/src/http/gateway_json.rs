//! The JSON of the public recursive gateways in China: `value` in the singular, four integer rights.
//!
//! The exact form was observed, not published, so ours is a profile: data are a plain string where they are
//! text and an object otherwise, times are Unix seconds.

use super::value_json::{self, data_to_json, references_to_json};
use hufu_ident::{Permissions, Ttl, Value, ValueRef, ValueSet};
use serde_json::{Value as Json, json};

/// The answer for a record that was found. `now` (Unix seconds) turns absolute TTLs into remaining seconds.
pub fn gateway(handle: &str, values: &ValueSet, now: u64) -> Json {
    let values: Json = values.iter().map(|value| one(&value, now)).collect();
    json!({"responseCode": 1, "handle": handle, "value": values})
}

fn one(value: &ValueRef<'_>, now: u64) -> Json {
    let ttl = match value.ttl {
        Ttl::Relative(seconds) => seconds,
        absolute => absolute.seconds_left(now),
    };
    let right = |bit| u8::from(value.permissions.has(bit));
    json!({
        "index": value.index,
        "type": String::from_utf8_lossy(value.kind),
        "data": data(value),
        "ttl": ttl,
        "timestamp": value.timestamp,
        "references": references_to_json(&value.references()),
        "adminRead": right(Permissions::ADMIN_READ),
        "adminWrite": right(Permissions::ADMIN_WRITE),
        "publicRead": right(Permissions::PUBLIC_READ),
        "publicWrite": right(Permissions::PUBLIC_WRITE),
    })
}

fn data(value: &ValueRef<'_>) -> Json {
    let mut data = data_to_json(value.kind, value.data);
    match data["format"] == "string" {
        true => data["value"].take(),
        false => data,
    }
}

/// Values as a gateway gives them: data are a plain string, or an object with `format` and `value`. Rights are not
/// read: what a gateway gives is public.
pub fn read(values: &Json) -> Result<Vec<Value>, String> {
    let list = values.as_array().ok_or("there is no list of values")?;
    list.iter().map(read_one).collect()
}

fn read_one(value: &Json) -> Result<Value, String> {
    let index = value["index"].as_u64().and_then(|index| u32::try_from(index).ok()).ok_or("a value has no index")?;
    let kind = value["type"].as_str().ok_or("a value has no type")?;
    let data = match &value["data"] {
        Json::String(text) => text.clone().into_bytes(),
        Json::Object(_) => value_json::data_from_json(&value["data"]).map_err(|error| error.to_string())?,
        other => other.to_string().into_bytes(),
    };
    let mut read = Value::new(index, kind, data);
    if let Some(seconds) = value["ttl"].as_u64().and_then(|seconds| u32::try_from(seconds).ok()) {
        read.ttl = Ttl::Relative(seconds);
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_plain_and_everything_else_an_object() {
        let admin = hex::decode("000200000006302e4e412f3100000001").unwrap();
        let url = Value { timestamp: 1_700_000_000, ..Value::new(1, "URL", "https://a.example/") };
        let until = Value { ttl: Ttl::Absolute(160), ..Value::new(100, "HS_ADMIN", admin) };
        let answer = gateway("88.111.1/111", &ValueSet::from_values(vec![url, until]), 100);
        assert_eq!(
            answer["value"][0].to_string(),
            r#"{"index":1,"type":"URL","data":"https://a.example/","ttl":86400,"timestamp":1700000000,"references":[],"adminRead":1,"adminWrite":1,"publicRead":1,"publicWrite":0}"#
        );
        assert!(answer.to_string().starts_with(r#"{"responseCode":1,"handle":"88.111.1/111","value":["#));
        assert_eq!(answer["value"][1]["data"]["format"], "admin");
        assert_eq!(answer["value"][1]["ttl"], 60);
        let back = read(&answer["value"]).unwrap();
        assert_eq!((back[0].data.as_slice(), back[1].data.len()), (&b"https://a.example/"[..], 16));
        assert!(read(&json!([{"type": "URL"}])).is_err());
    }
}
