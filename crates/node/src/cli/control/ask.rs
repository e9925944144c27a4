//! Which node is asked, as whom, and the request itself.

use super::{Body, Operation, has_type, is_list_of_text, is_scalar};
use crate::cli::error::CliError;
use crate::cli::screen::{Lang, Screen};
use crate::config::Config;
use clap::{Arg, ArgMatches};
use hufu_client::{Trust, Web, WebAnswer, WebRequest, ask_local};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value as Json};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Octets of an answer: a page of a list, or a document.
const ANSWER: usize = 64 << 20;
/// Octets of a file that is sent.
const FILE: u64 = 8 << 20;
/// How long an operation may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// What needs no escape in a path or a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where the API is.
pub struct Place {
    socket: Option<PathBuf>,
    config: Option<PathBuf>,
    server: Option<String>,
    key_file: Option<PathBuf>,
    certificates: Option<PathBuf>,
}

impl Place {
    pub fn args() -> [Arg; 5] {
        let option = |name: &'static str, value: &'static str, help: &'static str| {
            Arg::new(name).long(name).value_name(value).help(help).global(true)
        };
        [
            option("config", "FILE", "The configuration of the node, to find its socket").env("HUFU_CONFIG"),
            option("socket", "FILE", "The node's Unix socket [default: hufu.sock in its data directory]")
                .env("HUFU_SOCKET"),
            option("server", "URL", "A node elsewhere, https://…; needs --key-file").env("HUFU_SERVER"),
            option("key-file", "FILE", "A file with an API key; else HUFU_KEY"),
            option("ca", "FILE", "Certificates to believe besides the machine's own (PEM)"),
        ]
    }

    pub fn of(matches: &ArgMatches) -> Self {
        let path = |name: &str| matches.get_one::<String>(name).map(PathBuf::from);
        Place {
            socket: path("socket"),
            config: path("config"),
            server: matches.get_one::<String>("server").cloned(),
            key_file: path("key-file"),
            certificates: path("ca"),
        }
    }

    /// Sends the request and gives the answer, whatever it says.
    pub async fn ask(&self, mut request: WebRequest, screen: &Screen) -> Result<WebAnswer, CliError> {
        let language = if screen.lang == Lang::Zh { "zh" } else { "en" };
        request = request.with_header(axum::http::header::ACCEPT_LANGUAGE, language);
        let explain = |error: hufu_client::Error| CliError::incident(error.to_string());
        let Some(server) = &self.server else {
            let path = self.socket()?;
            let next = "is the node running? name its socket with --socket, or its configuration with --config";
            let answer = ask_local(&path, request, ANSWER, DEADLINE).await;
            return answer.map_err(|error| explain(error).place(path.display().to_string()).next(next));
        };
        request.url = format!("{}{}", server.trim_end_matches('/'), request.url);
        if let Some(key) = self.key()? {
            request = request.with_header(axum::http::header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let trust = self.certificates.as_deref().map_or(Trust::System, Trust::Also);
        let web = Web::new(trust).map_err(explain)?;
        web.send(request, ANSWER, DEADLINE).await.map_err(|error| explain(error).place(server.clone()))
    }

    fn socket(&self) -> Result<PathBuf, CliError> {
        if let Some(path) = &self.socket {
            return Ok(path.clone());
        }
        let Some(path) = &self.config else {
            let next = "give --config FILE, --socket FILE, or --server URL with --key-file FILE";
            return Err(CliError::usage("which node?").next(next));
        };
        let config = Config::load(path).map_err(|error| CliError::usage(error.to_string()))?;
        Ok(config.data_directory.join(&config.registry.socket))
    }

    fn key(&self) -> Result<Option<String>, CliError> {
        match &self.key_file {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| CliError::file(path, &error))?;
                Ok(Some(text.trim().to_owned()))
            }
            None => Ok(std::env::var("HUFU_KEY").ok()),
        }
    }
}

impl Operation {
    /// The request that the arguments describe.
    pub fn request(&self, given: &ArgMatches) -> Result<WebRequest, CliError> {
        let text = |name: &str| given.get_one::<String>(name).cloned();
        let escaped = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
        let mut url = self.path.clone();
        let mut query = Vec::new();
        let mut headers = Vec::new();
        for parameter in &self.parameters {
            let name = parameter["name"].as_str().unwrap_or_default();
            let Some(value) = text(name).map(|text| in_millis(&parameter["schema"], text)) else { continue };
            match parameter["in"].as_str() {
                Some("path") => url = url.replace(&format!("{{{name}}}"), &escaped(&value)),
                Some("query") => query.push(format!("{name}={}", escaped(&value))),
                _ => headers.push((header(name)?, value)),
            }
        }
        if !query.is_empty() {
            url = format!("{url}?{}", query.join("&"));
        }
        if let Ok(Some(version)) = given.try_get_one::<String>("if-version") {
            headers.push((axum::http::header::IF_MATCH, format!("\"{version}\"")));
        }
        let body = match self.body {
            Body::None => Vec::new(),
            Body::File => read(Path::new(&text("file").unwrap_or_default()))?,
            Body::Json => {
                headers.push((axum::http::header::CONTENT_TYPE, "application/json".to_owned()));
                serde_json::to_vec(&self.document(given)?).map_err(|error| CliError::usage(error.to_string()))?
            }
        };
        let method = self.method.parse().map_err(|_| CliError::usage(format!("{}: no method", self.method)))?;
        Ok(WebRequest { method, url, headers, body })
    }

    /// The body: `--data`, then what the options say.
    fn document(&self, given: &ArgMatches) -> Result<Json, CliError> {
        let mut document = match given.get_one::<String>("data") {
            Some(path) => {
                let read: Json = serde_json::from_slice(&read(Path::new(path))?)
                    .map_err(|error| CliError::usage(format!("not JSON: {error}")).place(path.clone()))?;
                read.as_object().cloned().ok_or_else(|| CliError::usage("not a JSON object").place(path.clone()))?
            }
            None => Map::new(),
        };
        for (name, schema) in &self.fields {
            let id = format!("field {name}");
            if is_list_of_text(schema) {
                if let Some(all) = given.get_many::<String>(&id) {
                    document.insert(name.clone(), all.cloned().map(Json::String).collect());
                }
            } else if let Some(text) = given.get_one::<String>(&id) {
                document.insert(name.clone(), value(name, schema, text)?);
            }
        }
        let missing = self.required.iter().find(|name| !document.contains_key(*name));
        match missing {
            Some(name) => {
                let option = format!("--{}", super::kebab(name));
                Err(CliError::usage(format!("{option} is missing"))
                    .next("see --help; or give the whole body with --data FILE"))
            }
            None => Ok(Json::Object(document)),
        }
    }
}

/// A moment as people write it, where the API counts milliseconds; anything else as it is.
fn in_millis(schema: &Json, text: String) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(moment) if has_type(schema, "integer") => moment.as_millisecond().to_string(),
        _ => text,
    }
}

/// A field as its schema wants it. What is no number where one is wanted is the API's to refuse, with its words.
fn value(name: &str, schema: &Json, text: &str) -> Result<Json, CliError> {
    let as_json = || serde_json::from_str::<Json>(text);
    if is_scalar(schema) {
        let plain = has_type(schema, "string") || schema.get("enum").is_some();
        let number = in_millis(schema, text.to_owned());
        let read = if plain { None } else { serde_json::from_str(&number).ok() };
        return Ok(read.unwrap_or_else(|| Json::String(text.to_owned())));
    }
    match text.strip_prefix('@') {
        Some(path) => serde_json::from_slice(&read(Path::new(path))?),
        None => as_json(),
    }
    .map_err(|error| CliError::usage(format!("not JSON: {error}")).place(format!("--{}", super::kebab(name))))
}

fn header(name: &str) -> Result<axum::http::header::HeaderName, CliError> {
    name.parse().map_err(|_| CliError::usage(format!("{name}: no header")))
}

/// A file, or standard input for `-`.
fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut octets = Vec::new();
    let done = match path == Path::new("-") {
        true => std::io::stdin().lock().take(FILE).read_to_end(&mut octets),
        false => std::fs::File::open(path).and_then(|file| file.take(FILE + 1).read_to_end(&mut octets)),
    };
    done.map_err(|error| CliError::file(path, &error))?;
    if octets.len() as u64 > FILE {
        return Err(CliError::usage(format!("over {FILE} octets")).place(path.display().to_string()));
    }
    Ok(octets)
}
