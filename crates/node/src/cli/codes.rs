//! `hufu codes`: every known code of one thing. `hufu map`: declares that two codes are of one thing.

use super::connection::{AdminArgs, ViaArgs};
use super::error::{CliError, Exit};
use super::identifiers;
use super::remote::{Asker, explain};
use super::screen::{Screen, printable, table};
use crate::clock;
use crate::http::codes::to_json;
use clap::Args;
use hufu_client::{Client, ErrorKind, ResolveOptions};
use hufu_ident::mapping::{Mapping, SAME_AS};
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::{Identifier, SelectionBuf, Value, ValueSet, recognise};
use hufu_resolve::{Code, Declared, known_codes};
use serde_json::json;
use tokio::sync::Mutex;

/// Where indexes of mappings begin.
const FIRST_INDEX: u32 = 700;
/// Indexes tried for one mapping.
const INDEXES: u32 = 64;

/// Arguments of `hufu codes`.
#[derive(Debug, Args)]
pub struct CodesArgs {
    /// Any code of the thing
    #[arg(value_name = "IDENTIFIER")]
    pub identifier: String,
    #[command(flatten)]
    pub via: ViaArgs,
}

/// Arguments of `hufu map`.
#[derive(Debug, Args)]
pub struct MapArgs {
    /// The code whose record says so
    #[arg(value_name = "IDENTIFIER")]
    pub identifier: String,
    /// The other code of the same thing
    #[arg(value_name = "SAME AS")]
    pub same_as: String,
    /// Whoever resolves the first is led on to the second
    #[arg(long)]
    pub alias: bool,
    /// Say it in the first record only; else both say it of each other
    #[arg(long)]
    pub one_sided: bool,
    /// From when it holds, such as 2026-12-01 or 2026-12-01T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub from: Option<u64>,
    /// From when it holds no longer
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub until: Option<u64>,
    /// Take it back instead
    #[arg(long)]
    pub remove: bool,
    #[command(flatten)]
    pub connection: AdminArgs,
}

/// Unix seconds of a date (its beginning in UTC) or of a time.
fn parse_time(text: &str) -> Result<u64, String> {
    let date = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let time = text.parse::<jiff::Timestamp>().ok().or_else(|| date().map(|date| date.timestamp()));
    let seconds = time.and_then(|time| u64::try_from(time.as_second()).ok());
    seconds.ok_or_else(|| "write 2026-12-01 or 2026-12-01T08:00:00Z".into())
}

pub async fn codes(args: &CodesArgs, screen: &Screen) -> Result<Exit, CliError> {
    let start = identifiers::to_ask(&args.identifier, false, screen)?;
    let asker = Mutex::new(Asker::new(args.via.endpoints().await?, None, args.via.timeout));
    let fault = Mutex::new(None);
    let look_up = |name: Identifier| {
        let (asker, fault) = (&asker, &fault);
        async move {
            let options = ResolveOptions::default();
            match asker.lock().await.ask(name.as_str(), &SelectionBuf::default(), options).await {
                Ok(reply) if reply.code == ResponseCode::SUCCESS => Some(ValueSet::from_values(reply.values)),
                Ok(_) => None,
                Err(error) => {
                    fault.lock().await.get_or_insert(error);
                    None
                }
            }
        }
    };
    let codes = known_codes(start, clock::seconds(), look_up).await;
    if let Some(error) = fault.into_inner() {
        return Err(error);
    }
    if screen.is_json() {
        screen.json(&to_json(&codes))?;
    } else {
        show(&codes, screen)?;
    }
    Ok(if codes.iter().any(|code| code.found) { Exit::Done } else { Exit::No })
}

fn show(codes: &[Code], screen: &Screen) -> Result<(), CliError> {
    let mut rows = table(&[
        screen.pick("体系", "System"),
        screen.pick("标识", "Identifier"),
        screen.pick("声明方", "Declared by"),
        screen.pick("互认", "Mutual"),
        screen.pick("记录", "Record"),
    ]);
    for code in codes {
        let by: Vec<String> = code.declared_by.iter().map(declared).collect();
        rows.add_row([
            recognise(code.identifier.as_str()).label().to_owned(),
            printable(code.identifier.as_str()),
            by.join("\n"),
            if code.mutual { "✓" } else { screen.pick("单方", "claimed") }.to_owned(),
            if code.found { "✓" } else { screen.pick("未见", "not seen") }.to_owned(),
        ]);
    }
    screen.table(&rows)
}

fn declared(declared: &Declared) -> String {
    let mut text = printable(declared.by.as_str());
    if declared.alias {
        text.push_str(" →");
    }
    let day =
        |seconds: u64| jiff::Timestamp::from_second(seconds as i64).map(|time| time.to_string()).unwrap_or_default();
    if declared.from.is_some() || declared.until.is_some() {
        let [from, until] = [declared.from, declared.until].map(|bound| bound.map(day).unwrap_or_default());
        text.push_str(&format!(" [{from} … {until}]"));
    }
    text
}

pub async fn map(args: &MapArgs, screen: &Screen) -> Result<Exit, CliError> {
    let first = identifiers::to_ask(&args.identifier, false, screen)?;
    let second = identifiers::to_ask(&args.same_as, false, screen)?;
    let bounds = |to: &Identifier| Mapping { from: args.from, until: args.until, ..Mapping::to(to.clone()) };
    let mut sides = vec![(&first, Mapping { alias: args.alias, ..bounds(&second) })];
    if !args.one_sided {
        sides.push((&second, bounds(&first)));
    }
    for (identifier, mapping) in sides {
        let client = args.connection.client_for(identifier.name(), screen).await?;
        let place = format!("{identifier} at {}", client.server());
        let done = match args.remove {
            true => withdraw(&client, identifier, &mapping.to, &place).await?,
            false => declare(&client, identifier, &mapping, &place).await?,
        };
        report(identifier, &mapping, args.remove, done, screen)?;
    }
    Ok(Exit::Done)
}

/// The mapping to `to` that a record has already.
async fn present(
    client: &Client,
    identifier: &Identifier,
    to: &Identifier,
    place: &str,
) -> Result<Option<Value>, CliError> {
    let options = ResolveOptions { authoritative: true, ..ResolveOptions::default() };
    let found = client.resolve(identifier.as_str(), &SelectionBuf::of_types(&[SAME_AS]), options).await;
    let values = match found {
        Ok(found) => found.values,
        Err(error) if matches!(error.kind(), ErrorKind::Refused(ResponseCode::VALUES_NOT_FOUND)) => Vec::new(),
        Err(error) => return Err(explain(&error, place)),
    };
    let same = |value: &Value| {
        let text = std::str::from_utf8(&value.data).ok();
        let mapping = text.and_then(Mapping::parse).filter(|_| value.is_kind(SAME_AS));
        mapping.is_some_and(|mapping| mapping.to.key(Default::default()) == to.key(Default::default()))
    };
    Ok(values.into_iter().find(same))
}

/// Writes the mapping, in the place of an older one to the same code; false if it stood there already.
async fn declare(client: &Client, identifier: &Identifier, mapping: &Mapping, place: &str) -> Result<bool, CliError> {
    let data = mapping.to_text().into_bytes();
    if let Some(before) = present(client, identifier, &mapping.to, place).await? {
        if before.data == data {
            return Ok(false);
        }
        let changed = client.modify(identifier.as_str(), vec![Value { data, ..before }]).await;
        return changed.map(|_| true).map_err(|error| explain(&error, place));
    }
    for index in FIRST_INDEX..FIRST_INDEX + INDEXES {
        match client.add(identifier.as_str(), vec![Value::new(index, SAME_AS, data.clone())], false).await {
            Ok(_) => return Ok(true),
            Err(error) if error.kind() == ErrorKind::Refused(ResponseCode::VALUE_ALREADY_EXISTS) => {}
            Err(error) => return Err(explain(&error, place)),
        }
    }
    let last = FIRST_INDEX + INDEXES - 1;
    Err(CliError::no(format!("indexes {FIRST_INDEX} to {last} are all taken")).place(place.to_owned()))
}

/// Takes the mapping out; false if there was none.
async fn withdraw(client: &Client, identifier: &Identifier, to: &Identifier, place: &str) -> Result<bool, CliError> {
    let Some(before) = present(client, identifier, to, place).await? else { return Ok(false) };
    let removed = client.remove(identifier.as_str(), &[before.index]).await;
    removed.map(|_| true).map_err(|error| explain(&error, place))
}

fn report(
    identifier: &Identifier,
    mapping: &Mapping,
    removed: bool,
    changed: bool,
    screen: &Screen,
) -> Result<(), CliError> {
    if screen.is_json() {
        return screen.json(&json!({
            "identifier": identifier.as_str(), "sameAs": mapping.to.as_str(), "alias": mapping.alias,
            "removed": removed, "changed": changed,
        }));
    }
    let done = match (removed, changed) {
        (false, true) => screen.pick("已声明等同于", "is declared the same as"),
        (false, false) => screen.pick("早已声明等同于", "was declared already to be the same as"),
        (true, true) => screen.pick("不再声明等同于", "is no longer declared the same as"),
        (true, false) => screen.pick("并未声明等同于", "was not declared to be the same as"),
    };
    screen.line(&format!("{} {done} {}", printable(identifier.as_str()), printable(mapping.to.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates_or_moments() {
        assert_eq!(parse_time("2026-01-01"), Ok(1_767_225_600));
        assert_eq!(parse_time("2026-01-01T08:00:00+08:00"), Ok(1_767_225_600));
        for text in ["", "tomorrow", "2026-13-01", "1900-01-01"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }
}
