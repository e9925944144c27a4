//! The interface to the registry operator 上级接口: at the top the clients that may register here and what they have
//! registered; below, this node's own requests, the messages from above, and how the connection is.

use super::{Asker, Body, Params, Path, done};
use crate::node::Parts;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_registry::operator::{
    NewOperatorClient, OperatorClient, OperatorClientFilter, OperatorConnection, OperatorRequest,
    OperatorRequestFilter, OwnPrefixRequest, ReceivedMessage, ReceivedMessageFilter, Registration, RegistrationFilter,
};
use hufu_registry::{Listing, Page};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(clients, register))
        .routes(routes!(revoke))
        .routes(routes!(registrations))
        .routes(routes!(connection))
        .routes(routes!(requests, request))
        .routes(routes!(retry))
        .routes(routes!(give_up))
        .routes(routes!(messages))
}

/// 上级接口客户列表 · List the nodes that may register here
#[utoipa::path(get, path = "/api/v1/operator/clients", tag = "operator", operation_id = "listOperatorClients",
    params(OperatorClientFilter, Listing),
    responses((status = 200, body = Page<OperatorClient>)),
    extensions(("x-cli" = json!("operator clients")),
        ("x-columns" = json!("id name organisation prefix state messages oldestMessage addresses")),
        ("x-scope" = json!("node")), ("x-permission" = json!("operator.write"))))]
async fn clients(
    asker: Asker,
    Params(filter): Params<OperatorClientFilter>,
    Params(page): Params<Listing>,
) -> Response {
    let outcome = asker.registry.operator_clients(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 登记上级接口客户 · Let the node of an organisation register here
#[utoipa::path(post, path = "/api/v1/operator/clients", tag = "operator", operation_id = "registerOperatorClient",
    request_body = NewOperatorClient,
    responses((status = 201, body = OperatorClient)),
    extensions(("x-cli" = json!("operator register")), ("x-scope" = json!("node")),
        ("x-permission" = json!("operator.write"))))]
async fn register(asker: Asker, Body(new): Body<NewOperatorClient>) -> Response {
    let outcome = asker.registry.register_operator_client(&asker.caller, &new).await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 吊销上级接口客户 · Revoke a client: nothing signed with its key is accepted any more
#[utoipa::path(delete, path = "/api/v1/operator/clients/{id}", tag = "operator",
    operation_id = "revokeOperatorClient", params(("id" = String, Path)),
    responses((status = 200, body = OperatorClient)),
    extensions(("x-cli" = json!("operator revoke")), ("x-scope" = json!("node")),
        ("x-permission" = json!("operator.write"))))]
async fn revoke(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.revoke_operator_client(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 下级登记列表 · List what the nodes below have given out, as they tell
#[utoipa::path(get, path = "/api/v1/operator/registrations", tag = "operator", operation_id = "listRegistrations",
    params(RegistrationFilter, Listing),
    responses((status = 200, body = Page<Registration>)),
    extensions(("x-cli" = json!("operator registrations")),
        ("x-columns" = json!("name parent client state expires updated")),
        ("x-scope" = json!("node")), ("x-permission" = json!("operator.write"))))]
async fn registrations(
    asker: Asker,
    Params(filter): Params<RegistrationFilter>,
    Params(page): Params<Listing>,
) -> Response {
    let outcome = asker.registry.registrations(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 上级连接状态 · Show how the node above is found, and what waits
#[utoipa::path(get, path = "/api/v1/operator", tag = "operator", operation_id = "showOperatorConnection",
    responses((status = 200, body = OperatorConnection)),
    extensions(("x-cli" = json!("operator status")), ("x-scope" = json!("node")),
        ("x-permission" = json!("operator.write"))))]
async fn connection(asker: Asker) -> Response {
    let outcome = asker.registry.operator_connection(&asker.caller).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 上级请求列表 · List the requests to the node above
#[utoipa::path(get, path = "/api/v1/operator/requests", tag = "operator", operation_id = "listOperatorRequests",
    params(OperatorRequestFilter, Listing),
    responses((status = 200, body = Page<OperatorRequest>)),
    extensions(("x-cli" = json!("operator requests")),
        ("x-columns" = json!("id kind prefix own state tries code remark")),
        ("x-scope" = json!("node")), ("x-permission" = json!("operator.write"))))]
async fn requests(
    asker: Asker,
    Params(filter): Params<OperatorRequestFilter>,
    Params(page): Params<Listing>,
) -> Response {
    let outcome = asker.registry.operator_requests(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 申请本节点前缀 · Ask the node above for a prefix of this node itself
#[utoipa::path(post, path = "/api/v1/operator/requests", tag = "operator", operation_id = "requestOwnPrefix",
    request_body = OwnPrefixRequest,
    responses((status = 202, body = OperatorRequest)),
    extensions(("x-cli" = json!("operator request")), ("x-scope" = json!("node")),
        ("x-permission" = json!("operator.write"))))]
async fn request(asker: Asker, Body(wish): Body<OwnPrefixRequest>) -> Response {
    let outcome = asker.registry.request_own_prefix(&asker.caller, &wish).await;
    done(&asker, outcome, StatusCode::ACCEPTED)
}

/// 重发上级请求 · Send a request at once: a stuck one as it is, a refused one anew
#[utoipa::path(post, path = "/api/v1/operator/requests/{id}/retry", tag = "operator",
    operation_id = "retryOperatorRequest", params(("id" = String, Path)),
    responses((status = 200, body = OperatorRequest)),
    extensions(("x-cli" = json!("operator retry")), ("x-scope" = json!("node")),
        ("x-permission" = json!("operator.write"))))]
async fn retry(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.retry_operator_request(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 放弃上级请求 · Give a request up that has no answer or a refusal
#[utoipa::path(post, path = "/api/v1/operator/requests/{id}/drop", tag = "operator",
    operation_id = "dropOperatorRequest", params(("id" = String, Path)),
    responses((status = 200, body = OperatorRequest)),
    extensions(("x-cli" = json!("operator drop")), ("x-scope" = json!("node")),
        ("x-permission" = json!("operator.write"))))]
async fn give_up(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.drop_operator_request(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 上级消息列表 · List what the node above has said
#[utoipa::path(get, path = "/api/v1/operator/messages", tag = "operator", operation_id = "listOperatorMessages",
    params(ReceivedMessageFilter, Listing),
    responses((status = 200, body = Page<ReceivedMessage>)),
    extensions(("x-cli" = json!("operator messages")), ("x-columns" = json!("received kind object zh en")),
        ("x-scope" = json!("node")), ("x-permission" = json!("operator.write"))))]
async fn messages(
    asker: Asker,
    Params(filter): Params<ReceivedMessageFilter>,
    Params(page): Params<Listing>,
) -> Response {
    let outcome = asker.registry.operator_messages(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}
