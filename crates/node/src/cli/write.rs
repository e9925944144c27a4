//! `hufu create`, `add`, `modify`, `remove`, `delete`: changes of one record.

use super::connection::AdminArgs;
use super::error::{CliError, Exit};
use super::identifiers;
use super::remote::explain;
use super::screen::{Screen, printable};
use super::slot::{ADMIN_INDEX, Slot, admin_value};
use crate::http::value_json::body_to_values;
use clap::Args;
use hufu_client::{Client, Error, Written};
use hufu_ident::systems::handle::kind;
use hufu_ident::{Identifier, Permissions, Reference, Ttl, Value};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// Octets of a values file.
const VALUES_OCTETS: u64 = 4 << 20;

/// Values as arguments.
#[derive(Debug, Clone, Args)]
pub struct ValueArgs {
    /// A value: [INDEX:]TYPE=DATA, such as URL=https://… or 5:EMAIL=x@y.z; TYPE;base64=… and TYPE;hex=… for octets
    #[arg(long = "value", value_name = "[INDEX:]TYPE=DATA")]
    pub values: Vec<String>,
    /// A JSON file of values, as `hufu resolve --output json` and the HTTP API write them
    #[arg(long, value_name = "FILE")]
    pub values_file: Option<PathBuf>,
    /// Seconds that others may keep the values given with --value
    #[arg(long, value_name = "SECONDS")]
    pub ttl: Option<u32>,
    /// Permissions of the values given with --value: admin read, admin write, public read, public write
    #[arg(long, value_name = "BITS", value_parser = parse_permissions)]
    pub permissions: Option<u8>,
}

fn parse_permissions(text: &str) -> Result<u8, String> {
    let bits = (text.len() == 4).then(|| u8::from_str_radix(text, 2).ok()).flatten();
    bits.ok_or_else(|| "write four characters 0 or 1, such as 1110".into())
}

/// Arguments of `hufu create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The identifier to register
    pub identifier: String,
    #[command(flatten)]
    pub values: ValueArgs,
    /// Replace it if it exists
    #[arg(long)]
    pub overwrite: bool,
    /// Who administers it, as INDEX:HANDLE [default: the identity]
    #[arg(long, value_name = "INDEX:HANDLE", conflicts_with = "no_admin")]
    pub admin: Option<String>,
    /// Do not add an HS_ADMIN value
    #[arg(long)]
    pub no_admin: bool,
    #[command(flatten)]
    pub connection: AdminArgs,
}

/// Arguments of `hufu add` and `hufu modify`.
#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// The identifier whose values are changed
    pub identifier: String,
    #[command(flatten)]
    pub values: ValueArgs,
    /// Add: replace values of the same index
    #[arg(long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub connection: AdminArgs,
}

/// Arguments of `hufu remove`.
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// The identifier whose values are removed
    pub identifier: String,
    /// The index of a value (may be repeated)
    #[arg(long = "index", value_name = "INDEX", required = true)]
    pub indexes: Vec<u32>,
    #[command(flatten)]
    pub connection: AdminArgs,
}

/// Arguments of `hufu delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The identifier to delete, with all its values
    pub identifier: String,
    #[command(flatten)]
    pub connection: AdminArgs,
}

pub async fn create(args: &CreateArgs, screen: &Screen) -> Result<Exit, CliError> {
    let identifier = identifiers::to_register(&args.identifier, screen)?;
    let mut values = args.values.read(&identifier, false)?;
    if let Some(admin) = administrator(args, &values)? {
        let index = free_index(&values, ADMIN_INDEX);
        values.push(admin_value(index, &admin));
    }
    check(&values)?;
    let client = args.connection.client_for(identifier.name(), screen).await?;
    let written = client.create(identifier.as_str(), values, args.overwrite).await;
    let done = if written.as_ref().is_ok_and(|written| written.overwritten) { OVERWRITTEN } else { CREATED };
    report(done, &identifier, written, &client, screen)
}

/// Who shall administer a new record: the one named, else whoever makes it.
fn administrator(args: &CreateArgs, values: &[Value]) -> Result<Option<Reference>, CliError> {
    let named = args.admin.as_ref().or(args.connection.identity.identity.as_ref());
    match named {
        Some(name)
            if args.admin.is_some() || !(args.no_admin || values.iter().any(|value| value.is_kind(kind::ADMIN))) =>
        {
            let wrong = || CliError::usage(format!("`{name}` is not INDEX:HANDLE")).next("write 300:0.NA/PREFIX");
            Reference::parse(name).map(Some).ok_or_else(wrong)
        }
        _ => Ok(None),
    }
}

pub async fn add(args: &ChangeArgs, screen: &Screen) -> Result<Exit, CliError> {
    let identifier = identifiers::to_ask(&args.identifier, false, screen)?;
    let values = args.values.read(&identifier, true)?;
    check(&values)?;
    let client = args.connection.client_for(identifier.name(), screen).await?;
    let written = client.add(identifier.as_str(), values, args.overwrite).await;
    report(ADDED, &identifier, written, &client, screen)
}

pub async fn modify(args: &ChangeArgs, screen: &Screen) -> Result<Exit, CliError> {
    let identifier = identifiers::to_ask(&args.identifier, false, screen)?;
    let values = args.values.read(&identifier, true)?;
    check(&values)?;
    let client = args.connection.client_for(identifier.name(), screen).await?;
    let written = client.modify(identifier.as_str(), values).await;
    report(MODIFIED, &identifier, written, &client, screen)
}

pub async fn remove(args: &RemoveArgs, screen: &Screen) -> Result<Exit, CliError> {
    let identifier = identifiers::to_ask(&args.identifier, false, screen)?;
    let client = args.connection.client_for(identifier.name(), screen).await?;
    let written = client.remove(identifier.as_str(), &args.indexes).await;
    report(REMOVED, &identifier, written, &client, screen)
}

pub async fn delete(args: &DeleteArgs, screen: &Screen) -> Result<Exit, CliError> {
    let identifier = identifiers::to_ask(&args.identifier, false, screen)?;
    let client = args.connection.client_for(identifier.name(), screen).await?;
    let written = client.delete(identifier.as_str()).await;
    report(DELETED, &identifier, written, &client, screen)
}

/// What was done: for machines, in Chinese, in English.
type Deed = (&'static str, &'static str, &'static str);
const CREATED: Deed = ("created", "已注册", "created");
const OVERWRITTEN: Deed = ("overwritten", "已覆盖", "overwritten");
const ADDED: Deed = ("added", "已增加值", "values added");
const MODIFIED: Deed = ("modified", "已修改值", "values modified");
const REMOVED: Deed = ("removed", "已删除值", "values removed");
const DELETED: Deed = ("deleted", "已删除", "deleted");

fn report(
    deed: Deed,
    identifier: &Identifier,
    written: Result<Written, Error>,
    client: &Client,
    screen: &Screen,
) -> Result<Exit, CliError> {
    let server = client.server().to_string();
    let written = written.map_err(|error| explain(&error, &format!("{identifier} at {server}")))?;
    if screen.is_json() {
        screen.json(&json!({
            "identifier": identifier.as_str(),
            "done": deed.0,
            "overwritten": written.overwritten,
            "server": server,
        }))?;
    } else {
        screen.line(&format!("{} · {} · {server}", printable(identifier.as_str()), screen.pick(deed.1, deed.2)))?;
    }
    Ok(Exit::Done)
}

impl ValueArgs {
    /// The values; with `indexed`, each of them has to say its index.
    fn read(&self, identifier: &Identifier, indexed: bool) -> Result<Vec<Value>, CliError> {
        let mut values = match &self.values_file {
            Some(path) => read_file(path, identifier)?,
            None => Vec::new(),
        };
        for text in &self.values {
            let value = self.value(text, &values, indexed)?;
            values.push(value);
        }
        match values.is_empty() {
            true => Err(CliError::usage("no values").next("give --value '[INDEX:]TYPE=DATA' or --values-file FILE")),
            false => Ok(values),
        }
    }

    fn value(&self, text: &str, others: &[Value], indexed: bool) -> Result<Value, CliError> {
        let wrong = |why: String| CliError::usage(why).place(format!("--value '{}'", printable(text)));
        let (slot, data) = text.split_once('=').ok_or_else(|| {
            wrong("the “=” between type and data is missing".into()).next("write it as [INDEX:]TYPE=DATA")
        })?;
        let slot = Slot::parse(slot).map_err(wrong)?;
        if indexed && slot.index.is_none() {
            return Err(wrong("the index is missing".into()).next("write it as INDEX:TYPE=DATA"));
        }
        let mut value = slot.value(free_index(others, 1), data).map_err(wrong)?;
        value.ttl = self.ttl.map_or(value.ttl, Ttl::Relative);
        value.permissions = self.permissions.map_or(value.permissions, Permissions);
        Ok(value)
    }
}

/// The first index from `start` on that no value has.
fn free_index(values: &[Value], start: u32) -> u32 {
    (start..).find(|index| values.iter().all(|value| value.index != *index)).unwrap_or(start)
}

fn check(values: &[Value]) -> Result<(), CliError> {
    for (at, value) in values.iter().enumerate() {
        if values[..at].iter().any(|other| other.index == value.index) {
            return Err(CliError::usage(format!("two values have index {}", value.index)));
        }
    }
    Ok(())
}

/// The values in a JSON file: an array, or an object with `values`.
fn read_file(path: &Path, identifier: &Identifier) -> Result<Vec<Value>, CliError> {
    let failed = |error: std::io::Error| CliError::file(path, &error);
    let wrong = |why: String| CliError::usage(why).place(path.display().to_string());
    if std::fs::metadata(path).map_err(failed)?.len() > VALUES_OCTETS {
        return Err(wrong(format!("longer than {VALUES_OCTETS} octets")));
    }
    let octets = std::fs::read(path).map_err(failed)?;
    let json: Json = serde_json::from_slice(&octets).map_err(|error| wrong(format!("not JSON: {error}")))?;
    body_to_values(&json, identifier.as_str()).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(values: &[&str]) -> ValueArgs {
        let values = values.iter().map(|text| (*text).to_owned()).collect();
        ValueArgs { values, values_file: None, ttl: Some(60), permissions: None }
    }

    fn read(values: &[&str], indexed: bool) -> Result<Vec<Value>, CliError> {
        args(values).read(&Identifier::parse("88.118.8/x").unwrap(), indexed)
    }

    #[test]
    fn values_take_the_first_free_index() {
        let values = read(&["2:URL=https://a.example/?a=b", "EMAIL=x@y.z", "DESC=虎符"], false).unwrap();
        let found: Vec<_> = values.iter().map(|value| (value.index, value.data.len(), value.ttl)).collect();
        assert_eq!(found, [(2, 22, Ttl::Relative(60)), (1, 5, Ttl::Relative(60)), (3, 6, Ttl::Relative(60))]);
    }

    #[test]
    fn broken_values_say_what_is_wrong() {
        for (text, indexed, why) in [
            ("URL", false, "the “=”"),
            ("URL=x", true, "the index is missing"),
            ("5:=x", false, "the type is missing"),
            ("HS_SITE=x", false, "HS_SITE has no text form"),
            ("X;hex=0g", false, "hex: "),
        ] {
            let error = read(&[text], indexed).unwrap_err();
            assert!(error.what.starts_with(why), "{text}: {error}");
        }
        assert!(read(&[], false).is_err());
        assert!(check(&read(&["1:A=x", "1:B=y"], false).unwrap()).is_err());
        assert_eq!(parse_permissions("1110"), Ok(14));
        assert!(parse_permissions("12").is_err());
    }
}
