//! Folding: what is left of a name when spelling, width, case, spaces and separators are taken away.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;

const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfkc();
const CLASSES: CanonicalCombiningClassMapBorrowed<'static> = CanonicalCombiningClassMapBorrowed::new();

/// A folded text and where its characters came from.
#[derive(Debug)]
pub(super) struct Folded {
    pub text: String,
    /// For every octet of `text`: the character of the original it comes from, counted from 0.
    origins: Vec<usize>,
    /// For every octet of `text`: nothing was taken away between it and the octet before.
    joined: Vec<bool>,
}

impl Folded {
    pub fn new(original: &str) -> Folded {
        let mut folded = Folded { text: String::new(), origins: Vec::new(), joined: Vec::new() };
        let characters: Vec<char> = original.chars().collect();
        let mut joined = false;
        let mut at = 0;
        while at < characters.len() {
            let marks = characters[at + 1..].iter().take_while(|&&c| CLASSES.get_u8(c) != 0).count();
            let group: String = characters[at..=at + marks].iter().collect();
            let spelled = NFKC.normalize(&group).to_lowercase();
            let kept: String = NFKC.normalize(&spelled).chars().filter(|c| c.is_alphanumeric()).collect();
            folded.push(&kept, at, joined);
            joined = !kept.is_empty();
            at += marks + 1;
        }
        folded
    }

    fn push(&mut self, piece: &str, at: usize, joined: bool) {
        for number in 0..piece.len() {
            self.origins.push(at);
            self.joined.push(joined || number > 0);
        }
        self.text.push_str(piece);
    }

    /// Where in the original the octets from `start` to `end` stand: first character and how many.
    pub fn place(&self, start: usize, end: usize) -> (usize, usize) {
        let first = self.origins.get(start).copied().unwrap_or_default();
        let last = end.checked_sub(1).and_then(|end| self.origins.get(end)).copied().unwrap_or(first);
        (first, last - first + 1)
    }

    /// Whether the octets from `start` to `end` are no part of a longer word in Latin letters.
    pub fn is_word(&self, start: usize, end: usize) -> bool {
        let octets = self.text.as_bytes();
        let inside = |at: usize| self.joined.get(at).copied().unwrap_or(false);
        let letter = |at: Option<usize>| at.and_then(|at| octets.get(at)).is_some_and(u8::is_ascii_alphabetic);
        let begun_before = inside(start) && letter(start.checked_sub(1));
        let goes_on = inside(end) && letter(Some(end));
        !begun_before && !goes_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_fold_to_one() {
        for text in ["国家", "国 家", "国·家", "国-家", "「国」家", "国\u{200b}家", "国　家"] {
            assert_eq!(Folded::new(text).text, "国家", "{text}");
        }
        for text in ["China", "ＣＨＩＮＡ", "c.h.i.n.a", "C h i n a", "Ⓒhina", "𝐂𝐡𝐢𝐧𝐚"] {
            assert_eq!(Folded::new(text).text, "china", "{text}");
        }
        assert_eq!(Folded::new("e\u{301}cole").text, Folded::new("École").text);
        assert_eq!(Folded::new(" -·").text, "");
    }

    #[test]
    fn places_are_those_of_the_original() {
        let folded = Folded::new("甲 国·家e\u{301}x");
        assert_eq!(folded.text, "甲国家éx");
        assert_eq!(folded.place(3, 9), (2, 3));
        assert_eq!(folded.place(9, 11), (5, 1));
        assert_eq!(folded.place(11, 12), (7, 1));
        // One character that folds to several.
        assert_eq!(Folded::new("㈱x").place(0, 3), (0, 1));
    }

    #[test]
    fn latin_words_end_where_letters_end() {
        let is_word = |text: &str, word: &str| {
            let folded = Folded::new(text);
            let start = folded.text.find(word).unwrap();
            folded.is_word(start, start + word.len())
        };
        assert!(is_word("the national node", "national"));
        assert!(is_word("n-a-t-i-o-n-a-l", "national"));
        assert!(is_word("national2026", "national") && is_word("甲national乙", "national"));
        assert!(!is_word("international", "national") && !is_word("nationality", "national"));
        assert!(is_word("inter national", "national"));
    }
}
