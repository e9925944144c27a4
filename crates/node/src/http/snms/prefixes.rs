//! Prefixes: one, the list, and where one is served.

use super::Call;
use super::envelope::{Answered, Failure};
use super::input::{moment, paged};
use hufu_registry::Permission;
use hufu_registry::outbox::Server;
use hufu_registry::prefixes::{DelegationData, Prefix, PrefixChange, State};
use hufu_registry::subject::Subject;
use serde_json::{Value as Json, json};
use std::collections::HashMap;

/// Octets of a prefix.
const PREFIX: usize = 64;
/// This node, as the server of hosted prefixes.
const PROXY_SERVER: i64 = 1;
/// `proxyState` of a hosted prefix.
const HOSTED: u8 = 4;

/// `GET /snms/api/prefix/query`.
pub async fn query(call: &Call<'_>) -> Answered {
    let name = call.input.required("prefix", PREFIX)?;
    let prefix = call.registry.prefix(&call.caller, &name).await?;
    // A sponsor sees of the holder what everybody does.
    let holder = match call.caller.reaches(Some(&prefix.organisation)) {
        true => call.registry.organisation(&call.caller, &prefix.organisation).await?.subject,
        false => {
            let found = call.registry.public_organisation(&prefix.organisation).await?;
            let (org_name, website) = found.map(|found| (found.name, found.website)).unwrap_or_default();
            Subject { org_name, website, ..Subject::default() }
        }
    };
    Ok(json!({
        "prefix": prefix.name, "createDate": moment(prefix.created), "ghrName": call.node, "status": prefix.status,
        // The interface's table has one name, its example the other.
        "entNameCn": holder.org_name, "entWebSite": holder.website, "entSite": holder.website,
        "entIndustry": format!("{}{}", holder.industry_category, holder.industry_specific),
        "entAddrCn": holder.org_addr, "entDesc": holder.org_desc,
    }))
}

/// `GET /snms/api/prefix/page`.
pub async fn page(call: &Call<'_>) -> Answered {
    let (holder, start) = (call.input.text("entName")?, call.input.text("entPrefix")?);
    let (span, page) = (call.input.span()?, call.input.page()?);
    let about = (holder.as_deref(), start.as_deref());
    let (found, total) = call.registry.prefixes_numbered(&call.caller, about, span, page).await?;
    let mut names: HashMap<&str, String> = HashMap::new();
    for prefix in &found {
        if !names.contains_key(prefix.organisation.as_str()) {
            let holder = call.registry.public_organisation(&prefix.organisation).await?;
            names.insert(&prefix.organisation, holder.map(|holder| holder.name).unwrap_or_default());
        }
    }
    Ok(paged(found.iter().map(|prefix| row(prefix, &names[prefix.organisation.as_str()])).collect(), total, page))
}

fn row(prefix: &Prefix, holder: &str) -> Json {
    json!({
        "id": prefix.name, "createDate": moment(prefix.created), "updateDate": moment(prefix.updated),
        "entPrefix": prefix.name, "entprefix": prefix.name, "entId": prefix.organisation, "entName": holder,
        "state": u8::from(prefix.state == State::Enabled), "proxyState": prefix.proxy_state,
    })
}

/// `POST /snms/api/ent/config`: hosted by this node, or on a server of its own.
pub async fn configure(call: &Call<'_>) -> Answered {
    let name = call.input.required("entPrefixConfig.entPrefix", PREFIX)?;
    match call.input.number("proxyServerId")? {
        Some(PROXY_SERVER) => host(call, &name).await?,
        Some(_) => return Err(Failure::business("没有该托管服务器")),
        None => serve_elsewhere(call, &name).await?,
    }
    Ok(json!(true))
}

/// The operator hosts it at once; a holder asks for it.
async fn host(call: &Call<'_>, name: &str) -> Result<(), Failure> {
    let caller = &call.caller;
    let operator = caller.organisation().is_none() && caller.permissions.contains(Permission::PrefixAllocate);
    match operator {
        true => call.registry.decide_hosting(caller, name, true, "").await?,
        false => call.registry.request_hosting(caller, name).await?,
    };
    Ok(())
}

async fn serve_elsewhere(call: &Call<'_>, name: &str) -> Result<(), Failure> {
    let server = server(call)?;
    let before = call.registry.prefix(&call.caller, name).await?;
    let delegation = DelegationData { servers: vec![server], ..before.delegation };
    if before.proxy_state == HOSTED {
        call.registry.move_out(&call.caller, name, &delegation).await?;
        return Ok(());
    }
    let change = PrefixChange { delegation: Some(delegation), auto_renew: None };
    call.registry.amend_prefix(&call.caller, name, Some(before.version), &change).await?;
    Ok(())
}

fn server(call: &Call<'_>) -> Result<Server, Failure> {
    let member = |name: &str| format!("entPrefixConfig.{name}");
    if call.input.required(&member("hdlType"), PREFIX)? != "HS_SITE" {
        return Err(Failure::business("hdlType 仅支持 HS_SITE"));
    }
    let address = call.input.required(&member("ip"), PREFIX)?;
    let kind = call.input.number(&member("ipType"))?.ok_or_else(|| Failure::missing("entPrefixConfig.ipType"))?;
    let parsed: std::net::IpAddr = address.parse().map_err(|_| Failure::wrong_type("entPrefixConfig.ip"))?;
    if kind != if parsed.is_ipv4() { 4 } else { 6 } {
        return Err(Failure::business("ipType 与 ip 不符"));
    }
    let port = |name: &str| -> Result<Option<u16>, Failure> {
        let wrong = |_| Failure::wrong_type(&member(name));
        call.input.number(&member(name))?.map(|port| u16::try_from(port).map_err(wrong)).transpose()
    };
    let (tcp, udp, http) = (port("tcpPort")?, port("udpPort")?, port("httpPort")?);
    if tcp.or(udp).or(http).is_none() {
        return Err(Failure::business("tcpPort、udpPort、httpPort 至少填写一个"));
    }
    Ok(Server { address, udp, tcp, http, public_key: None })
}
