//! Who holds a prefix: RDAP-shaped look-up (RFC 9082, RFC 9083), its bootstrap (RFC 9224), and the whois page.
//!
//! `/rdap/prefix/{text}`, `/rdap/entity/{id}`, `/rdap/help`, `/rdap/prefixes?name=88.118.*`, `/rdap/entities?fn=…`,
//! `/.well-known/hufu/prefixes.json`, `/whois/{prefix}`. Persons are never shown; what is left out is said. A prefix
//! below one that is delegated to a node with HTTP is looked up there (302).

use super::page::{self, Lang};
use super::reply::typed;
use super::{Asked, Web};
use crate::telemetry;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hufu_net::Transport;
use hufu_registry::outbox::Server;
use hufu_registry::prefixes::{Prefix, PublicOrganisation, PublicPrefix, State, canonical};
use hufu_registry::{Error, Listing, Registry};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

const CONTENT_TYPE: &str = "application/rdap+json";
/// Entities of one search.
const ENTITIES: i64 = 50;
/// Prefixes of one search.
const PREFIXES: i64 = 100;
/// Pages of the bootstrap file; more services than it holds are found by asking the prefix above.
const BOOTSTRAP_PAGES: usize = 50;
/// For how long the bootstrap file may be kept.
const BOOTSTRAP_LIFE: &str = "max-age=3600";

/// Answers what is a look-up of registration data.
pub async fn answer(web: &Web, asked: &Asked) -> Option<Response> {
    let registry = web.parts.registry.as_ref()?;
    let path = percent_encoding::percent_decode_str(&asked.path).decode_utf8_lossy().into_owned();
    let wanted = match path.as_str() {
        "/.well-known/hufu/prefixes.json" => bootstrap(registry, asked).await,
        "/rdap/help" => Ok(rdap(asked, StatusCode::OK, help())),
        "/rdap/prefixes" => prefixes(registry, asked).await,
        "/rdap/entities" => entities(registry, asked).await,
        path => match (path.strip_prefix("/rdap/prefix/"), path.strip_prefix("/rdap/entity/")) {
            (Some(text), _) => prefix(registry, asked, text).await,
            (_, Some(id)) => entity(registry, asked, id).await,
            _ => match (path.strip_prefix("/whois/"), path.strip_prefix("/rdap/")) {
                (Some(text), _) => whois(registry, asked, text).await,
                (_, Some(_)) => Ok(error(asked, StatusCode::BAD_REQUEST, "no such look-up; see /rdap/help")),
                _ => return None,
            },
        },
    };
    if !asked.is_get() {
        return Some((StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response());
    }
    let mut response = wanted.unwrap_or_else(|fault| {
        let id = telemetry::incident("rdap", &fault);
        error(asked, StatusCode::INTERNAL_SERVER_ERROR, &format!("incident {id}"))
    });
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Some(response)
}

/// Scheme and host under which this node was asked.
fn base(asked: &Asked) -> String {
    let scheme = if asked.peer.transport == Transport::Https { "https" } else { "http" };
    let host = asked.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    let host: String = host.chars().filter(|c| plain(*c)).collect();
    format!("{scheme}://{host}")
}

fn moment(at: i64) -> String {
    Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |time| time.to_string())
}

/// A name as one segment of a path.
fn segment(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b':');
    percent_encoding::utf8_percent_encode(text, KEPT).to_string()
}

/// A response with the members that all have.
fn rdap(asked: &Asked, status: StatusCode, mut body: Json) -> Response {
    body["rdapConformance"] = json!(["rdap_level_0", "hufu_prefix_0"]);
    body["lang"] = "zh-CN".into();
    body["notices"] = json!([{
        "title": "使用条款 Terms of use",
        "description": ["仅供查询前缀注册信息，不得用于营销。 For looking up registrations of prefixes; not for marketing."],
        "links": [{"rel": "help", "href": format!("{}/rdap/help", base(asked)), "type": CONTENT_TYPE}],
    }]);
    typed(status, CONTENT_TYPE, body.to_string())
}

fn error(asked: &Asked, status: StatusCode, text: &str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    rdap(asked, status, json!({"errorCode": status.as_u16(), "title": title, "description": [text]}))
}

fn absent(asked: &Asked) -> Response {
    error(asked, StatusCode::NOT_FOUND, "没有该注册信息 not registered here")
}

fn help() -> Json {
    json!({"description": [
        "/rdap/prefix/{text}", "/rdap/entity/{id}", "/rdap/prefixes?name=88.118.*", "/rdap/entities?fn=…",
        "/.well-known/hufu/prefixes.json", "/whois/{prefix}",
    ]})
}

/// The HTTP address of a server, if it has one.
fn http_base(server: &Server) -> Option<String> {
    let port = server.http?;
    let address: std::net::IpAddr = server.address.parse().ok()?;
    Some(format!("http://{}", std::net::SocketAddr::new(address, port)))
}

/// The look-up of `text` at the node that the nearest prefix above is delegated to.
fn elsewhere(found: &PublicPrefix, text: &str) -> Option<String> {
    let answers = found.prefix.state == State::Enabled && found.prefix.proxy_state != 4;
    let base = found.prefix.delegation.servers.iter().find_map(http_base).filter(|_| answers)?;
    Some(format!("{base}/rdap/prefix/{}", segment(text)))
}

async fn prefix(registry: &Registry, asked: &Asked, text: &str) -> Result<Response, Error> {
    let Ok(name) = canonical(text) else {
        return Ok(error(asked, StatusCode::BAD_REQUEST, "不是前缀 this is no prefix"));
    };
    let Some(found) = registry.public_prefix(&name).await? else { return Ok(absent(asked)) };
    if found.prefix.name == name {
        return Ok(rdap(asked, StatusCode::OK, prefix_object(asked, &found)));
    }
    Ok(match elsewhere(&found, &name).and_then(|place| HeaderValue::from_str(&place).ok()) {
        Some(place) => (StatusCode::FOUND, [(header::LOCATION, place)]).into_response(),
        None => absent(asked),
    })
}

/// Status words of RFC 8056.
fn status(prefix: &Prefix) -> Vec<&'static str> {
    let mut words: Vec<&'static str> = prefix.flags.iter().map(|flag| flag.words()).collect();
    let assigned = prefix.proxy_state == 4 || !prefix.delegation.servers.is_empty();
    match prefix.state {
        State::Redemption => words.push("redemption period"),
        State::Suspended => words.push("server hold"),
        State::Retired => words.push("removed"),
        State::Enabled if !assigned => words.push("inactive"),
        State::Enabled if words.is_empty() => words.push("active"),
        _ => {}
    }
    words.dedup();
    words
}

fn prefix_object(asked: &Asked, found: &PublicPrefix) -> Json {
    let prefix = &found.prefix;
    let event = |action: &str, at: Option<i64>| at.map(|at| json!({"eventAction": action, "eventDate": moment(at)}));
    let events = [
        event("registration", prefix.enabled.or(Some(prefix.created))),
        event("expiration", prefix.expires),
        event("transfer", prefix.transferred),
        event("deletion", prefix.ended),
        event("last changed", Some(prefix.updated)),
        event("last update of RDAP database", Some(crate::clock::millis() as i64)),
    ];
    let href = format!("{}/rdap/prefix/{}", base(asked), segment(&prefix.name));
    let mut entities: Vec<Json> =
        found.holder.iter().map(|holder| entity_object(asked, holder, "registrant")).collect();
    entities.extend(found.sponsor.iter().map(|sponsor| entity_object(asked, sponsor, "registrar")));
    let endpoints = prefix.delegation.servers.iter().flat_map(|server| {
        let ports = [("handle-udp", server.udp), ("handle-tcp", server.tcp), ("http", server.http)];
        ports.into_iter().filter_map(move |(protocol, port)| {
            let port = port?;
            Some(json!({"objectClassName": "endpoint", "protocol": protocol, "address": server.address, "port": port}))
        })
    });
    json!({
        "objectClassName": "prefix",
        "handle": prefix.name,
        "ldhName": null,
        "prefix": prefix.name,
        "system": prefix.system,
        "status": status(prefix),
        "events": events.into_iter().flatten().collect::<Vec<_>>(),
        "entities": entities,
        "endpoints": endpoints.collect::<Vec<_>>(),
        "links": [{"rel": "self", "href": href, "value": href, "type": CONTENT_TYPE}],
        "redacted": redacted("$.entities[*].vcardArray[1]"),
    })
}

/// What the public does not get, and where it would be.
fn redacted(place: &str) -> Json {
    let removed = |what: &str, field: &str| {
        json!({
            "name": {"description": what},
            "reason": {"description": "不公开 Not published"},
            "method": "removal",
            "prePath": format!("{place}[?(@[0]=='{field}')]"),
        })
    };
    json!([
        removed("联系人 Contact person", "n"),
        removed("电话 Phone", "tel"),
        removed("电子邮件 E-mail", "email"),
        removed("地址 Address", "adr"),
    ])
}

fn entity_object(asked: &Asked, organisation: &PublicOrganisation, role: &str) -> Json {
    let href = format!("{}/rdap/entity/{}", base(asked), segment(&organisation.id));
    let mut card = vec![json!(["version", {}, "text", "4.0"]), json!(["fn", {}, "text", organisation.name])];
    if !organisation.website.is_empty() {
        card.push(json!(["url", {}, "uri", organisation.website]));
    }
    json!({
        "objectClassName": "entity",
        "handle": organisation.id,
        "roles": [role],
        "vcardArray": ["vcard", card],
        "links": [{"rel": "self", "href": href, "value": href, "type": CONTENT_TYPE}],
    })
}

async fn entity(registry: &Registry, asked: &Asked, id: &str) -> Result<Response, Error> {
    let Some(found) = registry.public_organisation(id).await? else { return Ok(absent(asked)) };
    let holdings = registry.public_holdings(id).await?;
    if holdings.is_empty() && !found.operator {
        return Ok(absent(asked));
    }
    let mut body = entity_object(asked, &found, "registrant");
    body["events"] = json!([
        {"eventAction": "registration", "eventDate": moment(found.created)},
        {"eventAction": "last changed", "eventDate": moment(found.updated)},
    ]);
    let names = holdings.iter().map(|prefix| json!({"objectClassName": "prefix", "handle": prefix.name}));
    body["prefixes"] = names.collect();
    body["redacted"] = redacted("$.vcardArray[1]");
    Ok(rdap(asked, StatusCode::OK, body))
}

async fn prefixes(registry: &Registry, asked: &Asked) -> Result<Response, Error> {
    let pattern = asked.params.get("name").unwrap_or_default();
    let start = pattern.strip_suffix('*').unwrap_or(pattern);
    if start.is_empty() || start.contains('*') {
        return Ok(error(asked, StatusCode::BAD_REQUEST, "name=88.118.*: a beginning, and one * behind it"));
    }
    let listing = Listing { limit: Some(PREFIXES), ..Listing::default() };
    let page = registry.public_prefixes(start, &listing).await?;
    let exact = !pattern.ends_with('*');
    let mut results = Vec::with_capacity(page.items.len());
    for prefix in page.items.into_iter().filter(|prefix| !exact || prefix.name.eq_ignore_ascii_case(start)) {
        let holder = registry.public_organisation(&prefix.organisation).await?;
        results.push(prefix_object(asked, &PublicPrefix { prefix, holder, sponsor: None }));
    }
    Ok(rdap(asked, StatusCode::OK, json!({"prefixSearchResults": results, "total": page.total})))
}

async fn entities(registry: &Registry, asked: &Asked) -> Result<Response, Error> {
    let part = asked.params.get("fn").unwrap_or_default().trim_matches('*').trim();
    if part.chars().count() < 2 {
        return Ok(error(asked, StatusCode::BAD_REQUEST, "fn=…: at least two characters of a name"));
    }
    let found = registry.public_organisations(part, ENTITIES).await?;
    let results: Vec<Json> = found.iter().map(|one| entity_object(asked, one, "registrant")).collect();
    Ok(rdap(asked, StatusCode::OK, json!({"entitySearchResults": results})))
}

/// Which prefixes are looked up where: the node's own here, those that have registries of their own there.
async fn bootstrap(registry: &Registry, asked: &Asked) -> Result<Response, Error> {
    let own = registry.public_own_prefixes().await?;
    let mut services = vec![json!([own, [format!("{}/rdap/", base(asked))]])];
    let mut listing = Listing { limit: Some(hufu_registry::listing::PAGE_MOST), ..Listing::default() };
    for _ in 0..BOOTSTRAP_PAGES {
        let page = registry.public_prefixes("", &listing).await?;
        for prefix in page.items.iter().filter(|prefix| prefix.delegation.below && prefix.state == State::Enabled) {
            let bases: Vec<String> =
                prefix.delegation.servers.iter().filter_map(http_base).map(|base| format!("{base}/rdap/")).collect();
            if !bases.is_empty() {
                services.push(json!([[prefix.name], bases]));
            }
        }
        listing.after = page.next;
        if listing.after.is_none() {
            break;
        }
    }
    let body = json!({"version": "1.0", "publication": moment(crate::clock::millis() as i64), "services": services});
    let mut response = typed(StatusCode::OK, "application/json", body.to_string());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(BOOTSTRAP_LIFE));
    Ok(response)
}

/// The same for people.
async fn whois(registry: &Registry, asked: &Asked, text: &str) -> Result<Response, Error> {
    let accepted = asked.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let lang = Lang::choose(asked.params.get("lang"), accepted);
    let toggle = format!("?{}", lang.other().query());
    // An identifier may be given for its prefix.
    let text = match hufu_ident::Name::new(text).is_tagged() {
        true => text,
        false => text.split('/').next().unwrap_or_default(),
    };
    let found = match canonical(text) {
        Ok(name) => registry.public_prefix(&name).await?,
        Err(_) => None,
    };
    let Some(found) = found else {
        let title = lang.of("没有该前缀的注册信息", "That prefix is not registered here");
        let facts = [(lang.of("前缀", "Prefix"), text.to_owned())];
        return Ok(html(StatusCode::NOT_FOUND, page::facts_page(lang, "404", title, &facts, &toggle)));
    };
    let facts = facts_of(lang, &found);
    let kicker = lang.of("前缀注册信息", "Registration of a prefix");
    Ok(html(StatusCode::OK, page::facts_page(lang, kicker, &found.prefix.name, &facts, &toggle)))
}

fn facts_of(lang: Lang, found: &PublicPrefix) -> Vec<(&'static str, String)> {
    let prefix = &found.prefix;
    let date = |at: Option<i64>| at.map(|at| moment(at).chars().take(10).collect::<String>());
    let holder = found.holder.as_ref().map(|holder| holder.name.clone());
    let sponsor = found.sponsor.as_ref().map(|sponsor| sponsor.name.clone());
    let servers = prefix.delegation.servers.iter().map(|server| server.address.clone()).collect::<Vec<_>>().join(", ");
    let flags = prefix.flags.iter().map(|flag| lang.of(flag.zh(), flag.words())).collect::<Vec<_>>().join(", ");
    let served = match prefix.proxy_state {
        4 => lang.of("由本节点托管", "hosted by this node").to_owned(),
        _ => servers,
    };
    let all = [
        (lang.of("标识体系", "System"), Some(prefix.system.to_uppercase())),
        (lang.of("持有单位", "Holder"), holder),
        (lang.of("服务机构", "Sponsor"), sponsor),
        (lang.of("状态", "State"), Some(lang.of(prefix.state.zh(), prefix.state.name()).to_owned())),
        (lang.of("标志", "Flags"), Some(flags)),
        (lang.of("注册日期", "Registered"), date(prefix.enabled)),
        (lang.of("到期日期", "Expires"), date(prefix.expires)),
        (lang.of("最近变更", "Last changed"), date(Some(prefix.updated))),
        (lang.of("解析服务", "Served by"), Some(served)),
    ];
    all.into_iter().filter_map(|(label, text)| Some((label, text.filter(|text| !text.is_empty())?))).collect()
}

fn html(status: StatusCode, body: String) -> Response {
    let mut response = typed(status, "text/html;charset=utf-8", body);
    let policy = HeaderValue::from_static(page::CONTENT_SECURITY_POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}
