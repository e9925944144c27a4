//! The JSON of our own resolution interface: the record, the system it belongs to, and where the answer is from.

use super::value_json::values_to_json;
use hufu_ident::{Record, recognise};
use serde_json::{Value as Json, json};

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// This node answers for the identifier itself.
    pub authoritative: bool,
    /// Past its time, given because nobody above answers.
    pub stale: bool,
    /// Remembered from an earlier question.
    pub cache: bool,
    /// How long the answer took, in milliseconds.
    pub milliseconds: u64,
}

/// The answer for a record that was found.
pub fn native(record: &Record, source: Source) -> Json {
    let identifier = record.identifier.as_str();
    json!({
        "identifier": identifier,
        "system": recognise(identifier).name(),
        "found": true,
        "values": values_to_json(&record.values),
        "source": {
            "authoritative": source.authoritative,
            "stale": source.stale,
            "cache": source.cache,
            "milliseconds": source.milliseconds,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_ident::{Identifier, Value, ValueSet};

    #[test]
    fn the_answer_says_what_and_from_where() {
        let identifier = Identifier::parse("88.118.8/a").unwrap();
        let record = Record { identifier, values: ValueSet::from_values(vec![Value::new(1, "DESC", "虎符")]) };
        let source = Source { authoritative: false, stale: false, cache: true, milliseconds: 3 };
        assert_eq!(
            native(&record, source).to_string(),
            r#"{"identifier":"88.118.8/a","system":"vaa","found":true,"values":[{"index":1,"type":"DESC","data":{"format":"string","value":"虎符"},"ttl":86400}],"source":{"authoritative":false,"stale":false,"cache":true,"milliseconds":3}}"#
        );
    }
}
