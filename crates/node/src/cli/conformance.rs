//! `hufu conformance gs1 <url>`: the 26 checks of a GS1-conformant resolver (1.2.0), against any resolver.

use super::connection::parse_duration;
use super::error::{CliError, Exit};
use super::screen::{Screen, printable, table};
use axum::http::header::{
    ACCEPT, ACCEPT_LANGUAGE, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, HeaderName, LINK, LOCATION,
    ORIGIN, VARY,
};
use axum::http::{Method, Version};
use clap::{Args, Subcommand};
use hufu_client::{Trust, Web, WebAnswer, WebRequest};
use hufu_ident::systems::gs1::links::{KNOWN, curie};
use hufu_ident::systems::gs1::{DataSet, Options};
use serde_json::{Value as Json, json};
use std::path::PathBuf;
use std::time::Duration;

/// Octets of an answer.
const BODY: usize = 1 << 20;
/// Links tried one by one.
const LINKS: usize = 64;
const LINKSET: &str = "application/linkset+json";

/// Arguments of `hufu conformance`.
#[derive(Debug, Args)]
pub struct ConformanceArgs {
    #[command(subcommand)]
    pub suite: Suite,
}

/// What a server is checked against.
#[derive(Debug, Subcommand)]
pub enum Suite {
    /// GS1-Conformant Resolver 1.2.0
    Gs1(Gs1Args),
}

/// Arguments of `hufu conformance gs1`.
#[derive(Debug, Args)]
pub struct Gs1Args {
    /// A Digital Link URI that the resolver knows, without a query
    #[arg(value_name = "URL")]
    pub url: String,
    /// Believe any certificate; for servers under test
    #[arg(long)]
    pub insecure: bool,
    /// Believe the authorities in this PEM file too
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub ca: Option<PathBuf>,
    /// How long each answer may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    Warn,
    Fail,
}

/// One result.
struct Finding {
    id: &'static str,
    weight: &'static str,
    verdict: Verdict,
    seen: String,
}

/// A resolver under examination.
struct Examiner {
    web: Web,
    url: String,
    timeout: Duration,
    findings: Vec<Finding>,
}

pub async fn run(args: &ConformanceArgs, screen: &Screen) -> Result<Exit, CliError> {
    let Suite::Gs1(args) = &args.suite;
    let trust = match (&args.ca, args.insecure) {
        (_, true) => Trust::Anybody,
        (Some(path), _) => Trust::Also(path),
        (None, false) => Trust::System,
    };
    let web = Web::new(trust).map_err(|error| CliError::usage(error.to_string()))?;
    let url = args.url.trim_end_matches('/').to_owned();
    let set = DataSet::from_uri(&url, &Options::resolver(crate::clock::year()))
        .map_err(|refusal| CliError::usage(refusal.to_string()).code(refusal.code).place(url.clone()))?;
    let mut examiner = Examiner { web, url, timeout: args.timeout, findings: Vec::new() };
    examiner.examine(&set).await?;
    report(&examiner.findings, screen)
}

fn report(findings: &[Finding], screen: &Screen) -> Result<Exit, CliError> {
    let failed = findings.iter().filter(|finding| finding.verdict == Verdict::Fail).count();
    let word = |verdict| match verdict {
        Verdict::Pass => "pass",
        Verdict::Warn => "warn",
        Verdict::Fail => "fail",
    };
    if screen.is_json() {
        let rows: Vec<Json> = findings
            .iter()
            .map(|f| json!({"check": f.id, "weight": f.weight, "verdict": word(f.verdict), "seen": f.seen}))
            .collect();
        screen.json(&json!({"ok": failed == 0, "checks": rows}))?;
    } else {
        let mut rows =
            table(&["#", "", screen.pick("检查", "Check"), screen.pick("要求", "Weight"), screen.pick("所见", "Seen")]);
        for (number, finding) in (1..).zip(findings) {
            let mark = match finding.verdict {
                Verdict::Pass => "✓",
                Verdict::Warn => "⚠",
                Verdict::Fail => "✗",
            };
            let seen = printable(&finding.seen);
            rows.add_row([number.to_string(), mark.into(), finding.id.into(), finding.weight.into(), seen]);
        }
        screen.table(&rows)?;
        let warned = findings.iter().filter(|finding| finding.verdict == Verdict::Warn).count();
        screen.line(&format!("{} passed, {failed} failed, {warned} warned", findings.len() - failed - warned))?;
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::No })
}

impl Examiner {
    async fn ask(&self, method: Method, suffix: &str, headers: &[(HeaderName, &str)]) -> Result<WebAnswer, CliError> {
        let headers = headers.iter().map(|(name, value)| (name.clone(), (*value).to_owned())).collect();
        let request = WebRequest { method, url: format!("{}{suffix}", self.url), headers, body: Vec::new() };
        let answer = self.web.send(request, BODY, self.timeout).await;
        answer.map_err(|error| CliError::incident(error.to_string()).place(format!("{}{suffix}", self.url)))
    }

    async fn get(&self, suffix: &str, headers: &[(HeaderName, &str)]) -> Result<WebAnswer, CliError> {
        self.ask(Method::GET, suffix, headers).await
    }

    /// Notes a check: what must hold fails, what should hold warns.
    fn note(&mut self, id: &'static str, weight: &'static str, good: bool, seen: impl Into<String>) {
        let verdict = match (good, weight.starts_with("must")) {
            (true, _) => Verdict::Pass,
            (false, true) => Verdict::Fail,
            (false, false) => Verdict::Warn,
        };
        self.findings.push(Finding { id, weight, verdict, seen: seen.into() });
    }

    async fn examine(&mut self, set: &DataSet) -> Result<(), CliError> {
        let plain = self.get("", &[]).await?;
        self.transport(&plain).await?;
        self.errors(&plain, set).await?;
        let linkset = self.linkset().await?;
        self.redirects(&plain, &linkset).await?;
        Ok(())
    }

    async fn transport(&mut self, plain: &WebAnswer) -> Result<(), CliError> {
        let https = self.url.starts_with("https://");
        self.note("isHttps", "must", https, if https { "https" } else { "plain http" });
        let modern = [Version::HTTP_11, Version::HTTP_2, Version::HTTP_3].contains(&plain.version);
        self.note("httpVersion", "must", modern, format!("{:?}", plain.version));
        let cross = self.get("", &[(ORIGIN, "https://scanner.example")]).await?;
        let origin = cross.header(&ACCESS_CONTROL_ALLOW_ORIGIN).unwrap_or_default().to_owned();
        self.note("corsCheck", "must", !origin.is_empty(), origin);
        let options = self.ask(Method::OPTIONS, "", &[]).await?;
        let methods = cross.header(&ACCESS_CONTROL_ALLOW_METHODS).or(options.header(&ACCESS_CONTROL_ALLOW_METHODS));
        let methods = methods.unwrap_or_default().to_owned();
        let all = ["GET", "HEAD", "OPTIONS"].iter().all(|method| methods.contains(method));
        self.note("methodsCheck", "must", all, methods);
        let links = links_of(plain);
        self.note("linkOnRedirect", "should", links.contains("rel=\"linkset\""), links.clone());
        let legacy = links.contains("rel=\"gs1:") || links.contains("rel=\"https://gs1.org/voc/");
        self.note("legacyLinkHeaders", "should not", !legacy, if legacy { links } else { "none".into() });
        let root = self.url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let request = WebRequest::get(format!("{root}/.well-known/gs1resolver"));
        let (good, seen) = match self.web.send(request, BODY, self.timeout).await {
            Ok(answer) => described(&answer),
            Err(error) => (false, error.to_string()),
        };
        self.note("rdFile", "must", good, seen);
        Ok(())
    }

    async fn errors(&mut self, plain: &WebAnswer, set: &DataSet) -> Result<(), CliError> {
        let bad = self.get("/foo", &[]).await?.status;
        self.note("reportWith400", "must", bad == 400, bad.to_string());
        self.note("noErrorWith200", "must not", bad != 200, bad.to_string());
        let slash = self.get("/", &[]).await?;
        let same = slash.status == plain.status && slash.header(&LOCATION) == plain.header(&LOCATION);
        self.note("trailingSlash", "should", same, slash.status.to_string());
        let qualifier = match set.key().as_ref().map(|key| key.code()) {
            Some("01" | "8006") => "/21/HUFUNOSUCH",
            Some("414") => "/254/HUFUNOSUCH",
            Some("8010") => "/8011/1",
            Some("8017" | "8018") => "/8019/1",
            _ => "",
        };
        let suffix = if set.qualifiers().is_empty() { qualifier } else { "" };
        let walked = self.get(suffix, &[]).await?.status;
        let seen = if suffix.is_empty() { "this key takes no further qualifier".into() } else { walked.to_string() };
        self.note("basicWalkUp", "must", suffix.is_empty() || walked != 404, seen);
        Ok(())
    }

    /// The checks of the linkset, and the linkset itself.
    async fn linkset(&mut self) -> Result<Json, CliError> {
        for (id, weight, query) in [
            ("ltLinksetNoRedirect", "must", "?linkType=linkset"),
            ("ltAllNoRedirect", "must (deprecated)", "?linkType=all"),
        ] {
            let status = self.get(query, &[]).await?.status;
            self.note(id, weight, status == 200, status.to_string());
        }
        let answer = self.get("", &[(ACCEPT, LINKSET)]).await?;
        self.note("ltAcceptHeader", "must", answer.status == 200, answer.status.to_string());
        let kind = answer.media_type();
        let declared = kind == LINKSET;
        let weight = if kind == "application/json" { "should" } else { "must" };
        self.note("declaredContentType", weight, declared, kind);
        let body: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
        let wrong = flaw(&body);
        self.note("validLinkset", "must", wrong.is_none(), wrong.unwrap_or_else(|| "valid".into()));
        let links = links_of(&answer);
        let context = links.contains("http://www.w3.org/ns/json-ld#context");
        self.note("linksetJsonldCheck", "should", context, if context { "named" } else { "no context" });
        Ok(body)
    }

    async fn redirects(&mut self, plain: &WebAnswer, linkset: &Json) -> Result<(), CliError> {
        let passed = self.get("?foo=bar", &[]).await?;
        let target = passed.header(&LOCATION).unwrap_or_default().to_owned();
        self.note("qsPassedOn", "must", target.contains("foo=bar"), target);
        let links = links_in(linkset);
        let default: Vec<_> = links.iter().filter(|(kind, _)| kind == "gs1:defaultLink").collect();
        let bare = default.iter().all(|(_, link)| {
            link.as_object().is_some_and(|link| link.keys().all(|key| ["href", "title"].contains(&key.as_str())))
        });
        self.note("defaultLinkExists", "must", default.len() == 1 && bare, format!("{} default links", default.len()));
        self.variants(&links).await?;
        let unknown: Vec<&str> = links.iter().map(|(kind, _)| kind.as_str()).filter(|kind| !is_known(kind)).collect();
        let seen = if unknown.is_empty() { "all known".into() } else { unknown.join(" ") };
        self.note("linkTypesDefined", "should", unknown.is_empty(), seen);
        let wanted = default.first().and_then(|(_, link)| link["href"].as_str()).unwrap_or_default();
        let found = plain.header(&LOCATION).unwrap_or_default().to_owned();
        let reached = is_target(&found, wanted) || links.iter().any(|(_, link)| link["href"] == found.as_str());
        self.note("defaultTarget", "must", !found.is_empty() && reached, found);
        self.each_link(&links).await?;
        self.ties(&links).await?;
        let absent = self.get("?linkType=gs1:nosuchlt", &[]).await?.status;
        self.note("specificLinkTypeNotFound", "must", absent == 404, absent.to_string());
        let vary = plain.header(&VARY).unwrap_or_default().to_owned();
        self.note("vary", "should", !vary.is_empty(), vary);
        Ok(())
    }

    async fn variants(&mut self, links: &[(String, Json)]) -> Result<(), CliError> {
        let mut missed = Vec::new();
        let variants = links.iter().filter(|(kind, _)| kind == "gs1:defaultLinkMulti");
        for (_, link) in variants.take(LINKS) {
            let answer = self.get("", &headers_for(link)).await?;
            let href = link["href"].as_str().unwrap_or_default();
            if !is_target(answer.header(&LOCATION).unwrap_or_default(), href) {
                missed.push(href.to_owned());
            }
        }
        let seen = if missed.is_empty() { "reachable, or none given".into() } else { missed.join(" ") };
        self.note("defaultLinkMulti", "may", missed.is_empty(), seen);
        Ok(())
    }

    /// Every ordinary link is reached by its type and matching headers.
    async fn each_link(&mut self, links: &[(String, Json)]) -> Result<(), CliError> {
        let ordinary: Vec<_> = links.iter().filter(|(kind, _)| !kind.starts_with("gs1:defaultLink")).collect();
        let mut missed = Vec::new();
        for (kind, link) in ordinary.iter().take(LINKS) {
            let context = link["context"][0].as_str().map(|text| format!("&context={text}")).unwrap_or_default();
            let answer = self.get(&format!("?linkType={kind}{context}"), &headers_for(link)).await?;
            let href = link["href"].as_str().unwrap_or_default();
            let several = answer.status == 300 && String::from_utf8_lossy(&answer.body).contains(href);
            if !several && !is_target(answer.header(&LOCATION).unwrap_or_default(), href) {
                let found = answer.header(&LOCATION).unwrap_or_default();
                missed.push(format!("{kind} {href}: HTTP {} {found}", answer.status));
            }
        }
        let seen = if missed.is_empty() { format!("{} links reached", ordinary.len()) } else { missed.join(" ") };
        self.note("loForEachLink", "must", missed.is_empty() && !ordinary.is_empty(), seen);
        Ok(())
    }

    /// Two links that differ in nothing but their target are offered both.
    async fn ties(&mut self, links: &[(String, Json)]) -> Result<(), CliError> {
        let same = |(kind, link): &(String, Json), (other_kind, other): &(String, Json)| {
            let attributes = ["type", "hreflang", "context"];
            kind == other_kind
                && attributes.iter().all(|key| link[*key] == other[*key])
                && link["href"] != other["href"]
        };
        let tied = links.iter().enumerate().find(|(at, link)| links[..*at].iter().any(|other| same(other, link)));
        let Some((_, (kind, link))) = tied else {
            self.note("300", "should", true, "no two links are alike");
            return Ok(());
        };
        let status = self.get(&format!("?linkType={kind}"), &headers_for(link)).await?.status;
        self.note("300", "should", status == 300, status.to_string());
        Ok(())
    }
}

fn links_of(answer: &WebAnswer) -> String {
    let values = answer.headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join(", ")
}

/// Whether a description file has what it must have.
fn described(answer: &WebAnswer) -> (bool, String) {
    if answer.status != 200 {
        return (false, format!("HTTP {}", answer.status));
    }
    let body: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
    let missing: Vec<&str> =
        ["resolverRoot", "supportedPrimaryKeys"].into_iter().filter(|key| body.get(*key).is_none()).collect();
    let good = missing.is_empty() && body["supportedPrimaryKeys"].is_array();
    (good, if good { "found".into() } else { format!("without {}", missing.join(", ")) })
}

/// Every link with its type, over all levels.
fn links_in(linkset: &Json) -> Vec<(String, Json)> {
    let contexts = linkset["linkset"].as_array().into_iter().flatten();
    let members = contexts.flat_map(|context| context.as_object().into_iter().flatten());
    let lists = members.filter_map(|(relation, links)| Some((curie(relation), links.as_array()?)));
    lists.flat_map(|(kind, links)| links.iter().map(move |link| (kind.clone(), link.clone()))).collect()
}

/// What is wrong with a linkset (RFC 9264 and the linkset schema of GS1).
fn flaw(body: &Json) -> Option<String> {
    let Some(contexts) = body["linkset"].as_array().filter(|list| !list.is_empty()) else {
        return Some("no array `linkset`".into());
    };
    if body.as_object().is_some_and(|body| body.len() != 1) {
        return Some("members beside `linkset`".into());
    }
    for context in contexts {
        let anchor = context["anchor"].as_str().unwrap_or_default();
        if !anchor.starts_with("http://") && !anchor.starts_with("https://") {
            return Some(format!("anchor {anchor:?}"));
        }
        for (relation, links) in context.as_object().into_iter().flatten() {
            match (relation.as_str(), links) {
                ("anchor" | "description" | "itemDescription", Json::String(_)) => {}
                (_, Json::Array(links)) if !links.is_empty() => {
                    if let Some(wrong) =
                        links.iter().find(|link| !link["href"].is_string() || !link["title"].is_string())
                    {
                        return Some(format!("{relation}: a link without href or title: {wrong}"));
                    }
                }
                _ => return Some(format!("{relation} is no list of links")),
            }
        }
    }
    None
}

/// The headers that ask for just this link.
fn headers_for(link: &Json) -> Vec<(HeaderName, &str)> {
    let language = link["hreflang"][0].as_str().map(|tag| (ACCEPT_LANGUAGE, tag));
    let media = link["type"].as_str().map(|kind| (ACCEPT, kind));
    language.into_iter().chain(media).collect()
}

/// Whether a link type is one of the vocabulary.
fn is_known(kind: &str) -> bool {
    kind.strip_prefix("gs1:").is_some_and(|name| KNOWN.contains(&name))
}

/// Whether a redirect leads to a link, what the request's query adds aside.
fn is_target(location: &str, href: &str) -> bool {
    let (found, found_place) = location.split_once('#').unwrap_or((location, ""));
    let (wanted, wanted_place) = href.split_once('#').unwrap_or((href, ""));
    let rest = found.strip_prefix(wanted).filter(|_| found_place == wanted_place && !wanted.is_empty());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['?', '&']))
}
