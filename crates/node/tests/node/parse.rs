//! What a code is, by command line and by HTTP.

use crate::{Alone, hufu};
use hufu_testkit::{Web, shell};
use serde_json::Value as Json;
use std::io::Write;
use std::process::Stdio;

#[test]
fn codes_are_explained_to_people_and_machines() {
    let people = shell::run(hufu(), &["parse", "hdl:88.118.8/A1", "--lang", "zh"]).expect(0);
    for part in ["✓ vaa · 88.118.8/A1", "enterprise", "符合VAA编码规则", "percent_encoded", "88.118.8 ‹ 88.118 ‹ 88"]
    {
        assert!(people.out.contains(part), "{part} is not in\n{}", people.out);
    }
    let refused = shell::run(hufu(), &["parse", "88.12.1/a", "--lang", "en"]).expect(1);
    assert!(refused.out.contains("vaa-segment-length"), "{}", refused.out);
    let json = shell::run(hufu(), &["parse", "did:cn:88.118.8", "--output", "json"]).expect(0).json();
    assert_eq!((&json["ok"], &json["system"], &json["authority"]), (&true.into(), &"did".into(), &"DID:CN".into()));
}

#[test]
fn lines_are_answered_in_order_whatever_they_hold() {
    let mut command = shell::command(hufu(), &["parse", "--stdin", "--output", "json"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = Vec::new();
    for number in 0..20_000 {
        writeln!(input, "88.118.8/{number}").unwrap();
    }
    input.extend(b"\xFF\xFE\n");
    input.extend(vec![b'x'; 100_000]);
    input.extend(b"\nhello world\n");
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), output.status.code()), (20_003, Some(1)));
    for (number, line) in lines.iter().take(20_000).enumerate() {
        assert_eq!(line["identifier"], format!("88.118.8/{number}"));
    }
    let codes: Vec<_> = lines[20_000..].iter().map(|line| line["error"]["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["not-utf8", "text-too-long", "unrecognised"]);
}

#[test]
fn http_gives_the_same_object() {
    let alone = Alone::start();
    let web = Web::plain(alone.node.http());
    let answer = web.get("/api/v1/parse?text=hdl%3A88.118.8%2FA1");
    let json = shell::run(hufu(), &["parse", "hdl:88.118.8/A1", "--output", "json"]).expect(0).json();
    assert_eq!((answer.status, answer.json()), (200, json));
    let refused = web.get("/api/v1/parse?text=88.12.1%2Fa");
    assert_eq!((refused.status, &refused.json()["error"]["at"]), (200, &3.into()));
    let missing = web.get("/api/v1/parse");
    assert_eq!((missing.status, missing.header("content-type")), (400, Some("application/problem+json")));
    assert_eq!(missing.json()["code"], "text-missing");
    let no_code = web.get("/api/v1/codes?id=");
    assert_eq!((no_code.status, no_code.header("content-type")), (400, Some("application/problem+json")));
}

#[test]
fn a_company_prefix_leads_to_the_epc() {
    let gtin = "(01)09521321000018(21)7";
    let epc = |json: &Json| ["epc_uri", "epc_hex", "urn"].map(|form| json["forms"][form].as_str().map(str::to_owned));
    let uri = "urn:epc:id:sgtin:9521321.000001.7";
    let known = [Some(uri), Some("30164522A400004000000007"), Some(uri)].map(|form| form.map(str::to_owned));
    let parse = |options: &[&str], environment: &[(&str, &str)]| {
        let arguments = [&["parse", gtin, "--output", "json"], options].concat();
        shell::run_with(hufu(), &arguments, environment, "")
    };
    assert_eq!(epc(&parse(&[], &[]).expect(0).json()), [None, None, None]);
    for told in ["7", "9521321", "690123,952132,9521321"] {
        assert_eq!(epc(&parse(&["--company-prefix", told], &[]).expect(0).json()), known, "{told}");
    }
    assert_eq!(epc(&parse(&[], &[("HUFU_COMPANY_PREFIX", "9521321")]).expect(0).json()), known);
    for (told, code) in [("5", "gs1-company-prefix-length"), ("95213x", "gs1-company-prefix-digit")] {
        let refused = parse(&["--company-prefix", told], &[]);
        assert!(refused.expect(2).err.contains(code), "{told}");
    }

    let mut alone = Alone::lay_out(&["88.118.8"]);
    alone.node.config.gs1.company_prefixes = vec!["9521321".into(), "952132".into()];
    alone.node.start();
    let web = Web::plain(alone.node.http());
    let ask = |query: &str| web.get(&format!("/api/v1/parse?text={gtin}{query}"));
    assert_eq!(epc(&ask("").json()), known);
    assert_eq!(epc(&ask("&company-prefix=7").json()), known);
    assert_eq!(ask("&company-prefix=6").json()["forms"]["epc_uri"], "urn:epc:id:sgtin:952132.0100001.7");
    assert_eq!(epc(&ask("&company-prefix=690123").json()), [None, None, None]);
    let other = web.get(&format!("/api/v1/parse?text={uri}&company-prefix=8")).json();
    assert_eq!((&other["ok"], &other["error"]["code"]), (&false.into(), &"gs1-company-prefix-other".into()));
    let bad = ask("&company-prefix=13");
    assert_eq!((bad.status, &bad.json()["code"]), (400, &"gs1-company-prefix-length".into()));
}

#[test]
fn a_table_of_schemes_may_be_named() {
    let home = tempfile::tempdir().unwrap();
    let table = home.path().join("schemes.tsv");
    std::fs::write(&table, "2\t7001\tcompany:8!+serial:1-12\t某方案\tA scheme\tours\n").unwrap();
    let code = "2700112345678000123";
    let parse = |environment: &[(&str, &str)]| {
        hufu_testkit::shell::run_with(crate::hufu(), &["parse", code, "--output", "json"], environment, "").json()
    };
    assert_eq!(parse(&[])["ok"], false);
    let known = parse(&[("HUFU_ECODE_SCHEMES", &table.to_string_lossy())]);
    assert_eq!((&known["ok"], &known["identifier"]), (&true.into(), &format!("ecode:{code}").into()));
}
