//! The list of links: one context object per level (RFC 9264), as JSON, or as a page for people.

use super::super::page::{self, Lang};
use super::super::{Asked, Web, reply};
use super::levels::Levels;
use super::record::{self, Shape};
use super::request::Request;
use super::{CONTEXT, LINKSET, append};
use crate::config::LinksetProfile;
use axum::http::{StatusCode, header};
use axum::response::Response;
use hufu_ident::systems::gs1::links::{
    self, DEFAULT_LINK, DEFAULT_LINK_MULTI, LINKSET_MEMBER, Level, Link, MediaRanges, PIP, prefers,
};
use serde_json::{Map, Value as Json, json};

const HTML: &str = "text/html";
const JSON: &str = "application/json";

/// How the list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Linkset,
    Json,
    Html,
}

/// Whether the list is asked for, by `linkType` or by `Accept`, and in which form.
pub fn wanted(asked: &Asked, request: &Request) -> Option<Form> {
    let ranges = MediaRanges::parse(asked.header(header::ACCEPT).unwrap_or_default());
    if request.link_type.as_deref().is_some_and(|wanted| LINKSET_MEMBER.contains(&wanted)) {
        return Some(match prefers(&ranges, &[LINKSET, JSON, HTML]) {
            Some(HTML) => Form::Html,
            Some(JSON) => Form::Json,
            _ => Form::Linkset,
        });
    }
    // `application/*` may well mean a target; only the very name asks for the list.
    let named = ranges.exactly(LINKSET).filter(|quality| *quality > 0)?;
    (ranges.exactly(HTML).unwrap_or(0) <= named).then_some(Form::Linkset)
}

pub fn answer(web: &Web, asked: &Asked, request: &Request, levels: &Levels, root: &str, form: Form) -> Response {
    let body = to_json(levels, root, web.parts.config.gs1.linkset_profile);
    let lang = Lang::choose(asked.params.get("lang"), asked.header(header::ACCEPT_LANGUAGE));
    let mut response = match form {
        Form::Linkset => reply::typed(StatusCode::OK, LINKSET, body.to_string()),
        Form::Json => reply::typed(StatusCode::OK, JSON, body.to_string()),
        Form::Html => {
            let text = html(lang, request, levels, root, &body);
            let mut response = reply::typed(StatusCode::OK, "text/html;charset=utf-8", text);
            reply::insert(&mut response, header::CONTENT_SECURITY_POLICY, page::CONTENT_SECURITY_POLICY);
            reply::insert(&mut response, header::CONTENT_LANGUAGE, lang.tag());
            response
        }
    };
    append(response.headers_mut(), header::LINK, CONTEXT);
    response
}

fn to_json(levels: &Levels, root: &str, profile: LinksetProfile) -> Json {
    let default = links::default_of(&levels.list);
    let context = |(at, level): (usize, &Level)| {
        let own = default.filter(|(nearest, _)| *nearest == at).map(|(_, link)| link);
        context(level, own, root, profile)
    };
    json!({"linkset": levels.list.iter().enumerate().map(context).collect::<Vec<_>>()})
}

/// One level. The default link of the request stands at the nearest level that names one, and nowhere else.
fn context(level: &Level, default: Option<&Link>, root: &str, profile: LinksetProfile) -> Json {
    let mut out = Map::new();
    let description = level.description.as_deref().unwrap_or(&level.name);
    out.insert("anchor".into(), json!(format!("{root}/{}", level.name)));
    if profile == LinksetProfile::V1_2 {
        out.insert("description".into(), json!(description));
    }
    out.insert("itemDescription".into(), json!(description));
    let mut add = |link_type: &str, link: Json| {
        let list = out.entry(links::iri(link_type)).or_insert_with(|| Json::Array(Vec::new()));
        if let Json::Array(list) = list {
            list.push(link);
        }
    };
    if let Some(link) = default {
        add(DEFAULT_LINK, record::to_json(link, Shape::Bare));
        level.variants().into_iter().for_each(|link| add(DEFAULT_LINK_MULTI, record::to_json(link, Shape::Schema)));
        // The target must also be there under a type that describes it.
        if level.links.iter().all(|other| other.href != link.href) {
            let named = if link.link_type == DEFAULT_LINK { PIP } else { &link.link_type };
            add(named, record::to_json(link, Shape::Schema));
        }
    }
    level.links.iter().for_each(|link| add(&link.link_type, record::to_json(link, Shape::Schema)));
    Json::Object(out)
}

fn html(lang: Lang, request: &Request, levels: &Levels, root: &str, json: &Json) -> String {
    let toggle = format!("?linkType=linkset&amp;{}", lang.other().query());
    let mut text = page::top(lang, &request.name, &toggle);
    for level in &levels.list {
        let anchor = page::escape(format!("{root}/{}", level.name));
        let title = page::escape(level.description.as_deref().unwrap_or(&level.name));
        text += &format!("<h1>{title}</h1><p><code>{anchor}</code></p><ul>");
        level.links.iter().for_each(|link| text += &item(link));
        text += "</ul>";
        if level.links.is_empty() {
            text += lang.of("<p class=note>这一级没有链接。</p>", "<p class=note>No links at this level.</p>");
        }
    }
    // A script of a data type is not run; `<` is written as an escape so that nothing ends the element.
    let data = json.to_string().replace('<', "\\u003c");
    text + &format!("<script type=\"{LINKSET}\">{data}</script>") + page::BOTTOM
}

fn item(link: &Link) -> String {
    let title = page::escape(if link.title.is_empty() { &link.href } else { &link.title });
    let conditions = [link.hreflang.join(" "), link.media_type.clone().unwrap_or_default(), link.context.join(" ")];
    let conditions: Vec<String> = conditions.into_iter().filter(|text| !text.is_empty()).map(page::escape).collect();
    let (href, kind) = (page::escape(&link.href), page::escape(&link.link_type));
    format!(
        "<li><a href=\"{href}\" rel=\"nofollow noopener\">{title}</a> <small>{kind} {}</small></li>",
        conditions.join(" · ")
    )
}
