//! `hufu home`, `hufu unhome`, `hufu site`: what a server answers for.

use super::connection::{AdminArgs, Transport, ViaArgs, endpoint};
use super::error::{CliError, Exit};
use super::identifiers;
use super::remote::explain;
use super::screen::{Screen, number, printable, table};
use crate::http::value_json::site_to_json;
use clap::Args;
use comfy_table::Cell;
use hufu_client::Client;
use hufu_ident::systems::handle::{Interface, PublicKey, Site, kind};
use serde_json::json;

/// Arguments of `hufu home` and `hufu unhome`.
#[derive(Debug, Args)]
pub struct HomeArgs {
    /// The prefix
    pub prefix: String,
    #[command(flatten)]
    pub connection: AdminArgs,
}

/// Arguments of `hufu site`.
#[derive(Debug, Args)]
pub struct SiteArgs {
    /// The server to ask [default: that of --via]
    #[arg(long, value_name = "ADDR")]
    pub server: Option<String>,
    #[command(flatten)]
    pub via: ViaArgs,
}

/// Makes a server responsible for a prefix, or ends that.
pub async fn home(args: &HomeArgs, responsible: bool, screen: &Screen) -> Result<Exit, CliError> {
    let prefix = identifiers::prefix(&args.prefix, screen)?;
    let client = args.connection.client(Some(prefix.as_str()), screen).await?;
    let server = client.server().to_string();
    let written = match responsible {
        true => client.home(prefix.as_str()).await,
        false => client.unhome(prefix.as_str()).await,
    };
    written.map_err(|error| explain(&error, &format!("{prefix} at {server}")))?;
    if screen.is_json() {
        screen.json(&json!({"prefix": prefix.as_str(), "homed": responsible, "server": server}))?;
    } else {
        let text = match responsible {
            true => screen.pick("由该服务器负责", "is served by"),
            false => screen.pick("不再由该服务器负责", "is no longer served by"),
        };
        screen.line(&format!("{prefix} {text} {server}"))?;
    }
    Ok(Exit::Done)
}

/// Shows the site record of a server.
pub async fn site(args: &SiteArgs, screen: &Screen) -> Result<Exit, CliError> {
    let endpoints = match &args.server {
        Some(server) => vec![endpoint(server, Transport::Tcp).await?],
        None => args.via.endpoints().await?,
    };
    let mut failed = CliError::usage("no node to ask");
    for endpoint in endpoints {
        let client = Client::new(endpoint).with_deadline(args.via.timeout);
        match client.site_info().await {
            Ok(site) => return show(&site, &client.server().to_string(), screen),
            Err(error) => failed = explain(&error, &client.server().to_string()),
        }
    }
    Err(failed)
}

fn show(site: &Site, server: &str, screen: &Screen) -> Result<Exit, CliError> {
    if screen.is_json() {
        screen.json(&json!({"server": server, "site": site_to_json(site)}))?;
        return Ok(Exit::Done);
    }
    let standing = match site.is_primary() {
        true => screen.pick("主站点", "primary"),
        false => screen.pick("镜像站点", "mirror"),
    };
    let serial = screen.pick("序列号", "serial");
    screen.line(&format!("{server} · {standing} · {serial} {} · {} {}", site.serial, kind::SITE, site.version))?;
    for attribute in &site.attributes {
        let text = |octets: &[u8]| printable(&String::from_utf8_lossy(octets));
        screen.line(&format!("  {}: {}", text(&attribute.name), text(&attribute.value)))?;
    }
    let headings = match screen.pick("zh", "en") {
        "zh" => ["服务器", "地址", "协议", "端口", "用途", "公钥"],
        _ => ["SERVER", "ADDRESS", "PROTOCOL", "PORT", "SERVES", "KEY"],
    };
    let mut out = table(&headings);
    for server in &site.servers {
        let key = PublicKey::decode(&server.public_key).map(|key| String::from_utf8_lossy(&key.key_type).into_owned());
        for interface in &server.interfaces {
            out.add_row([
                number(server.id),
                Cell::new(server.ip()),
                Cell::new(interface.protocol.name()),
                number(interface.port),
                Cell::new(purpose(interface, screen)),
                Cell::new(key.as_deref().map(printable).unwrap_or_else(|_| "—".into())),
            ]);
        }
    }
    screen.table(&out)?;
    Ok(Exit::Done)
}

fn purpose<'a>(interface: &Interface, screen: &'a Screen) -> &'a str {
    match interface.purpose {
        Interface::ADMIN => screen.pick("管理", "administration"),
        Interface::QUERY => screen.pick("查询", "queries"),
        Interface::BOTH => screen.pick("查询、管理", "queries, administration"),
        _ => screen.pick("停用", "nothing"),
    }
}
