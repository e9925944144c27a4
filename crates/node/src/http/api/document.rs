//! The description of the API: OpenAPI 3.1 from the operations, completed by what all of them share; and its page.

use super::answer::Problem;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::PartialSchema;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, ResponseBuilder,
};

/// The page at `/api/docs`: one file, no network.
const PAGE: &str = include_str!("docs.html");

/// Name and version of the API.
pub fn about() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Hufu 虎符 API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "注册管理接口：组织、账号、申请、审核、前缀、审计。\n\nThe control plane: organisations, accounts, \
             applications, review, prefixes, audit.",
        ))
        .build();
    OpenApiBuilder::new().info(info).build()
}

/// Adds to every operation what all of them share: how to sign in, problem documents, `Idempotency-Key`.
pub fn complete(description: &mut OpenApi) {
    let components = description.components.get_or_insert_with(Components::new);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let cookie = ApiKey::Cookie(ApiKeyValue::new(super::gate::COOKIE));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    components.schemas.insert("Problem".into(), Problem::schema());
    let mut needed = Vec::new();
    <Problem as utoipa::ToSchema>::schemas(&mut needed);
    components.schemas.extend(needed);
    for item in description.paths.paths.values_mut() {
        for (operation, changes) in [
            (&mut item.get, false),
            (&mut item.post, true),
            (&mut item.put, true),
            (&mut item.patch, true),
            (&mut item.delete, true),
        ] {
            if let Some(operation) = operation {
                complete_operation(operation, changes);
            }
        }
    }
}

fn complete_operation(operation: &mut Operation, changes: bool) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let problem = ResponseBuilder::new()
        .description("拒绝或故障 · a refusal or a fault")
        .content("application/problem+json", content)
        .build();
    operation.responses.responses.insert("default".into(), RefOr::T(problem));
    let public = operation.extensions.as_ref().is_some_and(|extensions| extensions.contains_key("x-public"));
    if !public {
        let none: [&str; 0] = [];
        operation.security =
            Some(vec![SecurityRequirement::new("bearer", none), SecurityRequirement::new("session", none)]);
    }
    if changes {
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("重复同一请求得到首次的答复 · the same key and request get the first answer again"))
            .schema(Some(String::schema()))
            .build();
        operation.parameters.get_or_insert_with(Vec::new).push(RefOr::T(key));
    }
}

/// The page that shows the description and tries operations.
pub async fn page() -> Response {
    let policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
                  img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)];
    (headers, PAGE).into_response()
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    /// What is public is described too, with its answers.
    #[test]
    fn parsing_and_codes_are_described() {
        let (_, description) = super::super::operations();
        let description = serde_json::to_value(&description).expect("JSON");
        for (path, answer) in [("/api/v1/parse", "Parsed"), ("/api/v1/codes", "CodesOfThing")] {
            let operation = &description["paths"][path]["get"];
            assert_eq!(operation["x-public"], true, "{path}");
            let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(*schema, format!("#/components/schemas/{answer}"), "{path}");
            assert!(description["components"]["schemas"][answer].is_object(), "{answer} is nowhere");
        }
        let text = description.to_string();
        let references = text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
        for name in references {
            assert!(description["components"]["schemas"][name].is_object(), "{name} is nowhere");
        }
    }

    /// Every operation says what it needs, and by a name that the registry knows.
    #[test]
    fn every_operation_declares_its_permission_or_that_it_is_public() {
        let (_, description) = super::super::operations();
        let description = serde_json::to_value(&description).expect("JSON");
        assert!(description["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
        for (path, item) in description["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let permission = operation.get("x-permission").and_then(Json::as_str);
                let known = permission.is_some_and(|name| hufu_registry::Permission::parse(name).is_some());
                // `x-self`: whoever is signed in does it to their own account.
                let declared = [known, operation.get("x-public").is_some(), operation.get("x-self").is_some()];
                assert_eq!(declared.iter().filter(|one| **one).count(), 1, "{method} {path}: {permission:?}");
                assert!(operation.get("operationId").is_some(), "{method} {path} has no name");
            }
        }
    }
}
