//! The command line against real nodes: what people and scripts type, and what they get back.

use crate::{Alone, admin, hufu, url};
use hufu_node::roles::Role;
use hufu_testkit::country::ENTERPRISE;
use hufu_testkit::talk::{self, Talk, code, question};
use hufu_testkit::{Country, Outcome, Web, block_on, eventually, ports, shell};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// Runs a command as the administrator of a node.
fn run_as(alone: &Alone, args: &[&str]) -> Outcome {
    let who = alone.node.as_admin();
    let args: Vec<&str> = args.iter().copied().chain(who.iter().map(String::as_str)).collect();
    shell::run(hufu(), &args)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[test]
fn resolve_shows_tables_json_and_the_way() {
    let country = Country::plan(hufu()).start();
    let name = "88.118.8/engine";
    let created = country
        .hufu_as(ENTERPRISE, &["create", name, "--value", "URL=https://works.example/", "--value", "DESC=柴油发动机"]);
    assert!(created.expect(0).out.contains("created"));
    let via = country.recursive().handle().to_string();
    let traced = country.hufu(&["resolve", name, "--via", &via, "--trace"]).expect(0);
    for part in
        ["found", "88.118.8/engine", "0.NA/88.118.8", "https://works.example/", "柴油发动机", "QUESTION", "miss"]
    {
        assert!(traced.out.contains(part), "{part} is not in\n{}", traced.out);
    }
    let servers = [country.root(), country.top_level(), country.secondary(), country.enterprise()]
        .map(|node| node.handle().to_string());
    for server in &servers {
        assert!(traced.out.contains(server.as_str()), "{server} is not in\n{}", traced.out);
    }
    let json = country.hufu(&["resolve", name, "--via", &via, "--trace", "--output", "json"]).expect(0).json();
    assert_eq!((&json["found"], &json["code"], &json["stale"]), (&true.into(), &1.into(), &false.into()));
    assert_eq!(json["values"][1]["data"]["value"], "柴油发动机");
    assert_eq!(json["trace"][0]["cache"], "hit", "{json}");
    let chinese = country.hufu(&["resolve", name, "--via", &via, "--lang", "zh"]).expect(0);
    assert!(chinese.out.contains("已找到"), "{}", chinese.out);
    for protocol in ["udp", "tcp"] {
        country.hufu(&["resolve", name, "--via", &via, "--protocol", protocol, "--type", "URL"]).expect(0);
    }
    let http = format!("http://{}", country.recursive().http());
    country.hufu(&["resolve", name, "--via", &http]).expect(0);
    // "No" has its own exit code, an unreachable node another.
    let absent = country.hufu(&["resolve", "88.118.8/nobody", "--via", &via, "--output", "json"]).expect(1);
    assert_eq!(absent.json()["code"], 100);
    let two = country.hufu(&["resolve", name, "88.118.8/nobody", "--via", &via, "--output", "json"]).expect(1);
    assert_eq!(two.lines().len(), 2);
    let dead = country.hufu(&["resolve", name, "--via", "127.0.0.1:1", "--timeout", "2s"]).expect(3);
    assert!(dead.err.contains("127.0.0.1:1"), "{}", dead.err);
    country.hufu(&["resolve", name, "--via", "nonsense://x"]).expect(2);
    // Changes find their server through the recursive node.
    let secret = text(&country.enterprise().secret_file());
    let found = country.hufu(&[
        "modify",
        name,
        "--value",
        "1:URL=https://moved.example/",
        "--via",
        &via,
        "--identity",
        "301:0.NA/88.118.8",
        "--secret-file",
        &secret,
    ]);
    found.expect(0);
    let direct = country.hufu(&[
        "resolve",
        name,
        "--via",
        &country.enterprise().handle().to_string(),
        "--type",
        "URL",
        "--output",
        "json",
    ]);
    assert_eq!(direct.expect(0).json()["values"][0]["data"]["value"], "https://moved.example/");
}

#[test]
fn records_are_made_changed_listed_and_deleted() {
    let alone = Alone::start();
    let name = "88.118.8/it";
    let json = |outcome: Outcome| outcome.expect(0).json();
    assert_eq!(json(run_as(&alone, &["create", name, "--value", "URL=a", "--output", "json"]))["done"], "created");
    let again = run_as(&alone, &["create", name, "--value", "URL=a", "--output", "json"]).expect(1);
    assert!(again.err.contains("101"), "{}", again.err);
    assert_eq!(
        json(run_as(&alone, &["create", name, "--value", "URL=b", "--overwrite", "--output", "json"]))["done"],
        "overwritten"
    );
    assert_eq!(json(run_as(&alone, &["add", name, "--value", "2:EMAIL=x@y.z", "--output", "json"]))["done"], "added");
    assert_eq!(
        json(run_as(&alone, &["modify", name, "--value", "2:EMAIL=z@y.x", "--output", "json"]))["done"],
        "modified"
    );
    assert_eq!(json(run_as(&alone, &["remove", name, "--index", "1", "--output", "json"]))["done"], "removed");
    let via = alone.node.handle().to_string();
    let left = shell::run(hufu(), &["resolve", name, "--via", &via, "--output", "json"]).expect(0).json();
    let indexes: Vec<&Json> = left["values"].as_array().unwrap().iter().map(|value| &value["index"]).collect();
    assert_eq!(indexes, [2, 100]);
    let listed = run_as(&alone, &["list", "88.118.8", "--output", "json"]).expect(0).lines();
    assert_eq!(listed, [serde_json::json!({"identifier": "88.118.8/IT"})]);
    let homed = run_as(&alone, &["list", "--homed"]).expect(0);
    assert_eq!(homed.out, "0.NA/88.118.8\n");
    assert_eq!(json(run_as(&alone, &["delete", name, "--output", "json"]))["done"], "deleted");
    run_as(&alone, &["delete", name]).expect(1);
    let site = shell::run(hufu(), &["site", "--server", &via, "--output", "json"]).expect(0).json();
    assert_eq!(site["site"]["servers"][0]["interfaces"][0]["port"], alone.node.handle().port());
    // By the environment instead of a file; and a wrong secret.
    let args = ["create", name, "--value", "URL=a", "--server", &via, "--identity", "301:0.NA/88.118.8"];
    shell::run_with(hufu(), &args, &[("HUFU_SECRET", "wrong")], "").expect(1);
    shell::run_with(hufu(), &args, &[("HUFU_SECRET", alone.node.secret())], "").expect(0);
    for bad in [
        &["create", "88.118.8/", "--value", "URL=a"][..],
        &["create", "88.118.8/x"],
        &["create", "88.1/x", "--value", "URL=a"],
    ] {
        run_as(&alone, bad).expect(2);
    }
}

/// 2,000 rows, seven of which cannot be registered.
fn planted(path: &Path) -> [(usize, &'static str); 7] {
    let mut rows: Vec<Vec<u8>> = (0..2000)
        .map(|number| format!("part-{number:04},https://works.example/{number},零件 {number}").into_bytes())
        .collect();
    let errors: [(usize, &[u8], &str); 7] = [
        (3, b",https://works.example/,no suffix", "empty-suffix"),
        (100, b"part-\x07,https://works.example/,bell", "control-character"),
        (500, b"too-few,https://works.example/", "columns"),
        (501, b"too-many,https://works.example/,x,y", "columns"),
        (1200, b"not-utf8,https://works.example/,\xFF\xFE", "not-utf8"),
        (1500, b"part-1499,https://works.example/other,taken by the row before", "101"),
        (1999, b"LONG,https://works.example/,too long", "too-long"),
    ];
    for (at, row, _) in errors {
        rows[at] = row.to_vec();
    }
    rows[1999] = [&[b'x'; 300][..], &rows[1999]].concat();
    let octets = [b"suffix,URL,DESC".to_vec()].into_iter().chain(rows).collect::<Vec<_>>().join(&b'\n');
    std::fs::write(path, [octets, b"\n".to_vec()].concat()).unwrap();
    errors.map(|(at, _, code)| (at, code))
}

fn tally(outcome: &Outcome) -> BTreeMap<String, u64> {
    let json = outcome.json();
    let counts = json.as_object().unwrap().iter().filter_map(|(key, value)| Some((key.clone(), value.as_u64()?)));
    counts.collect()
}

#[test]
fn an_import_says_which_rows_failed_and_changes_nothing_the_second_time() {
    let alone = Alone::start();
    let file = alone.node.home().join("parts.csv");
    let errors = planted(&file);
    let path = text(&file);
    let args = ["import", &path, "--prefix", "88.118.8", "--output", "json"];
    let dry = shell::run(hufu(), &["import", &path, "--prefix", "88.118.8", "--dry-run", "--output", "json"]).expect(1);
    assert_eq!(tally(&dry)["failed"], 6, "all but the one that only the server knows");
    let first = tally(&run_as(&alone, &args).expect(1));
    assert_eq!((first["created"], first["unchanged"], first["failed"], first["rows"]), (1993, 0, 7, 2000));
    let report = std::fs::read(file.with_extension("csv.errors.csv")).unwrap();
    let report = String::from_utf8_lossy(&report).into_owned();
    assert_eq!(report.lines().count(), 8, "{report}");
    for (at, code) in errors {
        // The header is line 1.
        let line = (at + 2).to_string();
        let named = report.lines().any(|row| row.starts_with(&line) && row.contains(code));
        assert!(named, "line {line} with {code} is not in\n{report}");
    }
    assert!(!file.with_extension("csv.progress").exists(), "the journal goes when all is done");
    let second = tally(&run_as(&alone, &args).expect(1));
    assert_eq!((second["created"], second["unchanged"], second["failed"]), (0, 1993, 7));
    let mut talk = Talk::connect(alone.node.handle());
    for number in [0, 999, 1998] {
        let values = talk::values(&talk.ask(&question(&format!("88.118.8/part-{number:04}"))));
        assert_eq!(values[1].data, format!("零件 {number}").as_bytes());
    }
    // What is there with other values: failed, left, replaced.
    std::fs::write(&file, "suffix,URL,DESC\npart-0000,https://elsewhere.example/,x\n").unwrap();
    for (policy, key, exit) in [("fail", "failed", 1), ("skip", "skipped", 0), ("overwrite", "overwritten", 0)] {
        let outcome =
            run_as(&alone, &["import", &path, "--prefix", "88.118.8", "--on-conflict", policy, "--output", "json"]);
        assert_eq!(tally(&outcome.expect(exit))[key], 1, "{policy}");
    }
    assert_eq!(talk::values(&talk.ask(&question("88.118.8/part-0000")))[0].data, b"https://elsewhere.example/");
}

#[test]
fn a_killed_import_goes_on_where_it_stopped() {
    let alone = Alone::start();
    let file = alone.node.home().join("many.csv");
    let rows = 12_000;
    let mut csv = String::from("suffix,URL\n");
    (0..rows).for_each(|number| writeln!(csv, "n{number:05},https://works.example/{number}").unwrap());
    std::fs::write(&file, csv).unwrap();
    let path = text(&file);
    let who = alone.node.as_admin();
    let args: Vec<&str> = ["import", &path, "--prefix", "88.118.8", "--output", "json"]
        .into_iter()
        .chain(who.iter().map(String::as_str))
        .collect();
    let child = shell::command(hufu(), &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let journal = alone.node.home().join("many.csv.progress");
    eventually("the journal tells of progress", Duration::from_secs(30), || {
        let text = std::fs::read(&journal).unwrap_or_default();
        serde_json::from_slice::<Json>(&text).is_ok_and(|json| json["rows"]["created"].as_u64() > Some(0))
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let done =
        serde_json::from_slice::<Json>(&std::fs::read(&journal).unwrap()).unwrap()["rows"]["created"].as_u64().unwrap();
    let resumed: Vec<&str> = args.iter().copied().chain(["--resume"]).collect();
    let counts = tally(&shell::run(hufu(), &resumed).expect(0));
    assert_eq!(counts["rows"], rows, "{counts:?}");
    assert_eq!(counts["created"] + counts["unchanged"], rows, "{counts:?}");
    assert!(counts["created"] >= done && done < rows, "{done}: {counts:?}");
    let listed = block_on(async { alone.node.admin_client().list("88.118.8").await.unwrap().collect().await.unwrap() });
    assert_eq!(listed.len() as u64, rows);
    // Nothing to go on with any more.
    shell::run(hufu(), &resumed).expect(2);
}

#[test]
fn an_export_is_imported_as_it_was() {
    let (first, mut second) = (Alone::start(), Alone::start());
    block_on(async {
        let client = first.node.admin_client();
        let owner = || admin(100, "301:0.NA/88.118.8");
        for number in 0..120 {
            let values = vec![url(1, &format!("https://works.example/{number}")), url(7, "=1+1"), owner()];
            client.create(&format!("88.118.8/n{number:03}"), values, false).await.unwrap();
        }
        let odd = vec![url(1, "a,b\"c\nd"), hufu_ident::Value::new(2, "RAW", vec![0, 1, 255]), owner()];
        client.create("88.118.8/odd, \"名\"", odd, false).await.unwrap();
    });
    let exported = |alone: &Alone, name: &str, more: &[&str]| {
        let path = alone.node.home().join(name);
        let out = text(&path);
        let args = [&["export", "--prefix", "88.118.8", "--out", &out], more].concat();
        run_as(alone, &args).expect(0);
        path
    };
    let csv = exported(&first, "all.csv", &[]);
    let outcome = run_as(&second, &["import", &text(&csv), "--prefix", "88.118.8", "--no-admin", "--output", "json"]);
    assert_eq!(tally(&outcome.expect(0))["created"], 121);
    let timeless = |path: &Path| -> Vec<Json> {
        let read = |line: &str| {
            let mut json: Json = serde_json::from_str(line).unwrap();
            json["values"].as_array_mut().unwrap().iter_mut().for_each(|value| value["timestamp"] = Json::Null);
            json
        };
        std::fs::read_to_string(path).unwrap().lines().map(read).collect()
    };
    let (before, after) = (exported(&first, "all.jsonl", &[]), exported(&second, "all.jsonl", &[]));
    assert_eq!(timeless(&before).len(), 121);
    assert_eq!(timeless(&before), timeless(&after));
    // For people with spreadsheets.
    let sheet = exported(&first, "sheet.csv", &["--spreadsheet"]);
    assert!(std::fs::read_to_string(&sheet).unwrap().contains("'=1+1"));
    let outcome = run_as(
        &second,
        &["import", &text(&sheet), "--prefix", "88.118.8", "--no-admin", "--spreadsheet", "--output", "json"],
    );
    assert_eq!(tally(&outcome.expect(0))["unchanged"], 121);
    second.node.stop();
}

#[test]
fn inspect_reads_every_vector_and_composes_it_again() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/handle/messages.json");
    let entries: Vec<Json> = serde_json::from_str(&std::fs::read_to_string(vectors).unwrap()).unwrap();
    let lines = entries.iter().fold(String::new(), |lines, entry| lines + entry["hex"].as_str().unwrap() + "\n");
    let found =
        shell::run_with(hufu(), &["inspect", "--as", "message", "--output", "json"], &[], &lines).expect(0).lines();
    assert_eq!(found.len(), entries.len());
    for (entry, found) in entries.iter().zip(&found) {
        assert_eq!((&found["hex"], &found["ok"]), (&entry["hex"], &true.into()), "{}", entry["name"]);
    }
    let table = shell::run_with(hufu(), &["inspect"], &[], &lines).expect(0);
    assert!(table.out.contains("88.118.8/a"), "{}", table.out);
    // What is broken is said to be, and the rest goes on.
    let (good, broken) = (entries[0]["hex"].as_str().unwrap(), "020b020b00");
    let mixed = shell::run_with(hufu(), &["inspect", "--output", "json"], &[], &format!("{broken}\nno hex\n{good}\n"))
        .expect(1);
    let ok: Vec<&Json> = mixed
        .lines()
        .iter()
        .map(|line| &line["ok"])
        .map(|ok| if ok == true { &Json::Bool(true) } else { &Json::Bool(false) })
        .collect();
    assert_eq!(ok, [false, false, true], "{}", mixed.out);
}

#[test]
fn a_broken_configuration_is_told_by_its_key() {
    let home = tempfile::tempdir().unwrap();
    let good =
        "version = \"v1\"\nrole = \"enterprise\"\nname = \"x\"\nprefixes = [\"88.118.8\"]\ndata-directory = \"data\"\n";
    let cases = [
        (good.replace("v1", "v9"), "version"),
        (good.replace("enterprise", "emperor"), "emperor"),
        (good.replace("88.118.8", "88..8"), "prefixes"),
        (good.replace("prefixes = [\"88.118.8\"]\n", ""), "prefixes"),
        (format!("{good}colour = \"red\"\n"), "colour"),
        (format!("{good}[handle]\nlisten = []\n"), "handle.listen"),
        (format!("{good}[handle]\nudp-port = 70000\n"), "udp-port"),
        (format!("{good}[http]\ncertificate = \"c.pem\"\n"), "http.certificate"),
        (format!("{good}[limits]\nmessage = \"1MiB\"\n"), "limits.message"),
        (format!("{good}[limits]\nidle-timeout = 5\n"), "idle-timeout"),
        (
            format!("{good}[administration]\nserver-administrators = [\":nobody\"]\n"),
            "administration.server-administrators",
        ),
        (
            format!("{good}[[resolution.upstream]]\nprefix = \"8 8\"\nservers = [\"127.0.0.1:1\"]\n"),
            "resolution.upstream",
        ),
        ("version = \"v1\"\nrole = \"recursive\"\nname = \"x\"\ndata-directory = \"d\"\n".into(), "resolution.root"),
        (good.replace("name = \"x\"\n", ""), "name"),
        (good.replace("[", ""), "prefixes"),
    ];
    let path = home.path().join("node.toml");
    hufu_testkit::keys::put_server_key(&home.path().join("server-key.pem"));
    for (text_of, key) in cases {
        std::fs::write(&path, &text_of).unwrap();
        let told = shell::run(hufu(), &["check-config", &text(&path)]).expect(2);
        assert!(told.err.contains(key), "{key} is not in {:?}\nof\n{text_of}", told.err);
        let served = shell::run(hufu(), &["serve", "--config", &text(&path)]);
        assert_eq!(served.code, 2, "serve: {}", served.err);
    }
    shell::run(hufu(), &["check-config", &text(&home.path().join("absent.toml"))]).expect(2);
}

#[test]
fn init_makes_nodes_that_start() {
    let home = tempfile::tempdir().unwrap();
    for role in Role::ALL {
        let dir = home.path().join(role.name());
        std::fs::create_dir(&dir).unwrap();
        hufu_testkit::keys::put_server_key(&dir.join("server-key.pem"));
        let dir = text(&dir);
        let mut args = vec!["init", role.name(), "--dir", &dir, "--output", "json"];
        if let Some(prefix) = role.recipe().example_prefix {
            args.extend(["--prefix", prefix]);
        } else {
            args.extend(["--upstream", "127.0.0.1:2641"]);
        }
        let made = shell::run(hufu(), &args).expect(0).json();
        let config = made["config"].as_str().unwrap().to_owned();
        shell::run(hufu(), &args).expect(2);
        shell::run(hufu(), &["check-config", &config]).expect(0);
        let secret = Path::new(&dir).join("admin-secret");
        assert_eq!(secret.exists(), role.recipe().authority, "{}", role.name());
        let [handle, http, admin] = [ports::free(), ports::free(), ports::free()];
        let mut serve = shell::command(hufu(), &["serve", "--config", &config]);
        serve
            .env("HUFU_HANDLE_PORT", handle.to_string())
            .env("HUFU_HTTP_PORT", http.to_string())
            .env("HUFU_ADMIN_PORT", admin.to_string());
        let mut child = serve.stderr(Stdio::null()).spawn().unwrap();
        let web = Web::plain(([127, 0, 0, 1], admin).into());
        eventually(role.name(), Duration::from_secs(30), || {
            web.try_get("/readyz").is_ok_and(|answer| answer.status == 200)
        });
        let asked = Talk::connect(([127, 0, 0, 1], handle).into())
            .ask(&talk::with_name(hufu_ident::systems::handle::wire::OpCode::GET_SITE_INFO, "/"));
        assert_eq!(code(&asked), 1, "{}", role.name());
        shell::signal(&child, "TERM");
        assert!(child.wait().unwrap().success(), "{}", role.name());
    }
    let first = std::fs::read_to_string(home.path().join("root/admin-secret")).unwrap();
    let second = std::fs::read_to_string(home.path().join("enterprise/admin-secret")).unwrap();
    assert_ne!(first, second, "every node has a secret of its own");
    shell::run(hufu(), &["init", "emperor", "--dir", &text(home.path())]).expect(2);
    shell::run(hufu(), &["init", "enterprise", "--dir", &text(home.path())]).expect(2);
}

#[test]
fn the_manual_and_completions_are_written() {
    for shell_name in ["bash", "zsh", "fish"] {
        assert!(shell::run(hufu(), &["completions", shell_name]).expect(0).out.contains("hufu"));
    }
    assert!(shell::run(hufu(), &["manual"]).expect(0).out.contains(".TH"));
    let help = shell::run(hufu(), &["--help"]).expect(0);
    for command in ["serve", "resolve", "import", "delegate", "inspect"] {
        assert!(help.out.contains(command), "{command}");
    }
}
