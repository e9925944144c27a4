//! From the labels of an owner name to the node of the tree that is asked about.

use super::tree::Tree;
use hufu_ident::systems::oid::{label, ors};
use hufu_resolve::StoreFault;

/// What the labels in front of the zone's name mean.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Located {
    /// A node in dot form; the zone's own name is the empty one.
    Node {
        dotted: String,
        /// Reached by a label: the parent and the label, whose name has a DNAME too.
        alias: Option<(String, String)>,
    },
    /// Below a label: `label` below `parent` stands for `target`, and `rest` labels go on from there.
    Renamed { parent: String, label: String, target: String, rest: Vec<String> },
    /// Nothing has that name; `nearest` is the last node on the way.
    Nothing { nearest: String },
}

/// Walks the labels from the zone's name down.
pub(super) fn locate(labels: &[String], tree: &Tree) -> Result<Located, StoreFault> {
    let mut node = String::new();
    for (position, text) in labels.iter().enumerate() {
        let rest = labels.get(position + 1..).unwrap_or_default();
        if is_arc(text) {
            if !node.is_empty() {
                node.push('.');
            }
            node.push_str(text);
            continue;
        }
        if text == ors::DUMMY && rest.is_empty() && !node.is_empty() {
            return Ok(Located::Node { dotted: node, alias: None });
        }
        let Some(target) = tree.named(&node, text)? else { return Ok(Located::Nothing { nearest: node }) };
        let (parent, label) = (node, text.clone());
        return Ok(match rest {
            [] => Located::Node { dotted: target, alias: Some((parent, label)) },
            rest => Located::Renamed { parent, label, target, rest: rest.to_vec() },
        });
    }
    Ok(Located::Node { dotted: node, alias: None })
}

/// An integer label: digits, no leading zero.
fn is_arc(text: &str) -> bool {
    label::is_integer(text) && (text == "0" || !text.starts_with('0'))
}
