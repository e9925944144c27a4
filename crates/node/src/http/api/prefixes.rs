//! Prefixes 前缀: allocation, life, hosting. Transfers and reservations have files of their own.

use super::{Asker, Body, IfVersion, Params, Path, done, refused};
use crate::clock;
use crate::node::Parts;
use crate::publisher::has_objects;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_registry::prefixes::{
    Availability, Decision, DelegationData, FlagChange, Move, Moving, NumberPlan, OwnPrefix, Prefix, PrefixChange,
    PrefixFilter, PrefixRules, Renewal, TransferCode, Wish,
};
use hufu_registry::{Caller, Error, Kind, Listing, Page, Permission, Refusal, Time};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Most latencies that the figures of activation are made of.
const SAMPLES: i64 = 10_000;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list, apply))
        .routes(routes!(allocate))
        .routes(routes!(show, amend, delete))
        .routes(routes!(availability))
        .routes(routes!(endpoints))
        .routes(routes!(flag))
        .routes(routes!(renew))
        .routes(routes!(hold))
        .routes(routes!(release))
        .routes(routes!(review))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(suspend))
        .routes(routes!(resume))
        .routes(routes!(restore))
        .routes(routes!(request_hosting))
        .routes(routes!(decide_hosting))
        .routes(routes!(freeze))
        .routes(routes!(receive))
        .routes(routes!(cancel_move))
        .routes(routes!(move_out))
        .routes(routes!(transfer_code))
        .routes(routes!(own))
        .routes(routes!(plan))
        .routes(routes!(rules, set_rules))
        .routes(routes!(activation))
}

/// 前缀列表 · List prefixes
#[utoipa::path(get, path = "/api/v1/prefixes", tag = "prefixes", operation_id = "listPrefixes",
    params(PrefixFilter, Listing),
    responses((status = 200, body = Page<Prefix>)),
    extensions(("x-cli" = json!("prefix list")),
        ("x-columns" = json!("name state status organisation flags expires version")),
        ("x-permission" = json!("prefix.read"))))]
async fn list(asker: Asker, Params(filter): Params<PrefixFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = asker.registry.prefixes(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 申请前缀 · Wish for a prefix; the node's operator decides
#[utoipa::path(post, path = "/api/v1/prefixes", tag = "prefixes", operation_id = "requestPrefix",
    request_body = Wish,
    responses((status = 202, body = Prefix)),
    extensions(("x-cli" = json!("prefix apply")), ("x-permission" = json!("prefix.write"))))]
async fn apply(asker: Asker, Body(wish): Body<Wish>) -> Response {
    let outcome = asker.registry.request_prefix(&asker.caller, &wish).await;
    done(&asker, outcome, StatusCode::ACCEPTED)
}

/// 分配前缀 · Allocate a prefix at once, or record one that is held already
#[utoipa::path(post, path = "/api/v1/prefix-allocations", tag = "prefixes", operation_id = "allocatePrefix",
    request_body = Wish,
    responses((status = 201, body = Prefix)),
    extensions(("x-cli" = json!("prefix allocate")), ("x-permission" = json!("prefix.allocate"))))]
async fn allocate(asker: Asker, Body(wish): Body<Wish>) -> Response {
    let outcome = asker.registry.allocate_prefix(&asker.caller, &wish).await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 查看前缀 · Show a prefix
#[utoipa::path(get, path = "/api/v1/prefixes/{prefix}", tag = "prefixes", operation_id = "showPrefix",
    params(("prefix" = String, Path)),
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix show")), ("x-permission" = json!("prefix.read"))))]
async fn show(asker: Asker, Path(prefix): Path<String>) -> Response {
    let outcome = asker.registry.prefix(&asker.caller, &prefix).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 变更前缀 · Change what its holder may change
#[utoipa::path(patch, path = "/api/v1/prefixes/{prefix}", tag = "prefixes", operation_id = "amendPrefix",
    params(("prefix" = String, Path)),
    request_body = PrefixChange,
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix amend")), ("x-permission" = json!("prefix.write"))))]
async fn amend(
    asker: Asker,
    Path(prefix): Path<String>,
    IfVersion(version): IfVersion,
    Body(change): Body<PrefixChange>,
) -> Response {
    let outcome = asker.registry.amend_prefix(&asker.caller, &prefix, version, &change).await;
    done(&asker, outcome, StatusCode::OK)
}

/// Why something is done.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct PrefixReason {
    #[schema(max_length = 500)]
    #[param(max_length = 500)]
    reason: String,
}

/// 删除前缀或撤回申请 · Delete a prefix, or withdraw a wish
#[utoipa::path(delete, path = "/api/v1/prefixes/{prefix}", tag = "prefixes", operation_id = "deletePrefix",
    params(("prefix" = String, Path), PrefixReason),
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix delete")), ("x-permission" = json!("prefix.write"))))]
async fn delete(
    State(parts): State<Arc<Parts>>,
    asker: Asker,
    Path(prefix): Path<String>,
    IfVersion(version): IfVersion,
    Params(why): Params<PrefixReason>,
) -> Response {
    let outcome = match note_objects(&parts, &asker, &prefix).await {
        Ok(()) => asker.registry.delete_prefix(&asker.caller, &prefix, version, &why.reason).await,
        Err(error) => Err(error),
    };
    done(&asker, outcome, StatusCode::OK)
}

/// The registry learns whether identifiers are kept here below a hosted prefix: its name is then never given again.
async fn note_objects(parts: &Parts, asker: &Asker, text: &str) -> Result<(), Error> {
    let found = asker.registry.prefix(&asker.caller, text).await;
    let (Some(authority), Ok(found)) = (&parts.answering.authority, found) else { return Ok(()) };
    let name = hufu_ident::Prefix::folded(&found.name);
    if found.had_objects || !authority.store().is_homed(&name) {
        return Ok(());
    }
    if has_objects(authority, &name).map_err(Error::Fault)? {
        asker.registry.note_objects(&Caller::node(clock::millis() as Time), text).await?;
    }
    Ok(())
}

/// How a name would come to its holder.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct AvailabilityQuestion {
    /// As held already, rather than given out by this node.
    held: bool,
}

/// 前缀是否可用 · Whether a name could be given out, and why not
#[utoipa::path(get, path = "/api/v1/prefixes/{prefix}/availability", tag = "prefixes",
    operation_id = "prefixAvailability", params(("prefix" = String, Path), AvailabilityQuestion),
    responses((status = 200, body = Availability)),
    extensions(("x-cli" = json!("prefix check")), ("x-scope" = json!("node")), ("x-permission" = json!("prefix.read"))))]
async fn availability(
    asker: Asker,
    Path(prefix): Path<String>,
    Params(question): Params<AvailabilityQuestion>,
) -> Response {
    let outcome = asker.registry.availability(&asker.caller, &prefix, question.held).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 变更解析服务器 · Change where it is served
#[utoipa::path(put, path = "/api/v1/prefixes/{prefix}/delegation", tag = "prefixes",
    operation_id = "setPrefixDelegation", params(("prefix" = String, Path)),
    request_body = DelegationData,
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix endpoints")), ("x-permission" = json!("prefix.write"))))]
async fn endpoints(
    asker: Asker,
    Path(prefix): Path<String>,
    IfVersion(version): IfVersion,
    Body(delegation): Body<DelegationData>,
) -> Response {
    let change = PrefixChange { delegation: Some(delegation), auto_renew: None };
    let outcome = asker.registry.amend_prefix(&asker.caller, &prefix, version, &change).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 设置或取消标志 · Set and remove flags
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/flags", tag = "prefixes", operation_id = "flagPrefix",
    params(("prefix" = String, Path)),
    request_body = FlagChange,
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix flag")), ("x-permission" = json!("prefix.write"))))]
async fn flag(asker: Asker, Path(prefix): Path<String>, Body(change): Body<FlagChange>) -> Response {
    let outcome = asker.registry.flag_prefix(&asker.caller, &prefix, &change).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 续期 · Renew; name the current expiry
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/processes/renewals", tag = "prefixes",
    operation_id = "renewPrefix", params(("prefix" = String, Path)),
    request_body = Renewal,
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix renew")), ("x-permission" = json!("prefix.write"))))]
async fn renew(asker: Asker, Path(prefix): Path<String>, Body(renewal): Body<Renewal>) -> Response {
    let outcome = asker.registry.renew_prefix(&asker.caller, &prefix, &renewal).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 暂停解析 · Stop its resolution
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/processes/holds", tag = "prefixes",
    operation_id = "holdPrefix", params(("prefix" = String, Path)),
    request_body = PrefixReason,
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix hold")), ("x-permission" = json!("prefix.write"))))]
async fn hold(asker: Asker, Path(prefix): Path<String>, Body(why): Body<PrefixReason>) -> Response {
    let outcome = asker.registry.hold_prefix(&asker.caller, &prefix, true, &why.reason).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 恢复解析 · Let it be resolved again
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/processes/releases", tag = "prefixes",
    operation_id = "releasePrefix", params(("prefix" = String, Path)),
    request_body = PrefixReason,
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix release")), ("x-permission" = json!("prefix.write"))))]
async fn release(asker: Asker, Path(prefix): Path<String>, Body(why): Body<PrefixReason>) -> Response {
    let outcome = asker.registry.hold_prefix(&asker.caller, &prefix, false, &why.reason).await;
    done(&asker, outcome, StatusCode::OK)
}

async fn decide(asker: Asker, prefix: String, decision: Decision, why: PrefixReason) -> Response {
    let outcome = asker.registry.decide_prefix(&asker.caller, &prefix, decision, &why.reason).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 开始审核 · Take a wish into review
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/processes/reviews", tag = "prefixes",
    operation_id = "reviewPrefix", params(("prefix" = String, Path)),
    request_body = PrefixReason,
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix review")), ("x-permission" = json!("prefix.allocate"))))]
async fn review(asker: Asker, Path(prefix): Path<String>, Body(why): Body<PrefixReason>) -> Response {
    decide(asker, prefix, Decision::Review, why).await
}

/// 批准 · Approve a wish
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/processes/approvals", tag = "prefixes",
    operation_id = "approvePrefix", params(("prefix" = String, Path)),
    request_body = PrefixReason,
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix approve")), ("x-permission" = json!("prefix.allocate"))))]
async fn approve(asker: Asker, Path(prefix): Path<String>, Body(why): Body<PrefixReason>) -> Response {
    decide(asker, prefix, Decision::Approve, why).await
}

/// 驳回 · Reject a wish, with a reason
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/processes/rejections", tag = "prefixes",
    operation_id = "rejectPrefix", params(("prefix" = String, Path)),
    request_body = PrefixReason,
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix reject")), ("x-permission" = json!("prefix.allocate"))))]
async fn reject(asker: Asker, Path(prefix): Path<String>, Body(why): Body<PrefixReason>) -> Response {
    decide(asker, prefix, Decision::Reject, why).await
}

/// 停用 · Suspend a prefix, with a reason
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/processes/suspensions", tag = "prefixes",
    operation_id = "suspendPrefix", params(("prefix" = String, Path)),
    request_body = PrefixReason,
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix suspend")), ("x-permission" = json!("prefix.allocate"))))]
async fn suspend(asker: Asker, Path(prefix): Path<String>, Body(why): Body<PrefixReason>) -> Response {
    decide(asker, prefix, Decision::Suspend, why).await
}

/// 恢复启用 · Resume a suspended prefix
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/processes/resumptions", tag = "prefixes",
    operation_id = "resumePrefix", params(("prefix" = String, Path)),
    request_body = PrefixReason,
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix resume")), ("x-permission" = json!("prefix.allocate"))))]
async fn resume(asker: Asker, Path(prefix): Path<String>, Body(why): Body<PrefixReason>) -> Response {
    decide(asker, prefix, Decision::Resume, why).await
}

/// 恢复已删除的前缀 · Take a prefix back out of redemption, with a reason
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/processes/restores", tag = "prefixes",
    operation_id = "restorePrefix", params(("prefix" = String, Path)),
    request_body = PrefixReason,
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix restore")), ("x-permission" = json!("prefix.write"))))]
async fn restore(asker: Asker, Path(prefix): Path<String>, Body(why): Body<PrefixReason>) -> Response {
    let outcome = asker.registry.restore_prefix(&asker.caller, &prefix, &why.reason).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 申请托管 · Ask this node to serve it
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/processes/hosting-requests", tag = "prefixes",
    operation_id = "requestHosting", params(("prefix" = String, Path)),
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix host")), ("x-permission" = json!("prefix.write"))))]
async fn request_hosting(asker: Asker, Path(prefix): Path<String>) -> Response {
    let outcome = asker.registry.request_hosting(&asker.caller, &prefix).await;
    done(&asker, outcome, StatusCode::OK)
}

/// What becomes of a request for hosting.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HostingDecision {
    accept: bool,
    /// Needed for a refusal.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: String,
}

/// 受理或拒绝托管 · Move a prefix in, or refuse to
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/processes/hosting-decisions", tag = "prefixes",
    operation_id = "decideHosting", params(("prefix" = String, Path)),
    request_body = HostingDecision,
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix move-in")), ("x-permission" = json!("prefix.allocate"))))]
async fn decide_hosting(asker: Asker, Path(prefix): Path<String>, Body(decision): Body<HostingDecision>) -> Response {
    let registry = &asker.registry;
    let outcome = registry.decide_hosting(&asker.caller, &prefix, decision.accept, &decision.reason).await;
    done(&asker, outcome, StatusCode::OK)
}

/// How long an answer waits until the data plane does what was decided.
const IN_FORCE: Duration = Duration::from_secs(10);
/// Looks so often.
const LOOK: Duration = Duration::from_millis(10);

/// Answers when the data plane does so: whoever is told that a prefix is frozen may begin to copy.
async fn in_force(asker: &Asker, parts: &Parts, outcome: Result<Move, Error>) -> Response {
    if let (Ok(decided), Some(authority)) = (&outcome, &parts.answering.authority) {
        let name = hufu_ident::Prefix::folded(&decided.prefix);
        let wanted = decided.moving.map(|moving| match moving {
            Moving::Out => hufu_store::Moving::Out,
            Moving::In => hufu_store::Moving::In,
        });
        let until = Instant::now() + IN_FORCE;
        while authority.store().moving().get(&name).copied() != wanted {
            if Instant::now() > until {
                let zh = "已登记，但数据面尚未执行；请稍后重试同一操作";
                let en = "it is decided, but not in force yet; repeat this in a moment";
                let refusal = Refusal::new(Kind::Conflict, "not-in-force", zh, en);
                return refused(&refusal, asker.chinese, &asker.caller.request);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    done(asker, outcome, StatusCode::OK)
}

/// 冻结写入，准备迁出 · Freeze what is below a hosted or an own prefix, to copy it
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/processes/freezes", tag = "prefixes",
    operation_id = "freezePrefix", params(("prefix" = String, Path)),
    responses((status = 200, body = Move)),
    extensions(("x-cli" = json!("prefix freeze")), ("x-permission" = json!("prefix.write")),
        ("x-permission-of-own" = json!("prefix.allocate"))))]
async fn freeze(asker: Asker, State(parts): State<Arc<Parts>>, Path(prefix): Path<String>) -> Response {
    let outcome = asker.registry.freeze_prefix(&asker.caller, &prefix).await;
    in_force(&asker, &parts, outcome).await
}

/// 准备迁入 · Take what is below a prefix that is served elsewhere, before it is hosted here
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/processes/receptions", tag = "prefixes",
    operation_id = "receivePrefix", params(("prefix" = String, Path)),
    responses((status = 200, body = Move)),
    extensions(("x-cli" = json!("prefix receive")), ("x-permission" = json!("prefix.allocate"))))]
async fn receive(asker: Asker, State(parts): State<Arc<Parts>>, Path(prefix): Path<String>) -> Response {
    let outcome = asker.registry.receive_prefix(&asker.caller, &prefix).await;
    in_force(&asker, &parts, outcome).await
}

/// 取消迁移 · The prefix does not move after all
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/processes/move-cancellations", tag = "prefixes",
    operation_id = "cancelMove", params(("prefix" = String, Path)),
    responses((status = 200, body = Move)),
    extensions(("x-cli" = json!("prefix cancel-move")), ("x-permission" = json!("prefix.write")),
        ("x-permission-of-own" = json!("prefix.allocate"))))]
async fn cancel_move(asker: Asker, State(parts): State<Arc<Parts>>, Path(prefix): Path<String>) -> Response {
    let outcome = asker.registry.cancel_move(&asker.caller, &prefix).await;
    in_force(&asker, &parts, outcome).await
}

/// 迁出到自有节点 · Move a hosted prefix out to a node of its own
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/processes/move-outs", tag = "prefixes",
    operation_id = "moveOutPrefix", params(("prefix" = String, Path)),
    request_body = DelegationData,
    responses((status = 200, body = Prefix)),
    extensions(("x-cli" = json!("prefix move-out")), ("x-permission" = json!("prefix.write"))))]
async fn move_out(asker: Asker, Path(prefix): Path<String>, Body(delegation): Body<DelegationData>) -> Response {
    let outcome = asker.registry.move_out(&asker.caller, &prefix, &delegation).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 生成转移授权码 · Make a code for a transfer; it is shown this once
#[utoipa::path(post, path = "/api/v1/prefixes/{prefix}/transfer-code", tag = "transfers",
    operation_id = "createTransferCode", params(("prefix" = String, Path)),
    responses((status = 201, body = TransferCode)),
    extensions(("x-cli" = json!("transfer code")), ("x-permission" = json!("prefix.write"))))]
async fn transfer_code(asker: Asker, Path(prefix): Path<String>) -> Response {
    let outcome = asker.registry.transfer_code(&asker.caller, &prefix).await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 本节点前缀 · The node's own prefixes and their number plans
#[utoipa::path(get, path = "/api/v1/own-prefixes", tag = "prefixes", operation_id = "listOwnPrefixes",
    responses((status = 200, body = [OwnPrefix])),
    extensions(("x-cli" = json!("prefix own")), ("x-permission" = json!("prefix.read"))))]
async fn own(asker: Asker) -> Response {
    let outcome = asker.registry.own_prefixes(&asker.caller).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 设置号段 · Set how the numbers below an own prefix are given out
#[utoipa::path(put, path = "/api/v1/own-prefixes/{prefix}/plan", tag = "prefixes", operation_id = "setNumberPlan",
    params(("prefix" = String, Path)),
    request_body = NumberPlan,
    responses((status = 200, body = OwnPrefix)),
    extensions(("x-cli" = json!("prefix plan")), ("x-permission" = json!("prefix.reserve"))))]
async fn plan(
    asker: Asker,
    Path(prefix): Path<String>,
    IfVersion(version): IfVersion,
    Body(plan): Body<NumberPlan>,
) -> Response {
    let outcome = asker.registry.set_number_plan(&asker.caller, &prefix, version, &plan).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 前缀期限与规则 · Times and limits of the life of prefixes
#[utoipa::path(get, path = "/api/v1/prefix-rules", tag = "prefixes", operation_id = "showPrefixRules",
    responses((status = 200, body = PrefixRules)),
    extensions(("x-cli" = json!("prefix rules")), ("x-permission" = json!("prefix.read"))))]
async fn rules(asker: Asker) -> Response {
    let outcome = asker.registry.prefix_rules(&asker.caller).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 修改前缀期限与规则 · Change them; absent fields go back to the default
#[utoipa::path(put, path = "/api/v1/prefix-rules", tag = "prefixes", operation_id = "setPrefixRules",
    request_body = PrefixRules,
    responses((status = 200, body = PrefixRules)),
    extensions(("x-cli" = json!("prefix set-rules")), ("x-permission" = json!("settings.write"))))]
async fn set_rules(asker: Asker, Body(rules): Body<PrefixRules>) -> Response {
    let outcome = asker.registry.set_prefix_rules(&asker.caller, &rules).await;
    done(&asker, outcome, StatusCode::OK)
}

/// Times from a decision until the node answers accordingly 标识注册生效时间, in milliseconds.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct Activation {
    /// Decisions that the records do not follow yet.
    waiting: i64,
    /// Decisions of the last 30 days behind the figures, at most 10,000.
    count: usize,
    p50: Option<i64>,
    p99: Option<i64>,
    most: Option<i64>,
}

/// 注册生效时间 · How soon decisions take effect
#[utoipa::path(get, path = "/api/v1/activation", tag = "prefixes", operation_id = "showActivation",
    responses((status = 200, body = Activation)),
    extensions(("x-cli" = json!("prefix activation")), ("x-permission" = json!("statistics.read"))))]
async fn activation(asker: Asker) -> Response {
    let outcome = measured(&asker).await;
    done(&asker, outcome, StatusCode::OK)
}

async fn measured(asker: &Asker) -> Result<Activation, Error> {
    let registry = &asker.registry;
    registry.authorise(&asker.caller, Permission::StatisticsRead, "activation").await?;
    let month = 30 * hufu_registry::caller::DAY;
    let mut all = registry.activation_latencies(asker.caller.at - month, SAMPLES).await?;
    all.sort_unstable();
    let at = |share: usize| all.get((all.len() * share / 100).min(all.len().saturating_sub(1))).copied();
    let waiting = registry.waiting_count().await?;
    Ok(Activation { waiting, count: all.len(), p50: at(50), p99: at(99), most: all.last().copied() })
}
