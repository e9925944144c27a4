//! The SNMS dialect: the REST calls that clients of secondary nodes know, over the same registry as `/api/v1`.
//!
//! Thin: a call is read here, asked of the registry with the rights of whoever holds the token, and written down in the
//! dialect's envelope `{"message","status","data"}`. What is served, and what differs, is in `docs/snms.md`.

mod applying;
mod enterprises;
mod envelope;
mod input;
mod prefixes;
mod tokens;

use super::{Asked, Web};
use crate::roles::Role;
use crate::{clock, random};
use axum::http::{Method, header};
use axum::response::Response;
use envelope::{Answered, Failure};
use hufu_registry::{Caller, Registry, Time};
use input::Input;
use std::net::IpAddr;

/// One call, read once.
struct Call<'a> {
    registry: &'a Registry,
    asked: &'a Asked,
    input: Input,
    caller: Caller,
    address: IpAddr,
    /// What the node is called, for its own name in answers.
    node: &'a str,
}

/// Answers what belongs to this door; `None` leaves the request to the others.
pub async fn answer(web: &Web, asked: &Asked) -> Option<Response> {
    let config = &web.parts.config;
    if !config.http.snms || !matches!(config.role, Role::Secondary | Role::Enterprise) {
        return None;
    }
    let registry = web.parts.registry.as_ref()?;
    let get = match asked.path.as_str() {
        "/identity/token" | "/identity/token/v1" | "/snms/api/ent/config" => false,
        "/snms/api/v3/ent/apply" | "/snms/api/v3/ent/upgrade-apply" | "/snms/api/file/upload" => false,
        "/snms/api/v3/ent/page" | "/snms/api/v3/ent/detail" | "/snms/api/prefix/query" | "/snms/api/prefix/page" => {
            true
        }
        _ => return None,
    };
    let strict = config.role == Role::Enterprise;
    let answered = match (get, &asked.method) {
        (true, &Method::GET | &Method::HEAD) | (false, &Method::POST) => carry_out(registry, asked, &config.name).await,
        _ => Err(Failure::business("请求方法不支持")),
    };
    Some(envelope::write(answered, strict))
}

async fn carry_out(registry: &Registry, asked: &Asked, node: &str) -> Answered {
    if !asked.secure {
        return Err(Failure::denied("请使用 HTTPS：明文连接不接受凭据"));
    }
    let (id, now) = (hex::encode(random::octets::<8>()), clock::millis() as Time);
    let address = asked.peer.address.ip().to_canonical();
    let anonymous = Caller::anonymous(address.to_string(), &id, now);
    let input = Input::read(asked)?;
    let call = |caller| Call { registry, asked, input, caller, address, node };
    match asked.path.as_str() {
        "/identity/token" => return tokens::plain(&call(anonymous)).await,
        "/identity/token/v1" => return tokens::dated(&call(anonymous)).await,
        _ => {}
    }
    let bearer = asked.header(header::AUTHORIZATION).and_then(|text| text.split_once(' '));
    let Some((_, token)) = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
        return Err(Failure::unproven("未登录，请先获取 token"));
    };
    let caller = registry.identify(token.trim(), address, &id, now).await?;
    let call = call(caller);
    match asked.path.as_str() {
        "/snms/api/v3/ent/page" => enterprises::page(&call).await,
        "/snms/api/v3/ent/detail" => enterprises::detail(&call).await,
        "/snms/api/prefix/query" => prefixes::query(&call).await,
        "/snms/api/prefix/page" => prefixes::page(&call).await,
        "/snms/api/v3/ent/apply" => applying::apply(&call).await,
        "/snms/api/v3/ent/upgrade-apply" => applying::upgrade(&call).await,
        "/snms/api/file/upload" => applying::upload(&call).await,
        _ => prefixes::configure(&call).await,
    }
}
