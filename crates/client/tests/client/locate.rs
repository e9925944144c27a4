//! Where a prefix is administered.

use std::net::IpAddr;

use hufu_client::{Endpoint, ErrorKind, locate};
use hufu_ident::Value;
use hufu_ident::systems::handle::site::{Interface, Server};
use hufu_ident::systems::handle::wire::{Body, ResponseCode};
use hufu_ident::systems::handle::{Protocol, Site};

use crate::fake::Fake;

fn site(address: &str, purpose: u8, port: u32) -> Site {
    let address: IpAddr = address.parse().unwrap();
    let interfaces = vec![
        Interface { purpose: Interface::BOTH, protocol: Protocol::Udp, port: 1 },
        Interface { purpose, protocol: Protocol::Tcp, port },
    ];
    Site::new(1, vec![Server::new(1, address, Vec::new(), interfaces)])
}

async fn located(sites: Vec<(&'static str, Site)>) -> Result<Endpoint, hufu_client::Error> {
    let server = Fake::answering(move |request| {
        assert_eq!(request.name(), "0.NA/88.118.8");
        let value = |(index, (kind, site)): (usize, &(&str, Site))| Value::new(index as u32 + 1, kind, site.to_bytes());
        let values = sites.iter().enumerate().map(value).collect();
        vec![request.answer(ResponseCode::SUCCESS, Body::Values { handle: request.name().into(), values })]
    })
    .await;
    locate(server.endpoint(), "88.118.8").await
}

#[tokio::test]
async fn the_first_administrative_tcp_interface_is_taken() {
    let mut mirror = site("192.0.2.3", Interface::BOTH, 3);
    mirror.primary_mask = 0;
    let found = located(vec![
        ("DESC", site("192.0.2.1", Interface::BOTH, 1)),
        ("HS_SITE", site("192.0.2.2", Interface::QUERY, 2)),
        ("HS_SITE", mirror),
        ("HS_SITE.6", site("2001:db8::4", Interface::ADMIN, 4)),
        ("HS_SITE", site("192.0.2.5", Interface::BOTH, 5)),
    ]);
    assert_eq!(found.await.unwrap().to_string(), "tcp://[2001:db8::4]:4");
}

#[tokio::test]
async fn a_domain_stands_for_an_address() {
    let named = site("0.0.0.0", Interface::BOTH, 6).with_attribute("domain", "localhost");
    let found = located(vec![("HS_SITE", named)]).await.unwrap();
    assert!(found.address.ip().is_loopback() && found.address.port() == 6, "{found}");
}

#[tokio::test]
async fn no_way_is_an_error() {
    let error = located(vec![("HS_SITE", site("192.0.2.2", Interface::QUERY, 2))]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}
