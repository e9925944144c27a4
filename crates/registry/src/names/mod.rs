//! Compliance of names: which words a name has that are refused, or that a person must look at.
//!
//! A name is folded (NFKC, small letters, without spaces and separators) and searched for all words at once. Words in
//! Latin letters are found as whole words only, so that “international” is not “national”.

mod fold;

use aho_corasick::AhoCorasick;
use fold::Folded;
use hufu_ident::Refusal;
use std::collections::HashMap;
use std::sync::LazyLock;

const CLAUSE: &str = "企业名称登记管理规定 §11, §12";
/// Characters of a name, as the interface has it.
const NAME_LENGTH: usize = 255;
/// Bounds of a configured list; our profile.
const WORDS: usize = 100_000;
const WORD_LENGTH: usize = 64;

static BUILT_IN: LazyLock<WordList> =
    LazyLock::new(|| WordList::parse([include_str!("words.tsv")]).unwrap_or_default());

/// What follows from a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// Nothing, and nothing from the words within it.
    Allowed,
    /// A person decides.
    Review,
    /// The name is refused.
    Refused,
}

/// Why words are on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    pub code: String,
    pub weight: Weight,
    pub zh: String,
    pub en: String,
}

/// A word of the list in a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit<'a> {
    /// As the list has it.
    pub word: &'a str,
    pub category: &'a Category,
    /// The characters of the name, counted from 0.
    pub at: usize,
    pub length: usize,
}

impl Hit<'_> {
    /// What to tell who chose the name.
    pub fn refusal(&self) -> Refusal {
        let code = if self.category.weight == Weight::Refused { "name-refused" } else { "name-review" };
        let zh = format!("“{}”：{}", self.word, self.category.zh);
        let en = format!("“{}”: {}", self.word, self.category.en);
        Refusal::new(code, CLAUSE, zh, en).at(self.at)
    }
}

/// Words with their categories, ready to be searched for.
#[derive(Debug, Default)]
pub struct WordList {
    categories: Vec<Category>,
    /// The word and the place of its category.
    words: Vec<(String, usize)>,
    search: Option<AhoCorasick>,
}

impl WordList {
    /// The list that comes with the program.
    pub fn built_in() -> &'static WordList {
        &BUILT_IN
    }

    /// The text of that list, to be parsed together with an operator's own.
    pub fn built_in_text() -> &'static str {
        include_str!("words.tsv")
    }

    /// Reads lists one after the other; a later category or word of the same name replaces the earlier one.
    pub fn parse<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<WordList, Refusal> {
        let mut reader = Reader::default();
        for text in texts {
            for (number, line) in (1..).zip(text.lines()) {
                reader.read(line).map_err(|problem| problem.in_line(number))?;
            }
        }
        reader.finish()
    }

    pub fn words(&self) -> impl Iterator<Item = (&str, &Category)> {
        self.words.iter().map(|(word, category)| (word.as_str(), &self.categories[*category]))
    }

    /// The words in a name by their place; of two that overlap wholly, the longer or the graver. Names that cannot be
    /// one at all are refused.
    pub fn examine(&self, name: &str) -> Result<Vec<Hit<'_>>, Refusal> {
        check_form(name)?;
        let folded = Folded::new(name);
        if folded.text.is_empty() {
            let (zh, en) = ("名称里没有文字", "the name has no letters");
            return Err(Refusal::new("name-empty", "our profile", zh, en).at(0));
        }
        let Some(search) = &self.search else { return Ok(Vec::new()) };
        let mut hits: Vec<Hit<'_>> = search
            .find_overlapping_iter(&folded.text)
            .filter(|found| {
                let latin = |at: usize| folded.text.as_bytes()[at].is_ascii_alphanumeric();
                let whole = folded.is_word(found.start(), found.end());
                whole || !(latin(found.start()) && latin(found.end() - 1))
            })
            .map(|found| {
                let (word, category) = &self.words[found.pattern().as_usize()];
                let (at, length) = folded.place(found.start(), found.end());
                Hit { word, category: &self.categories[*category], at, length }
            })
            .collect();
        let all = hits.clone();
        hits.retain(|hit| hit.category.weight != Weight::Allowed && !all.iter().any(|other| covers(other, hit)));
        hits.sort_by_key(|hit| (hit.at, hit.length));
        Ok(hits)
    }

    /// The gravest of what `examine` found.
    pub fn verdict(hits: &[Hit<'_>]) -> Weight {
        hits.iter().map(|hit| hit.category.weight).max().unwrap_or(Weight::Allowed)
    }
}

/// Whether `other` is longer, has `hit` in it, and says at least as much (or that it is harmless).
fn covers(other: &Hit<'_>, hit: &Hit<'_>) -> bool {
    let inside = other.at <= hit.at && hit.at + hit.length <= other.at + other.length;
    let weight = other.category.weight;
    inside && other.length > hit.length && (weight == Weight::Allowed || weight >= hit.category.weight)
}

fn check_form(name: &str) -> Result<(), Refusal> {
    let mut length = 0;
    for (at, character) in name.chars().enumerate().take(NAME_LENGTH + 1) {
        if character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            let (zh, en) = ("名称里有控制字符", "the name has a control character");
            return Err(Refusal::new("name-character", "our profile", zh, en).at(at));
        }
        length = at + 1;
    }
    if length > NAME_LENGTH {
        let zh = format!("名称超过{NAME_LENGTH}个字符");
        let en = format!("the name has more than {NAME_LENGTH} characters");
        return Err(Refusal::new("name-length", "SNMS ent/apply", zh, en).at(NAME_LENGTH));
    }
    Ok(())
}

/// What is wrong with a line of a list.
struct Problem {
    zh: &'static str,
    en: &'static str,
}

impl Problem {
    fn in_line(&self, number: usize) -> Refusal {
        let zh = format!("词表第{number}行：{}", self.zh);
        Refusal::new("word-list-line", "our profile", zh, format!("line {number} of the word list: {}", self.en))
    }
}

#[derive(Default)]
struct Reader {
    categories: Vec<Category>,
    by_code: HashMap<String, usize>,
    words: Vec<(String, usize)>,
    /// The folded spelling, and which of `words` has it.
    by_spelling: HashMap<String, usize>,
}

impl Reader {
    fn read(&mut self, line: &str) -> Result<(), Problem> {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        match line.strip_prefix('@') {
            Some(rest) => self.category(rest),
            None => self.word(line),
        }
    }

    fn category(&mut self, line: &str) -> Result<(), Problem> {
        let cells: Vec<&str> = line.split('\t').collect();
        let [code, weight, zh, en] = cells[..] else {
            return Err(Problem {
                zh: "类别须有代码、处理方式、中文和英文说明",
                en: "a category has a code, a weight and a reason in Chinese and in English",
            });
        };
        let weight = match weight {
            "allowed" => Weight::Allowed,
            "review" => Weight::Review,
            "refused" => Weight::Refused,
            _ => {
                return Err(Problem {
                    zh: "处理方式须为allowed、review或refused",
                    en: "the weight is allowed, review or refused",
                });
            }
        };
        let category = Category { code: code.to_owned(), weight, zh: zh.to_owned(), en: en.to_owned() };
        match self.by_code.get(code) {
            Some(&at) => self.categories[at] = category,
            None => {
                self.by_code.insert(code.to_owned(), self.categories.len());
                self.categories.push(category);
            }
        }
        Ok(())
    }

    fn word(&mut self, line: &str) -> Result<(), Problem> {
        let Some((word, code)) = line.split_once('\t') else {
            return Err(Problem { zh: "词之后缺少类别", en: "a word needs a tab and a category" });
        };
        let Some(&category) = self.by_code.get(code) else {
            return Err(Problem { zh: "没有这个类别", en: "there is no such category" });
        };
        let spelling = Folded::new(word).text;
        if spelling.is_empty() || word.chars().count() > WORD_LENGTH {
            return Err(Problem { zh: "词为空或过长", en: "the word is empty or too long" });
        }
        match self.by_spelling.get(&spelling) {
            Some(&at) => self.words[at] = (word.to_owned(), category),
            None if self.words.len() >= WORDS => return Err(Problem { zh: "词太多", en: "too many words" }),
            None => {
                self.by_spelling.insert(spelling, self.words.len());
                self.words.push((word.to_owned(), category));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<WordList, Refusal> {
        let spellings = self.words.iter().map(|(word, _)| Folded::new(word).text);
        let search = AhoCorasick::new(spellings).map_err(|error| {
            let (zh, en) = (format!("词表过大：{error}"), format!("the word list is too large: {error}"));
            Refusal::new("word-list-size", "our profile", zh, en)
        })?;
        Ok(WordList { categories: self.categories, words: self.words, search: Some(search) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str) -> Vec<(&'static str, &'static str, usize)> {
        let hits = WordList::built_in().examine(name).unwrap();
        hits.into_iter().map(|hit| (hit.word, hit.category.code.as_str(), hit.at)).collect()
    }

    #[test]
    fn the_built_in_list_is_read_whole() {
        let list = WordList::parse([WordList::built_in_text()]).unwrap();
        let lines = WordList::built_in_text().lines().filter(|line| !line.starts_with(['#', '@'])).count();
        assert_eq!(list.words().count(), lines);
        assert_eq!(WordList::built_in().words().count(), lines);
        for (word, category) in list.words() {
            let hits = list.examine(word).unwrap();
            assert_eq!(hits.iter().any(|hit| hit.word == word), category.weight != Weight::Allowed, "{word}");
        }
    }

    #[test]
    fn words_are_found_in_every_spelling() {
        assert_eq!(found("虎符示例（北京）科技有限公司"), []);
        assert_eq!(found("中国示例泵业"), [("中国", "state", 0)]);
        assert_eq!(found("示例 中 国 泵业"), [("中国", "state", 3)]);
        assert_eq!(found("示例中·国"), [("中国", "state", 2)]);
        assert_eq!(found("ＣＨＩＮＡ Pump"), [("china", "state", 0)]);
        assert_eq!(found("National Pump of China"), [("national", "state", 0), ("china", "state", 17)]);
        assert_eq!(found("国家级示例"), [("国家级", "misleading", 0)]);
        assert_eq!(found("某国务院示例"), [("国务院", "organs", 1)]);
    }

    #[test]
    fn parts_of_latin_words_are_none() {
        assert_eq!(found("International Pump"), [("international", "scope", 0)]);
        assert_eq!(found("Indochina Riverbank Farmyard"), []);
        assert_eq!(found("The People’s Liberation Army shop")[0].1, "organs");
    }

    #[test]
    fn harmless_words_hide_what_is_in_them() {
        assert_eq!(found("公安县示例厂"), []);
        assert_eq!(found("保险杠厂"), []);
        assert_eq!(found("保险杠与保险"), [("保险", "licensed", 4)]);
    }

    #[test]
    fn the_gravest_word_decides() {
        let list = WordList::built_in();
        for (name, weight) in [
            ("虎符示例", Weight::Allowed),
            ("中国示例", Weight::Review),
            ("中国赌场", Weight::Refused),
            ("国务院示例", Weight::Refused),
        ] {
            assert_eq!(WordList::verdict(&list.examine(name).unwrap()), weight, "{name}");
        }
        let hits = list.examine("甲赌场").unwrap();
        let refusal = hits[0].refusal();
        assert_eq!((refusal.code, refusal.at, hits[0].length), ("name-refused", Some(1), 2));
    }

    #[test]
    fn an_operator_adds_and_replaces() {
        let own = "@own\trefused\t本省保留\treserved here\n示例\town\n中国\tharmless\n@scope\tallowed\t可以\tfine\n";
        let list = WordList::parse([WordList::built_in_text(), own]).unwrap();
        let codes = |name| {
            let hits = list.examine(name).unwrap();
            hits.into_iter().map(|hit| hit.category.code.clone()).collect::<Vec<_>>()
        };
        assert_eq!(codes("示例"), ["own"]);
        assert_eq!(codes("中国国际"), Vec::<String>::new());
        for (text, line) in [
            ("示例", "line 1"),
            ("\n示例\tnone", "line 2"),
            ("@a\trefused\t甲", "line 1"),
            ("@a\tmaybe\t甲\ta", "line 1"),
            ("@a\trefused\t甲\ta\n--\ta", "line 2"),
        ] {
            let refusal = WordList::parse([text]).unwrap_err();
            assert_eq!(refusal.code, "word-list-line");
            assert!(refusal.en.starts_with(line), "{refusal}");
        }
    }

    #[test]
    fn names_that_are_none() {
        let long = "名".repeat(256);
        for (name, code) in [
            ("", "name-empty"),
            (" · ", "name-empty"),
            ("a\nb", "name-character"),
            ("a\u{202e}b", "name-character"),
            (long.as_str(), "name-length"),
        ] {
            assert_eq!(WordList::built_in().examine(name).unwrap_err().code, code);
        }
        assert!(WordList::default().examine("中国").unwrap().is_empty());
    }
}
