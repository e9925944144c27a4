//! The management API of GS1 Resolver Community Edition 3, so that scripts written for it go on working.
//!
//! One record per level. Whoever a token stands for needs the ordinary rights; every write takes the ordinary way.

use super::super::{Asked, Web, auth, reply};
use super::entry::{self, Entry};
use super::request;
use crate::administration::{Administration, Claim, Done, Operation, Refused};
use crate::answering::How;
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::{Answer, CaseRule, Identifier, Prefix, RecordKey, ValueSet};
use serde_json::{Map, Value as Json, json};

/// Entries of one request.
const ENTRIES: usize = 10_000;
/// Levels of one key.
const LEVELS: usize = 10_000;
/// Keys of one index.
const INDEX: usize = 1_000_000;
/// Names read from the store at once.
const PAGE: usize = 1_000;
/// Times a merge is computed anew because another write came between.
const ATTEMPTS: usize = 8;

/// What an answer says instead of a result.
struct No(StatusCode, String);

type Outcome = Result<Response, No>;

impl From<Refused> for No {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::No { code: ResponseCode::SERVER_NOT_RESP, text } => No(StatusCode::NOT_FOUND, text),
            Refused::No { code, text } if text.is_empty() => No(reply::status(code, false), code.to_string()),
            Refused::No { code, text } => No(reply::status(code, false), text),
            Refused::NeedsProof => No(StatusCode::UNAUTHORIZED, "who asks must be shown".into()),
            Refused::Referral(delegation) => {
                No(StatusCode::NOT_FOUND, format!("{} is delegated to another node", delegation.prefix))
            }
        }
    }
}

/// What stands behind the base, if it is of this API.
pub fn claims<'a>(base: &str, path: &'a str) -> Option<&'a str> {
    let rest = path.strip_prefix(base).filter(|rest| rest.starts_with('/'))?;
    let key =
        |rest: &str| rest[1..].split_once('/').is_some_and(|(ai, value)| request::is_key(ai) && !value.is_empty());
    (["/new", "/index", "/heartbeat"].contains(&rest) || key(rest)).then_some(rest)
}

/// `None` for what a browser asks before it asks.
pub async fn answer(web: &Web, asked: &Asked, rest: &str) -> Option<Response> {
    if asked.method == Method::OPTIONS {
        return None;
    }
    let outcome = dispatch(web, asked, rest).await;
    Some(outcome.unwrap_or_else(|No(status, text)| match status {
        // The neighbour says these two with a bare text.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => json(status, json!(text)),
        _ => json(status, json!({"response_status": status.as_u16(), "error": text})),
    }))
}

async fn dispatch(web: &Web, asked: &Asked, rest: &str) -> Outcome {
    if rest == "/heartbeat" && asked.is_get() {
        return Ok(json(StatusCode::OK, json!({"response_message": "Server is running!"})));
    }
    let claim = claim(web, asked).await?;
    let not_here = || No(StatusCode::NOT_FOUND, "this node keeps no records".into());
    let administration = web.parts.administration.as_deref().ok_or_else(not_here)?;
    let api = Api { web, administration, claim };
    match (&asked.method, rest) {
        (&Method::POST, "/new") => api.new_entries(&body(asked)?).await,
        (&Method::GET | &Method::HEAD, "/index") => api.index().await,
        (_, "/new" | "/index" | "/heartbeat") => Err(No(StatusCode::METHOD_NOT_ALLOWED, "no such method here".into())),
        (&Method::GET | &Method::HEAD, anchor) => api.read(anchor).await,
        (&Method::PUT, anchor) => api.merge(anchor, &body(asked)?).await,
        (&Method::DELETE, anchor) if asked.body.is_empty() => api.delete(anchor).await,
        (&Method::DELETE, anchor) => api.delete_links(anchor, &body(asked)?).await,
        _ => Err(No(StatusCode::METHOD_NOT_ALLOWED, "no such method here".into())),
    }
}

async fn claim(web: &Web, asked: &Asked) -> Result<Claim, No> {
    let Some(authorization) = asked.header(header::AUTHORIZATION) else {
        return Err(No(StatusCode::UNAUTHORIZED, "the header Authorization is missing".into()));
    };
    if !asked.secure {
        return Err(No(StatusCode::FORBIDDEN, "credentials are looked at over HTTPS only".into()));
    }
    let wrong = || No(StatusCode::FORBIDDEN, "this is no token of this server".into());
    if auth::starts_with_scheme(authorization, "Bearer ") {
        let identity = web.parts.tokens.identity(authorization.get(7..).unwrap_or_default()).ok_or_else(wrong)?;
        return Ok(Claim::Proven(identity.clone()));
    }
    match auth::claim(web, asked).await {
        Ok(Claim::Nobody) | Err(_) => Err(wrong()),
        Ok(claim) => Ok(claim),
    }
}

fn body(asked: &Asked) -> Result<Json, No> {
    let media_type = asked.header(header::CONTENT_TYPE).unwrap_or_default();
    let bare = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if bare != "application/json" && !bare.ends_with("+json") {
        return Err(No(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json".into()));
    }
    serde_json::from_slice(&asked.body).map_err(|error| bad(format!("the body is no JSON: {error}")))
}

fn bad(text: impl Into<String>) -> No {
    No(StatusCode::BAD_REQUEST, text.into())
}

fn json(status: StatusCode, body: Json) -> Response {
    reply::typed(status, "application/json", body.to_string())
}

/// One request of somebody known.
struct Api<'a> {
    web: &'a Web,
    administration: &'a Administration,
    claim: Claim,
}

impl Api<'_> {
    async fn new_entries(&self, body: &Json) -> Outcome {
        let (entries, one) = match body {
            Json::Array(list) if list.len() > ENTRIES => return Err(bad(format!("at most {ENTRIES} entries at once"))),
            Json::Array(list) => (list.as_slice(), false),
            other => (std::slice::from_ref(other), true),
        };
        let parse = |(at, json): (usize, &Json)| {
            let entry = Entry::parse(json).and_then(|entry| entry::check_complete(&entry).map(|()| entry));
            entry.map_err(|why| bad(if one { why } else { format!("entry {}: {why}", at + 1) }))
        };
        let entries: Vec<Entry> = entries.iter().enumerate().map(parse).collect::<Result<_, _>>()?;
        let mut results = Vec::with_capacity(entries.len());
        for entry in &entries {
            let (status, text) = match self.post(entry).await {
                Ok(true) => (StatusCode::CREATED, "created".to_owned()),
                Ok(false) => (StatusCode::OK, "merged".to_owned()),
                Err(no) if one => return Err(no),
                Err(No(status, text)) => (status, text),
            };
            results.push((status, result(entry, status, &text)));
        }
        match results.pop() {
            Some((status, result)) if one => Ok(json(status, result)),
            last => {
                let list: Vec<Json> = results.into_iter().chain(last).map(|(_, result)| result).collect();
                Ok(json(StatusCode::CREATED, Json::Array(list)))
            }
        }
    }

    /// Stores an entry; true if the key is new here.
    async fn post(&self, entry: &Entry) -> Result<bool, No> {
        let name = tagged(&entry.name);
        for _ in 0..ATTEMPTS {
            let done = match self.stored(&entry.name)? {
                None => {
                    let levels = self.levels(&entry.key)?;
                    let order = levels.iter().map(|(_, values)| entry::order(values) + 1).max().unwrap_or(0);
                    let Some(owner) = self.claim.identity() else { return Err(Refused::NeedsProof.into()) };
                    let values = entry.values(usize::try_from(order).unwrap_or(LEVELS), owner);
                    let operation = Operation::Create { name: name.clone(), values, overwrite: false, mint: false };
                    self.perform(operation).await.map(|()| levels.is_empty())
                }
                Some(stored) => {
                    let values = entry.added_to(&stored);
                    if values.is_empty() {
                        return Ok(false);
                    }
                    let operation = Operation::Add { name: name.clone(), values, overwrite: false };
                    self.perform(operation).await.map(|()| false)
                }
            };
            match done {
                // Somebody else wrote in between.
                Err(No(StatusCode::CONFLICT, _)) => {}
                done => return done,
            }
        }
        Err(No(StatusCode::SERVICE_UNAVAILABLE, "too many writes to this identifier at once; try again".into()))
    }

    async fn read(&self, anchor: &str) -> Outcome {
        let mut levels = self.levels_at(anchor)?;
        if levels.is_empty() {
            return Err(absent(anchor));
        }
        for (_, values) in &mut levels {
            if self.administration.may_read(&self.claim, values).await.is_err() {
                *values = values.public();
            }
        }
        levels.sort_by_key(|(_, values)| entry::order(values));
        let list: Vec<Json> = levels.iter().map(|(name, values)| entry::to_json(name, values)).collect();
        Ok(json(StatusCode::OK, json!({"response_status": 200, "data": list})))
    }

    async fn merge(&self, anchor: &str, body: &Json) -> Outcome {
        let (entry, stored) = self.named(anchor, body)?;
        entry::check_complete(&entry).map_err(bad)?;
        let operation = Operation::Add { name: tagged(&entry.name), values: entry.laid_over(&stored), overwrite: true };
        self.perform(operation).await?;
        Ok(json(StatusCode::OK, result(&entry, StatusCode::OK, "merged")))
    }

    async fn delete(&self, anchor: &str) -> Outcome {
        let levels = self.levels_at(anchor)?;
        if levels.is_empty() {
            return Err(absent(anchor));
        }
        for (name, _) in &levels {
            self.perform(Operation::Delete { name: tagged(name) }).await?;
        }
        Ok(json(StatusCode::OK, json!({"response_status": 200, "data": format!("{anchor} deleted")})))
    }

    async fn delete_links(&self, anchor: &str, body: &Json) -> Outcome {
        let (entry, stored) = self.named(anchor, body)?;
        let indexes = entry.named_in(&stored);
        if indexes.is_empty() {
            return Err(No(StatusCode::NOT_FOUND, "no such link".into()));
        }
        let removed = indexes.len();
        self.perform(Operation::Remove { name: tagged(&entry.name), indexes }).await?;
        let mut out = result(&entry, StatusCode::OK, "removed");
        out["removed"] = json!(removed);
        Ok(json(StatusCode::OK, out))
    }

    /// The keys that are kept here, of the prefixes that whoever asks may list.
    async fn index(&self) -> Outcome {
        let mut anchors: Vec<String> = Vec::new();
        let homed = self.administration.authority.store().homed();
        for prefix in homed.iter().filter(|prefix| prefix.as_str().starts_with("GS1:")) {
            let list = Operation::List { prefix: prefix.handle().as_str().as_bytes().to_vec() };
            if self.administration.perform(list, &self.claim).await.is_ok() {
                self.anchors(prefix, &mut anchors).await?;
            }
        }
        anchors.sort_unstable();
        anchors.dedup();
        Ok(json(StatusCode::OK, json!({"response_status": 200, "data": anchors})))
    }

    async fn anchors(&self, prefix: &Prefix, anchors: &mut Vec<String>) -> Result<(), No> {
        let start = RecordKey::range_of(prefix);
        let mut after = None;
        while anchors.len() < INDEX {
            let page = self.administration.page(&start, after.as_ref(), PAGE)?;
            for key in &page {
                let name = key.to_identifier();
                let Some((_, rest)) = name.name().tagged() else { continue };
                let mut parts = rest.split('/');
                let (ai, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                let anchor = format!("/{ai}/{}", value.trim_end_matches("{}"));
                if anchors.last() != Some(&anchor) {
                    anchors.push(anchor);
                }
            }
            after = page.last().cloned();
            if page.len() < PAGE {
                break;
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// The level that a partial entry is about, and what is stored there.
    fn named(&self, anchor: &str, body: &Json) -> Result<(Entry, ValueSet), No> {
        let Json::Object(object) = body else { return Err(bad("an entry is a JSON object")) };
        let entry = Entry::partial(object, anchor).map_err(bad)?;
        if let Some(stored) = self.stored(&entry.name)? {
            return Ok((entry, stored));
        }
        // What is posted now need not show whether a rule or a key stands under the anchor.
        let rule = format!("{}{{}}", entry.key);
        match self.stored(&rule)?.filter(|_| entry.qualifiers.is_empty()) {
            Some(stored) => Ok((Entry { name: rule.clone(), key: rule, ..entry }, stored)),
            None => Err(absent(anchor)),
        }
    }

    fn stored(&self, name: &str) -> Result<Option<ValueSet>, No> {
        let text = format!("gs1:{name}");
        let name = Identifier::parse(&text).map_err(|refusal| bad(refusal.to_string()))?;
        let how = How { public_only: false, ..How::default() };
        match self.web.parts.answering.local(&name, how).map_err(Refused::from)? {
            Answer::Found(record) => Ok(Some(record.values)),
            _ => Ok(None),
        }
    }

    /// All levels under an anchor, which need not be a whole key where rules for beginnings may stand.
    fn levels_at(&self, anchor: &str) -> Result<Vec<(String, ValueSet)>, No> {
        let bare = anchor.trim_matches('/');
        let mut levels = Vec::new();
        if let Some(Ok(request)) = request::read(&format!("/{bare}"), "") {
            levels = self.levels(&request.key_name())?;
        }
        let rule = format!("{bare}{{}}");
        levels.extend(self.stored(&rule)?.map(|values| (rule, values)));
        Ok(levels)
    }

    /// The levels of a key, by the order of their names.
    fn levels(&self, key: &str) -> Result<Vec<(String, ValueSet)>, No> {
        let mut levels: Vec<_> = self.stored(key)?.into_iter().map(|values| (key.to_owned(), values)).collect();
        let text = format!("gs1:{key}/");
        let below = Identifier::parse(&text).map_err(|refusal| bad(refusal.to_string()))?;
        let start = below.key(CaseRule::default());
        let mut after = None;
        while levels.len() < LEVELS {
            let page = self.administration.page(start.as_bytes(), after.as_ref(), PAGE)?;
            for found in &page {
                let name = found.to_identifier();
                let Some((_, rest)) = name.name().tagged() else { continue };
                levels.extend(self.stored(rest)?.map(|values| (rest.to_owned(), values)));
            }
            after = page.last().cloned();
            if page.len() < PAGE {
                break;
            }
        }
        Ok(levels)
    }

    async fn perform(&self, operation: Operation) -> Result<(), No> {
        match self.administration.perform(operation, &self.claim).await {
            Ok(Done::Changed { .. }) => Ok(()),
            Ok(_) => Err(No(StatusCode::INTERNAL_SERVER_ERROR, "an unexpected answer".into())),
            Err(refused) => Err(refused.into()),
        }
    }
}

fn tagged(name: &str) -> Vec<u8> {
    format!("gs1:{name}").into_bytes()
}

fn absent(anchor: &str) -> No {
    No(StatusCode::NOT_FOUND, format!("no entry at {anchor}"))
}

fn result(entry: &Entry, status: StatusCode, text: &str) -> Json {
    let mut out = Map::new();
    out.insert("entry".into(), json!(entry.id()));
    if !entry.qualifiers.is_empty() {
        out.insert("qualifiers".into(), Json::Array(entry.qualifiers.clone()));
    }
    out.insert("result".into(), json!({"response_status": status.as_u16(), "data": text}));
    Json::Object(out)
}
