//! `hufu resolve`: what identifiers stand for, and on request how the answer came about.

use super::connection::{IdentityArgs, ViaArgs};
use super::error::{CliError, Exit};
use super::identifiers;
use super::remote::{Asker, Reply};
use super::screen::{Screen, duration, printable};
use super::trace::{hops, hops_table};
use super::values::{value_json, values_table};
use crate::clock;
use clap::Args;
use hufu_client::ResolveOptions;
use hufu_ident::limits::ALIAS_DEPTH;
use hufu_ident::mapping::SAME_AS;
use hufu_ident::systems::handle::kind;
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::{CaseRule, Identifier, Name, RecordKey, SelectionBuf, ValueSet};
use serde_json::{Value as Json, json};

/// Arguments of `hufu resolve`.
#[derive(Debug, Args)]
pub struct ResolveArgs {
    /// What to resolve
    #[arg(required = true, value_name = "IDENTIFIER")]
    pub identifiers: Vec<String>,
    #[command(flatten)]
    pub via: ViaArgs,
    /// Only values of this type; `URL.` means URL and its sub-types (may be repeated)
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
    /// Only the value at this index (may be repeated)
    #[arg(long = "index", value_name = "INDEX")]
    pub indexes: Vec<u32>,
    /// Only the authority may answer; caches are passed by
    #[arg(long)]
    pub auth: bool,
    /// Values without public read too; most servers want an --identity for that
    #[arg(long)]
    pub all: bool,
    /// The node shall not ask others; a referral is shown
    #[arg(long)]
    pub no_recursion: bool,
    /// Show an HS_ALIAS instead of following it
    #[arg(long)]
    pub ignore_aliases: bool,
    /// Show every hop: server, cache, answer, time
    #[arg(long)]
    pub trace: bool,
    /// The identifiers are percent-encoded
    #[arg(long)]
    pub percent: bool,
    #[command(flatten)]
    pub identity: IdentityArgs,
}

/// What came of one identifier.
struct Resolution {
    asked: String,
    reply: Reply,
    /// Identifiers that aliases led to.
    aliases: Vec<String>,
    hops: Vec<Json>,
    microseconds: u64,
}

/// Runs the command: all identifiers are checked before the first is asked for.
pub async fn run(args: &ResolveArgs, screen: &Screen) -> Result<Exit, CliError> {
    let check = |text: &String| identifiers::to_ask(text, args.percent, screen);
    let identifiers: Vec<Identifier> = args.identifiers.iter().map(check).collect::<Result<_, _>>()?;
    let identity = args.identity.read("HUFU_SECRET", screen)?.filter(|_| args.all);
    let mut asker = Asker::new(args.via.endpoints().await?, identity, args.via.timeout);
    let mut exit = Exit::Done;
    for (at, identifier) in identifiers.iter().enumerate() {
        let resolution = resolve(&mut asker, args, identifier).await?;
        if !resolution.is_found() {
            exit = Exit::No;
        }
        if screen.is_json() {
            screen.json(&resolution.to_json(args.trace))?;
        } else {
            resolution.print(args.trace, at > 0, screen)?;
        }
    }
    Ok(exit)
}

async fn resolve(asker: &mut Asker, args: &ResolveArgs, identifier: &Identifier) -> Result<Resolution, CliError> {
    let selection = SelectionBuf {
        indexes: args.indexes.clone(),
        types: args.types.iter().map(|kind| kind.as_bytes().to_vec()).collect(),
    };
    let options = ResolveOptions {
        authoritative: args.auth,
        public_only: !args.all,
        recursion: !args.no_recursion,
        trace: args.trace,
        ..ResolveOptions::default()
    };
    let follow = !args.ignore_aliases;
    let asked = identifier.as_str().to_owned();
    let mut seen = vec![key(&asked)];
    let (mut aliases, mut way, mut microseconds) = (Vec::<String>::new(), Vec::new(), 0);
    loop {
        let name = aliases.last().unwrap_or(&asked).clone();
        let mut reply = asker.ask(&name, &with_alias(&selection, follow), options).await?;
        microseconds += reply.microseconds;
        way.extend(hops(&reply.trailing));
        let target = alias(&reply).filter(|_| follow && reply.code == ResponseCode::SUCCESS);
        match target {
            Some(target) if seen.contains(&key(&target)) => {
                reply.message = format!("the aliases run in a circle at {target}");
                reply.code = ResponseCode::ERROR;
                reply.values.clear();
            }
            Some(_) if aliases.len() >= ALIAS_DEPTH => {
                reply.message = format!("more than {ALIAS_DEPTH} aliases in a row");
                reply.code = ResponseCode::ERROR;
                reply.values.clear();
            }
            Some(target) => {
                seen.push(key(&target));
                aliases.push(target);
                continue;
            }
            None => {}
        }
        return Ok(Resolution { asked, reply, aliases, hops: way, microseconds });
    }
}

/// The same name in another spelling is the same step of a circle.
fn key(name: &str) -> RecordKey {
    RecordKey::of(Name::new(name), CaseRule::Insensitive)
}

/// A selection that also brings the alias along, if there is one to follow.
fn with_alias(selection: &SelectionBuf, follow: bool) -> SelectionBuf {
    let mut wider = selection.clone();
    if follow && !selection.is_all() {
        wider.types.extend([kind::ALIAS, SAME_AS].map(|kind| kind.as_bytes().to_vec()));
    }
    wider
}

fn alias(reply: &Reply) -> Option<String> {
    let values = ValueSet::from_values(reply.values.clone());
    hufu_resolve::alias::target(&values, clock::seconds()).map(|target| target.to_string())
}

impl Resolution {
    fn is_found(&self) -> bool {
        self.reply.code == ResponseCode::SUCCESS
    }

    fn to_json(&self, trace: bool) -> Json {
        let reply = &self.reply;
        let values: Json = reply.values.iter().map(value_json).collect();
        let mut out = json!({
            "identifier": self.asked,
            "found": self.is_found(),
            "code": reply.code.0,
            "codeName": reply.code.name(),
            "message": reply.message,
            "stale": reply.stale,
            "authoritative": reply.authoritative,
            "via": reply.via,
            "microseconds": self.microseconds,
            "values": if reply.is_referral() { json!([]) } else { values.clone() },
            "aliases": self.aliases,
        });
        if reply.is_referral() {
            out["referral"] = json!({"handle": reply.referred_to, "values": values});
        }
        if trace {
            out["trace"] = self.hops.clone().into();
        }
        out
    }

    fn print(&self, trace: bool, apart: bool, screen: &Screen) -> Result<(), CliError> {
        if apart {
            screen.line("")?;
        }
        screen.line(&self.headline(screen))?;
        if !self.reply.message.is_empty() && !self.is_found() {
            screen.line(&format!("  {}", printable(&self.reply.message)))?;
        }
        if trace && self.hops.is_empty() {
            screen.note(screen.pick("该节点未给出跟踪信息", "the node told nothing about the way of its answer"));
        } else if trace {
            screen.table(&hops_table(&self.hops, screen))?;
            screen.line("")?;
        }
        if let Some(handle) = &self.reply.referred_to {
            screen.line(&format!("  → {}", printable(handle)))?;
        }
        if !self.reply.values.is_empty() {
            screen.table(&values_table(&self.reply.values, screen))?;
        }
        Ok(())
    }

    /// The identifier, what came of it, from whom and how fast.
    fn headline(&self, screen: &Screen) -> String {
        let reply = &self.reply;
        let names: Vec<String> =
            std::iter::once(&self.asked).chain(&self.aliases).map(|name| printable(name)).collect();
        let outcome = match reply.code {
            ResponseCode::SUCCESS => screen.pick("已找到", "found"),
            ResponseCode::HANDLE_NOT_FOUND => screen.pick("未注册", "not registered"),
            ResponseCode::VALUES_NOT_FOUND => {
                screen.pick("无所选的值", "registered, but none of its values is selected")
            }
            ResponseCode::SERVER_NOT_RESP => {
                screen.pick("该节点不负责此前缀", "the node is not responsible for the prefix")
            }
            _ if reply.is_referral() => screen.pick("转介", "referral"),
            _ => screen.pick("被拒绝", "refused"),
        };
        let mut parts = vec![names.join(" → "), outcome.to_owned(), reply.code.to_string()];
        if reply.stale {
            parts.push(screen.pick("⚠ 过期数据（上级不可达）", "⚠ stale (its authority cannot be reached)").into());
        }
        if reply.authoritative {
            parts.push(screen.pick("权威应答", "authoritative").into());
        }
        parts.push(format!("{} {}", duration(self.microseconds), reply.via));
        parts.join(" · ")
    }
}
