//! `hufu delegate`: a prefix becomes the child's in one step.
//!
//! The child's site record is read, the parent publishes it at `0.NA/PREFIX`, the child becomes responsible, and the
//! parent is asked whether it says so. If the child refuses, what was published is taken back.

use super::connection::{IdentityArgs, Transport, ViaArgs, endpoint};
use super::error::{CliError, Exit};
use super::identifiers;
use super::remote::explain;
use super::screen::Screen;
use super::slot::{ADMIN_INDEX, Slot};
use clap::Args;
use hufu_client::{Client, ResolveOptions};
use hufu_ident::systems::handle::{AdminRecord, Site, kind, right};
use hufu_ident::{Prefix, Reference, SelectionBuf, Value};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `hufu delegate`.
#[derive(Debug, Args)]
pub struct DelegateArgs {
    /// The prefix to delegate
    pub prefix: String,
    /// The server of the prefix above
    #[arg(long, value_name = "ADDR")]
    pub parent: String,
    /// The server that becomes responsible
    #[arg(long, value_name = "ADDR")]
    pub child: String,
    /// Prefixes below are found there too (HS_SITE.PREFIX)
    #[arg(long)]
    pub derived: bool,
    /// Who else administers the prefix, as INDEX:HANDLE (may be repeated)
    #[arg(long = "admin", value_name = "INDEX:HANDLE")]
    pub admins: Vec<String>,
    /// A further value of the prefix handle: [INDEX:]TYPE=DATA, such as 300:HS_PUBKEY;base64=… or DESC=… (may be repeated)
    #[arg(long = "value", value_name = "[INDEX:]TYPE=DATA")]
    pub values: Vec<String>,
    /// Who acts at the parent [default: --identity]
    #[arg(long, value_name = "INDEX:HANDLE")]
    pub parent_identity: Option<String>,
    /// A file with the secret at the parent; else HUFU_PARENT_SECRET
    #[arg(long, value_name = "FILE")]
    pub parent_secret_file: Option<PathBuf>,
    /// A file with the private key at the parent
    #[arg(long, value_name = "FILE")]
    pub parent_key_file: Option<PathBuf>,
    /// Who acts at the child [default: --identity]
    #[arg(long, value_name = "INDEX:HANDLE")]
    pub child_identity: Option<String>,
    /// A file with the secret at the child; else HUFU_CHILD_SECRET
    #[arg(long, value_name = "FILE")]
    pub child_secret_file: Option<PathBuf>,
    /// A file with the private key at the child
    #[arg(long, value_name = "FILE")]
    pub child_key_file: Option<PathBuf>,
    #[command(flatten)]
    pub identity: IdentityArgs,
    #[command(flatten)]
    pub via: ViaArgs,
}

pub async fn run(args: &DelegateArgs, screen: &Screen) -> Result<Exit, CliError> {
    let prefix = identifiers::prefix(&args.prefix, screen)?;
    let parent_as = args.side(&args.parent_identity, &args.parent_secret_file, &args.parent_key_file);
    let child_as = args.side(&args.child_identity, &args.child_secret_file, &args.child_key_file);
    let timeout = args.via.timeout;
    let parent = client(&args.parent, &parent_as, "HUFU_PARENT_SECRET", timeout, screen).await?;
    let child = client(&args.child, &child_as, "HUFU_CHILD_SECRET", timeout, screen).await?;

    let site = child.site_info().await.map_err(|error| explain(&error, &child.server().to_string()))?;
    let values = args.values(&prefix, &site)?;
    let handle = prefix.handle();
    let place = format!("{handle} at {}", parent.server());
    parent.create(handle.as_str(), values, false).await.map_err(|error| explain(&error, &place))?;

    if let Err(error) = child.home(prefix.as_str()).await {
        let error = explain(&error, &format!("{prefix} at {}", child.server()));
        return Err(undo(&parent, &prefix, error).await);
    }
    verify(&parent, &prefix, &site).await?;
    report(args, &prefix, &site, screen)
}

impl DelegateArgs {
    /// The identity for one side: its own arguments, else the common ones.
    fn side(&self, name: &Option<String>, secret: &Option<PathBuf>, key: &Option<PathBuf>) -> IdentityArgs {
        let own = secret.is_some() || key.is_some();
        IdentityArgs {
            identity: name.clone().or_else(|| self.identity.identity.clone()),
            secret_file: if own { secret.clone() } else { self.identity.secret_file.clone() },
            key_file: if own { key.clone() } else { self.identity.key_file.clone() },
        }
    }

    /// What the parent publishes: the site, the administrators, and what else was given.
    fn values(&self, prefix: &Prefix, site: &Site) -> Result<Vec<Value>, CliError> {
        let mut values = Vec::new();
        for text in &self.values {
            let wrong = |why: String| CliError::usage(why).place(format!("--value '{text}'"));
            let (slot, data) = text.split_once('=').ok_or_else(|| wrong("the “=” is missing".into()))?;
            let slot = Slot::parse(slot).map_err(wrong)?;
            let index = free_index(&values, slot.index.unwrap_or(1));
            if slot.index.is_some_and(|wanted| wanted != index) {
                return Err(wrong(format!("two values have index {}", slot.index.unwrap_or_default())));
            }
            values.push(slot.value(index, data).map_err(wrong)?);
        }
        let kinds = if self.derived { &[kind::SITE, kind::SITE_PREFIX][..] } else { &[kind::SITE][..] };
        for name in kinds {
            values.push(Value::new(free_index(&values, 1), name, site.to_bytes()));
        }
        for admin in self.administrators(prefix)? {
            let index = free_index(&values, ADMIN_INDEX);
            values.push(Value::new(index, kind::ADMIN, AdminRecord::new(right::ALL, admin).to_bytes()));
        }
        Ok(values)
    }

    /// Key and secret of the prefix itself, then those that were given.
    fn administrators(&self, prefix: &Prefix) -> Result<Vec<Reference>, CliError> {
        let handle = prefix.handle();
        let mut all = vec![Reference::new(300, handle.as_str()), Reference::new(301, handle.as_str())];
        for text in &self.admins {
            let wrong = || CliError::usage(format!("`{text}` is not INDEX:HANDLE")).place("--admin");
            let admin = Reference::parse(text).ok_or_else(wrong)?;
            if !all.iter().any(|known| known.same(&admin)) {
                all.push(admin);
            }
        }
        Ok(all)
    }
}

async fn client(
    address: &str,
    identity: &IdentityArgs,
    variable: &str,
    timeout: Duration,
    screen: &Screen,
) -> Result<Client, CliError> {
    let client = Client::new(endpoint(address, Transport::Tcp).await?).with_deadline(timeout);
    Ok(match identity.read(variable, screen)? {
        Some(identity) => client.with_identity(identity),
        None => client,
    })
}

fn free_index(values: &[Value], start: u32) -> u32 {
    (start..).find(|index| values.iter().all(|value| value.index != *index)).unwrap_or(start)
}

/// Takes back what the parent published, and says what became of that.
async fn undo(parent: &Client, prefix: &Prefix, mut error: CliError) -> CliError {
    let handle = prefix.handle();
    error.what = match parent.delete(handle.as_str()).await {
        Ok(_) => {
            format!("the child does not take the prefix: {}; {handle} was deleted at the parent again", error.what)
        }
        Err(second) => format!(
            "the child does not take the prefix: {}; and {handle} could not be deleted at the parent again: {second}",
            error.what
        ),
    };
    error
}

/// Whether the parent now says what it was told.
async fn verify(parent: &Client, prefix: &Prefix, site: &Site) -> Result<(), CliError> {
    let handle = prefix.handle();
    let place = format!("{handle} at {}", parent.server());
    let options = ResolveOptions { authoritative: true, ..ResolveOptions::default() };
    let found = parent.resolve(handle.as_str(), &SelectionBuf::of_types(&[kind::SITE]), options).await;
    let found = found.map_err(|error| explain(&error, &place))?;
    match found.values.iter().any(|value| value.data == site.to_bytes()) {
        true => Ok(()),
        false => Err(CliError::incident("the parent took the delegation but does not tell it").place(place)),
    }
}

fn report(args: &DelegateArgs, prefix: &Prefix, site: &Site, screen: &Screen) -> Result<Exit, CliError> {
    if screen.is_json() {
        screen.json(&json!({
            "prefix": prefix.as_str(),
            "delegated": true,
            "parent": args.parent,
            "child": args.child,
            "serial": site.serial,
            "derived": args.derived,
        }))?;
    } else {
        let text = screen.pick("已授权给", "is delegated to");
        screen.line(&format!("{prefix} {text} {} ({})", args.child, super::values::site_line(site)))?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Whole {
        #[command(flatten)]
        args: DelegateArgs,
    }

    fn args(more: &[&str]) -> DelegateArgs {
        let first = ["hufu", "88.118.8", "--parent", "127.0.0.1:1", "--child", "127.0.0.1:2"];
        Whole::try_parse_from(first.iter().chain(more)).unwrap().args
    }

    #[test]
    fn the_parent_publishes_site_and_administrators() {
        let args =
            args(&["--derived", "--admin", "301:0.NA/88.118", "--value", "DESC=示例", "--value", "5:EMAIL=x@y.z"]);
        let values = args.values(&Prefix::folded("88.118.8"), &Site::new(1, Vec::new())).unwrap();
        let found: Vec<_> = values.iter().map(|v| (v.index, String::from_utf8_lossy(&v.kind).into_owned())).collect();
        let expected = [
            (1, "DESC"),
            (5, "EMAIL"),
            (2, "HS_SITE"),
            (3, "HS_SITE.PREFIX"),
            (100, "HS_ADMIN"),
            (101, "HS_ADMIN"),
            (102, "HS_ADMIN"),
        ];
        assert_eq!(found, expected.map(|(index, kind)| (index, kind.to_owned())));
        assert_eq!(AdminRecord::decode(&values[6].data).unwrap().admin, Reference::new(301, "0.NA/88.118"));
    }

    #[test]
    fn two_values_at_one_index_are_refused() {
        let args = args(&["--value", "5:EMAIL=x@y.z", "--value", "5:URL=x"]);
        assert!(args.values(&Prefix::folded("88.118.8"), &Site::new(1, Vec::new())).is_err());
    }
}
