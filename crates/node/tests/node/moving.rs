//! A prefix that moves between a node of its own and a hosting one, while somebody writes and somebody asks.

use crate::control::command;
use crate::prefixes::Secondary;
use crate::{admin, hufu, url};
use hufu_ident::systems::handle::Site;
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_node::roles::Role;
use hufu_testkit::{NodeProcess, block_on, eventually, shell, talk};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

/// A hosting node, and the enterprise's own.
struct Two {
    secondary: Secondary,
    enterprise: NodeProcess,
    prefix: &'static str,
    home: TempDir,
}

/// What was acknowledged, and what went wrong.
#[derive(Default)]
struct Seen {
    /// By name the last value that was acknowledged.
    written: Mutex<BTreeMap<String, u64>>,
    wrong: Mutex<Vec<String>>,
    frozen: AtomicU64,
    asked: AtomicU64,
    enough: AtomicBool,
}

impl Seen {
    fn wrong(&self, what: String) {
        self.wrong.lock().expect("unpoisoned").push(what);
    }

    fn last(&self, name: &str) -> u64 {
        self.written.lock().expect("unpoisoned").get(name).copied().unwrap_or_default()
    }

    fn count(&self) -> usize {
        self.written.lock().expect("unpoisoned").len()
    }
}

fn ask(node: SocketAddr, name: &str) -> hufu_ident::systems::handle::wire::Message {
    talk::ask_udp(node, &talk::question(name), PATIENCE).expect("an answer")
}

impl Two {
    fn start(prefix: &'static str) -> Self {
        let home = tempfile::tempdir().expect("a scratch directory");
        let secondary = Secondary::start(None);
        let mut enterprise = NodeProcess::lay_out(hufu(), &home.path().join("enterprise"), Role::Enterprise, &[prefix]);
        enterprise.start();
        Two { secondary, enterprise, prefix, home }
    }

    fn parent(&self, args: &[&str], input: &Json) -> Json {
        command(&self.secondary.node, args, &input.to_string()).expect(0).json()
    }

    fn own_servers(&self) -> Json {
        let port = self.enterprise.handle().port();
        json!({"servers": [{"address": "127.0.0.1", "udp": port, "tcp": port}]})
    }

    /// The node that the prefix handle names now.
    fn served_by(&self) -> Option<SocketAddr> {
        let answer = ask(self.secondary.node.handle(), &format!("0.NA/{}", self.prefix));
        let sites = talk::values(&answer);
        let site = sites.iter().find(|value| value.is_kind("HS_SITE"))?;
        let site = Site::decode(&site.data).ok()?;
        Some(SocketAddr::from(([127, 0, 0, 1], u16::try_from(site.servers[0].interfaces[0].port).ok()?)))
    }

    /// Writes at whoever serves the prefix until it is enough: new names, and one that changes all the time.
    fn write(&self, seen: &Seen) {
        let mut number = 0;
        while !seen.enough.load(Ordering::Relaxed) {
            number += 1;
            let name = match number % 2 {
                0 => format!("{}/w{number}", self.prefix),
                _ => format!("{}/counter", self.prefix),
            };
            let own = self.enterprise.administrator();
            let values = vec![url(1, &number.to_string()), admin(100, "301:0.NA/88.118"), admin(101, &own)];
            loop {
                let here = self.served_by() == Some(self.enterprise.handle());
                let node = if here { &self.enterprise } else { &self.secondary.node };
                match block_on(node.admin_client().create(&name, values.clone(), true)) {
                    Ok(_) => break,
                    Err(error) if error.to_string().contains("prefix-moving") => {
                        seen.frozen.fetch_add(1, Ordering::Relaxed);
                        if seen.enough.load(Ordering::Relaxed) {
                            return;
                        }
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    // It moved between the question and the write: the old node sends whoever writes on.
                    Err(_) if self.served_by() != Some(node.handle()) => {}
                    Err(error) => {
                        seen.wrong(format!("{name} could not be written: {error}"));
                        break;
                    }
                }
            }
            seen.written.lock().expect("unpoisoned").insert(name, number);
        }
    }

    /// Asks for what was acknowledged, beginning at `door`, and follows referrals, until it is enough.
    fn resolve(&self, seen: &Seen, door: SocketAddr) {
        let mut turn = 0;
        while !seen.enough.load(Ordering::Relaxed) {
            turn += 1;
            let names: Vec<String> = seen.written.lock().expect("unpoisoned").keys().cloned().collect();
            let Some(name) = names.get(turn * 7919 % names.len().max(1)) else { continue };
            // The one that changes is asked for often, and the newest.
            let name = if turn % 3 == 0 { &format!("{}/counter", self.prefix) } else { name };
            let least = seen.last(name);
            if let Err(what) = self.follow(door, name, least) {
                seen.wrong(what);
            }
            seen.asked.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn follow(&self, door: SocketAddr, name: &str, least: u64) -> Result<(), String> {
        let mut node = door;
        for _ in 0..4 {
            let answer = ask(node, name);
            let code = talk::code(&answer);
            if code == ResponseCode::SERVICE_REFERRAL.0 {
                let sites = talk::values(&answer);
                let site = sites.iter().find_map(|value| Site::decode(&value.data).ok()).ok_or("no site")?;
                let port = u16::try_from(site.servers[0].interfaces[0].port).map_err(|error| error.to_string())?;
                node = SocketAddr::from(([127, 0, 0, 1], port));
                continue;
            }
            if code != ResponseCode::SUCCESS.0 {
                return Err(format!("{name} at {node}: {code} {}", talk::text(&answer)));
            }
            let values = talk::values(&answer);
            let found = values.iter().find(|value| value.index == 1).ok_or("no URL")?;
            let found: u64 = String::from_utf8_lossy(&found.data).parse().map_err(|_| "no number")?;
            return match found >= least {
                true => Ok(()),
                false => Err(format!("{name} at {node}: {found}, though {least} was acknowledged")),
            };
        }
        Err(format!("{name}: referred in circles"))
    }

    fn copy(&self, from: &NodeProcess, to: &NodeProcess) {
        let file = self.home.path().join("all.csv").to_string_lossy().into_owned();
        let run = |node: &NodeProcess, args: &[&str]| {
            let who = node.as_admin();
            let all: Vec<&str> = args.iter().copied().chain(who.iter().map(String::as_str)).collect();
            shell::run(hufu(), &all).expect(0)
        };
        run(from, &["export", "--prefix", self.prefix, "--out", &file]);
        run(to, &["import", &file, "--prefix", self.prefix, "--no-admin", "--output", "json"]);
    }

    /// Moves by `step` while others write and ask; what they have seen must be right.
    fn while_others_work(&self, serves_then: SocketAddr, step: impl FnOnce(&Seen)) {
        let seen = Seen::default();
        std::thread::scope(|scope| {
            scope.spawn(|| self.write(&seen));
            scope.spawn(|| self.resolve(&seen, self.secondary.node.handle()));
            let moved = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                eventually("enough is written", PATIENCE, || seen.count() > 40);
                step(&seen);
                eventually("the other node serves it", PATIENCE, || self.served_by() == Some(serves_then));
                let before = seen.count();
                eventually("writes go on at the other", PATIENCE, || seen.count() > before + 40);
            }));
            seen.enough.store(true, Ordering::Relaxed);
            moved.expect("it moved");
        });
        let wrong = seen.wrong.lock().expect("unpoisoned");
        assert!(wrong.is_empty(), "{} of {}: {:#?}", wrong.len(), seen.asked.load(Ordering::Relaxed), &wrong[..1]);
        assert!(seen.frozen.load(Ordering::Relaxed) > 0, "nobody met the freeze, so it was not tested");
        for (name, least) in seen.written.lock().expect("unpoisoned").iter() {
            self.follow(self.secondary.node.handle(), name, *least).expect("nothing acknowledged is lost");
        }
    }
}

fn write_code(node: &NodeProcess, name: &str) -> String {
    match block_on(node.admin_client().create(name, vec![url(1, "x")], false)) {
        Ok(_) => "written".into(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_hosted_prefix_moves_to_its_own_node_while_others_write_and_ask() {
    let two = Two::start("88.118.1");
    let wish = json!({"organisation": two.secondary.organisation, "prefix": two.prefix, "hosted": true});
    two.parent(&["prefix", "allocate", "--data", "-"], &wish);
    let hosting = two.secondary.node.handle();
    eventually("it is hosted", PATIENCE, || two.served_by() == Some(hosting));
    two.while_others_work(two.enterprise.handle(), |seen| {
        let frozen = two.parent(&["prefix", "freeze", two.prefix], &Json::Null);
        assert_eq!(frozen["moving"], "out");
        let refused = write_code(&two.secondary.node, "88.118.1/late");
        assert!(refused.contains("prefix-moving") && refused.contains("正在迁移"), "{refused}");
        two.copy(&two.secondary.node, &two.enterprise);
        eventually("somebody met the freeze", PATIENCE, || seen.frozen.load(Ordering::Relaxed) > 0);
        two.parent(&["prefix", "move-out", two.prefix, "--data", "-"], &two.own_servers());
    });
    // Who remembers the old delegation is sent on, to ask and to write.
    for name in ["88.118.1/new", "88.118.1/counter"] {
        assert_eq!(talk::code(&ask(hosting, name)), ResponseCode::SERVICE_REFERRAL.0, "{name}");
    }
    assert_ne!(write_code(&two.secondary.node, "88.118.1/late"), "written");
}

#[test]
fn a_prefix_moves_from_its_own_node_to_a_hosting_one_while_others_write_and_ask() {
    let two = Two::start("88.118.2");
    let mut wish = json!({"organisation": two.secondary.organisation, "prefix": two.prefix});
    wish["delegation"] = two.own_servers();
    two.parent(&["prefix", "allocate", "--data", "-"], &wish);
    let own = two.enterprise.handle();
    eventually("it is delegated", PATIENCE, || two.served_by() == Some(own));
    two.while_others_work(two.secondary.node.handle(), |seen| {
        let refused = write_code(&two.secondary.node, "88.118.2/early");
        assert!(!refused.contains("written"), "nobody imports what is not awaited: {refused}");
        two.parent(&["prefix", "receive", two.prefix], &Json::Null);
        let early = ask(two.secondary.node.handle(), "88.118.2/counter");
        assert_eq!(talk::code(&early), ResponseCode::SERVICE_REFERRAL.0, "it does not answer before it is here");
        command(&two.enterprise, &["prefix", "freeze", two.prefix], "").expect(0);
        two.copy(&two.enterprise, &two.secondary.node);
        eventually("somebody met the freeze", PATIENCE, || seen.frozen.load(Ordering::Relaxed) > 0);
        let moved = two.parent(&["prefix", "move-in", two.prefix, "--data", "-"], &json!({"accept": true}));
        assert_eq!((&moved["proxyState"], &moved["moving"]), (&json!(4), &Json::Null));
    });
    assert!(write_code(&two.enterprise, "88.118.2/late").contains("prefix-moving"), "the old node stays frozen");
    // A restart does not thaw it.
    let mut enterprise = two.enterprise;
    enterprise.stop();
    enterprise.start();
    assert!(write_code(&enterprise, "88.118.2/late").contains("prefix-moving"));
}

#[test]
fn a_move_that_is_cancelled_leaves_everything_as_it_was() {
    let two = Two::start("88.118.3");
    let wish = json!({"organisation": two.secondary.organisation, "prefix": two.prefix, "hosted": true});
    two.parent(&["prefix", "allocate", "--data", "-"], &wish);
    let hosting = two.secondary.node.handle();
    eventually("it is hosted", PATIENCE, || two.served_by() == Some(hosting));
    two.parent(&["prefix", "freeze", two.prefix], &Json::Null);
    assert!(write_code(&two.secondary.node, "88.118.3/a").contains("prefix-moving"));
    assert_eq!(two.parent(&["prefix", "show", two.prefix], &Json::Null)["moving"], "out");
    two.parent(&["prefix", "cancel-move", two.prefix], &Json::Null);
    assert_eq!(write_code(&two.secondary.node, "88.118.3/a"), "written");
    let wrong = command(&two.secondary.node, &["prefix", "receive", two.prefix], "").expect(1);
    assert!(wrong.err.contains("hosting-state") || wrong.out.contains("hosting-state"), "{}", wrong.err);
}
