//! Which language an asker reads: `Accept-Language` with quality values, looked up as RFC 4647 §3.4 says.
//!
//! Chinese is written in two scripts that tags often leave out: `zh-CN` counts as `zh-Hans-CN`, `zh-TW` as
//! `zh-Hant-TW`, so that `zh-Hans` and `zh-CN` find each other.

/// Ranges of one header that are looked at.
const RANGES: usize = 64;

/// What an `Accept-Language` header asks for, most wanted first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Languages(Vec<String>);

impl Languages {
    /// Reads a header. Ranges of quality 0 and `*` stand for no wish.
    pub fn parse(header: &str) -> Self {
        let mut ranges: Vec<(String, u32)> = header.split(',').take(RANGES).filter_map(range).collect();
        ranges.sort_by_key(|(_, quality)| std::cmp::Reverse(*quality));
        Languages(ranges.into_iter().map(|(tag, _)| tag).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tags of `offered` (in any order) that answer the most wanted range which any of them answers.
    pub fn look_up<'a>(&self, offered: &[&'a str]) -> Vec<&'a str> {
        let offered: Vec<(&str, String)> = offered.iter().map(|tag| (*tag, canonical(tag))).collect();
        self.0.iter().map(|range| answering(range, &offered)).find(|found| !found.is_empty()).unwrap_or_default()
    }
}

fn range(part: &str) -> Option<(String, u32)> {
    let (tag, parameters) = part.split_once(';').unwrap_or((part, ""));
    let tag = tag.trim();
    let quality = super::accept::quality(parameters);
    let well = !tag.is_empty() && tag.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
    (well && quality > 0).then(|| (canonical(tag), quality))
}

/// The tags that answer a range: the range itself, what is more special, then the same one step more general. What
/// is more special than the bare language answers only if that was asked for.
fn answering<'a>(range: &str, offered: &[(&'a str, String)]) -> Vec<&'a str> {
    let mut wanted = range;
    loop {
        let exact = |own: &str| own == wanted;
        let special = |own: &str| own.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('-'));
        let kept = |keep: &dyn Fn(&str) -> bool| -> Vec<&'a str> {
            offered.iter().filter(|(_, own)| keep(own)).map(|(tag, _)| *tag).collect()
        };
        let mut found = kept(&exact);
        if found.is_empty() && (wanted == range || wanted.contains('-')) {
            found = kept(&special);
        }
        if !found.is_empty() {
            return found;
        }
        let Some(at) = wanted.rfind('-') else { return Vec::new() };
        // A single letter or digit introduces what follows it and goes with it (RFC 4647 §3.4).
        let shorter = &wanted[..at];
        let lone = shorter.rfind('-').is_some_and(|dash| shorter.len() - dash == 2);
        wanted = if lone { &shorter[..shorter.len() - 2] } else { shorter };
    }
}

/// Lower case, with the script of Chinese told by its region.
fn canonical(tag: &str) -> String {
    let tag = tag.to_ascii_lowercase();
    let Some(rest) = tag.strip_prefix("zh-") else { return tag };
    match rest.split('-').next().unwrap_or_default() {
        "cn" | "sg" | "my" => format!("zh-hans-{rest}"),
        "tw" | "hk" | "mo" => format!("zh-hant-{rest}"),
        _ => tag,
    }
}

/// A tag as the linkset schema of GS1 can write it: two letters, or two and a country; none for `und` and for
/// languages of three letters.
pub fn schema_tag(tag: &str) -> Option<String> {
    let mut parts = tag.split('-');
    let language =
        parts.next().filter(|part| part.len() == 2 && part.bytes().all(|octet| octet.is_ascii_alphabetic()))?;
    let language = language.to_ascii_lowercase();
    let rest: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
    let two = |part: &&String| part.len() == 2 && part.bytes().all(|octet| octet.is_ascii_alphabetic());
    let script = |name: &str| language == "zh" && rest.first().is_some_and(|part| part == name);
    let country = match rest.iter().find(two) {
        Some(country) => Some(country.to_ascii_uppercase()),
        None if script("hans") => Some("CN".into()),
        None if script("hant") => Some("TW".into()),
        None => None,
    };
    Some(country.map_or_else(|| language.clone(), |country| format!("{language}-{country}")))
}
