//! The rules that hold below the Chinese nodes `1.2.156` and `2.16.156` (GB/T 26231-2017).

use super::value::ObjectIdentifier;
use crate::reading::Reading;
use crate::refusal::Refusal;

/// The two Chinese nodes: ISO member body and joint country.
pub const NODES: [&str; 2] = ["1.2.156", "2.16.156"];
/// Octets of a whole identifier, dots included.
pub const OCTETS: usize = 100;
const CLAUSE: &str = "GB/T 26231-2017";

/// The Chinese node above an identifier, if there is one.
pub fn node_above(oid: &ObjectIdentifier) -> Option<&'static str> {
    NODES.into_iter().find(|node| oid.is_within(node))
}

/// Checks length and arcs. None of these makes an identifier invalid elsewhere, so they are findings.
pub fn check(oid: &ObjectIdentifier) -> Vec<Refusal> {
    let Some(node) = node_above(oid) else { return Vec::new() };
    let mut findings = Vec::new();
    if oid.as_str().len() > OCTETS {
        let found = oid.as_str().len();
        let zh = format!("国内对象标识符含点至多{OCTETS}字节，现为{found}字节");
        let en = format!("below {node} an identifier has at most {OCTETS} octets with its dots, not {found}");
        findings.push(Refusal::new("cn-oid-length", CLAUSE, zh, en).at(OCTETS));
    }
    // Only what was allocated below the node: the roots and the node itself are others'.
    let above = node.split('.').count();
    if oid.arcs().skip(above).any(|arc| arc == "0") {
        let zh = "国内节点之下的数字弧须大于0";
        let en = format!("arcs allocated below {node} are greater than 0");
        findings.push(Refusal::new("cn-oid-zero-arc", CLAUSE, zh, en));
    }
    findings
}

/// Notes in a reading how the identifier stands to these rules.
pub(super) fn note(oid: &ObjectIdentifier, reading: &mut Reading) {
    let Some(node) = node_above(oid) else { return };
    let findings = check(oid);
    if findings.is_empty() {
        let zh = format!("符合国内节点{node}之下的长度和弧值规则");
        let en = format!("length and arcs are as the rules below {node} want them");
        reading.held("cn-oid-rules", CLAUSE, zh, en);
    }
    findings.into_iter().for_each(|finding| reading.advise(finding));
}
