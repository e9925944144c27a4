//! Registers rows over one connection that is logged in, and gets another one when it breaks.

use super::columns::RowError;
use super::tally::Outcome;
use crate::cli::error::CliError;
use crate::cli::remote::explain;
use clap::ValueEnum;
use hufu_client::{Client, Error, ErrorKind, LoggedIn, ResolveOptions, Written};
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::{Identifier, SelectionBuf, Value};
use std::time::Duration;
use tokio::sync::Mutex;

/// What to do with an identifier that exists with other values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnConflict {
    /// Leave it as it is
    Skip,
    /// Replace its values
    Overwrite,
    /// Count the row as failed
    Fail,
}

/// Tries for one row while the server is busy or the connection breaks.
const TRIES: u32 = 6;
/// Tries to connect again before the import ends.
const LOGINS: u32 = 5;
/// The first wait between two tries; each is twice as long as the one before.
const WAIT: Duration = Duration::from_millis(250);

/// How changes reach the server.
#[derive(Clone)]
enum Way {
    /// A connection that was proved once.
    LoggedIn(LoggedIn),
    /// The server knows no login: every change is proved by itself.
    OneByOne,
}

impl Way {
    async fn create(&self, client: &Client, name: &str, values: Vec<Value>, overwrite: bool) -> Result<Written, Error> {
        match self {
            Way::LoggedIn(connection) => connection.create(name, values, overwrite).await,
            Way::OneByOne => client.create(name, values, overwrite).await,
        }
    }
}

struct State {
    way: Way,
    /// Counts the connections, so that those who saw the same one break ask for one new one together.
    number: u64,
}

/// The server, and how to write to it.
pub struct Uploader {
    /// Proves changes; with the identity.
    client: Client,
    /// Asks what exists; without identity, so that no question costs a proof.
    asker: Client,
    policy: OnConflict,
    state: Mutex<State>,
}

impl Uploader {
    /// Logs in.
    pub async fn start(client: Client, asker: Client, policy: OnConflict) -> Result<Self, CliError> {
        let way = log_in(&client).await.map_err(|error| explain(&error, &client.server().to_string()))?;
        Ok(Uploader { client, asker, policy, state: Mutex::new(State { way, number: 0 }) })
    }

    /// Whether changes go over one connection that was proved once.
    pub async fn is_logged_in(&self) -> bool {
        matches!(self.state.lock().await.way, Way::LoggedIn(_))
    }

    /// Registers one row. An error ends the import; what is wrong with the row alone is an outcome.
    pub async fn register(&self, identifier: &Identifier, values: Vec<Value>) -> Result<Outcome, CliError> {
        match self.create(identifier, values.clone(), false).await {
            Ok(_) => Ok(Outcome::Created),
            Err(error) if error.code() == Some(ResponseCode::HANDLE_ALREADY_EXISTS) => {
                self.settle(identifier, values).await
            }
            Err(error) => self.judge(identifier, &error),
        }
    }

    /// The identifier exists: the same, or a conflict.
    async fn settle(&self, identifier: &Identifier, values: Vec<Value>) -> Result<Outcome, CliError> {
        if self.is_same(identifier, &values).await? {
            return Ok(Outcome::Unchanged);
        }
        match self.policy {
            OnConflict::Skip => Ok(Outcome::Skipped),
            OnConflict::Fail => {
                let text = "it exists with other values; --on-conflict skip or overwrite settles that";
                let code = ResponseCode::HANDLE_ALREADY_EXISTS.0.to_string();
                Ok(Outcome::Failed(RowError::new(identifier.as_str(), code, text)))
            }
            OnConflict::Overwrite => match self.create(identifier, values, true).await {
                Ok(_) => Ok(Outcome::Overwritten),
                Err(error) => self.judge(identifier, &error),
            },
        }
    }

    /// Whether the publicly readable values there are those of the row, timestamps apart.
    async fn is_same(&self, identifier: &Identifier, values: &[Value]) -> Result<bool, CliError> {
        let options = ResolveOptions { authoritative: true, recursion: false, ..ResolveOptions::default() };
        let mut wanted: Vec<&Value> = values.iter().filter(|value| value.permissions.public_read()).collect();
        wanted.sort_by_key(|value| value.index);
        let mut wait = WAIT;
        for attempt in 1.. {
            match self.asker.resolve(identifier.as_str(), &SelectionBuf::default(), options).await {
                Ok(mut found) => {
                    found.values.sort_by_key(|value| value.index);
                    let same = |(a, b): (&Value, &&Value)| a.same_but_time(b);
                    return Ok(found.values.len() == wanted.len() && found.values.iter().zip(&wanted).all(same));
                }
                Err(error) if is_passing(&error) && attempt < TRIES => {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                Err(error) if error.code().is_some() => return Ok(false),
                Err(error) => return Err(self.ended(identifier, &error)),
            }
        }
        Ok(false)
    }

    async fn create(&self, identifier: &Identifier, values: Vec<Value>, overwrite: bool) -> Result<Written, Error> {
        let mut wait = WAIT;
        let mut attempt = 1;
        loop {
            let (way, number) = {
                let state = self.state.lock().await;
                (state.way.clone(), state.number)
            };
            let result = way.create(&self.client, identifier.as_str(), values.clone(), overwrite).await;
            let error = match result {
                Err(error) if is_passing(&error) && attempt < TRIES => error,
                result => return result,
            };
            if error.code().is_none() {
                self.connect_again(number).await?;
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
            attempt += 1;
        }
    }

    /// A new connection in place of number `broken`, unless somebody else has got one.
    async fn connect_again(&self, broken: u64) -> Result<(), Error> {
        let mut state = self.state.lock().await;
        if state.number != broken {
            return Ok(());
        }
        let mut wait = WAIT;
        for attempt in 1.. {
            match log_in(&self.client).await {
                Ok(way) => *state = State { way, number: broken + 1 },
                Err(error) if is_passing(&error) && attempt < LOGINS => {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                    continue;
                }
                Err(error) => return Err(error),
            }
            break;
        }
        Ok(())
    }

    /// Whether a refusal concerns the row alone or everything.
    fn judge(&self, identifier: &Identifier, error: &Error) -> Result<Outcome, CliError> {
        match (error.kind(), error.code()) {
            (_, Some(ResponseCode::SERVER_BACKUP | ResponseCode::AUTHENTICATION_FAILED)) => {
                Err(self.ended(identifier, error))
            }
            (_, Some(code)) => {
                let text = error.to_string();
                Ok(Outcome::Failed(RowError::new(identifier.as_str(), code.0.to_string(), text)))
            }
            (ErrorKind::Invalid | ErrorKind::Malformed, None) => {
                Ok(Outcome::Failed(RowError::new(identifier.as_str(), "invalid", error.to_string())))
            }
            _ => Err(self.ended(identifier, error)),
        }
    }

    fn ended(&self, identifier: &Identifier, error: &Error) -> CliError {
        let error = explain(error, &format!("{identifier} at {}", self.client.server()));
        error.next("run the same command again: it goes on where it stopped")
    }
}

/// Errors that another try may not meet.
fn is_passing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Closed | ErrorKind::TimedOut | ErrorKind::Unreachable | ErrorKind::Busy)
        || error.code() == Some(ResponseCode::SERVER_TOO_BUSY)
}

async fn log_in(client: &Client) -> Result<Way, Error> {
    match client.login().await {
        Ok(connection) => Ok(Way::LoggedIn(connection)),
        Err(error) => match (error.kind(), error.code()) {
            (_, Some(ResponseCode::SESSION_TIMEOUT | ResponseCode::OPERATION_NOT_SUPPORTED))
            | (ErrorKind::Unsupported, _) => Ok(Way::OneByOne),
            _ => Err(error),
        },
    }
}
