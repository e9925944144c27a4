//! Commands of a client, and what carries each out: an act on a prefix of its organisation, or on a registration below.

use super::answer::{CommandRefusal, is_answer, read_kept};
use super::client::{OperatorClient, operator_caller};
use super::code::{CODE_DONE, CODE_PENDING, ResultCode};
use super::registration::{self, RegistrationState};
use crate::caller::{Caller, Idempotency, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::prefixes::{DelegationData, PrefixChange, Renewal, TransferKind, TransferRequest, Wish, canonical};
use crate::registry::Registry;
use crate::subject::Subject;
use hufu_ident::Prefix as Name;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

/// Characters of a client transaction id.
const TRANSACTION: std::ops::RangeInclusive<usize> = 3..=64;

/// What a client wants to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", tag = "command", deny_unknown_fields)]
pub enum Command {
    /// EPP create. Below a prefix of this node: an application. Below a prefix of the client: a registration.
    Create {
        /// The name, or empty: the next free one below `under`.
        #[serde(default)]
        prefix: String,
        #[serde(default)]
        under: String,
        #[serde(default)]
        delegation: DelegationData,
        /// Who holds it; for a registration.
        #[serde(default)]
        subject: Option<Box<Subject>>,
        #[serde(default)]
        expires: Option<Time>,
    },
    UpdateSubject {
        prefix: String,
        subject: Box<Subject>,
    },
    UpdateRoutes {
        prefix: String,
        delegation: DelegationData,
    },
    Disable {
        prefix: String,
        #[serde(default)]
        reason: String,
    },
    Enable {
        prefix: String,
    },
    Delete {
        prefix: String,
        #[serde(default)]
        reason: String,
    },
    /// Refused unless it names the expiry as the other side knows it.
    Renew {
        prefix: String,
        current_expires: Time,
        #[serde(default)]
        expires: Option<Time>,
    },
    /// The client's organisation wants to gain a prefix with its transfer code.
    Transfer {
        prefix: String,
        code: String,
        #[serde(default)]
        delegation: Option<DelegationData>,
    },
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommandAnswer {
    /// 1000 done, 1001 pending.
    pub code: ResultCode,
    pub client_transaction: String,
    pub server_transaction: String,
    /// The prefix, registration or transfer as it now is.
    pub data: Json,
}

impl Command {
    /// The name that it is about; empty where the next free one is wanted.
    pub fn prefix(&self) -> &str {
        match self {
            Command::Create { prefix, .. }
            | Command::UpdateSubject { prefix, .. }
            | Command::UpdateRoutes { prefix, .. }
            | Command::Disable { prefix, .. }
            | Command::Enable { prefix }
            | Command::Delete { prefix, .. }
            | Command::Renew { prefix, .. }
            | Command::Transfer { prefix, .. } => prefix,
        }
    }

    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Create { .. } => "create",
            Command::UpdateSubject { .. } => "update-subject",
            Command::UpdateRoutes { .. } => "update-routes",
            Command::Disable { .. } => "disable",
            Command::Enable { .. } => "enable",
            Command::Delete { .. } => "delete",
            Command::Renew { .. } => "renew",
            Command::Transfer { .. } => "transfer",
        }
    }
}

/// 3 to 64 printable characters without space.
pub fn check_transaction(id: &str) -> Result<(), Refusal> {
    if TRANSACTION.contains(&id.len()) && id.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Ok(());
    }
    let (zh, en) = ("客户事务号应为 3–64 个可见字符", "a client transaction id has 3 to 64 printable characters");
    Err(Refusal::fields(vec![FieldRefusal::new("clientTransaction", "out-of-range", zh, en)]))
}

/// The same whenever the same command comes again.
fn server_transaction(client: &str, transaction: &str, digest: &str) -> String {
    let octets = Sha256::digest(format!("{client}\n{transaction}\n{digest}"));
    format!("sv-{}", hex::encode(octets.get(..12).unwrap_or_default()))
}

/// 1001 where somebody still has to decide.
fn code_of_state(data: &Json) -> ResultCode {
    match data.get("state").and_then(Json::as_str) {
        Some("pending" | "in-review") => CODE_PENDING,
        _ => CODE_DONE,
    }
}

fn value<T: Serialize>(outcome: Result<T, Error>) -> Result<Json, Error> {
    Ok(serde_json::to_value(outcome?)?)
}

fn not_here(command: &str) -> Error {
    let zh = format!("该前缀不支持 {command}");
    let en = format!("{command} is not for this prefix");
    Refusal::new(Kind::Conflict, "command-not-here", zh, en).into()
}

/// A client that is for one prefix has nothing to do with others.
fn check_client_prefix(client: &OperatorClient, name: &str, command: &Command) -> Result<(), Refusal> {
    if client.prefix.is_empty() {
        return Ok(());
    }
    let own = Name::folded(&client.prefix);
    let above = |text: &str| text == own.as_str() || Name::folded(text).is_derived_from(&own);
    let wanted = match command {
        Command::Create { under, .. } if name.is_empty() => under.as_str(),
        _ => name,
    };
    if above(wanted) {
        return Ok(());
    }
    let (zh, en) = (
        format!("该客户只能办理 {} 及其下级", client.prefix),
        format!("this client is for {} and what is below it", client.prefix),
    );
    Err(Refusal::new(Kind::Denied, "client-prefix", zh, en))
}

impl Registry {
    /// Carries a command out, once: the same transaction with the same content gets the first answer again, also where
    /// that was a refusal; with other content it is refused.
    pub async fn execute_command(
        &self,
        client: &OperatorClient,
        address: &str,
        at: Time,
        transaction: &str,
        command: &Command,
    ) -> Result<Result<CommandAnswer, CommandRefusal>, Error> {
        check_transaction(transaction)?;
        let digest = hex::encode(Sha256::digest(serde_json::to_vec(command)?));
        let server = server_transaction(&client.id, transaction, &digest);
        let request = format!("{server} {transaction}");
        let mut caller = operator_caller(client, address, &request, at);
        let idempotency = Idempotency { key: transaction.to_owned(), digest };
        let kept = self.kept_answer(&client.id, &idempotency).await?;
        caller.idempotency = Some(idempotency);
        let outcome = match kept {
            Some(kept) => Err(Error::Repeated(kept)),
            None => self.carry_out_command(client, &caller, command).await,
        };
        let data = match outcome {
            Ok(data) => Ok(data),
            Err(Error::Repeated(kept)) => read_kept(kept)?,
            Err(Error::Refused(refusal)) => {
                let refused = CommandRefusal::of(&refusal, &server);
                match is_answer(&refusal) {
                    true => {
                        let object = format!("prefix {}", command.prefix());
                        self.keep_refusal(&caller, &object, command.name(), refused).await?
                    }
                    false => Err(refused),
                }
            }
            Err(error) => return Err(error),
        };
        Ok(data.map(|data| CommandAnswer {
            code: code_of_state(&data),
            client_transaction: transaction.to_owned(),
            server_transaction: server,
            data,
        }))
    }

    async fn carry_out_command(
        &self,
        client: &OperatorClient,
        caller: &Caller,
        command: &Command,
    ) -> Result<Json, Error> {
        let name = match command.prefix() {
            "" => String::new(),
            text => canonical(text)?,
        };
        check_client_prefix(client, &name, command)?;
        if !name.is_empty() && self.is_registration(client, &name, command).await? {
            return value(self.change_registration(client, caller, &name, command).await);
        }
        match command {
            Command::Create { under, delegation, expires, .. } => {
                if !name.is_empty() {
                    self.check_unregistered(&name).await?;
                }
                let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
                let wish = Wish {
                    organisation: client.organisation.clone(),
                    prefix: given(&name),
                    under: given(under),
                    delegation: delegation.clone(),
                    expires: *expires,
                    ..Wish::default()
                };
                value(self.request_prefix(caller, &wish).await)
            }
            Command::UpdateSubject { subject, .. } => {
                // It is about the prefix's holder: that must be the client's organisation.
                let held = self.prefix(caller, &name).await?;
                if held.organisation != client.organisation {
                    return Err(not_here(command.name()));
                }
                value(self.amend_organisation(caller, &client.organisation, None, subject).await)
            }
            Command::UpdateRoutes { delegation, .. } => {
                let change = PrefixChange { delegation: Some(delegation.clone()), auto_renew: None };
                value(self.amend_prefix(caller, &name, None, &change).await)
            }
            Command::Disable { reason, .. } => value(self.hold_prefix(caller, &name, true, reason).await),
            Command::Enable { .. } => value(self.hold_prefix(caller, &name, false, "").await),
            Command::Delete { reason, .. } => value(self.delete_prefix(caller, &name, None, reason).await),
            Command::Renew { current_expires, expires, .. } => {
                let days = expires.map(|end| end.saturating_sub(*current_expires) / crate::caller::DAY);
                let renewal = Renewal { current_expires: *current_expires, days };
                value(self.renew_prefix(caller, &name, &renewal).await)
            }
            Command::Transfer { code, delegation, .. } => {
                let request = TransferRequest {
                    prefix: name,
                    kind: TransferKind::Holder,
                    code: code.clone(),
                    gaining: client.organisation.clone(),
                    delegation: delegation.clone(),
                    remark: String::new(),
                };
                value(self.request_transfer(caller, &request).await)
            }
        }
    }

    /// EPP info: a prefix of the client's organisation, or a registration below one.
    pub async fn query_command(&self, client: &OperatorClient, caller: &Caller, text: &str) -> Result<Json, Error> {
        let name = canonical(text)?;
        let mut connection = self.database.reader().acquire().await?;
        let found = registration::find(&mut connection, &name).await?;
        drop(connection);
        let found = found.filter(|found| found.client == client.id);
        match found {
            Some(found) if found.state != RegistrationState::Deleted => Ok(serde_json::to_value(found)?),
            // What was registered once may be a prefix of the client by now.
            Some(gone) => match self.prefix(caller, &name).await {
                Err(Error::Refused(_)) => Ok(serde_json::to_value(gone)?),
                held => value(held),
            },
            None => value(self.prefix(caller, &name).await),
        }
    }
}
