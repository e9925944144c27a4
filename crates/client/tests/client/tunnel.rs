//! Frames inside HTTP.

use std::time::Duration;

use hufu_client::{Client, Endpoint, ErrorKind, ResolveOptions};
use hufu_ident::SelectionBuf;
use hufu_ident::systems::handle::Protocol;
use hufu_ident::systems::handle::wire::{Body, Content, Message, ResponseCode, flag};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::fake::{Connection, Fake, Request};

/// Head and frame of the next HTTP request.
async fn receive(connection: &mut Connection) -> Option<(String, Request)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut frame = vec![0; length.parse().unwrap()];
    connection.stream.read_exact(&mut frame).await.ok()?;
    Some((head, Request::new(frame)))
}

async fn send(connection: &mut Connection, status: &str, media_type: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n", body.len());
    connection.stream.write_all(head.as_bytes()).await.unwrap();
    // In two pieces, cut inside a frame.
    let (first, rest) = body.split_at(body.len() / 3);
    connection.stream.write_all(first).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    connection.stream.write_all(rest).await.unwrap();
}

fn more_follows(mut message: Message) -> Message {
    if let Content::Plain(plain) = &mut message.content {
        plain.header.flags |= flag::CONT;
    }
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_and_listings_pass() {
    let server = Fake::start(|mut connection| async move {
        while let Some((head, request)) = receive(&mut connection).await {
            assert!(head.starts_with("post /some/path http/1.1"), "{head}");
            assert!(head.contains("accept: application/x-hdl-message"), "{head}");
            let names = |names: &[&str]| {
                let names = names.iter().map(|name| name.as_bytes().to_vec()).collect();
                request.answer(ResponseCode::SUCCESS, Body::Names(names))
            };
            let body = match &request.plain.body {
                Body::Resolve { .. } => request.echo().to_bytes(),
                _ => [more_follows(names(&["A", "B"])).to_bytes(), names(&["C"]).to_bytes()].concat(),
            };
            send(&mut connection, "200 OK", "application/x-hdl-message", &body).await;
        }
    })
    .await;
    let endpoint = Endpoint { path: "/some/path".into(), ..Endpoint::new(Protocol::Http, server.address) };
    let client = Client::new(endpoint);
    for _ in 0..3 {
        let found = client.resolve("88.1/x", &SelectionBuf::default(), ResolveOptions::default()).await.unwrap();
        assert_eq!(found.values[0].data, b"88.1/x");
    }
    assert_eq!(client.list("88.1").await.unwrap().collect().await.unwrap(), ["A", "B", "C"]);
    assert!(server.connections() < 4, "{}", server.connections());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_is_no_answer() {
    let server = Fake::start(|mut connection| async move {
        while receive(&mut connection).await.is_some() {
            send(&mut connection, "404 Not Found", "text/html", b"<html>").await;
        }
    })
    .await;
    let error = Client::new(Endpoint::new(Protocol::Http, server.address)).site_info().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn https_needs_to_know_whom_to_trust() {
    let endpoint: Endpoint = "https://127.0.0.1:1".parse().unwrap();
    let error = Client::new(endpoint).site_info().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}
