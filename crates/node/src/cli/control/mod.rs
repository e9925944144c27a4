//! `hufu org`, `hufu user`, `hufu prefix`, …: the control plane from the command line.
//!
//! The commands are made of the API's description, so both can do the same: an operation with
//! `x-cli = "org list"` becomes `hufu org list`; what stands in its path becomes arguments, its parameters and the
//! fields of its body become options. They go through the node's Unix socket, or to `--server` with an API key.

mod ask;
mod show;

use super::error::{CliError, Exit};
use super::screen::Screen;
use crate::http::api;
use ask::Place;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value as Json};

/// What people call each noun.
const NOUNS: [(&str, &str); 21] = [
    ("org", "Organisations 组织"),
    ("user", "People and machines with an account 账号"),
    ("session", "Who is signed in 会话"),
    ("role", "Roles 角色"),
    ("key", "API keys 接口密钥"),
    ("application", "Applications and their review 申请与审核"),
    ("document", "Documents of applications 附件"),
    ("prefix", "Prefixes and their life 前缀"),
    ("transfer", "Transfers of prefixes 前缀转移"),
    ("reserve", "Reserved and blocked prefixes 保留与禁用前缀"),
    ("quota", "Quotas 配额"),
    ("template", "Templates 模板"),
    ("metadata", "Metadata and proposals 元数据与提议"),
    ("object", "Objects: identifiers with values 标识对象"),
    ("grant", "Grants and disclosures 权限授予与读取记录"),
    ("job", "Imports, exports, runs of serials 任务"),
    ("notice", "Notices 通知"),
    ("setting", "Settings of the node 系统设置"),
    ("statistics", "Statistics 统计"),
    ("operator", "The operator interface 上级接口"),
    ("audit", "The audit trail 审计"),
];

/// One operation of the API, as far as a command needs it.
struct Operation {
    noun: String,
    verb: String,
    method: String,
    path: String,
    about: String,
    parameters: Vec<Json>,
    /// The fields of a JSON body.
    fields: Vec<(String, Json)>,
    /// Those of them that must be there.
    required: Vec<String>,
    body: Body,
    columns: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    None,
    Json,
    /// A file as it is.
    File,
}

/// The commands, one a noun.
pub fn commands() -> Vec<Command> {
    let operations = operations();
    let of = |noun: &str| operations.iter().filter(|operation| operation.noun == noun).collect::<Vec<_>>();
    let nouns = NOUNS.iter().filter(|(noun, _)| !of(noun).is_empty());
    nouns
        .map(|(noun, about)| {
            let command = Command::new(*noun).about(*about).subcommand_required(true).arg_required_else_help(true);
            command.args(Place::args()).subcommands(of(noun).into_iter().map(Operation::command))
        })
        .collect()
}

/// Whether a command is one of these.
pub fn is_noun(name: &str) -> bool {
    NOUNS.iter().any(|(noun, _)| *noun == name)
}

/// Carries out `hufu <noun> <verb>`.
pub async fn run(noun: &str, matches: &ArgMatches, screen: &Screen) -> Result<Exit, CliError> {
    let Some((verb, given)) = matches.subcommand() else { return Ok(Exit::Usage) };
    let operations = operations();
    let found = operations.iter().find(|operation| operation.noun == noun && operation.verb == verb);
    let operation = found.ok_or_else(|| CliError::usage(format!("hufu {noun} {verb}: no such command")))?;
    let place = Place::of(matches);
    let request = operation.request(given)?;
    let answer = place.ask(request, screen).await?;
    show::answer(operation, &answer, screen)
}

fn operations() -> Vec<Operation> {
    let (_, description) = api::operations();
    let description = serde_json::to_value(&description).unwrap_or_default();
    let empty = Map::new();
    let mut all = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap_or(&empty) {
        for (method, operation) in item.as_object().unwrap_or(&empty) {
            all.extend(Operation::read(&description, path, method, operation));
        }
    }
    all
}

/// `orgCrtCode` → `org-crt-code`, `Idempotency-Key` → `idempotency-key`.
fn kebab(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// Follows a `$ref` to its schema.
fn named<'a>(description: &'a Json, schema: &'a Json) -> &'a Json {
    let Some(reference) = schema["$ref"].as_str() else { return schema };
    let name = reference.rsplit('/').next().unwrap_or_default();
    &description["components"]["schemas"][name]
}

impl Operation {
    fn read(description: &Json, path: &str, method: &str, operation: &Json) -> Option<Self> {
        let (noun, verb) = operation["x-cli"].as_str()?.split_once(' ')?;
        let content = operation["requestBody"]["content"].as_object();
        let json = content.and_then(|content| content.get("application/json"));
        let body = match (content, json) {
            (None, _) => Body::None,
            (_, Some(_)) => Body::Json,
            _ => Body::File,
        };
        let schema = json.map(|json| named(description, &json["schema"]));
        let properties = schema.and_then(|schema| schema["properties"].as_object());
        let resolve = |(name, schema): (&String, &Json)| {
            let mut schema = named(description, schema).clone();
            if let Some(items) = schema.get("items") {
                schema["items"] = named(description, items).clone();
            }
            (name.clone(), schema)
        };
        let fields = properties.map(|all| all.iter().map(resolve).collect()).unwrap_or_default();
        let required = schema.and_then(|schema| schema["required"].as_array()).into_iter().flatten();
        let required = required.filter_map(Json::as_str).map(str::to_owned).collect();
        let columns = operation["x-columns"].as_str().map(|all| all.split(' ').map(str::to_owned).collect());
        Some(Operation {
            noun: noun.to_owned(),
            verb: verb.to_owned(),
            method: method.to_uppercase(),
            path: path.to_owned(),
            about: operation["summary"].as_str().unwrap_or_default().to_owned(),
            parameters: operation["parameters"].as_array().cloned().unwrap_or_default(),
            fields,
            required,
            body,
            columns: columns.unwrap_or_default(),
        })
    }

    fn command(&self) -> Command {
        // A parameter may be called `version`.
        let mut command = Command::new(self.verb.clone()).about(self.about.clone()).disable_version_flag(true);
        for parameter in &self.parameters {
            let name = parameter["name"].as_str().unwrap_or_default();
            let about = parameter["description"].as_str().unwrap_or_default().to_owned();
            let arg = Arg::new(name.to_owned()).help(about);
            command = command.arg(match parameter["in"].as_str() {
                Some("path") => arg.required(true).value_name(name.to_uppercase()),
                _ => arg.long(kebab(name)).value_name("VALUE"),
            });
        }
        if ["PUT", "PATCH", "DELETE"].contains(&self.method.as_str()) {
            let help = "Only if it is still this version";
            command = command.arg(Arg::new("if-version").long("if-version").value_name("VERSION").help(help));
        }
        match self.body {
            Body::None => command,
            Body::File => command.arg(Arg::new("file").long("file").value_name("FILE").required(true).help("The file")),
            Body::Json => {
                let help = "The whole body as JSON, - for standard input; options beside it take precedence";
                let command = command.arg(Arg::new("data").long("data").value_name("FILE").help(help));
                command.args(self.fields.iter().map(|(name, schema)| field(name, schema)))
            }
        }
    }
}

/// The option of one field: text, number, true or false as they are, anything else as JSON.
fn field(name: &str, schema: &Json) -> Arg {
    let about = schema["description"].as_str().unwrap_or_default().lines().next().unwrap_or_default().to_owned();
    let arg = Arg::new(format!("field {name}")).long(kebab(name)).help(about);
    match is_list_of_text(schema) {
        true => arg.value_name("TEXT").action(ArgAction::Append),
        false => arg.value_name(if is_scalar(schema) { "VALUE" } else { "JSON" }),
    }
}

fn has_type(schema: &Json, name: &str) -> bool {
    schema["type"] == name || schema["type"].as_array().is_some_and(|all| all.iter().any(|one| one == name))
}

fn is_scalar(schema: &Json) -> bool {
    ["string", "integer", "number", "boolean"].iter().any(|name| has_type(schema, name))
        || schema.get("enum").is_some()
        || schema["oneOf"].as_array().is_some_and(|all| all.iter().all(|one| one.get("properties").is_none()))
}

fn is_list_of_text(schema: &Json) -> bool {
    has_type(schema, "array") && schema["items"]["type"] == "string"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_fields_become_options() {
        assert_eq!(kebab("orgCrtCode"), "org-crt-code");
        assert_eq!(kebab("name"), "name");
        assert_eq!(kebab("Idempotency-Key"), "idempotency-key");
    }

    #[test]
    fn every_command_is_well_formed_and_every_noun_is_known() {
        for command in commands() {
            command.debug_assert();
        }
        for operation in operations() {
            assert!(is_noun(&operation.noun), "{} is no noun", operation.noun);
        }
    }
}
