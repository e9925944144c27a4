//! Onboarding by its doors: from the command line, with documents, and a webhook that is told of it.

use crate::Alone;
use crate::control::command;
use hufu_registry::notices::queue::signature;
use hufu_testkit::Web;
use serde_json::{Value as Json, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const SECRET: &str = "0123456789abcdef";

/// A service that takes requests and says 200: their heads and bodies.
fn webhook() -> (String, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/in", listener.local_addr().expect("an address"));
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let (mut octets, mut piece) = (Vec::new(), [0; 4096]);
            let (head, body) = loop {
                let read = stream.read(&mut piece).expect("a request");
                octets.extend(&piece[..read]);
                let text = String::from_utf8_lossy(&octets).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length =
                    head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                if read == 0 || body.len() >= length.unwrap_or(0_usize) {
                    break (head.to_owned(), body.to_owned());
                }
            };
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").expect("sent");
            if sender.send((head, body)).is_err() {
                return;
            }
        }
    });
    (url, receiver)
}

/// The smallest PNG that is one.
fn png() -> Vec<u8> {
    let mut octets = b"\x89PNG\r\n\x1a\n".to_vec();
    octets.extend(b"\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55");
    octets.extend(b"\0\0\0\0IEND\xaeB`\x82");
    octets
}

fn content() -> Json {
    let person = json!({"name": "甲一", "crtType": 1, "crtNo": "44030519900101123X", "phone": "13800000000",
                        "email": "someone@hufu-demo.cn"});
    let place = |kind: u8| json!({"sysType": kind, "deployMode": 2, "provider": "示例云"});
    json!({
        "subject": {
            "orgName": "示例泵业有限公司", "orgNature": 2, "orgAddr": "示例路 1 号", "orgAddrProvince": "440000",
            "orgAddrCity": "440300", "orgCrtType": 1, "orgCrtCode": "91440300MA5EXA1P7G", "industryCategory": "C",
            "industrySpecific": "34", "legal": person, "contact": person, "servSysBuild": {"mode": 1},
            "servSysOper": {"mode": 1}, "systems": [place(1), place(2), place(3), place(4)],
        },
        "administrator": {"login": "admin@pump", "name": "丙三", "email": "admin@hufu-demo.cn"},
    })
}

#[test]
fn an_application_goes_from_the_command_line_to_the_reviewers_and_a_webhook_hears_of_it() {
    let alone = Alone::start();
    let node = &alone.node;
    let run = |args: &[&str], input: &str| command(node, args, input);
    let (url, heard) = webhook();
    let notices = json!({"webhooks": [{"name": "erp", "url": url, "secret": SECRET}]}).to_string();
    let written = run(&["setting", "write", "notices", "--data", "-"], &notices).expect(0).json();
    assert_eq!(written["document"]["webhooks"][0]["secret"], "********");

    let new = json!({"kind": "onboarding", "content": content()}).to_string();
    let made = run(&["application", "create", "--data", "-"], &new).expect(0).json();
    let id = made["id"].as_str().expect("an id");
    let checked = run(&["application", "check", id], "").expect(1).json();
    let missing: Vec<&str> =
        checked["fields"].as_array().expect("fields").iter().filter_map(|field| field["field"].as_str()).collect();
    let photographs = ["subject.orgCrtImg", "subject.legal.crtFrontImg", "subject.legal.crtBackImg"];
    assert_eq!(missing, photographs, "{checked}");
    let refused = run(&["application", "submit", id], "").expect(2);
    assert!(photographs.iter().all(|field| refused.err.contains(field)), "{}", refused.err);

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("photo.png");
    std::fs::write(&path, png()).expect("a file");
    let file = path.to_string_lossy().into_owned();
    let attached = run(&["document", "attach", id, "--name", "执照.jpg", "--file", &file], "").expect(0).json();
    assert_eq!(attached["name"], "执照.png");
    std::fs::write(&path, b"#!/bin/sh\n").expect("a file");
    let script = run(&["document", "attach", id, "--name", "photo.jpg", "--file", &file], "").expect(2);
    assert!(script.err.contains("only PNG and JPEG images"), "{}", script.err);

    let mut whole = content();
    let document = &attached["id"];
    whole["subject"]["orgCrtImg"] = document.clone();
    whole["subject"]["legal"]["crtFrontImg"] = document.clone();
    whole["subject"]["legal"]["crtBackImg"] = document.clone();
    run(&["application", "save", id, "--if-version", "1", "--data", "-"], &whole.to_string()).expect(0);
    let submitted = run(&["application", "submit", id], "").expect(0).json();
    assert_eq!(submitted["state"], "submitted");
    assert!(submitted["due"].as_i64() > submitted["submitted"].as_i64());
    let evidence = run(&["application", "evidence", id], "").expect(0).json();
    assert!(evidence.as_array().expect("evidence").iter().all(|one| one["outcome"] != "fail"), "{evidence}");
    // Whoever filed it does not review it.
    let own = run(&["application", "claim", id], "").expect(1);
    assert!(own.err.contains("not-impartial"), "{}", own.err);

    let (head, body) = heard.recv_timeout(Duration::from_secs(20)).expect("a notice");
    let told: Json = serde_json::from_str(&body).expect("JSON");
    assert_eq!(told["notice"]["kind"], "application-submitted");
    assert_eq!(told["notice"]["object"], format!("application {id}"));
    let header = head.lines().find_map(|line| line.strip_prefix("hufu-signature: ")).expect("a signature");
    let at = header.strip_prefix("t=").and_then(|rest| rest.split(',').next()).expect("a moment");
    assert_eq!(signature(SECRET, at.parse().expect("a moment"), body.as_bytes()).expect("signed"), header);
    let listed = run(&["notice", "list"], "").expect(0).json();
    assert_eq!(listed["items"][0]["kind"], "application-submitted");

    // Documents are for those who may see the application.
    let web = Web::plain(node.http());
    let document = document.as_str().expect("an id");
    assert_eq!(web.get(&format!("/api/v1/documents/{document}/content")).status, 401);
    assert_eq!(run(&["audit", "verify"], "").expect(0).json()["whole"], true);
}
