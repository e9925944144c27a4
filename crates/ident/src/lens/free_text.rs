//! Text with one identifier in it: what a QR code of a label says besides the code.

use super::{CLAUSE, FOUND_IN_TEXT, UNRECOGNISED};
use crate::reading::Reading;
use crate::refusal::Refusal;

/// Words of a text that are tried.
const MOST_WORDS: usize = 256;
/// Characters that end a word, besides white space.
const STOPS: &str = "，。；、！？“”‘’《》〈〉【】「」（）|\"<>";
/// Characters that may stand around an identifier without being part of it.
const AROUND: &str = ".,;:!?'()[]{}：=";

/// Finds the one identifier in `text`; `read` reads a word that is one.
pub fn read(text: &str, read: impl Fn(&str) -> Option<Reading>) -> Result<Reading, Refusal> {
    let mut found: Option<Reading> = None;
    for (at, word) in words(text).take(MOST_WORDS) {
        // A text of one word was read as a whole already.
        let candidates = candidates(word).filter(|(_, candidate)| *candidate != text);
        let Some((start, mut reading)) = first(candidates, &read) else { continue };
        let start = at + start;
        match &found {
            Some(first) if first.name == reading.name => {}
            Some(first) => return Err(several(first, &reading).at(start)),
            None => {
                let (zh, en) =
                    (format!("在文本第{}个字符处找到", start + 1), format!("found at character {}", start + 1));
                reading.held(FOUND_IN_TEXT, CLAUSE, zh, en);
                found = Some(reading);
            }
        }
    }
    found.ok_or_else(|| {
        let zh = "未识别出任何标识：可带上前缀（如 gs1:、oid:、did:、ecode:、hdl:）再试";
        let en =
            "no identifier system knows this text; a tag such as gs1:, oid:, did:, ecode: or hdl: in front may help";
        Refusal::new(UNRECOGNISED, CLAUSE, zh, en).at(0)
    })
}

fn first<'a>(
    candidates: impl Iterator<Item = (usize, &'a str)>,
    read: impl Fn(&str) -> Option<Reading>,
) -> Option<(usize, Reading)> {
    let named = |reading: &Reading| reading.name.is_some();
    candidates.into_iter().find_map(|(start, candidate)| Some((start, read(candidate).filter(named)?)))
}

fn several(first: &Reading, second: &Reading) -> Refusal {
    let name = |reading: &Reading| reading.name.as_ref().map(ToString::to_string).unwrap_or_default();
    let (first, second) = (name(first), name(second));
    let zh = format!("文本中有不止一个标识：{first}、{second}");
    Refusal::new("several-identifiers", CLAUSE, zh, format!("more than one identifier: {first} and {second}"))
}

/// Words between white space and stops, with the character at which each begins.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split(|c: char| c.is_whitespace() || STOPS.contains(c)).filter_map(move |word| {
        let start = at;
        at += word.chars().count() + 1;
        (!word.is_empty()).then_some((start, word))
    })
}

/// A word and what is left of it without punctuation, without Chinese in front, and without a label (`ID:…`).
fn candidates(word: &str) -> impl Iterator<Item = (usize, &str)> {
    let around = |c: char| AROUND.contains(c);
    let plain = word.trim_matches(around);
    let ascii = plain.trim_start_matches(|c: char| !c.is_ascii()).trim_start_matches(around);
    let labelled = ascii.split_once([':', '=', '：']).map_or("", |(_, rest)| rest.trim_start_matches(around));
    let place = move |part: &str| {
        let offset = (part.as_ptr() as usize).saturating_sub(word.as_ptr() as usize);
        word.get(..offset).map_or(0, |before| before.chars().count())
    };
    [word, plain, ascii, labelled].into_iter().filter(|part| !part.is_empty()).map(move |part| (place(part), part))
}
