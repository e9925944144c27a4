//! Times and limits of the life of prefixes: a setting of the node.

use crate::caller::{DAY, Time};
use crate::error::{Error, FieldRefusal, Refusal};
use serde::{Deserialize, Serialize};
use sqlx::{AnyConnection, Row};

/// The name of the setting.
pub const SETTING: &str = "prefixes";

/// Longest validity, and longest of every other span of days.
const DAYS_MOST: i64 = 36_600;
/// Most prefixes a default quota can name.
const QUOTA_MOST: i64 = 1_000_000;
/// Longest wait before a prefix that moved out is no longer answered for (7 days in seconds).
const WAIT_MOST: i64 = 604_800;

/// Times and limits of the life of prefixes. Days unless the name says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PrefixRules {
    /// Validity of a new prefix, and of one renewal.
    #[schema(minimum = 1, maximum = 36600)]
    pub validity_days: i64,
    /// Longest time from now to an expiry.
    #[schema(minimum = 1, maximum = 36600)]
    pub validity_most_days: i64,
    /// So long after creation a prefix without objects is deleted without trace.
    #[schema(minimum = 0, maximum = 36600)]
    pub add_period_days: i64,
    /// So long after deletion it can be restored.
    #[schema(minimum = 0, maximum = 36600)]
    pub redemption_days: i64,
    /// So long it then stays until it is gone.
    #[schema(minimum = 0, maximum = 36600)]
    pub pending_delete_days: i64,
    /// So long before expiry the holder is told.
    #[schema(minimum = 0, maximum = 36600)]
    pub expiry_notice_days: i64,
    /// So long after expiry it is still resolved; then the node puts it on hold.
    #[schema(minimum = 0, maximum = 36600)]
    pub expiry_grace_days: i64,
    /// Whether new prefixes renew themselves at expiry.
    pub auto_renew: bool,
    /// Life of an authorisation code for a transfer.
    #[schema(minimum = 1, maximum = 36600)]
    pub transfer_code_days: i64,
    /// So long the losing side has to answer.
    #[schema(minimum = 0, maximum = 36600)]
    pub transfer_answer_days: i64,
    /// So long after creation and after a transfer it cannot be transferred.
    #[schema(minimum = 0, maximum = 36600)]
    pub transfer_lock_days: i64,
    /// Whether silence of the losing side is consent, where the holder has consented.
    pub transfer_silence_approves: bool,
    /// Seconds for which this node goes on answering for a hosted prefix that moved out: the TTL of its delegation.
    #[schema(minimum = 0, maximum = 604800)]
    pub move_out_seconds: i64,
    /// Prefixes of one organisation, where no quota says otherwise.
    #[schema(minimum = 0, maximum = 1000000)]
    pub quota_prefixes: i64,
    /// Whether servers may stand on private and reserved addresses, as in a closed network.
    pub private_addresses: bool,
}

impl Default for PrefixRules {
    fn default() -> Self {
        PrefixRules {
            validity_days: 365,
            validity_most_days: 3660,
            add_period_days: 5,
            redemption_days: 30,
            pending_delete_days: 5,
            expiry_notice_days: 30,
            expiry_grace_days: 30,
            auto_renew: false,
            transfer_code_days: 14,
            transfer_answer_days: 5,
            transfer_lock_days: 60,
            transfer_silence_approves: true,
            move_out_seconds: 86_400,
            quota_prefixes: 10,
            private_addresses: false,
        }
    }
}

impl PrefixRules {
    /// All fields that are out of range.
    pub fn check(&self) -> Result<(), Refusal> {
        let spans = [
            ("validityDays", self.validity_days, 1, DAYS_MOST),
            ("validityMostDays", self.validity_most_days, 1, DAYS_MOST),
            ("addPeriodDays", self.add_period_days, 0, DAYS_MOST),
            ("redemptionDays", self.redemption_days, 0, DAYS_MOST),
            ("pendingDeleteDays", self.pending_delete_days, 0, DAYS_MOST),
            ("expiryNoticeDays", self.expiry_notice_days, 0, DAYS_MOST),
            ("expiryGraceDays", self.expiry_grace_days, 0, DAYS_MOST),
            ("transferCodeDays", self.transfer_code_days, 1, DAYS_MOST),
            ("transferAnswerDays", self.transfer_answer_days, 0, DAYS_MOST),
            ("transferLockDays", self.transfer_lock_days, 0, DAYS_MOST),
            ("moveOutSeconds", self.move_out_seconds, 0, WAIT_MOST),
            ("quotaPrefixes", self.quota_prefixes, 0, QUOTA_MOST),
        ];
        let outside = spans.into_iter().filter(|(_, value, least, most)| value < least || value > most);
        let fields: Vec<FieldRefusal> = outside
            .map(|(field, _, least, most)| {
                let (zh, en) = (format!("{field} 应为 {least}–{most}"), format!("{field} is {least} to {most}"));
                FieldRefusal::new(field, "out-of-range", zh, en)
            })
            .collect();
        if fields.is_empty() { Ok(()) } else { Err(Refusal::fields(fields)) }
    }
}

/// `days` after `at`.
pub(crate) fn after(at: Time, days: i64) -> Time {
    at.saturating_add(days.saturating_mul(DAY))
}

/// The rules in force.
pub(crate) async fn read(connection: &mut AnyConnection) -> Result<PrefixRules, Error> {
    let row = sqlx::query("SELECT document FROM setting WHERE name = $1").bind(SETTING);
    match row.fetch_optional(connection).await? {
        Some(row) => Ok(serde_json::from_str(&row.try_get::<String, _>(0)?)?),
        None => Ok(PrefixRules::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_good_and_every_breach_is_named() {
        assert_eq!(PrefixRules::default().check(), Ok(()));
        let wrong = PrefixRules { validity_days: 0, transfer_code_days: -1, ..PrefixRules::default() };
        let fields: Vec<_> = wrong.check().unwrap_err().fields.into_iter().map(|field| field.field).collect();
        assert_eq!(fields, ["validityDays", "transferCodeDays"]);
    }
}
