//! Sessions 会话: signing in and out, who one is, and what one does to one's own account.
//!
//! `x-self` stands where another operation has a permission: whoever is signed in does it to themselves.

use super::gate::COOKIE;
use super::{Asker, Body, Params, Path, done};
use crate::node::Parts;
use axum::Extension;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use hufu_net::{Peer, Transport};
use hufu_registry::accounts::account::Account;
use hufu_registry::accounts::credential::PasswordChange;
use hufu_registry::accounts::second_factor::{Code, Enrolment, RecoveryCodes};
use hufu_registry::accounts::session::{Current, Session, SessionFilter};
use hufu_registry::accounts::sign_in::{SignIn, SignedIn};
use hufu_registry::{Listing, Page};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list, sign_in))
        .routes(routes!(current, sign_out))
        .routes(routes!(end))
        .routes(routes!(change_password))
        .routes(routes!(enrol))
        .routes(routes!(confirm))
        .routes(routes!(renew_codes))
        .routes(routes!(remove))
}

/// 登录 · Sign in; the token is also set as a cookie
#[utoipa::path(post, path = "/api/v1/sessions", tag = "sessions", operation_id = "signIn",
    request_body = SignIn,
    responses((status = 201, body = SignedIn)),
    extensions(("x-public" = json!(true))))]
async fn sign_in(
    asker: Asker,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Body(request): Body<SignIn>,
) -> Response {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let outcome = asker.registry.sign_in(&asker.caller, &request, agent).await;
    let begun = outcome.as_ref().ok().map(|signed| (signed.token.clone(), signed.session.expires));
    let response = done(&asker, outcome, StatusCode::CREATED);
    match (begun, peer) {
        (Some((token, expires)), Some(Extension(peer))) => {
            let seconds = (expires - asker.caller.at).max(0) / 1000;
            with_cookie(response, &token, seconds, peer.transport)
        }
        _ => response,
    }
}

/// Sets the session's cookie; over plain HTTP, which only this machine may use, it cannot be `Secure`.
fn with_cookie(mut response: Response, token: &str, seconds: i64, transport: Transport) -> Response {
    let secure = if transport == Transport::Https { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    if let Ok(mut value) = HeaderValue::from_str(&cookie) {
        value.set_sensitive(true);
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

/// 会话列表 · List the own sessions, or those of an account that one may see
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sessions", operation_id = "listSessions",
    params(SessionFilter, Listing),
    responses((status = 200, body = Page<Session>)),
    extensions(("x-cli" = json!("session list")), ("x-columns" = json!("id account address agent created used expires")),
        ("x-self" = json!(true)), ("x-permission-of-others" = json!("account.read"))))]
async fn list(asker: Asker, Params(filter): Params<SessionFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = asker.registry.sessions(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 当前身份 · Who one is and what one may do
#[utoipa::path(get, path = "/api/v1/sessions/current", tag = "sessions", operation_id = "showCurrent",
    responses((status = 200, body = Current)),
    extensions(("x-cli" = json!("session current")), ("x-self" = json!(true))))]
async fn current(asker: Asker) -> Response {
    let outcome = asker.registry.current(&asker.caller).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 退出登录 · Sign out
#[utoipa::path(delete, path = "/api/v1/sessions/current", tag = "sessions", operation_id = "signOut",
    responses((status = 204)),
    extensions(("x-self" = json!(true))))]
async fn sign_out(asker: Asker, peer: Option<Extension<Peer>>) -> Response {
    let outcome = asker.registry.sign_out(&asker.caller).await;
    let gone = outcome.is_ok();
    let response = done(&asker, outcome, StatusCode::NO_CONTENT);
    match peer {
        Some(Extension(peer)) if gone => with_cookie(response, "", 0, peer.transport),
        _ => response,
    }
}

/// 结束会话 · End a session: an own one, or one of an account that one manages
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "sessions", operation_id = "endSession",
    params(("id" = String, Path)),
    responses((status = 204)),
    extensions(("x-cli" = json!("session end")), ("x-self" = json!(true)),
        ("x-permission-of-others" = json!("lock.write")), ("x-permission-of-members" = json!("member.write"))))]
async fn end(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.end_session(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::NO_CONTENT)
}

/// 修改口令 · Change the own password; every other session ends
#[utoipa::path(put, path = "/api/v1/sessions/current/password", tag = "sessions", operation_id = "changePassword",
    request_body = PasswordChange,
    responses((status = 200, body = Account)),
    extensions(("x-self" = json!(true))))]
async fn change_password(asker: Asker, Body(change): Body<PasswordChange>) -> Response {
    let outcome = asker.registry.change_password(&asker.caller, &change).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 启用双因素 · Begin to enrol an authenticator
#[utoipa::path(post, path = "/api/v1/sessions/current/second-factor", tag = "sessions", operation_id = "enrolSecondFactor",
    responses((status = 200, body = Enrolment)),
    extensions(("x-self" = json!(true))))]
async fn enrol(asker: Asker) -> Response {
    let outcome = asker.registry.enrol_totp(&asker.caller).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 确认双因素 · Confirm the authenticator by a code of it
#[utoipa::path(post, path = "/api/v1/sessions/current/second-factor/confirm", tag = "sessions",
    operation_id = "confirmSecondFactor", request_body = Code,
    responses((status = 200, body = RecoveryCodes)),
    extensions(("x-self" = json!(true))))]
async fn confirm(asker: Asker, Body(code): Body<Code>) -> Response {
    let outcome = asker.registry.confirm_totp(&asker.caller, &code).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 更换恢复码 · Replace the recovery codes
#[utoipa::path(post, path = "/api/v1/sessions/current/second-factor/recovery-codes", tag = "sessions",
    operation_id = "renewRecoveryCodes", request_body = Code,
    responses((status = 200, body = RecoveryCodes)),
    extensions(("x-self" = json!(true))))]
async fn renew_codes(asker: Asker, Body(code): Body<Code>) -> Response {
    let outcome = asker.registry.renew_recovery_codes(&asker.caller, &code).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 解除双因素 · Remove the own second factor
#[utoipa::path(post, path = "/api/v1/sessions/current/second-factor/remove", tag = "sessions",
    operation_id = "removeSecondFactor", request_body = Code,
    responses((status = 200, body = Account)),
    extensions(("x-self" = json!(true))))]
async fn remove(asker: Asker, Body(code): Body<Code>) -> Response {
    let outcome = asker.registry.remove_totp(&asker.caller, &code).await;
    done(&asker, outcome, StatusCode::OK)
}
