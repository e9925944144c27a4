//! Identifiers as people type them: checked before anything is sent, with a mark under the place that is wrong.

use super::error::CliError;
use super::screen::{Screen, columns};
use hufu_ident::identifier::percent_decode;
use hufu_ident::systems::gs1::Companies;
use hufu_ident::systems::vaa;
use hufu_ident::{Identifier, Prefix, Reading, Refusal, lens, system};

/// Rules that bind who registers a name, not who asks for one.
const FOR_NEW_NAMES_ONLY: [&str; 3] = ["too-long", "prefix-too-long", "outer-space"];

/// An identifier to ask for: any code in any spelling. Where the lens knows none, with a VAA issuer and a slash the VAA grammar holds; anything else may be asked
/// for if it has a prefix, a suffix and no control character, or no slash at all.
pub fn to_ask(text: &str, percent: bool, screen: &Screen) -> Result<Identifier, CliError> {
    let decoded = match percent {
        true => percent_decode(text).map_err(|refusal| refused(text, &refusal, screen))?,
        false => text.to_owned(),
    };
    check_to_ask(&decoded).map_err(|refusal| refused(&decoded, &refusal, screen))
}

fn check_to_ask(text: &str) -> Result<Identifier, Refusal> {
    match lens::read(text) {
        Ok(Reading { name: Some(name), .. }) if name.name().is_tagged() => return Ok(name),
        // A name with a slash is judged as a name of the Handle space below.
        Err(refusal) if !text.contains('/') && refusal.code != lens::UNRECOGNISED => return Err(refusal),
        _ => {}
    }
    let identifier = Identifier::parse(text)?;
    if !text.contains('/') {
        return Ok(identifier);
    }
    if vaa::claims(text) {
        return system::check_new(text).map(|(identifier, _)| identifier);
    }
    match Identifier::parse_new(text) {
        Err(refusal) if !FOR_NEW_NAMES_ONLY.contains(&refusal.code) => Err(refusal),
        _ => Ok(identifier),
    }
}

/// An identifier to register: every rule of its system holds.
pub fn to_register(text: &str, screen: &Screen) -> Result<Identifier, CliError> {
    let tagged = lens::read(text).ok().and_then(|reading| reading.name).filter(|name| name.name().is_tagged());
    let checked = system::check_new(tagged.as_ref().map_or(text, Identifier::as_str)).map(|(identifier, _)| identifier);
    checked.map_err(|refusal| refused(text, &refusal, screen))
}

/// A prefix, given as `88.118` or as its handle `0.NA/88.118`.
pub fn prefix(text: &str, screen: &Screen) -> Result<Prefix, CliError> {
    let bare = match text.get(..5) {
        Some(start) if start.eq_ignore_ascii_case("0.NA/") => &text[5..],
        _ => text,
    };
    Prefix::parse(bare).map_err(|refusal| refused(bare, &refusal, screen))
}

/// What is known of GS1 company prefixes, as an option says it.
pub fn companies(text: Option<&str>, screen: &Screen) -> Result<Companies, CliError> {
    let read = text.map_or_else(|| Ok(Companies::default()), Companies::parse);
    read.map_err(|refusal| refused(text.unwrap_or_default(), &refusal, screen))
}

/// The refusal with the text and a mark under the character it is about.
pub fn refused(text: &str, refusal: &Refusal, screen: &Screen) -> CliError {
    let rule = screen.pick(&refusal.zh, &refusal.en);
    let what = format!("{rule} [{}; {}]", refusal.code, refusal.clause);
    let mut error = CliError::usage(what).code(refusal.code);
    if let Some(at) = refusal.at {
        error = error.place(marked(text, at, screen));
    }
    error
}

/// Characters shown on either side of the mark.
const AROUND: usize = 40;

/// `character N`, the text, and a caret under its character `at`.
fn marked(text: &str, at: usize, screen: &Screen) -> String {
    let shown: Vec<char> = text.chars().map(|c| if c.is_control() { '·' } else { c }).collect();
    let from = at.saturating_sub(AROUND).min(shown.len());
    let to = (at + AROUND).min(shown.len()).max(from);
    let before: String = shown[from..at.min(to)].iter().collect();
    let line: String = shown[from..to].iter().collect();
    let place = match screen.pick("zh", "en") {
        "zh" => format!("第{}个字符", at + 1),
        _ => format!("character {}", at + 1),
    };
    format!("{place}\n{line}\n{}^", " ".repeat(columns(&before)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Lang, Output};

    const EN: Screen = Screen { output: Output::Table, lang: Lang::En };

    #[test]
    fn a_caret_stands_under_the_wrong_character() {
        let error = to_ask("88.12.1/a", false, &EN).unwrap_err();
        assert_eq!(error.code, "vaa-segment-length");
        assert_eq!(error.place.unwrap(), "character 4\n88.12.1/a\n   ^");
        let error = to_register("88.118.8/虎符\u{7}x", &EN).unwrap_err();
        assert_eq!(error.place.unwrap(), "character 12\n88.118.8/虎符·x\n             ^");
    }

    #[test]
    fn what_may_be_asked_for() {
        for text in ["88.118.8/x", "0.NA/88.118", "88.118", "20.500.TEST/abc", "88", "0.NA/0.NA"] {
            assert!(to_ask(text, false, &EN).is_ok(), "{text}");
        }
        for text in ["", "88/abc", "/x", "20.500/", "20.500/a\u{0}b", "88.118.8/"] {
            assert!(to_ask(text, false, &EN).is_err(), "{text}");
        }
        assert_eq!(to_ask("88.101.5%2F%E5%9E%8B", true, &EN).unwrap().as_str(), "88.101.5/型");
        assert!(to_ask("88.101.5/%zz", true, &EN).is_err());
        assert_eq!(prefix("0.na/88.118", &EN).unwrap().as_str(), "88.118");
        assert!(prefix("88..1", &EN).is_err());
    }
}
