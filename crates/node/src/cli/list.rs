//! `hufu list`: the identifiers of a prefix, or the prefixes of a server, as they come.

use super::connection::AdminArgs;
use super::error::{CliError, Exit};
use super::identifiers;
use super::remote::explain;
use super::screen::{Screen, printable};
use clap::Args;
use serde_json::json;

/// Arguments of `hufu list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The prefix whose identifiers are listed
    #[arg(required_unless_present = "homed")]
    pub prefix: Option<String>,
    /// List the prefixes that the server is responsible for
    #[arg(long, conflicts_with = "prefix", requires = "server")]
    pub homed: bool,
    #[command(flatten)]
    pub connection: AdminArgs,
}

pub async fn run(args: &ListArgs, screen: &Screen) -> Result<Exit, CliError> {
    let prefix = args.prefix.as_deref().map(|text| identifiers::prefix(text, screen)).transpose()?;
    let client = args.connection.client(prefix.as_ref().map(|prefix| prefix.as_str()), screen).await?;
    let server = client.server().to_string();
    let failed = |error| explain(&error, &server);
    let mut listing = match &prefix {
        Some(prefix) => client.list(prefix.as_str()).await.map_err(failed)?,
        None => client.list_homed().await.map_err(failed)?,
    };
    while let Some(names) = listing.next().await.map_err(failed)? {
        for name in names {
            match screen.is_json() {
                true => screen.json(&json!({"identifier": name}))?,
                false => screen.line(&printable(&name))?,
            }
        }
    }
    Ok(Exit::Done)
}
