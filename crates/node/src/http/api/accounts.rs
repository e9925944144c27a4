//! Accounts 账号: entered, invited, changed, locked; the tokens that set passwords; the policy of both.

use super::{Asker, Body, IfVersion, Params, Path, done};
use crate::node::Parts;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_registry::accounts::AccountPolicy;
use hufu_registry::accounts::account::{Account, AccountAct, AccountContent, AccountFilter, NewAccount};
use hufu_registry::accounts::credential::{Invited, NewPassword, Reset};
use hufu_registry::{Listing, Page};
use serde::Deserialize;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, amend, delete))
        .routes(routes!(lock))
        .routes(routes!(unlock))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(roles))
        .routes(routes!(invite))
        .routes(routes!(reset))
        .routes(routes!(reset_second_factor))
        .routes(routes!(accept))
        .routes(routes!(request_reset))
        .routes(routes!(confirm_reset))
        .routes(routes!(policy, set_policy))
}

/// 账号列表 · List accounts
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts", operation_id = "listAccounts",
    params(AccountFilter, Listing),
    responses((status = 200, body = Page<Account>)),
    extensions(("x-cli" = json!("user list")), ("x-columns" = json!("id login name organisation state roles lastSignIn")),
        ("x-permission" = json!("account.read"))))]
async fn list(asker: Asker, Params(filter): Params<AccountFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = asker.registry.accounts(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 新建账号 · Enter an account; a person is invited
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts", operation_id = "createAccount",
    request_body = NewAccount,
    responses((status = 201, body = Invited)),
    extensions(("x-cli" = json!("user create")), ("x-permission" = json!("account.write")),
        ("x-permission-of-members" = json!("member.write"))))]
async fn create(asker: Asker, Body(new): Body<NewAccount>) -> Response {
    let outcome = asker.registry.create_account(&asker.caller, &new).await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 查看账号 · Show an account
#[utoipa::path(get, path = "/api/v1/accounts/{id}", tag = "accounts", operation_id = "showAccount",
    params(("id" = String, Path)),
    responses((status = 200, body = Account)),
    extensions(("x-cli" = json!("user show")), ("x-permission" = json!("account.read"))))]
async fn show(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.account(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 变更账号资料 · Change name and contacts
#[utoipa::path(put, path = "/api/v1/accounts/{id}", tag = "accounts", operation_id = "amendAccount",
    params(("id" = String, Path)),
    request_body = AccountContent,
    responses((status = 200, body = Account)),
    extensions(("x-cli" = json!("user amend")), ("x-permission" = json!("account.write")),
        ("x-permission-of-members" = json!("member.write"))))]
async fn amend(
    asker: Asker,
    Path(id): Path<String>,
    IfVersion(version): IfVersion,
    Body(content): Body<AccountContent>,
) -> Response {
    let outcome = asker.registry.amend_account(&asker.caller, &id, version, &content).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 删除未使用的账号 · Remove an account that was never used
#[utoipa::path(delete, path = "/api/v1/accounts/{id}", tag = "accounts", operation_id = "deleteAccount",
    params(("id" = String, Path)),
    responses((status = 204)),
    extensions(("x-cli" = json!("user delete")), ("x-permission" = json!("account.write")),
        ("x-permission-of-members" = json!("member.write"))))]
async fn delete(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.delete_account(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::NO_CONTENT)
}

/// Why something is done to an account.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Reason {
    #[schema(max_length = 500)]
    reason: String,
}

async fn change_state(asker: Asker, id: &str, act: AccountAct, why: &Reason) -> Response {
    let outcome = asker.registry.set_account_state(&asker.caller, id, act, &why.reason).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 锁定账号 · Lock an account; its sessions end
#[utoipa::path(post, path = "/api/v1/accounts/{id}/lock", tag = "accounts", operation_id = "lockAccount",
    params(("id" = String, Path)),
    request_body = Reason,
    responses((status = 200, body = Account)),
    extensions(("x-cli" = json!("user lock")), ("x-permission" = json!("lock.write")),
        ("x-permission-of-members" = json!("member.write"))))]
async fn lock(asker: Asker, Path(id): Path<String>, Body(why): Body<Reason>) -> Response {
    change_state(asker, &id, AccountAct::Lock, &why).await
}

/// 解锁账号 · Unlock an account, whoever or whatever locked it
#[utoipa::path(post, path = "/api/v1/accounts/{id}/unlock", tag = "accounts", operation_id = "unlockAccount",
    params(("id" = String, Path)),
    request_body = Reason,
    responses((status = 200, body = Account)),
    extensions(("x-cli" = json!("user unlock")), ("x-permission" = json!("lock.write")),
        ("x-permission-of-members" = json!("member.write"))))]
async fn unlock(asker: Asker, Path(id): Path<String>, Body(why): Body<Reason>) -> Response {
    change_state(asker, &id, AccountAct::Unlock, &why).await
}

/// 停用账号 · Disable an account
#[utoipa::path(post, path = "/api/v1/accounts/{id}/disable", tag = "accounts", operation_id = "disableAccount",
    params(("id" = String, Path)),
    request_body = Reason,
    responses((status = 200, body = Account)),
    extensions(("x-cli" = json!("user disable")), ("x-permission" = json!("account.write")),
        ("x-permission-of-members" = json!("member.write"))))]
async fn disable(asker: Asker, Path(id): Path<String>, Body(why): Body<Reason>) -> Response {
    change_state(asker, &id, AccountAct::Disable, &why).await
}

/// 启用账号 · Enable a disabled account
#[utoipa::path(post, path = "/api/v1/accounts/{id}/enable", tag = "accounts", operation_id = "enableAccount",
    params(("id" = String, Path)),
    request_body = Reason,
    responses((status = 200, body = Account)),
    extensions(("x-cli" = json!("user enable")), ("x-permission" = json!("account.write")),
        ("x-permission-of-members" = json!("member.write"))))]
async fn enable(asker: Asker, Path(id): Path<String>, Body(why): Body<Reason>) -> Response {
    change_state(asker, &id, AccountAct::Enable, &why).await
}

/// The roles that an account shall have: these and no others.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccountRoles {
    #[schema(max_items = 8)]
    roles: Vec<String>,
}

/// 分配角色 · Give an account its roles
#[utoipa::path(put, path = "/api/v1/accounts/{id}/roles", tag = "accounts", operation_id = "setAccountRoles",
    params(("id" = String, Path)),
    request_body = AccountRoles,
    responses((status = 200, body = Account)),
    extensions(("x-cli" = json!("user roles")), ("x-permission" = json!("role.write")),
        ("x-permission-of-members" = json!("member.write"))))]
async fn roles(
    asker: Asker,
    Path(id): Path<String>,
    IfVersion(version): IfVersion,
    Body(wanted): Body<AccountRoles>,
) -> Response {
    let outcome = asker.registry.set_account_roles(&asker.caller, &id, version, &wanted.roles).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 重新邀请 · Invite again; the invitation before is void
#[utoipa::path(post, path = "/api/v1/accounts/{id}/invitation", tag = "accounts", operation_id = "inviteAgain",
    params(("id" = String, Path)),
    responses((status = 200, body = Invited)),
    extensions(("x-cli" = json!("user invite")), ("x-permission" = json!("account.write")),
        ("x-permission-of-members" = json!("member.write"))))]
async fn invite(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.invite_again(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 重置口令 · Issue a token that sets a new password
#[utoipa::path(post, path = "/api/v1/accounts/{id}/reset", tag = "accounts", operation_id = "issueReset",
    params(("id" = String, Path)),
    responses((status = 200, body = Reset)),
    extensions(("x-cli" = json!("user reset")), ("x-permission" = json!("lock.write")),
        ("x-permission-of-members" = json!("member.write"))))]
async fn reset(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.issue_reset(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 解除他人的双因素 · Remove a second factor that was lost
#[utoipa::path(delete, path = "/api/v1/accounts/{id}/second-factor", tag = "accounts",
    operation_id = "resetSecondFactor", params(("id" = String, Path)),
    responses((status = 200, body = Account)),
    extensions(("x-cli" = json!("user reset-totp")), ("x-permission" = json!("lock.write")),
        ("x-permission-of-members" = json!("member.write"))))]
async fn reset_second_factor(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.reset_totp(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 接受邀请 · Accept an invitation by setting the first password
#[utoipa::path(post, path = "/api/v1/invitations/accept", tag = "accounts", operation_id = "acceptInvitation",
    request_body = NewPassword,
    responses((status = 200, body = Account)),
    extensions(("x-public" = json!(true))))]
async fn accept(asker: Asker, Body(new): Body<NewPassword>) -> Response {
    let outcome = asker.registry.accept_invitation(&asker.caller, &new).await;
    done(&asker, outcome, StatusCode::OK)
}

/// Who has forgotten a password.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResetRequest {
    /// Login or e-mail address.
    #[schema(max_length = 254)]
    login: String,
}

/// 忘记口令 · Ask for a reset; the answer is the same whether there is such an account
#[utoipa::path(post, path = "/api/v1/resets", tag = "accounts", operation_id = "requestReset",
    request_body = ResetRequest,
    responses((status = 204, description = "它会发往账号的邮箱 · it goes to the account's e-mail address")),
    extensions(("x-public" = json!(true))))]
async fn request_reset(asker: Asker, Body(request): Body<ResetRequest>) -> Response {
    let outcome = asker.registry.request_reset(&asker.caller, &request.login).await;
    done(&asker, outcome, StatusCode::NO_CONTENT)
}

/// 设置新口令 · Set a new password by a reset
#[utoipa::path(post, path = "/api/v1/resets/confirm", tag = "accounts", operation_id = "confirmReset",
    request_body = NewPassword,
    responses((status = 200, body = Account)),
    extensions(("x-public" = json!(true))))]
async fn confirm_reset(asker: Asker, Body(new): Body<NewPassword>) -> Response {
    let outcome = asker.registry.confirm_reset(&asker.caller, &new).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 查看口令与登录策略 · Show the policy of passwords and sign-in
#[utoipa::path(get, path = "/api/v1/account-policy", tag = "accounts", operation_id = "showAccountPolicy",
    responses((status = 200, body = AccountPolicy)),
    extensions(("x-cli" = json!("user policy")), ("x-permission" = json!("settings.read"))))]
async fn policy(asker: Asker) -> Response {
    let outcome = asker.registry.account_policy(&asker.caller).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 设置口令与登录策略 · Replace the policy of passwords and sign-in
#[utoipa::path(put, path = "/api/v1/account-policy", tag = "accounts", operation_id = "setAccountPolicy",
    request_body = AccountPolicy,
    responses((status = 200, body = AccountPolicy)),
    extensions(("x-cli" = json!("user set-policy")), ("x-permission" = json!("policy.write"))))]
async fn set_policy(asker: Asker, Body(policy): Body<AccountPolicy>) -> Response {
    let outcome = asker.registry.set_account_policy(&asker.caller, &policy).await;
    done(&asker, outcome, StatusCode::OK)
}
