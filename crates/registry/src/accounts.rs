//! Accounts: who may act.

use crate::caller::{Caller, Time};
use crate::error::{Error, Kind, Refusal};
use crate::registry::Registry;
use std::net::IpAddr;

impl Registry {
    /// Who stands behind a session's token or an API key. There are no accounts yet, so nobody does.
    pub async fn identify(&self, _: &str, _: IpAddr, _: &str, _: Time) -> Result<Caller, Error> {
        let (zh, en) = ("会话或密钥无效，请重新登录", "the session or key is not valid; sign in again");
        Err(Refusal::new(Kind::Unauthenticated, "not-signed-in", zh, en).into())
    }
}
