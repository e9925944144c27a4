//! Passwords: how they are spelled before they are hashed, and which ones are too weak.
//!
//! What counts is not the length alone but what is left when the easily guessed is taken together: a common word
//! counts as one character, a run like `1234` as two, a repeated block once.

use aho_corasick::{AhoCorasick, MatchKind};
use hufu_ident::Refusal;
use icu_normalizer::ComposingNormalizerBorrowed;
use std::sync::LazyLock;

const CLAUSE: &str = "GB/T 22239-2019 §8.1.4.1";
const SPELLING_CLAUSE: &str = "RFC 8265 §4.2";
const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();
/// Parts of a login or organisation name that are shorter than this may be in a password.
const NAME_LENGTH: usize = 3;

static COMMON: LazyLock<Vec<&str>> =
    LazyLock::new(|| include_str!("password.txt").lines().filter(|line| !line.starts_with('#')).collect());
/// A short list of the program's own always fits; a test sees to it.
static SEARCH: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(COMMON.iter()).ok());

/// What a password must have. Lengths are in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordPolicy {
    pub least: usize,
    pub most: usize,
    /// Of small letters, capitals, digits and everything else, how many kinds.
    pub kinds: usize,
    /// From this length on, one kind is enough.
    pub passphrase: usize,
    /// What must be left when the easily guessed is taken together.
    pub substance: usize,
}

impl Default for PasswordPolicy {
    fn default() -> PasswordPolicy {
        PasswordPolicy { least: 12, most: 128, kinds: 3, passphrase: 20, substance: 8 }
    }
}

/// The spelling that is hashed and compared: other spaces become the common one, then NFC (OpaqueString).
pub fn prepare(password: &str) -> Result<String, Refusal> {
    if let Some(at) = password.chars().position(char::is_control) {
        let (zh, en) = ("口令里有控制字符", "the password has a control character");
        return Err(Refusal::new("password-character", SPELLING_CLAUSE, zh, en).at(at));
    }
    let spaced: String = password.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    Ok(NFC.normalize(&spaced).into_owned())
}

impl PasswordPolicy {
    /// Everything that is wrong with a prepared password; `names` are the login, the organisation and the like.
    pub fn examine(&self, password: &str, names: &[&str]) -> Vec<Refusal> {
        let length = password.chars().take(self.most + 1).count();
        if length > self.most {
            let zh = format!("口令最多{}个字符", self.most);
            return vec![refuse("password-long", zh, format!("a password has at most {} characters", self.most))];
        }
        let mut found = Vec::new();
        if length < self.least {
            let zh = format!("口令至少{}个字符", self.least);
            found.push(refuse("password-short", zh, format!("a password has at least {} characters", self.least)));
        }
        let kinds = kinds(password);
        if kinds < self.kinds && length < self.passphrase {
            let zh = format!(
                "口令须有大写字母、小写字母、数字、其他字符中的{}种，或至少{}个字符",
                self.kinds, self.passphrase
            );
            let en = format!(
                "a password has {} of capitals, small letters, digits and other characters, or {} characters",
                self.kinds, self.passphrase
            );
            found.push(refuse("password-kinds", zh, en));
        }
        let lower = password.to_lowercase();
        let parts = parts(names);
        if parts.iter().any(|part| lower.contains(part.as_str())) {
            let (zh, en) = ("口令不能包含登录名或单位名称", "a password must not have a login or organisation in it");
            found.push(refuse("password-name", zh, en));
        }
        if substance(&lower, &parts) < self.substance {
            let (zh, en) = (
                "口令由常见的词、连续或重复的字符组成，容易被猜到",
                "the password is made of common words, runs or repetitions and is easily guessed",
            );
            found.push(refuse("password-weak", zh, en));
        }
        found
    }
}

fn refuse(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Refusal {
    Refusal::new(code, CLAUSE, zh, en)
}

fn kinds(password: &str) -> usize {
    let kind = |c: char| match c {
        'a'..='z' => 0,
        'A'..='Z' => 1,
        '0'..='9' => 2,
        _ => 3,
    };
    let mut seen = [false; 4];
    password.chars().for_each(|c| seen[kind(c)] = true);
    seen.into_iter().filter(|&seen| seen).count()
}

/// The names and what stands between their separators, in small letters.
fn parts(names: &[&str]) -> Vec<String> {
    let lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let pieces =
        lower.iter().flat_map(|name| std::iter::once(name.as_str()).chain(name.split(|c: char| !c.is_alphanumeric())));
    let mut parts: Vec<String> =
        pieces.filter(|piece| piece.chars().count() >= NAME_LENGTH).map(str::to_owned).collect();
    // The longest first: what it has taken, a shorter one need not.
    parts.sort_by_key(|part| (std::cmp::Reverse(part.len()), part.clone()));
    parts.dedup();
    parts
}

/// How many characters are left when words count as one, runs as two and repetitions once.
fn substance(lower: &str, parts: &[String]) -> usize {
    let plain: Vec<char> = lower.chars().collect();
    let once: String = plain[..period(&plain)].iter().collect();
    // With the usual substitutions and without: `p@ssw0rd` is a word, and so is `a1b2c3`.
    let read = |text: &str| counted(&without_words(text, parts));
    read(&once).min(read(&once.chars().map(unmasked).collect::<String>()))
}

/// The length of the block that the whole text repeats, also if its last repetition is cut short.
fn period(text: &[char]) -> usize {
    let repeats = |length: &usize| (*length..text.len()).all(|at| text[at] == text[at - length]);
    (1..=text.len() / 2).find(repeats).unwrap_or(text.len())
}

/// Every common word and part of a name becomes one character that continues no run.
fn without_words(text: &str, parts: &[String]) -> Vec<Option<char>> {
    // A prepared password has no control characters, so one can stand for a name.
    let unnamed = parts.iter().fold(text.to_owned(), |text, part| text.replace(part.as_str(), "\0"));
    let character = |c: char| Some(c).filter(|&c| c != '\0');
    let mut left = Vec::new();
    let mut at = 0;
    for found in SEARCH.iter().flat_map(|search| search.find_iter(&unnamed)) {
        left.extend(unnamed[at..found.start()].chars().map(character));
        left.push(None);
        at = found.end();
    }
    left.extend(unnamed[at..].chars().map(character));
    left
}

/// The characters that are no third or later one of a run with equal steps of −1, 0 or 1.
fn counted(text: &[Option<char>]) -> usize {
    let step = |pair: &[Option<char>]| match pair {
        [Some(a), Some(b)] => Some(i64::from(u32::from(*b)) - i64::from(u32::from(*a))),
        _ => None,
    };
    let continues = |three: &&[Option<char>]| {
        let (first, second) = (step(&three[..2]), step(&three[1..]));
        first.is_some_and(|first| first.abs() <= 1) && first == second
    };
    text.len() - text.windows(3).filter(continues).count()
}

/// The letter that a digit or sign stands for.
fn unmasked(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(password: &str, names: &[&str]) -> Vec<&'static str> {
        let found = PasswordPolicy::default().examine(&prepare(password).unwrap(), names);
        found.into_iter().map(|refusal| refusal.code).collect()
    }

    #[test]
    fn good_passwords_pass() {
        for password in [
            "kV7#mQz2!tRb9w",
            "correct horse battery staple",
            "泵站巡检每周二上午九点 Ok7",
            "Xq9-Lm3-Tz6-Rw8",
            "一二三四虎符甲乙丙丁标识解析戊己庚辛壬癸",
        ] {
            assert_eq!(codes(password, &["zhangwei", "示例泵业"]), Vec::<&str>::new(), "{password}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (password, expected) in [
            ("", vec!["password-short", "password-kinds", "password-weak"]),
            ("kV7#mQz2!tR", vec!["password-short"]),
            ("kvqmxzwtrbhgjp", vec!["password-kinds"]),
            ("Password1234!", vec!["password-weak"]),
            ("P@ssw0rd2026!", vec!["password-weak"]),
            ("Admin@123456789", vec!["password-weak"]),
            ("1qaz@WSX3edc$RFV", vec![]),
            ("1qaz2wsx3edc4rfv", vec!["password-kinds", "password-weak"]),
            ("Abcdefgh12345678", vec!["password-weak"]),
            ("aaaaaaaaaaaaaaaaaaaaaaaa", vec!["password-weak"]),
            ("aB3$aB3$aB3$aB3$", vec!["password-weak"]),
            ("WoAiNi5201314!!", vec!["password-weak"]),
            ("Zhangwei#7Kq2mX", vec!["password-name"]),
            ("x7Kq2mX-示例泵业", vec!["password-name"]),
            ("Zhangwei1234", vec!["password-name", "password-weak"]),
        ] {
            assert_eq!(codes(password, &["zhangwei", "示例泵业"]), expected, "{password}");
        }
        assert_eq!(codes(&"aB3$".repeat(40), &[]), ["password-long"]);
        assert_eq!(codes("q9#Wei.t7Lm2xV", &["li.weit@example.cn"]), Vec::<&str>::new());
        assert_eq!(codes("q9#Exampl.t7Lm2xV-EXAMPLE", &["li.weit@example.cn"]), ["password-name"]);
    }

    #[test]
    fn every_common_password_is_weak_whatever_follows() {
        assert!(COMMON.len() > 400 && SEARCH.is_some());
        for word in COMMON.iter() {
            assert_eq!(*word, word.to_lowercase());
            for password in
                [format!("{word}123!"), format!("{}2026", word.to_uppercase()), format!("{word}{word}{word}")]
            {
                let found = codes(&password, &[]);
                assert!(found.contains(&"password-weak"), "{password}: {found:?}");
            }
        }
    }

    #[test]
    fn spellings_become_one() {
        assert_eq!(prepare("cafe\u{301} x").unwrap(), prepare("café\u{3000}x").unwrap());
        assert_ne!(prepare("Cafe").unwrap(), prepare("cafe").unwrap());
        let refusal = prepare("a\tb").unwrap_err();
        assert_eq!((refusal.code, refusal.at), ("password-character", Some(1)));
    }

    #[test]
    fn substance_counts_what_is_hard_to_guess() {
        for (text, count) in [
            ("", 0),
            ("x", 1),
            ("1234", 2),
            ("4321", 2),
            ("aaaa", 1),
            ("xyxyxyx", 2),
            ("password", 1),
            ("p@ssw0rd!x", 3),
            ("k7#m", 4),
        ] {
            assert_eq!(substance(text, &[]), count, "{text}");
        }
    }
}
