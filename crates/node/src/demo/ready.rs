//! The ready file: where every node is, its administrator, and samples to resolve, as JSON.

use super::country::{Country, Member, Sample};
use super::registration::Login;
use crate::http::value_json::value_to_json;
use serde_json::{Map, Value as Json, json};
use std::path::Path;

pub fn report(country: &Country) -> Json {
    let nodes: Vec<Json> = country.members.iter().map(node).collect();
    let samples: Vec<Json> = country.samples().iter().map(sample).collect();
    let logins: Vec<Json> = country.members.iter().flat_map(logins).collect();
    json!({"nodes": nodes, "samples": samples, "logins": logins})
}

fn logins(member: &Member) -> Vec<Json> {
    let row = |login: &Login| {
        json!({"node": member.http_url(), "name": member.node.name(), "role": login.roles, "user": login.user,
               "password": login.password})
    };
    member.logins.iter().map(row).collect()
}

fn node(member: &Member) -> Json {
    let mut row = Map::new();
    row.insert("role".into(), json!(member.node.role().name()));
    row.insert("name".into(), json!(member.node.name()));
    if let Some(prefix) = member.prefixes().first() {
        row.insert("prefix".into(), json!(prefix));
        row.insert("prefixes".into(), json!(member.prefixes()));
    }
    row.insert("handle_udp".into(), json!(member.udp().to_string()));
    row.insert("handle_tcp".into(), json!(member.tcp().to_string()));
    row.insert("http".into(), json!(member.http_url()));
    if member.node.parts.registry.is_some() {
        row.insert("console".into(), json!(member.console()));
    }
    let v6 = |addresses: &[std::net::SocketAddr]| addresses.iter().find(|address| address.is_ipv6()).copied();
    let endpoints = &member.node.endpoints;
    for (key, address) in [("handle_udp6", v6(&endpoints.udp)), ("handle_tcp6", v6(&endpoints.tcp))] {
        if let Some(address) = address {
            row.insert(key.into(), json!(address.to_string()));
        }
    }
    if let Some(address) = v6(&endpoints.http) {
        row.insert("http6".into(), json!(format!("http://{address}")));
    }
    if let Some(address) = member.dns() {
        row.insert("dns".into(), json!(address.to_string()));
    }
    if let Some(address) = endpoints.admin.first() {
        row.insert("operations".into(), json!(format!("http://{address}")));
    }
    if let Some((identity, secret)) = &member.administrator {
        row.insert("admin".into(), json!({"identity": identity.to_string(), "secret": secret}));
    }
    Json::Object(row)
}

fn sample(sample: &Sample) -> Json {
    let value = value_to_json(&sample.expect);
    let expect = json!({"index": value["index"], "type": value["type"], "value": value["data"]["value"]});
    json!({"system": sample.system, "identifier": sample.identifier, "expect": expect})
}

/// Writes the file whole (never half), readable by its owner only.
pub fn write(path: &Path, report: &Json) -> std::io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let _ = std::fs::remove_file(&unfinished);
    let text = serde_json::to_vec_pretty(report)?;
    crate::keys::write_private(&unfinished, &text)?;
    std::fs::rename(&unfinished, path)
}
