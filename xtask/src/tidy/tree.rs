//! The files that belong to the project, read once.

use std::io;
use std::path::Path;
use std::process::Command;

/// A text file; `path` is relative to the root and written with `/`.
#[derive(Debug, Clone)]
pub struct File {
    pub path: String,
    pub text: String,
}

impl File {
    /// The lines with their numbers, counted from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// `crates/net/src/udp.rs` belongs to crate `net`; files elsewhere to none.
    pub fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split_once('/').map(|(name, _)| name)
    }
}

/// Every text file of the project, in order of path.
#[derive(Debug, Default)]
pub struct Tree {
    pub files: Vec<File>,
}

impl Tree {
    /// Reads what git tracks or would track; without git, everything that is not plainly a product of a build.
    pub fn read(root: &Path) -> io::Result<Tree> {
        let mut paths = match tracked(root) {
            Some(paths) => paths,
            None => {
                let mut paths = Vec::new();
                walk(root, "", &mut paths)?;
                paths
            }
        };
        paths.sort();
        paths.dedup();
        // A path that cannot be read as text is a deleted, a binary or a linked file: nothing to check in it.
        let read = |path: String| std::fs::read_to_string(root.join(&path)).ok().map(|text| File { path, text });
        Ok(Tree { files: paths.into_iter().filter_map(read).collect() })
    }

    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// All Rust sources.
    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Tree {
        let file = |&(path, text): &(&str, &str)| File { path: path.into(), text: text.into() };
        Tree { files: files.iter().map(file).collect() }
    }
}

fn tracked(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .ok()
        .filter(|output| output.status.success() && !output.stdout.is_empty())?;
    let names = output.stdout.split(|&octet| octet == 0).filter(|name| !name.is_empty());
    Some(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
}

fn walk(root: &Path, folder: &str, paths: &mut Vec<String>) -> io::Result<()> {
    for entry in std::fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && !matches!(name.as_str(), ".git" | ".venv" | "target" | "node_modules" | "data") {
            walk(root, &path, paths)?;
        } else if kind.is_file() {
            paths.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_knows_its_crate() {
        let tree = Tree::of(&[("crates/net/src/udp.rs", ""), ("xtask/src/main.rs", "")]);
        assert_eq!(tree.files[0].crate_name(), Some("net"));
        assert_eq!(tree.files[1].crate_name(), None);
    }
}
