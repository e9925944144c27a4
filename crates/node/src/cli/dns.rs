//! `hufu dns anchor`: what vouches for a node's signed zones, for resolvers and for the zone above.

use super::error::{CliError, Exit};
use super::screen::Screen;
use crate::config::Config;
use crate::dns::absolute;
use crate::dns::key::ZoneKey;
use crate::keys::KeyError;
use clap::{Args, Subcommand};
use hickory_proto::rr::{Name, Record};
use hufu_ident::Prefix;
use hufu_ident::systems::oid::ors;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `hufu dns`.
#[derive(Debug, Args)]
pub struct DnsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the DNSKEY and DS records of the zones that a node signs
    Anchor(AnchorArgs),
}

#[derive(Debug, Args)]
struct AnchorArgs {
    /// The node's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

pub fn run(args: &DnsArgs, screen: &Screen) -> Result<Exit, CliError> {
    let What::Anchor(AnchorArgs { config }) = &args.what;
    let config = Config::load(config).map_err(|error| CliError::usage(error.to_string()))?;
    if !config.dns.signed {
        let no = screen.pick("该节点不签名其区（dns.signed = false）", "the node signs no zone (dns.signed = false)");
        return Err(CliError::usage(no));
    }
    let key = ZoneKey::load(&config.dns.key_file).map_err(|error| match error {
        KeyError::Missing(path) => {
            let hint = screen.pick("尚无密钥；节点首次启动时生成", "no key yet; the node makes it at its first start");
            CliError::usage(format!("{}: {hint}", path.display()))
        }
        other => CliError::usage(other.to_string()),
    })?;
    for apex in apexes(&config) {
        let ttl = u32::try_from(config.dns.max_ttl.0.as_secs()).unwrap_or(u32::MAX);
        let Some(ds) = key.ds(&apex, ttl) else { continue };
        let dnskey = key.dnskey(&apex, ttl);
        if screen.is_json() {
            screen.json(&json!({"zone": apex.to_ascii(), "dnskey": data(&dnskey), "ds": data(&ds)}))?;
        } else {
            for record in [&dnskey, &ds] {
                screen.line(&format!("{} IN {} {}", apex.to_ascii(), record.record_type(), data(record)))?;
            }
        }
    }
    Ok(Exit::Done)
}

/// The zone's own name, or the owners of the node's OID prefixes.
fn apexes(config: &Config) -> Vec<Name> {
    if config.dns.apex {
        return absolute(&config.dns.zone).into_iter().map(|apex| apex.to_lowercase()).collect();
    }
    let zone = config.dns.zone.trim_matches('.').to_ascii_lowercase();
    let owner = |prefix: &String| {
        let prefix = Prefix::folded(prefix).as_str().to_ascii_lowercase();
        absolute(&ors::owner(prefix.strip_prefix("oid:")?, &zone)?)
    };
    config.prefixes.iter().filter_map(owner).collect()
}

/// A record's data as zone files write it.
fn data(record: &Record) -> String {
    record.data.to_string()
}
