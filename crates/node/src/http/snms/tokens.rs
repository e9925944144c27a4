//! Tokens of 24 hours, for an account with its password or for an access key with its secret key.

use super::Call;
use super::envelope::{Answered, Failure};
use super::input::dates;
use hufu_registry::accounts::day_token::Shown;
use hufu_registry::accounts::sign_in::SignIn;
use hufu_registry::caller::DAY;
use hufu_registry::{Error, Kind};
use serde_json::json;

/// Characters of `username` and `password`.
const USERNAME: usize = 50;
const PASSWORD: usize = 64;
/// What the ids of access keys begin with.
const ACCESS_KEY: &str = "key-";

fn failed() -> Failure {
    Failure::business("用户名/密码错误！")
}

/// Who cannot prove themselves learns no more than that.
fn told(error: Error) -> Failure {
    match &error {
        Error::Refused(refusal) if refusal.kind == Kind::Unauthenticated && refusal.code != "totp-required" => failed(),
        _ => error.into(),
    }
}

fn credentials(call: &Call<'_>) -> Result<(String, String), Failure> {
    // The interface's table says `username`, its example `userName`.
    let name = if call.input.has("userName") { "userName" } else { "username" };
    Ok((call.input.required(name, USERNAME)?, call.input.required("password", PASSWORD)?))
}

/// `POST /identity/token`.
pub async fn plain(call: &Call<'_>) -> Answered {
    let (username, password) = credentials(call)?;
    if username.starts_with(ACCESS_KEY) {
        return exchanged(call, &username, Shown::Plain(&password)).await;
    }
    let agent = call.asked.header(axum::http::header::USER_AGENT).unwrap_or_default();
    let request = SignIn { login: username, password, code: None };
    let begun = call.registry.sign_in_for(&call.caller, &request, agent, Some(DAY)).await.map_err(told)?;
    Ok(json!({"token": begun.token}))
}

/// `POST /identity/token/v1`: the password is `sha256(sha256hex(password) + date)`. Of the password of an account only
/// an Argon2 hash is kept, which this form cannot be compared with; of a secret key the SHA-256 is.
pub async fn dated(call: &Call<'_>) -> Answered {
    let (username, password) = credentials(call)?;
    if !username.starts_with(ACCESS_KEY) {
        return Err(failed());
    }
    let (digest, dates) = (password.to_ascii_lowercase(), dates(call.caller.at));
    exchanged(call, &username, Shown::Dated { digest: &digest, dates: &dates }).await
}

async fn exchanged(call: &Call<'_>, access: &str, shown: Shown<'_>) -> Answered {
    let token = call.registry.exchange_key(&call.caller, access, shown, call.address).await.map_err(told)?;
    Ok(json!({"token": token}))
}
