//! What passwords, sign-ins and sessions must keep to. A setting; the defaults are those of a node of level three.

use crate::act::difference;
use crate::caller::{Caller, Time};
use crate::error::{Error, FieldRefusal, Refusal};
use crate::password::PasswordPolicy;
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use sqlx::{AnyConnection, Row};

/// Name of the setting.
const SETTING: &str = "accounts";
pub(crate) const MINUTE: Time = 60_000;
pub(crate) const HOUR: Time = 60 * MINUTE;

/// GB/T 22239-2019 §8.1.4.1 asks for complexity, regular change, lock-out and time-out; the figures are ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AccountPolicy {
    /// Least characters of a password.
    #[schema(minimum = 8, maximum = 64)]
    pub password_length: i64,
    /// Kinds of characters that it must have.
    #[schema(minimum = 1, maximum = 4)]
    pub password_kinds: i64,
    /// Days until it must be changed; 0 for never.
    #[schema(minimum = 0, maximum = 3650)]
    pub password_days: i64,
    /// How many of the last ones may not come back.
    #[schema(minimum = 1, maximum = 10)]
    pub password_history: i64,
    /// Failures that lock a login.
    #[schema(minimum = 3, maximum = 20)]
    pub failures: i64,
    /// Failures that lock an address.
    #[schema(minimum = 5, maximum = 1000)]
    pub address_failures: i64,
    /// Minutes within which failures are counted together.
    #[schema(minimum = 1, maximum = 1440)]
    pub failure_minutes: i64,
    /// Minutes of the first lock; each further one lasts twice as long, up to a day.
    #[schema(minimum = 1, maximum = 1440)]
    pub lock_minutes: i64,
    /// Minutes without a request after which a session ends.
    #[schema(minimum = 1, maximum = 1440)]
    pub idle_minutes: i64,
    /// Hours after which a session ends in any case.
    #[schema(minimum = 1, maximum = 168)]
    pub session_hours: i64,
    /// Hours that an invitation is good for.
    #[schema(minimum = 1, maximum = 720)]
    pub invitation_hours: i64,
    /// Hours that a reset is good for.
    #[schema(minimum = 1, maximum = 72)]
    pub reset_hours: i64,
    /// Hours that the former secret of a rotated key is good for, unless the rotation says otherwise.
    #[schema(minimum = 0, maximum = 720)]
    pub key_grace_hours: i64,
}

impl Default for AccountPolicy {
    fn default() -> Self {
        AccountPolicy {
            password_length: 12,
            password_kinds: 3,
            password_days: 90,
            password_history: 5,
            failures: 5,
            address_failures: 20,
            failure_minutes: 15,
            lock_minutes: 15,
            idle_minutes: 30,
            session_hours: 12,
            invitation_hours: 72,
            reset_hours: 24,
            key_grace_hours: 24,
        }
    }
}

impl AccountPolicy {
    pub(crate) fn passwords(&self) -> PasswordPolicy {
        let count = |number: i64| usize::try_from(number).unwrap_or(0);
        PasswordPolicy {
            least: count(self.password_length),
            kinds: count(self.password_kinds),
            ..PasswordPolicy::default()
        }
    }

    /// The ranges that the schema names.
    fn check(&self) -> Result<(), Refusal> {
        let ranges = [
            ("passwordLength", self.password_length, 8, 64),
            ("passwordKinds", self.password_kinds, 1, 4),
            ("passwordDays", self.password_days, 0, 3650),
            ("passwordHistory", self.password_history, 1, 10),
            ("failures", self.failures, 3, 20),
            ("addressFailures", self.address_failures, 5, 1000),
            ("failureMinutes", self.failure_minutes, 1, 1440),
            ("lockMinutes", self.lock_minutes, 1, 1440),
            ("idleMinutes", self.idle_minutes, 1, 1440),
            ("sessionHours", self.session_hours, 1, 168),
            ("invitationHours", self.invitation_hours, 1, 720),
            ("resetHours", self.reset_hours, 1, 72),
            ("keyGraceHours", self.key_grace_hours, 0, 720),
        ];
        let outside = |(field, value, least, most): (&str, i64, i64, i64)| {
            let (zh, en) = (format!("应为 {least}–{most}"), format!("{field} is {least} to {most}"));
            (!(least..=most).contains(&value)).then(|| FieldRefusal::new(field, "out-of-range", zh, en))
        };
        let wrong: Vec<_> = ranges.into_iter().filter_map(outside).collect();
        if wrong.is_empty() { Ok(()) } else { Err(Refusal::fields(wrong)) }
    }
}

pub(crate) async fn read(connection: &mut AnyConnection) -> Result<AccountPolicy, Error> {
    let row = sqlx::query("SELECT document FROM setting WHERE name = $1").bind(SETTING).fetch_optional(connection);
    match row.await? {
        Some(row) => parse(&row.try_get::<String, _>(0)?),
        None => Ok(AccountPolicy::default()),
    }
}

/// The stored document; empty where nobody has set one.
pub(crate) fn parse(document: &str) -> Result<AccountPolicy, Error> {
    if document.is_empty() { Ok(AccountPolicy::default()) } else { Ok(serde_json::from_str(document)?) }
}

impl Registry {
    pub(crate) async fn policy(&self) -> Result<AccountPolicy, Error> {
        let mut connection = self.database.reader().acquire().await?;
        read(&mut connection).await
    }

    pub async fn account_policy(&self, caller: &Caller) -> Result<AccountPolicy, Error> {
        self.authorise(caller, Permission::SettingsRead, "policy").await?;
        self.policy().await
    }

    /// Replaces the policy. Sessions that are there keep what they began with.
    pub async fn set_account_policy(&self, caller: &Caller, policy: &AccountPolicy) -> Result<AccountPolicy, Error> {
        let act = self.begin(caller, Permission::PolicyWrite, "policy").await?;
        let mut act = act.reach(None, "policy", Refusal::absent("策略", "policy", "accounts")).await?;
        policy.check()?;
        let before = read(act.sql()).await?;
        let write = "INSERT INTO setting (name, document, updated) VALUES ($1, $2, $3) \
                     ON CONFLICT (name) DO UPDATE SET document = excluded.document, updated = excluded.updated";
        let now = act.now();
        let write = sqlx::query(write).bind(SETTING).bind(serde_json::to_string(policy)?).bind(now);
        write.execute(act.sql()).await?;
        let (old, new) = difference(&before, policy);
        act.record("policy.write", "policy", None, old, new);
        act.commit(policy.clone()).await
    }
}
