//! What failures to sign in bring: a lock of the login and of the address, longer each time.
//!
//! ```text
//!            5 failures in 15 min           the time is over
//! open ───────────────────────────► locked ──────────────────► open, the next lock lasts twice as long
//!   ▲                                                             │
//!   └──── right password, or a day without a failure: all is forgotten
//! ```
//! A login that nobody has is locked as any other, by its digest.

use super::policy::{AccountPolicy, MINUTE};
use super::token;
use crate::caller::{Caller, DAY, Time};
use crate::error::{Error, Kind, Refusal};
use crate::registry::Registry;
use sqlx::{AnyConnection, Row};
use std::net::IpAddr;

/// Window of [`count`].
const WINDOW: Time = 15 * MINUTE;
/// The longest lock.
const LONGEST: Time = DAY;

/// What a login that nobody has is counted under: the text itself may be a password typed into the wrong field.
pub(crate) fn nobody(login: &str) -> String {
    format!("login {}", token::digest(login))
}

/// What failures of an address are counted under: for IPv6 the network that one household gets.
pub(crate) fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}

fn locked(until: Time, now: Time) -> Refusal {
    let minutes = (until - now).max(0) / MINUTE + 1;
    let zh = format!("登录失败次数过多，请 {minutes} 分钟后再试");
    let en = format!("too many failures to sign in; try again in {minutes} minutes");
    Refusal::new(Kind::Limit, "sign-in-locked", zh, en)
}

/// Refuses while any of the subjects is locked.
pub(crate) async fn pass(connection: &mut AnyConnection, subjects: &[&str], now: Time) -> Result<(), Error> {
    for subject in subjects {
        let select = sqlx::query("SELECT locked_until FROM sign_in_guard WHERE subject = $1").bind(*subject);
        let Some(row) = select.fetch_optional(&mut *connection).await? else { continue };
        let until: i64 = row.try_get(0)?;
        if until > now {
            return Err(locked(until, now).into());
        }
    }
    Ok(())
}

/// Refuses while the account is locked by failures.
pub(crate) async fn open(registry: &Registry, account: &str, caller: &Caller) -> Result<(), Error> {
    let mut connection = registry.database.reader().acquire().await?;
    pass(&mut connection, &[account], caller.at).await
}

/// Counts a failure; `most` of them lock. Says until when, if this one did.
pub(crate) async fn fail(
    connection: &mut AnyConnection,
    subject: &str,
    now: Time,
    most: i64,
    policy: &AccountPolicy,
) -> Result<Option<Time>, Error> {
    let select = sqlx::query("SELECT failures, since, locks, touched FROM sign_in_guard WHERE subject = $1");
    let row = select.bind(subject).fetch_optional(&mut *connection).await?;
    let (mut failures, mut since, mut locks) = (0, now, 0);
    if let Some(row) = row {
        let touched: i64 = row.try_get(3)?;
        if now - touched <= DAY {
            locks = row.try_get(2)?;
        }
        let began: i64 = row.try_get(1)?;
        if now - began <= policy.failure_minutes * MINUTE {
            (failures, since) = (row.try_get(0)?, began);
        }
    }
    failures += 1;
    let mut until = 0;
    if failures >= most {
        let doubled = policy.lock_minutes.saturating_mul(1 << locks.clamp(0, 20)).saturating_mul(MINUTE);
        until = now.saturating_add(doubled.min(LONGEST));
        (failures, since, locks) = (0, now, locks + 1);
    }
    let write = "INSERT INTO sign_in_guard (subject, failures, since, locks, locked_until, touched) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, \
                 since = excluded.since, locks = excluded.locks, locked_until = excluded.locked_until, \
                 touched = excluded.touched";
    let write = sqlx::query(write).bind(subject).bind(failures).bind(since).bind(locks).bind(until).bind(now);
    write.execute(connection).await?;
    Ok((until > 0).then_some(until))
}

/// Counts something that is limited to `most` in a quarter of an hour, and refuses what is more.
pub(crate) async fn count(connection: &mut AnyConnection, subject: &str, now: Time, most: i64) -> Result<(), Error> {
    let select = sqlx::query("SELECT failures, since FROM sign_in_guard WHERE subject = $1").bind(subject);
    let row = select.fetch_optional(&mut *connection).await?;
    let (mut counted, mut since) = (0, now);
    if let Some(row) = row {
        let began: i64 = row.try_get(1)?;
        if now - began <= WINDOW {
            (counted, since) = (row.try_get(0)?, began);
        }
    }
    if counted >= most {
        return Err(locked(since + WINDOW, now).into());
    }
    let write = "INSERT INTO sign_in_guard (subject, failures, since, locks, locked_until, touched) \
                 VALUES ($1, $2, $3, 0, 0, $4) ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, \
                 since = excluded.since, touched = excluded.touched";
    sqlx::query(write).bind(subject).bind(counted + 1).bind(since).bind(now).execute(connection).await?;
    Ok(())
}

/// Forgets the failures of a subject.
pub(crate) async fn clear(connection: &mut AnyConnection, subject: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM sign_in_guard WHERE subject = $1").bind(subject).execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_counted_by_what_one_household_gets() {
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network("unix"), "unix");
    }
}
