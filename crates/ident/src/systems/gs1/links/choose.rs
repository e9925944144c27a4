//! Which of several links a request is led to: by context, then language, then media type.

use super::Link;
use super::accept::MediaRanges;
use super::language::Languages;

/// What a request says about the link that it wants.
#[derive(Debug, Clone, Default)]
pub struct Wants {
    pub context: Option<String>,
    pub languages: Languages,
    pub media: MediaRanges,
}

/// Where the choice led.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice<'a> {
    One(&'a Link),
    /// Several that nothing in the request tells apart.
    Many(Vec<&'a Link>),
    /// None that the asker takes.
    None,
}

/// Chooses among links of one type.
pub fn choose<'a>(links: &[&'a Link], wants: &Wants) -> Choice<'a> {
    narrow(links, wants).0
}

/// Chooses only if the request says something that fits; for variants of a default link.
pub fn choose_fitting<'a>(links: &[&'a Link], wants: &Wants) -> Option<&'a Link> {
    match narrow(links, wants) {
        (Choice::One(link), true) => Some(link),
        _ => None,
    }
}

/// The choice, and whether something in the request fitted a link's conditions.
fn narrow<'a>(links: &[&'a Link], wants: &Wants) -> (Choice<'a>, bool) {
    let (links, by_context) = by_context(links, wants.context.as_deref());
    let (links, by_language) = by_language(&links, &wants.languages);
    let (mut links, by_media) = by_media(&links, &wants.media);
    let mut seen = Vec::new();
    links.retain(|link| {
        let new = !seen.contains(&link.href.as_str());
        seen.push(&link.href);
        new
    });
    let choice = match links.as_slice() {
        [] => Choice::None,
        [one] => Choice::One(one),
        _ => Choice::Many(links),
    };
    (choice, by_context || by_language || by_media)
}

/// The links that `keep` accepts; if there are none, those that `instead` accepts; if none again, all.
fn kept<'a>(
    links: &[&'a Link],
    keep: impl Fn(&Link) -> bool,
    instead: impl Fn(&Link) -> bool,
) -> (Vec<&'a Link>, bool) {
    let of =
        |keep: &dyn Fn(&Link) -> bool| -> Vec<&'a Link> { links.iter().copied().filter(|link| keep(link)).collect() };
    let fitting = of(&keep);
    if !fitting.is_empty() {
        return (fitting, true);
    }
    let open = of(&instead);
    (if open.is_empty() { links.to_vec() } else { open }, false)
}

fn by_context<'a>(links: &[&'a Link], context: Option<&str>) -> (Vec<&'a Link>, bool) {
    let asked = |link: &Link| context.is_some_and(|context| link.context.iter().any(|own| own == context));
    kept(links, asked, |link| link.context.is_empty())
}

fn by_language<'a>(links: &[&'a Link], languages: &Languages) -> (Vec<&'a Link>, bool) {
    let offered: Vec<&str> = links.iter().flat_map(|link| link.hreflang.iter().map(String::as_str)).collect();
    let answering = languages.look_up(&offered);
    let speaks = |link: &Link| link.hreflang.iter().any(|tag| answering.contains(&tag.as_str()));
    let open = |link: &Link| link.hreflang.iter().all(|tag| tag.eq_ignore_ascii_case("und"));
    kept(links, speaks, open)
}

fn by_media<'a>(links: &[&'a Link], media: &MediaRanges) -> (Vec<&'a Link>, bool) {
    if media.is_open() {
        return (links.to_vec(), false);
    }
    let named = |link: &Link| link.media_type.as_deref().and_then(|own| media.named(own));
    let links: Vec<&Link> = links.iter().copied().filter(|link| named(link) != Some(0)).collect();
    let best = links.iter().filter_map(|link| named(link)).max();
    kept(&links, |link| best.is_some() && named(link) == best, |link| link.media_type.is_none())
}
