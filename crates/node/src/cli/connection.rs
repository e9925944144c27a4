//! Which node a command talks to, and as whom: the arguments that client commands share.

use super::error::CliError;
use super::remote::explain;
use super::screen::Screen;
use clap::{Args, ValueEnum};
use hufu_client::{Client, Endpoint, ErrorKind, Identity, locate};
use hufu_ident::Name;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a resolving node listens when nobody says anything else.
const USUAL_NODES: [&str; 2] = ["127.0.0.1:3641", "[::1]:3641"];
/// Octets of a secret file.
const SECRET_OCTETS: u64 = 65_536;

/// How a question travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    Udp,
    Tcp,
    /// The Handle protocol in HTTP requests
    Http,
}

impl Transport {
    fn scheme(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Http => "http",
        }
    }
}

/// The node that is asked.
#[derive(Debug, Clone, Args)]
pub struct ViaArgs {
    /// The node to ask: HOST[:PORT] or udp://, tcp://, http://HOST[:PORT] [default: 127.0.0.1:3641, else [::1]:3641]
    #[arg(long, value_name = "ADDR", env = "HUFU_VIA")]
    pub via: Option<String>,
    /// How to ask, where --via does not say
    #[arg(long, value_enum, default_value_t = Transport::Tcp)]
    pub protocol: Transport,
    /// How long an operation may take, such as 500ms, 10s or 2m
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub timeout: Duration,
}

impl ViaArgs {
    /// The nodes to try, in this order.
    pub async fn endpoints(&self) -> Result<Vec<Endpoint>, CliError> {
        if let Some(via) = &self.via {
            return Ok(vec![endpoint(via, self.protocol).await?]);
        }
        let mut all = Vec::with_capacity(USUAL_NODES.len());
        for text in USUAL_NODES {
            all.push(endpoint(text, self.protocol).await?);
        }
        Ok(all)
    }
}

/// An address as people write it, with or without scheme.
pub async fn endpoint(text: &str, protocol: Transport) -> Result<Endpoint, CliError> {
    let whole = match text.contains("://") {
        true => text.to_owned(),
        false => format!("{}://{text}", protocol.scheme()),
    };
    Endpoint::lookup(&whole).await.map_err(|error| explain(&error, text))
}

/// `500ms`, `10s`, `2m`, or bare seconds.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let factor = match unit.trim() {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        _ => return Err("write it as 500ms, 10s or 2m".into()),
    };
    let number = digits.parse::<u64>().ok().filter(|number| (1..=86_400_000).contains(number));
    number.map(|number| Duration::from_millis(number * factor)).ok_or_else(|| "write it as 500ms, 10s or 2m".into())
}

/// Who acts, and what proves it.
#[derive(Debug, Clone, Default, Args)]
pub struct IdentityArgs {
    /// Who acts, as INDEX:HANDLE, such as 301:0.NA/88.118.8
    #[arg(long, value_name = "INDEX:HANDLE", env = "HUFU_IDENTITY")]
    pub identity: Option<String>,
    /// A file with the secret; else HUFU_SECRET holds it, else it is asked for
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// A file with the RSA private key (PEM or Handle.Net); HUFU_PASSPHRASE opens it
    #[arg(long, value_name = "FILE", conflicts_with = "secret_file")]
    pub key_file: Option<PathBuf>,
}

impl IdentityArgs {
    /// The identity, if one is named; `variable` may hold its secret.
    pub fn read(&self, variable: &str, screen: &Screen) -> Result<Option<Identity>, CliError> {
        let Some(name) = &self.identity else {
            return Ok(None);
        };
        let identity = match &self.key_file {
            Some(path) => {
                let passphrase = std::env::var("HUFU_PASSPHRASE").ok();
                Identity::read_key_file(name, path, passphrase.as_deref().map(str::as_bytes))
            }
            None => Identity::read(name, &self.secret(name, variable, screen)?),
        };
        identity.map(Some).map_err(|error| explain(&error, name))
    }

    fn secret(&self, name: &str, variable: &str, screen: &Screen) -> Result<Vec<u8>, CliError> {
        if let Some(path) = &self.secret_file {
            return read_secret(path);
        }
        let held = [variable, "HUFU_SECRET"].into_iter().find_map(|name| std::env::var(name).ok());
        match held.filter(|text| !text.is_empty()) {
            Some(text) => Ok(text.into_bytes()),
            None => ask_secret(name, screen),
        }
    }
}

/// The first line of a secret file.
fn read_secret(path: &Path) -> Result<Vec<u8>, CliError> {
    let failed = |error: std::io::Error| CliError::file(path, &error);
    if std::fs::metadata(path).map_err(failed)?.len() > SECRET_OCTETS {
        return Err(CliError::usage("too long for a secret").place(path.display().to_string()));
    }
    let mut octets = std::fs::read(path).map_err(failed)?;
    while matches!(octets.last(), Some(b'\n' | b'\r')) {
        octets.pop();
    }
    match octets.is_empty() {
        true => Err(CliError::usage("the secret file is empty").place(path.display().to_string())),
        false => Ok(octets),
    }
}

/// Asks a person at the terminal, without showing what is typed where `stty` can do that.
fn ask_secret(name: &str, screen: &Screen) -> Result<Vec<u8>, CliError> {
    if !std::io::stdin().is_terminal() {
        let next = "give --secret-file FILE, --key-file FILE, or set HUFU_SECRET";
        return Err(CliError::usage(format!("the secret of {name} is missing")).next(next));
    }
    let prompt = screen.pick("密钥", "secret of");
    let _ = write!(std::io::stderr(), "{prompt} {name}: ");
    let hidden = stty("-echo");
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    if hidden {
        stty("echo");
        let _ = writeln!(std::io::stderr());
    }
    read.map_err(|error| CliError::usage(format!("cannot read the secret: {error}")))?;
    match line.trim_end_matches(['\n', '\r']) {
        "" => Err(CliError::usage("no secret was given")),
        secret => Ok(secret.into()),
    }
}

/// Sets the terminal; tells whether that worked.
fn stty(setting: &str) -> bool {
    std::process::Command::new("stty").arg(setting).status().is_ok_and(|status| status.success())
}

/// The server that is changed, and who changes it.
#[derive(Debug, Clone, Args)]
pub struct AdminArgs {
    /// The server to talk to; else it is looked up by the prefix through --via
    #[arg(long, value_name = "ADDR")]
    pub server: Option<String>,
    #[command(flatten)]
    pub via: ViaArgs,
    #[command(flatten)]
    pub identity: IdentityArgs,
}

impl AdminArgs {
    /// A client of the server that is responsible for `name`.
    pub async fn client_for(&self, name: Name<'_>, screen: &Screen) -> Result<Client, CliError> {
        let prefix = match name.described_prefix() {
            // A prefix handle is administered where the prefix above it is.
            Some(prefix) => prefix.parent(),
            None => Some(name.home()),
        };
        let Some(prefix) = prefix.filter(|_| self.server.is_none()) else { return self.client(None, screen).await };
        if prefix.path().is_none() {
            return self.client(Some(prefix.as_str()), screen).await;
        }
        // By which of them a tagged name was delegated, only the nodes know.
        let mut last = None;
        for candidate in prefix.lineage() {
            match self.client(Some(candidate.as_str()), screen).await {
                Ok(client) => return Ok(client),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| CliError::usage("which server?").next("name it with --server ADDR")))
    }

    /// A client of the server that administers `prefix`.
    pub async fn client(&self, prefix: Option<&str>, screen: &Screen) -> Result<Client, CliError> {
        let server = match (&self.server, prefix) {
            (Some(server), _) => endpoint(server, Transport::Tcp).await?,
            (None, Some(prefix)) => self.locate(prefix).await?,
            (None, None) => {
                return Err(CliError::usage("which server?").next("name it with --server ADDR"));
            }
        };
        let client = Client::new(server).with_deadline(self.via.timeout);
        Ok(match self.identity.read("HUFU_SECRET", screen)? {
            Some(identity) => client.with_identity(identity),
            None => client,
        })
    }

    async fn locate(&self, prefix: &str) -> Result<Endpoint, CliError> {
        let mut failed = None;
        for via in self.via.endpoints().await? {
            let place = via.to_string();
            match tokio::time::timeout(self.via.timeout, locate(via, prefix)).await {
                Ok(Ok(found)) => return Ok(found),
                Ok(Err(error)) if error.kind() == ErrorKind::Unreachable => failed = Some(explain(&error, &place)),
                Ok(Err(error)) => return Err(not_located(explain(&error, &place), prefix)),
                Err(_) => return Err(CliError::incident("no answer in time").place(place)),
            }
        }
        Err(not_located(failed.unwrap_or_else(|| CliError::incident("no node to ask")), prefix))
    }
}

fn not_located(mut error: CliError, prefix: &str) -> CliError {
    error.what = format!("cannot find the server of {prefix}: {}", error.what);
    error.next("name it with --server ADDR, or a node that resolves with --via ADDR")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("3"), Ok(Duration::from_secs(3)));
        assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
        for text in ["", "0s", "s", "1h", "-1s", "99999999999999999999s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
