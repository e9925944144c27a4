//! Objects 标识对象: registered, changed, read, listed, one by one or by the thousand.

use super::{Asker, Body, IfVersion, Params, Path, done};
use crate::node::Parts;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_registry::Error;
use hufu_registry::objects::Manner;
use hufu_registry::objects::change::{
    Mint, ObjectBatch, ObjectBatchOutcome, ObjectChange, ObjectOperation, ObjectOutcome,
};
use hufu_registry::objects::read::{Object as ObjectView, ObjectFilter, ObjectHistory, ObjectPage};
use hufu_registry::objects::relation::Relation;
use hufu_registry::templates::Visibility;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(batch))
        .routes(routes!(show, overwrite, patch, delete))
        .routes(routes!(history))
        .routes(routes!(set_state))
}

/// 标识列表 · List objects
///
/// Those below the prefixes that the caller reaches, in the order of their keys. Search finds by content.
#[utoipa::path(get, path = "/api/v1/objects", tag = "objects", operation_id = "listObjects",
    params(ObjectFilter),
    responses((status = 200, body = ObjectPage)),
    extensions(("x-cli" = json!("object list")),
        ("x-columns" = json!("identifier template state version updated")),
        ("x-permission" = json!("object.read"))))]
async fn list(asker: Asker, Params(filter): Params<ObjectFilter>) -> Response {
    let outcome = async { asker.objects()?.objects(&asker.caller, &filter).await }.await;
    done(&asker, outcome, StatusCode::OK)
}

async fn one(asker: &Asker, change: ObjectChange) -> Result<ObjectOutcome, Error> {
    let outcome = asker.objects()?.change(&asker.caller, &[change], Manner::SINGLE).await?;
    outcome.outcomes.into_iter().next().ok_or_else(|| Error::Fault("a change without an outcome".into()))
}

/// 注册标识 · Register an identifier
///
/// With `identifier`, or with `mint` to have the node make one. Resolvable when the answer comes.
#[utoipa::path(post, path = "/api/v1/objects", tag = "objects", operation_id = "createObject",
    request_body = NewObject,
    responses((status = 201, body = ObjectOutcome)),
    extensions(("x-cli" = json!("object create")), ("x-permission" = json!("object.write"))))]
async fn create(asker: Asker, Body(new): Body<NewObject>) -> Response {
    let change = ObjectChange {
        identifier: new.identifier,
        mint: new.mint,
        template: Some(new.template),
        values: new.values,
        visibility: new.visibility,
        relations: Some(new.relations),
        ..ObjectChange::of(ObjectOperation::Create, "")
    };
    let outcome = one(&asker, change).await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 批量变更 · Make up to 2000 changes
///
/// Each change has its own outcome, in order; `atomic` makes all or none of them.
#[utoipa::path(post, path = "/api/v1/objects/batch", tag = "objects", operation_id = "batchObjects",
    request_body = ObjectBatch,
    responses((status = 200, body = ObjectBatchOutcome)),
    extensions(("x-cli" = json!("object batch")), ("x-permission" = json!("object.write"))))]
async fn batch(asker: Asker, Body(batch): Body<ObjectBatch>) -> Response {
    let manner = Manner { atomic: batch.atomic, dry: false, mark: "", progress: None };
    let outcome = async { asker.objects()?.change(&asker.caller, &batch.changes, manner).await }.await;
    done(&asker, outcome, StatusCode::OK)
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct ReadParams {
    /// As it was at that moment; milliseconds since 1970.
    at: Option<i64>,
    /// What it is read for, where a grant asks for a purpose.
    purpose: Option<String>,
}

/// 查看标识 · Show an object
///
/// Its owner sees everything; others see public fields and those that a grant opens to them, which is written down for
/// the owner.
#[utoipa::path(get, path = "/api/v1/objects/{identifier}", tag = "objects", operation_id = "showObject",
    params(("identifier" = String, Path), ReadParams),
    responses((status = 200, body = ObjectView)),
    extensions(("x-cli" = json!("object show")), ("x-permission" = json!("object.read"))))]
async fn show(asker: Asker, Path(identifier): Path<String>, Params(how): Params<ReadParams>) -> Response {
    let outcome = async { asker.objects()?.object(&asker.caller, &identifier, how.at, how.purpose.as_deref()).await };
    let outcome = outcome.await;
    done(&asker, outcome, StatusCode::OK)
}

/// A new object. Without `identifier`, `mint` says how the node makes one.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewObject {
    #[serde(default)]
    #[schema(max_length = 1024)]
    identifier: Option<String>,
    #[serde(default)]
    mint: Option<Mint>,
    /// Id or handle of a template.
    #[schema(max_length = 255)]
    template: String,
    /// By name of the item.
    #[serde(default)]
    #[schema(value_type = Object)]
    values: Map<String, Json>,
    /// Where a field shall be open otherwise than the template says.
    #[serde(default)]
    visibility: BTreeMap<String, Visibility>,
    #[serde(default)]
    #[schema(max_items = 900)]
    relations: Vec<Relation>,
}

/// What an object shall say.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ObjectContent {
    /// Id or handle of a template; the one that it has unless named.
    #[serde(default)]
    #[schema(max_length = 255)]
    template: Option<String>,
    /// By name of the item; in a patch `null` removes one.
    #[serde(default)]
    #[schema(value_type = Object)]
    values: Map<String, Json>,
    #[serde(default)]
    visibility: BTreeMap<String, Visibility>,
    /// All relations; absent leaves them as they are.
    #[serde(default)]
    #[schema(max_items = 900)]
    relations: Option<Vec<Relation>>,
}

impl ObjectContent {
    fn change(self, operation: ObjectOperation, identifier: String, version: Option<i64>) -> ObjectChange {
        ObjectChange {
            template: self.template,
            values: self.values,
            visibility: self.visibility,
            relations: self.relations,
            version,
            ..ObjectChange::of(operation, identifier)
        }
    }
}

/// 覆盖标识数据 · Replace all values of an object
#[utoipa::path(put, path = "/api/v1/objects/{identifier}", tag = "objects", operation_id = "overwriteObject",
    params(("identifier" = String, Path)),
    request_body = ObjectContent,
    responses((status = 200, body = ObjectOutcome)),
    extensions(("x-cli" = json!("object overwrite")), ("x-permission" = json!("object.write"))))]
async fn overwrite(
    asker: Asker,
    Path(identifier): Path<String>,
    IfVersion(version): IfVersion,
    Body(content): Body<ObjectContent>,
) -> Response {
    let outcome = one(&asker, content.change(ObjectOperation::Overwrite, identifier, version)).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 修改标识数据 · Change named values of an object
#[utoipa::path(patch, path = "/api/v1/objects/{identifier}", tag = "objects", operation_id = "patchObject",
    params(("identifier" = String, Path)),
    request_body = ObjectContent,
    responses((status = 200, body = ObjectOutcome)),
    extensions(("x-cli" = json!("object patch")), ("x-permission" = json!("object.write"))))]
async fn patch(
    asker: Asker,
    Path(identifier): Path<String>,
    IfVersion(version): IfVersion,
    Body(content): Body<ObjectContent>,
) -> Response {
    let outcome = one(&asker, content.change(ObjectOperation::Patch, identifier, version)).await;
    done(&asker, outcome, StatusCode::OK)
}

/// Why an object is deleted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct DeleteParams {
    /// Everybody who resolves the identifier reads it.
    #[param(min_length = 1, max_length = 500)]
    reason: String,
}

/// 注销标识 · Delete an object for good
///
/// Its record becomes a tombstone that says why; the identifier is not given out again.
#[utoipa::path(delete, path = "/api/v1/objects/{identifier}", tag = "objects", operation_id = "deleteObject",
    params(("identifier" = String, Path), DeleteParams),
    responses((status = 200, body = ObjectOutcome)),
    extensions(("x-cli" = json!("object delete")), ("x-permission" = json!("object.write"))))]
async fn delete(
    asker: Asker,
    Path(identifier): Path<String>,
    IfVersion(version): IfVersion,
    Params(why): Params<DeleteParams>,
) -> Response {
    let reason = Some(why.reason);
    let change = ObjectChange { version, reason, ..ObjectChange::of(ObjectOperation::Delete, identifier) };
    let outcome = one(&asker, change).await;
    done(&asker, outcome, StatusCode::OK)
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct HistoryParams {
    /// `next` of the page before.
    below: Option<i64>,
}

/// 标识历史 · The versions of an object, newest first
#[utoipa::path(get, path = "/api/v1/objects/{identifier}/history", tag = "objects", operation_id = "objectHistory",
    params(("identifier" = String, Path), HistoryParams),
    responses((status = 200, body = ObjectHistory)),
    extensions(("x-cli" = json!("object history")),
        ("x-columns" = json!("version state since until updatedBy changed")),
        ("x-permission" = json!("object.read"))))]
async fn history(asker: Asker, Path(identifier): Path<String>, Params(page): Params<HistoryParams>) -> Response {
    let outcome = async { asker.objects()?.object_history(&asker.caller, &identifier, page.below).await }.await;
    done(&asker, outcome, StatusCode::OK)
}

/// The state that an object shall have.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
enum ObjectRest {
    Active,
    Suspended,
}

/// The state that an object shall have, and why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ObjectStateChange {
    state: ObjectRest,
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: String,
}

/// 暂停或恢复标识 · Suspend or resume an object
#[utoipa::path(put, path = "/api/v1/objects/{identifier}/state", tag = "objects", operation_id = "setObjectState",
    params(("identifier" = String, Path)),
    request_body = ObjectStateChange,
    responses((status = 200, body = ObjectOutcome)),
    extensions(("x-cli" = json!("object state")), ("x-permission" = json!("object.write"))))]
async fn set_state(
    asker: Asker,
    Path(identifier): Path<String>,
    IfVersion(version): IfVersion,
    Body(wanted): Body<ObjectStateChange>,
) -> Response {
    let operation = match wanted.state {
        ObjectRest::Active => ObjectOperation::Resume,
        ObjectRest::Suspended => ObjectOperation::Suspend,
    };
    let change = ObjectChange { version, reason: Some(wanted.reason), ..ObjectChange::of(operation, identifier) };
    let outcome = one(&asker, change).await;
    done(&asker, outcome, StatusCode::OK)
}
