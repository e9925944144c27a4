//! Where a prefix is administered, asked of any node that resolves.

use std::net::SocketAddr;

use hufu_ident::systems::handle::site::{Interface, Server};
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::systems::handle::{Protocol, Site, kind};
use hufu_ident::{SelectionBuf, Value};

use crate::client::{Client, Resolved};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::operation::{ResolveOptions, prefix_handle};

/// The first TCP interface for administration of the first primary site that has one, as `0.NA/<prefix>` says
/// (HS_SITE, HS_SITE.6). A server without address is looked up in the DNS by the site's attribute `domain`.
///
/// `via` should be a recursive node; a referral is an error here. The address is as good as the answer: callers that
/// resolve for strangers have to decide for themselves whether to connect to it.
///
/// Errors: those of [`Client::resolve`]; [`ErrorKind::Unsupported`] if no site has such an interface.
pub async fn locate(via: Endpoint, prefix: &str) -> Result<Endpoint, Error> {
    let selection = SelectionBuf::of_types(&[kind::SITE, kind::SITE_6]);
    let client = Client::new(via);
    let found = client.resolve(&prefix_handle(prefix), &selection, ResolveOptions::default()).await?;
    let Resolved { code, values, .. } = found;
    if code != ResponseCode::SUCCESS {
        return Err(Error::refused(code, "the node refers to others instead of resolving"));
    }
    let sites = values.iter().filter_map(site).filter(Site::is_primary);
    let mut usable = sites.filter_map(|site| Some((interface(&site)?, site)));
    let (address, site) = usable
        .next()
        .ok_or_else(|| Error::new(ErrorKind::Unsupported, format!("no site of {prefix} can be administered by TCP")))?;
    if !address.ip().is_unspecified() {
        return Ok(Endpoint::tcp(address));
    }
    let domain = site.attribute("domain").and_then(|domain| std::str::from_utf8(domain).ok());
    let unnamed = || Error::malformed(format!("the site of {prefix} has neither address nor domain"));
    Endpoint::lookup(&format!("tcp://{}:{}", domain.ok_or_else(unnamed)?, address.port())).await
}

fn site(value: &Value) -> Option<Site> {
    let wanted = value.is_kind(kind::SITE) || value.is_kind(kind::SITE_6);
    if wanted { Site::decode(&value.data).ok() } else { None }
}

/// The first administrative TCP interface.
fn interface(site: &Site) -> Option<SocketAddr> {
    let of = |server: &Server| server.endpoints(Interface::ADMIN, Protocol::Tcp).next();
    site.servers.iter().find_map(of)
}
