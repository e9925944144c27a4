//! GS1: which link a request is led to, as our vectors say.

use crate::corpus::{own, text};
use hufu_ident::systems::gs1::links::{self, Choice, Default, Languages, Level, Link, MediaRanges, Wants};
use serde_json::Value as Json;

fn texts(json: &Json) -> Vec<String> {
    json.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

fn link(json: &Json) -> Link {
    Link {
        media_type: json["type"].as_str().map(str::to_owned),
        hreflang: texts(&json["hreflang"]),
        context: texts(&json["context"]),
        ..Link::new(text(json, "linktype"), text(json, "href"))
    }
}

fn links_of(json: &Json) -> Vec<Link> {
    json.as_array().into_iter().flatten().map(link).collect()
}

fn level(json: &Json) -> Level {
    let default = json["default"].as_str().map(|link_type| Default::Type(link_type.to_owned()));
    Level { links: links_of(&json["links"]), multi: links_of(&json["multi"]), default, ..Level::default() }
}

/// The targets of a choice; `None` where there is nothing to choose from.
fn chosen(levels: &[Level], link_type: Option<&str>, wants: &Wants) -> Option<Vec<String>> {
    let choice = match link_type {
        Some(link_type) => links::of_type(levels, link_type, wants),
        None => links::default_target(levels, wants).map(Choice::One),
    };
    choice.map(|choice| match choice {
        Choice::One(link) => vec![link.href.clone()],
        Choice::Many(links) => links.iter().map(|link| link.href.clone()).collect(),
        Choice::None => Vec::new(),
    })
}

#[test]
fn links_are_chosen_as_their_vectors_say() {
    let entries = own("gs1/link_choice.json");
    let mut wrong = Vec::new();
    for entry in &entries {
        let levels: Vec<Level> = entry["levels"].as_array().expect("levels").iter().map(level).collect();
        let header = |name: &str| entry[name].as_str().unwrap_or_default();
        let wants = Wants {
            context: entry["context"].as_str().map(str::to_owned),
            languages: Languages::parse(header("accept_language")),
            media: MediaRanges::parse(header("accept")),
        };
        let expected = entry["is"].is_array().then(|| texts(&entry["is"]));
        let found = chosen(&levels, entry["link_type"].as_str(), &wants);
        if found != expected {
            wrong.push(format!("{}: {found:?} instead of {expected:?}", text(entry, "name")));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), entries.len(), wrong.join("\n"));
}
