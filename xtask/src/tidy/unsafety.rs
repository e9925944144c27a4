//! Unsafe code stands in two crates only, where it is argued for.

use super::finding::Finding;
use super::rust::{code_only, line_of, word_positions};
use super::tree::{File, Tree};

/// The sockets (`recvmmsg`, `sendmmsg`) and the embedded engines.
const ARGUED_FOR: [&str; 2] = ["net", "store"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let safe = |file: &&File| !file.crate_name().is_some_and(|name| ARGUED_FOR.contains(&name));
    tree.rust().filter(safe).flat_map(uses).collect()
}

fn uses(file: &File) -> Vec<Finding> {
    let code = code_only(&file.text);
    let blocks = word_positions(&code, "unsafe");
    let allowed = word_positions(&code, "unsafe_code").filter(|&at| {
        let before = code[..at].trim_end();
        before.ends_with("allow(") || before.ends_with("expect(")
    });
    let finding = |at| {
        let text = format!("unsafe code belongs in crates/{}", ARGUED_FOR.join(" or crates/"));
        Finding::new(&file.path, line_of(&code, at), "unsafe", text)
    };
    blocks.chain(allowed).map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_stays_where_it_is_argued_for() {
        let code = "#![allow(unsafe_code)]\n// unsafe\nfn f() {\n    unsafe { g() }\n}\n";
        let tree = Tree::of(&[
            ("crates/net/src/udp.rs", code),
            ("crates/store/src/lib.rs", code),
            ("crates/ident/src/lib.rs", code),
            ("crates/node/src/lib.rs", "#![forbid(unsafe_code)]"),
        ]);
        let mut places: Vec<_> = check(&tree).into_iter().map(|f| (f.path, f.line)).collect();
        places.sort();
        assert_eq!(places, [1, 4].map(|line| ("crates/ident/src/lib.rs".to_string(), line)));
    }
}
