//! The two READMEs are one text in two languages: the same headings, the same number of code blocks.

use super::finding::Finding;
use super::tree::Tree;

const ENGLISH: &str = "README.md";
const CHINESE: &str = "README.zh-CN.md";

pub fn check(tree: &Tree) -> Vec<Finding> {
    let texts = [ENGLISH, CHINESE].map(|path| tree.get(path).map(|file| Outline::of(&file.text)));
    let [Some(english), Some(chinese)] = texts else {
        let missing = [ENGLISH, CHINESE].into_iter().filter(|path| tree.get(path).is_none());
        return missing.map(|path| Finding::new(path, 1, "readme", "the file is missing")).collect();
    };
    let mut found = Vec::new();
    if english.headings != chinese.headings {
        let (here, there) = (chinese.headings.len(), english.headings.len());
        let text = format!("{here} headings, but {there} in {ENGLISH}, or of other levels");
        found.push(Finding::new(CHINESE, 1, "readme", text));
    }
    if english.blocks != chinese.blocks {
        let text = format!("{} code blocks, but {} in {ENGLISH}", chinese.blocks, english.blocks);
        found.push(Finding::new(CHINESE, 1, "readme", text));
    }
    found
}

struct Outline {
    /// The level of each heading, in order.
    headings: Vec<usize>,
    blocks: usize,
}

impl Outline {
    fn of(text: &str) -> Outline {
        let mut outline = Outline { headings: Vec::new(), blocks: 0 };
        let mut inside = false;
        for line in text.lines() {
            if line.trim_start().starts_with("```") {
                outline.blocks += usize::from(!inside);
                inside = !inside;
            } else if !inside && line.starts_with('#') {
                outline.headings.push(line.chars().take_while(|&c| c == '#').count());
            }
        }
        outline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A\n\n```sh\n# not a heading\n```\n\n## B\n";

    fn findings(chinese: &str) -> usize {
        check(&Tree::of(&[(ENGLISH, TEXT), (CHINESE, chinese)])).len()
    }

    #[test]
    fn the_outline_is_the_same() {
        assert_eq!(findings("# 甲\n```sh\n# 不是标题\n```\n## 乙\n"), 0);
        assert_eq!(findings("# 甲\n```sh\n```\n### 乙\n"), 1);
        assert_eq!(findings("# 甲\n## 乙\n"), 1);
        assert_eq!(findings("# 甲\n"), 2);
    }

    #[test]
    fn both_exist() {
        assert_eq!(check(&Tree::of(&[(ENGLISH, TEXT)])).len(), 1);
        assert_eq!(check(&Tree::of(&[])).len(), 2);
    }
}
