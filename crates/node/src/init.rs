//! `hufu init <role>`: writes a commented configuration, makes keys and secrets. Nothing has a default secret.

use crate::cli::{CliError, InitArgs, Output, Screen};
use crate::roles::Role;
use crate::{keys, random};
use std::fmt::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What a new node shall be.
#[derive(Debug, Clone)]
pub struct Plan {
    pub role: Role,
    pub prefix: Option<String>,
    pub name: Option<String>,
    pub directory: PathBuf,
    /// Root servers or first hops, `host:port`.
    pub upstream: Vec<std::net::SocketAddr>,
    pub advertise: Vec<IpAddr>,
    /// Overwrite an existing configuration. Keys and secrets are never overwritten.
    pub force: bool,
}

/// What was written.
#[derive(Debug, Clone)]
pub struct Written {
    pub config: PathBuf,
    pub files: Vec<PathBuf>,
    /// The first administrator, `301:0.NA/…`.
    pub administrator: Option<String>,
    pub next: Vec<String>,
}

/// Writes everything below `plan.directory`.
pub fn init(plan: &Plan) -> Result<Written, String> {
    let recipe = plan.role.recipe();
    let prefix = match (&plan.prefix, recipe.example_prefix) {
        (Some(prefix), Some(_)) => {
            hufu_ident::Prefix::parse(prefix).map_err(|refusal| refusal.to_string())?;
            Some(prefix.clone())
        }
        (None, Some("0.NA")) => Some("0.NA".to_owned()),
        (None, Some(example)) => {
            return Err(format!("this role ({}) needs its prefix: --prefix {example}", plan.role.name()));
        }
        (Some(_), None) => return Err(format!("this role ({}) has no prefix; leave --prefix out", plan.role.name())),
        (None, None) => None,
    };
    if recipe.recursion && plan.upstream.is_empty() {
        return Err("a recursive node needs root servers: --upstream 192.0.2.1:2641".into());
    }
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| format!("{}: {error}", path.display())
    };
    std::fs::create_dir_all(&plan.directory).map_err(io(&plan.directory))?;
    let config = plan.directory.join(format!("{}.toml", plan.role.name()));
    if config.exists() && !plan.force {
        return Err(format!("{} exists already; --force writes it anew (keys stay)", config.display()));
    }
    let key = plan.directory.join("server-key.pem");
    let pair = keys::load_or_make(&key).map_err(|error| error.to_string())?;
    let certificate = plan.directory.join("certificate.pem");
    if !certificate.exists() {
        let mut names: Vec<String> = plan.advertise.iter().map(IpAddr::to_string).collect();
        names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
        std::fs::write(&certificate, keys::self_signed(&pair, names)?).map_err(io(&certificate))?;
    }
    let mut files = vec![config.clone(), key, certificate];
    if prefix.is_some() {
        let secret = plan.directory.join("admin-secret");
        if !secret.exists() {
            keys::write_private(&secret, format!("{}\n", random::secret()).as_bytes()).map_err(io(&secret))?;
        }
        files.push(secret);
    }
    std::fs::write(&config, text(plan, prefix.as_deref())).map_err(io(&config))?;
    crate::config::Config::load(&config).map_err(|error| error.to_string())?;
    let administrator = prefix.as_deref().map(|prefix| crate::provision::first_administrator(prefix).to_string());
    let next = recipe.next.iter().map(|line| (*line).to_owned()).collect();
    Ok(Written { config, files, administrator, next })
}

/// The commented configuration.
pub fn text(plan: &Plan, prefix: Option<&str>) -> String {
    let recipe = plan.role.recipe();
    let name = plan.name.clone().unwrap_or_else(|| match prefix {
        Some(prefix) => format!("{} {prefix}", recipe.zh),
        None => recipe.zh.to_owned(),
    });
    let mut out = String::new();
    let _ = writeln!(
        out,
        "# Hufu 虎符 · {} · {}\n#\n# Check with: hufu check-config --config {}.toml",
        recipe.zh,
        recipe.en,
        plan.role.name()
    );
    let _ = writeln!(out, "# Next:");
    recipe.next.iter().for_each(|line| {
        let _ = writeln!(out, "#   {line}");
    });
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let _ = writeln!(out, "\nversion = \"v1\"\nrole = \"{}\"\nname = {}", plan.role.name(), quoted(&name));
    if let Some(prefix) = prefix {
        let _ = writeln!(
            out,
            "\n# Prefixes whose identifiers live here; homed at first start.\nprefixes = [{}]",
            quoted(prefix)
        );
    }
    let advertise: Vec<String> = plan.advertise.iter().map(|ip| quoted(&ip.to_string())).collect();
    let _ = write!(
        out,
        r#"
# Records, relative to this file.
data-directory = "data"

# The Handle protocol. Ports below 1024 need a privilege.
[handle]
listen = ["0.0.0.0", "::"]
udp-port = {handle}
tcp-port = {handle}
# Dedicated UDP threads, one socket each; 0 serves UDP on the shared runtime. Set to the number of cores under load.
udp-workers = 0
# Addresses under which others reach this node; they go into its site record. Raise site-serial when they change.
advertise = [{advertise}]
site-serial = 1
key-file = "server-key.pem"

# JSON API, proxy, gateway, tunnel. With a certificate the port speaks both HTTP and HTTPS.
[http]
enabled = true
listen = ["0.0.0.0", "::"]
port = {http}
# Self-signed with the server's own key, which is what Handle clients check; browsers want one from an authority.
certificate = "certificate.pem"
key = "server-key.pem"
# Passwords over plain HTTP are refused; this accepts them from this very machine (for trying things out).
plain-credentials-on-loopback = false

# /livez /readyz /metrics. Keep it off the public network.
[admin]
listen = ["127.0.0.1"]
port = {admin}
"#,
        handle = recipe.handle_port,
        http = recipe.http_port,
        admin = recipe.admin_port,
        advertise = advertise.join(", "),
    );
    out.push_str(&part_text(plan, prefix));
    out.push_str(LIMITS);
    out
}

/// What only nodes with or without records have.
fn part_text(plan: &Plan, prefix: Option<&str>) -> String {
    let recipe = plan.role.recipe();
    let mut out = String::new();
    let servers: Vec<String> = plan.upstream.iter().map(|address| format!("\"{address}\"")).collect();
    if let Some(prefix) = prefix {
        let _ = write!(
            out,
            r#"
[administration]
# Identities with every right on this node; empty = all keys of the node's own prefix handle ({handle}).
server-administrators = []
# Read at first start only: the secret of 301:{handle}.
secret-file = "admin-secret"
# MD5 and SHA-1 proofs of clients from before 2010.
legacy-clients = false

[store]
cache = "64MiB"
record-cache = "64MiB"
"#,
            handle = crate::provision::prefix_handle(prefix)
        );
    }
    let _ = writeln!(
        out,
        "\n# How this node resolves what it does not hold{}.",
        if recipe.recursion { "" } else { " (to check identities of other nodes)" }
    );
    let _ = writeln!(out, "[resolution]\nrecursion = {}\nroot = [{}]", recipe.recursion, servers.join(", "));
    if recipe.recursion {
        out.push_str(
            r#"# First hops, e.g. the national top-level nodes:
# upstream = [{ prefix = "88", servers = ["192.0.2.88:2641"] }, { prefix = "86", servers = ["192.0.2.86:2641"] }]
cache = "256MiB"
max-ttl = "48h"
negative-ttl = "30s"
# How long past its time an answer may be served when its authority is down (marked as stale).
max-stale = "24h"
# Whether servers on private addresses may be asked when a record names them: allow, refuse, auto.
private-addresses = "auto"
"#,
        );
    }
    out
}

const LIMITS: &str = r#"
[limits]
tcp-connections = 10000
tcp-connections-per-client = 256
idle-timeout = "11m"
# Per client network (/32, /56); 0 = no limit.
requests-per-second = 5000
udp-answer-rate = "4MiB"
rate-exempt = ["127.0.0.0/8", "::1/128"]
drain = "10s"

[log]
level = "info"
format = "text"
# One line per question; holds identifiers, protect it.
# queries = "queries.log"
"#;

/// The command: writes the files and says what comes next.
pub fn run(args: InitArgs, screen: &Screen) -> Result<ExitCode, CliError> {
    let Some(role) = Role::parse(&args.role) else {
        let names = Role::ALL.map(Role::name).join(", ");
        return Err(CliError::usage(format!("{:?} is no role; choose one of {names}", args.role)));
    };
    let mut upstream = Vec::new();
    for text in &args.upstream {
        let address = text.parse().map_err(|_| {
            CliError::usage(format!("{text:?} is no address with a port; write 192.0.2.1:2641 or [2001:db8::1]:2641"))
        })?;
        upstream.push(address);
    }
    let plan = Plan {
        role,
        prefix: args.prefix,
        name: args.name,
        directory: args.dir,
        upstream,
        advertise: args.advertise,
        force: args.force,
    };
    let written = init(&plan).map_err(CliError::usage)?;
    match screen.output {
        Output::Json => {
            let report = serde_json::json!({
                "ok": true, "config": written.config, "files": written.files,
                "administrator": written.administrator, "next": written.next,
            });
            screen.json(&report)?;
        }
        Output::Table => screen.line(summary(&written).trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(written: &Written) -> String {
    let mut out = String::from("written:\n");
    written.files.iter().for_each(|file| {
        let _ = writeln!(out, "  {}", file.display());
    });
    if let Some(administrator) = &written.administrator {
        let _ = writeln!(out, "administrator: {administrator} (its secret is in admin-secret; keep it)");
    }
    let _ = writeln!(out, "next:");
    written.next.iter().for_each(|line| {
        let _ = writeln!(out, "  {line}");
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plans behind `deploy/samples`, one a role.
    fn samples() -> Vec<(Plan, Option<&'static str>)> {
        let plan = |role: Role, prefix: Option<&str>, upstream: &[&str], advertise: &[&str]| Plan {
            role,
            prefix: prefix.map(str::to_owned),
            name: None,
            directory: PathBuf::new(),
            upstream: upstream.iter().filter_map(|text| text.parse().ok()).collect(),
            advertise: advertise.iter().filter_map(|text| text.parse().ok()).collect(),
            force: false,
        };
        let root = ["192.0.2.1:2641"];
        vec![
            (plan(Role::Root, None, &[], &["192.0.2.1", "2001:db8::1"]), Some("0.NA")),
            (plan(Role::TopLevel, Some("88"), &root, &["192.0.2.88", "2001:db8::88"]), Some("88")),
            (plan(Role::Secondary, Some("88.118"), &root, &["192.0.2.118", "2001:db8::118"]), Some("88.118")),
            (plan(Role::Enterprise, Some("88.118.8"), &root, &["198.51.100.8"]), Some("88.118.8")),
            (plan(Role::Recursive, None, &root, &["192.0.2.36"]), None),
        ]
    }

    /// The samples in `deploy/samples` are what `hufu init` writes; `HUFU_WRITE_SAMPLES=1` writes them anew.
    #[test]
    fn the_samples_are_what_init_writes_and_they_are_good() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/samples");
        for (plan, prefix) in samples() {
            let path = folder.join(format!("{}.toml", plan.role.name()));
            let text = text(&plan, prefix);
            if std::env::var_os("HUFU_WRITE_SAMPLES").is_some() {
                std::fs::write(&path, &text).expect("the sample can be written");
            }
            assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), Some(text.as_str()), "{}", path.display());
            crate::config::Config::load(&path).expect("the sample is a good configuration");
        }
    }
}
