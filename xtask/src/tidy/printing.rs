//! Only the command line speaks to a terminal; everything else logs.

use super::finding::Finding;
use super::rust::{code_only, line_of, word_positions};
use super::tree::{File, Tree};

const MACROS: [&str; 4] = ["println", "eprintln", "print", "eprint"];

/// Starts of the paths that may print.
const SPEAKERS: [&str; 4] =
    ["crates/node/src/main.rs", "crates/node/src/bin/", "crates/node/src/cli", "crates/node/src/demo"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().filter(|file| is_silent(&file.path)).flat_map(prints).collect()
}

/// Sources of our crates; their tests, examples and build scripts may print.
fn is_silent(path: &str) -> bool {
    let source = path.strip_prefix("crates/").and_then(|path| path.split('/').nth(1)) == Some("src");
    source && !SPEAKERS.iter().any(|start| path.starts_with(start))
}

fn prints(file: &File) -> Vec<Finding> {
    let code = code_only(&file.text);
    let calls = MACROS.iter().flat_map(|name| word_positions(&code, name).map(move |at| (at, name)));
    calls
        .filter(|(at, name)| code[at + name.len()..].starts_with('!'))
        .map(|(at, name)| {
            let text = format!("`{name}!` outside the command line; use `tracing`");
            Finding::new(&file.path, line_of(&code, at), "printing", text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_command_line_prints() {
        let tree = Tree::of(&[
            ("crates/net/src/lib.rs", "// println!\nfn f() {\n    println!(\"{}\", \"eprintln!\");\n}\n"),
            ("crates/net/tests/load.rs", "println!()"),
            ("crates/net/build.rs", "println!()"),
            ("crates/node/src/cli/resolve.rs", "println!()"),
            ("crates/node/src/main.rs", "eprintln!()"),
            ("crates/node/src/http.rs", "eprint!()"),
            ("xtask/src/main.rs", "println!()"),
        ]);
        let places: Vec<_> = check(&tree).into_iter().map(|f| (f.path, f.line)).collect();
        assert_eq!(places, [("crates/net/src/lib.rs".into(), 3), ("crates/node/src/http.rs".into(), 1)]);
    }
}
