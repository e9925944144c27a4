//! Who may change what: every operation with nobody, the wrong secret, the wrong person and the right one, in the
//! reference server's order of checks.

use crate::{Alone, admin, admin_with, url};
use hufu_client::{ErrorKind, Identity, Operation};
use hufu_ident::systems::handle::wire::{Body, Message, OpCode, ResponseCode, flag};
use hufu_ident::systems::handle::{Data, kind, right};
use hufu_ident::{Permissions, Reference, SelectionBuf, Value};
use hufu_testkit::block_on;
use hufu_testkit::talk::{
    self, Talk, Who, code, is_challenge, question, request, text, values, with_name, with_values,
};

const ADMIN: &str = "301:0.NA/88.118.8";
const CLERK: &str = "302:88.118.8/clerk";
const PLAIN: u32 = flag::DEFAULT_QUERY;
const OVERWRITE: u32 = flag::DEFAULT_QUERY | flag::OVRW;

/// A node with a clerk who has a secret and no rights, and the people who turn up there.
struct Office {
    alone: Alone,
    admin: Who,
    clerk: Who,
    impostor: Who,
}

impl Office {
    fn open() -> Self {
        Office::of(Alone::start())
    }

    fn of(alone: Alone) -> Self {
        let secret = Value::new(302, kind::SECKEY, "of-a-clerk").with_permissions(0x0C);
        let prefix = alone.node.config.prefixes[0].clone();
        let clerk = format!("302:{prefix}/clerk");
        block_on(alone.node.admin_client().create(&format!("{prefix}/clerk"), vec![secret], false)).unwrap();
        let admin = Who::secret(&alone.node.administrator(), alone.node.secret());
        let impostor = Who::secret(&alone.node.administrator(), "not the secret");
        Office { admin, clerk: Who::secret(&clerk, "of-a-clerk"), impostor, alone }
    }

    fn talk(&self) -> Talk {
        Talk::connect(self.alone.node.handle())
    }

    /// Makes a record, as the administrator.
    #[track_caller]
    fn make(&self, name: &str, values: Vec<Value>) {
        let answer = self.talk().ask_as(&with_values(OpCode::CREATE_HANDLE, OVERWRITE, name, values), &self.admin);
        assert_eq!(code(&answer), 1, "{name}: {}", text(&answer));
    }

    /// The code that a request ends with, said by somebody who answers challenges.
    #[track_caller]
    fn as_who(&self, who: &Who, message: &Message) -> u32 {
        code(&self.talk().ask_as(message, who))
    }

    /// All values of a record, seen by the administrator.
    fn record(&self, name: &str) -> Vec<Value> {
        values(&self.talk().ask_as(&talk::resolution(name, flag::RECU, SelectionBuf::default()), &self.admin))
    }
}

fn indexes(values: &[Value]) -> Vec<u32> {
    values.iter().map(|value| value.index).collect()
}

fn remove(name: &str, indexes: &[u32]) -> Message {
    request(OpCode::REMOVE_VALUE, PLAIN, Body::Indexes { handle: name.into(), indexes: indexes.to_vec() })
}

#[test]
fn every_operation_knows_nobody_the_impostor_the_stranger_and_the_administrator() {
    let office = Office::open();
    let operations: [fn() -> Message; 10] = [
        || with_values(OpCode::CREATE_HANDLE, PLAIN, "88.118.8/new", vec![url(1, "x")]),
        || with_values(OpCode::CREATE_HANDLE, OVERWRITE, "88.118.8/old", vec![url(1, "y")]),
        || with_values(OpCode::ADD_VALUE, PLAIN, "88.118.8/old", vec![url(5, "x")]),
        || with_values(OpCode::MODIFY_VALUE, PLAIN, "88.118.8/old", vec![url(1, "z")]),
        || remove("88.118.8/old", &[1]),
        || with_name(OpCode::DELETE_HANDLE, "88.118.8/old"),
        || with_name(OpCode::LIST_HANDLES, "0.NA/88.118.8"),
        || with_name(OpCode::LIST_HOMED_NAS, "/"),
        || with_name(OpCode::HOME_NA, "0.NA/88.118.80"),
        || with_name(OpCode::UNHOME_NA, "88.118.80"),
    ];
    for operation in operations {
        office.make("88.118.8/old", vec![url(1, "x"), admin(100, ADMIN)]);
        let what = format!("{:?}", operation().plain().unwrap().header.op);
        let challenge = office.talk().ask(&operation());
        assert!(is_challenge(&challenge), "{what}: {}", code(&challenge));
        assert_eq!(office.as_who(&office.impostor, &operation()), 403, "{what}");
        assert_eq!(office.as_who(&office.clerk, &operation()), 400, "{what}");
        assert_eq!(office.as_who(&office.admin, &operation()), 1, "{what}");
    }
}

#[test]
fn a_proof_of_an_unknown_kind_or_for_a_gone_challenge_is_refused() {
    let office = Office::open();
    let mut talk = office.talk();
    let create = || with_values(OpCode::CREATE_HANDLE, PLAIN, "88.118.8/new", vec![url(1, "x")]);
    let challenge = talk.ask(&create());
    let mut proof = office.admin.prove(&challenge);
    let Body::ChallengeAnswer(answer) = &mut talk::plain_mut(&mut proof).body else { panic!("no answer") };
    answer.auth_type = b"HS_FINGERPRINT".to_vec();
    assert_eq!(code(&talk.ask(&proof)), 404);
    assert_eq!(code(&talk.ask(&office.admin.prove(&challenge))), 405, "a challenge is used once");
    let challenge = talk.ask(&create());
    let mut elsewhere = office.admin.prove(&challenge);
    elsewhere.envelope.session_id = 0x7777_7777;
    assert_eq!(code(&talk.ask(&elsewhere)), 405);
    // The answer carries the operation, the new request id and no session.
    let proof = office.admin.prove(&challenge);
    let done = talk.ask(&proof);
    let head = (done.plain().unwrap().header.op, done.envelope.request_id, done.envelope.session_id);
    assert_eq!(head, (OpCode::CREATE_HANDLE, proof.envelope.request_id, 0));
    assert_eq!(done.plain().unwrap().body, Body::Name(b"88.118.8/new".to_vec()));
}

#[test]
fn create_checks_in_the_order_of_the_reference() {
    let office = Office::open();
    office.make("88.118.8/there", vec![url(1, "x"), admin(100, ADMIN)]);
    let mut talk = office.talk();
    let mut create = |name: &[u8], values: Vec<Value>| {
        let body = Body::Values { handle: name.to_vec(), values };
        let answer = talk.ask(&request(OpCode::CREATE_HANDLE, PLAIN, body));
        (code(&answer), text(&answer))
    };
    let twice = || vec![url(3, "a"), url(3, "b")];
    assert_eq!(create(b"77.1/x", vec![url(0, "x")]), (301, "That prefix doesn't live here".into()));
    assert_eq!(create(b"88.118.8/\xFF", vec![]), (102, "Invalid UTF8 encoding".into()));
    assert_eq!(create(b"88.118.8/x", vec![url(0, "x")]), (202, "Value indexes must be positive".into()));
    assert_eq!(create(b"88.118.8/x", vec![url(u32::MAX, "x")]).0, 202);
    assert_eq!(create(b"88.118.8/x", twice()), (201, "Index conflict for 3".into()));
    assert_eq!(create(b"88.118.8/there", twice()), (201, "Index conflict for 3".into()));
    assert_eq!(create(b"88.118.8/THERE", vec![url(1, "x")]), (101, String::new()), "without a challenge");
    assert_eq!(create(b"88.118.8/", vec![url(1, "x")]).0, 102);
    assert_eq!(create(&[b"88.118.8/", &[b'x'; 300][..]].concat(), vec![url(1, "x")]).0, 102);
    assert_eq!(create(b"88.118.8/x", vec![url(1, "x")]).0, 402);
}

#[test]
fn changes_check_in_the_order_of_the_reference() {
    let office = Office::open();
    let closed = url(3, "fixed").with_permissions(Permissions::PUBLIC_READ);
    office.make("88.118.8/it", vec![url(1, "x"), url(2, "y"), closed, admin(100, ADMIN)]);
    let name = "88.118.8/it";
    let mut talk = office.talk();
    let add = |name: &str, values| with_values(OpCode::ADD_VALUE, PLAIN, name, values);
    let modify = |name: &str, values| with_values(OpCode::MODIFY_VALUE, PLAIN, name, values);

    // Said at once.
    for (message, expected) in [
        (add("77.1/x", vec![]), (301, "That prefix doesn't live here")),
        (add(name, vec![]), (202, "Value list was empty")),
        (add(name, vec![url(0, "x")]), (202, "Value indexes must be positive")),
        (add(name, vec![url(9, "x"), url(9, "x")]), (201, "Index conflict for 9")),
        (modify("88.118.8/none", vec![url(1, "x")]), (100, "")),
        (modify(name, vec![url(99, "x")]), (200, "")),
        (modify(name, vec![url(3, "x")]), (401, "Value is read-only")),
        (remove("77.1/x", &[1]), (301, "That prefix doesn't live here")),
        (with_name(OpCode::DELETE_HANDLE, "77.1/x"), (301, "That prefix doesn't live here")),
        (with_name(OpCode::LIST_HANDLES, "0.NA/77"), (301, "That prefix doesn't live here")),
        (with_name(OpCode::HOME_NA, "88.118.8/x"), (102, "Handle is not a prefix handle")),
    ] {
        let answer = talk.ask(&message);
        assert_eq!((code(&answer), text(&answer).as_str()), expected, "{:?}", message.plain().unwrap().body);
    }
    // Said only to who has shown who they are.
    for (message, expected) in [
        (add("88.118.8/none", vec![url(1, "x")]), (100, "")),
        (add(name, vec![url(2, "x")]), (201, "Index conflict for 2")),
        (remove("88.118.8/none", &[1]), (100, "")),
        (remove(name, &[1, 99]), (200, "")),
        (with_name(OpCode::DELETE_HANDLE, "88.118.8/none"), (100, "")),
    ] {
        let challenge = talk.ask(&message);
        assert!(is_challenge(&challenge), "{:?}: {}", message.plain().unwrap().body, code(&challenge));
        let answer = talk.ask(&office.admin.prove(&challenge));
        assert_eq!((code(&answer), text(&answer).as_str()), expected, "{:?}", message.plain().unwrap().body);
    }
    assert_eq!(indexes(&office.record(name)), [1, 2, 3, 100], "nothing of that was done");
}

#[test]
fn a_modification_of_one_value_twice_is_refused_after_the_proof() {
    let office = Office::open();
    office.make("88.118.8/it", vec![url(1, "x"), admin(100, ADMIN)]);
    let twice = || with_values(OpCode::MODIFY_VALUE, PLAIN, "88.118.8/it", vec![url(1, "a"), url(1, "b")]);
    assert!(is_challenge(&office.talk().ask(&twice())));
    assert_eq!(office.as_who(&office.clerk, &twice()), 400);
    assert_eq!(office.as_who(&office.admin, &twice()), 202);
}

#[test]
fn overwriting_says_so_and_keeps_the_time_of_what_stays() {
    let office = Office::open();
    let name = "88.118.8/it";
    office.make(name, vec![url(1, "old"), url(2, "same"), admin(100, ADMIN)]);
    let before = office.record(name);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let mut talk = office.talk();
    let mut overwritten = |message: Message| {
        let answer = talk.ask_as(&message, &office.admin);
        assert_eq!(code(&answer), 1, "{}", text(&answer));
        answer.plain().unwrap().header.has(flag::OVRW)
    };
    let create = |name: &str| {
        with_values(OpCode::CREATE_HANDLE, OVERWRITE, name, vec![url(1, "new"), url(2, "same"), admin(100, ADMIN)])
    };
    assert!(overwritten(create(name)));
    assert!(!overwritten(create("88.118.8/another")));
    assert!(!overwritten(with_values(OpCode::ADD_VALUE, OVERWRITE, name, vec![url(7, "x")])));
    assert!(overwritten(with_values(OpCode::ADD_VALUE, OVERWRITE, name, vec![url(7, "y"), url(8, "z")])));
    let after = office.record(name);
    assert_eq!(indexes(&after), [1, 2, 7, 8, 100]);
    assert!(after[0].timestamp > before[0].timestamp, "a changed value has a new time");
    assert_eq!(after[1].timestamp, before[1].timestamp, "an unchanged one keeps its own");
    // The client's idea of the time counts for nothing.
    let mut forged = url(1, "newer");
    forged.timestamp = 5;
    overwritten(with_values(OpCode::MODIFY_VALUE, PLAIN, name, vec![forged]));
    assert!(office.record(name)[0].timestamp >= after[0].timestamp);
}

#[test]
fn each_change_needs_its_right_in_one_record() {
    let office = Office::of({
        let mut alone = Alone::lay_out(&["88.118.8"]);
        alone.node.start();
        alone
    });
    let name = "88.118.8/it";
    let record = |rights: &[u16]| {
        let clerks = rights.iter().zip(101..).map(|(rights, index)| admin_with(index, CLERK, *rights));
        [url(1, "x"), url(2, "y").with_permissions(0x0C), admin(100, ADMIN)]
            .into_iter()
            .chain(clerks)
            .collect::<Vec<_>>()
    };
    let add = |values| with_values(OpCode::ADD_VALUE, PLAIN, name, values);
    let modify = |values| with_values(OpCode::MODIFY_VALUE, PLAIN, name, values);
    let private = || talk::resolution(name, flag::RECU, SelectionBuf::default());
    let mixed = || vec![url(50, "x"), admin(51, ADMIN)];
    let cases: Vec<(Message, &[u16], u32)> = vec![
        (add(vec![url(50, "x")]), &[right::ADD_VALUE], 1),
        (add(vec![url(50, "x")]), &[right::ALL & !right::ADD_VALUE], 400),
        (add(vec![admin(50, ADMIN)]), &[right::ADD_VALUE], 400),
        (add(vec![admin(50, ADMIN)]), &[right::ADD_ADMIN], 1),
        (add(mixed()), &[right::ADD_ADMIN, right::ADD_VALUE], 400),
        (add(mixed()), &[right::ADD_ADMIN | right::ADD_VALUE], 1),
        (remove(name, &[1]), &[right::REMOVE_VALUE], 1),
        (remove(name, &[100]), &[right::REMOVE_VALUE], 400),
        (remove(name, &[100]), &[right::REMOVE_ADMIN], 1),
        (modify(vec![url(1, "z")]), &[right::MODIFY_VALUE], 1),
        (modify(vec![url(1, "z")]), &[right::MODIFY_ADMIN], 400),
        (modify(vec![admin(100, CLERK)]), &[right::MODIFY_ADMIN], 1),
        (modify(vec![url(100, "z")]), &[right::MODIFY_VALUE], 400),
        (modify(vec![url(100, "z")]), &[right::MODIFY_VALUE | right::REMOVE_ADMIN], 1),
        (modify(vec![admin(1, CLERK)]), &[right::MODIFY_VALUE], 400),
        (modify(vec![admin(1, CLERK)]), &[right::MODIFY_VALUE | right::ADD_ADMIN], 1),
        (with_name(OpCode::DELETE_HANDLE, name), &[right::DELETE_HANDLE], 1),
        (with_name(OpCode::DELETE_HANDLE, name), &[right::ALL & !right::DELETE_HANDLE], 400),
        (private(), &[right::READ_VALUE], 1),
        (private(), &[right::ALL & !right::READ_VALUE], 400),
    ];
    for (message, rights, expected) in cases {
        office.make(name, record(rights));
        let what = format!("{:?} with {rights:?}", message.plain().unwrap().header.op);
        assert_eq!(office.as_who(&office.clerk, &message), expected, "{what}");
    }
    // A value that everybody may write needs nobody; unless it becomes an administrator.
    office.make(name, vec![url(1, "x").with_permissions(0x0F), admin(100, ADMIN)]);
    assert_eq!(code(&office.talk().ask(&modify(vec![url(1, "mine").with_permissions(0x0F)]))), 1);
    assert!(is_challenge(&office.talk().ask(&modify(vec![admin(1, CLERK)]))));
}

#[test]
fn a_value_that_nobody_may_read_is_not_given_even_to_the_administrator() {
    let office = Office::open();
    office.make("88.118.8/it", vec![url(1, "x"), url(2, "sealed").with_permissions(0), admin(100, ADMIN)]);
    let all = talk::resolution("88.118.8/it", flag::RECU, SelectionBuf::default());
    assert_eq!(office.as_who(&office.admin, &all), 401);
    let public = office.talk().ask(&question("88.118.8/it"));
    assert_eq!(indexes(&values(&public)), [1, 100]);
}

#[test]
fn groups_administer_and_circles_end() {
    let office = Office::open();
    let group = |members: &[(u32, &str)]| {
        let members = members.iter().map(|(index, name)| Reference::new(*index, *name)).collect();
        Value::new(200, kind::VLIST, Data::ValueList(members).to_bytes())
    };
    office.make("88.118.8/inner", vec![group(&[(302, "88.118.8/clerk"), (200, "88.118.8/outer")])]);
    office.make("88.118.8/outer", vec![group(&[(200, "88.118.8/outer"), (200, "88.118.8/inner")])]);
    office.make("88.118.8/lost", vec![group(&[(200, "88.118.8/nowhere"), (0, "88.118.8/inner")])]);
    let modify = || with_values(OpCode::MODIFY_VALUE, PLAIN, "88.118.8/it", vec![url(1, "by a member")]);
    for (owner, expected) in [("200:88.118.8/inner", 1), ("200:88.118.8/outer", 1), ("200:88.118.8/lost", 400)] {
        office.make("88.118.8/it", vec![url(1, "x"), admin(100, owner)]);
        assert_eq!(office.as_who(&office.clerk, &modify()), expected, "{owner}");
    }
    // Index 0 stands for every key of the handle.
    office.make("88.118.8/it", vec![url(1, "x"), admin(100, "0:88.118.8/clerk")]);
    assert_eq!(office.as_who(&office.clerk, &modify()), 1);
}

#[test]
fn names_are_minted() {
    let office = Office::open();
    let mint = |start: &str| {
        let message = with_values(OpCode::CREATE_HANDLE, PLAIN | flag::MINT, start, vec![url(1, "x")]);
        let answer = office.talk().ask_as(&message, &office.admin);
        match &answer.plain().unwrap().body {
            Body::Name(name) => String::from_utf8(name.clone()).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    for start in ["88.118.8/", "88.118.8/m-"] {
        let (first, second) = (mint(start), mint(start));
        let id = first.strip_prefix(start).expect("the beginning stays");
        let parts: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
        assert!(id.bytes().all(|c| c == b'-' || c.is_ascii_digit() || (b'a'..=b'f').contains(&c)), "{id}");
        assert_ne!(first, second);
        assert_eq!(code(&office.talk().ask(&question(&first))), 1);
    }
}

#[test]
fn prefixes_are_homed_and_given_up() {
    let office = Office::open();
    let client = office.alone.node.admin_client();
    let homed = || block_on(async { client.list_homed().await?.collect().await }).unwrap();
    assert_eq!(homed(), ["0.NA/88.118.8"]);
    block_on(client.home("20.500.9")).unwrap();
    assert_eq!(homed().len(), 2);
    block_on(client.create("20.500.9/x", vec![url(1, "x")], false)).unwrap();
    assert_eq!(code(&office.talk().ask(&question("20.500.9/x"))), 1);
    block_on(client.unhome("0.NA/20.500.9")).unwrap();
    assert_eq!(code(&office.talk().ask(&question("20.500.9/x"))), 301);
    assert_eq!(homed(), ["0.NA/88.118.8"]);
    block_on(client.home("20.500.9")).unwrap();
    assert_eq!(code(&office.talk().ask(&question("20.500.9/x"))), 1, "what was there is there again");
}

#[test]
fn a_prefix_without_a_site_is_hosted_where_it_is_made() {
    let mut alone = Alone::lay_out(&["20.500.8"]);
    alone.node.start();
    let office = Office::of(alone);
    let client = office.alone.node.admin_client();
    block_on(client.create("0.NA/20.500.8.1", vec![admin(100, &office.clerk.name.to_string())], false)).unwrap();
    let record = office.record("0.NA/20.500.8.1");
    let site = block_on(client.site_info()).unwrap().to_bytes();
    assert!(record.iter().any(|value| value.is_kind(kind::SITE) && value.data == site), "{record:?}");
    // Its administrator registers below it, and it resolves.
    let create = |name: &str| with_values(OpCode::CREATE_HANDLE, PLAIN, name, vec![url(1, "x")]);
    assert_eq!(office.as_who(&office.clerk, &create("20.500.8.1/x")), 1);
    assert_eq!(office.as_who(&office.clerk, &create("20.500.8/x")), 400, "only there");
    assert_eq!(values(&office.talk().ask(&question("20.500.8.1/X"))).len(), 1);
    // A prefix that names another site is only delegated.
    let mut other = block_on(client.site_info()).unwrap();
    other.servers[0].interfaces[0].port += 1;
    let elsewhere = vec![Value::new(1, kind::SITE, other.to_bytes()), admin(100, &office.admin.name.to_string())];
    block_on(client.create("0.NA/20.500.8.2", elsewhere, false)).unwrap();
    let answer = office.talk().ask(&question("20.500.8.2/x"));
    assert_eq!(code(&answer), 302, "{}", text(&answer));
    // Both are listed as derived, and nothing else is.
    let listing = with_name(OpCode::LIST_DERIVED_PREFIXES, "0.NA/20.500.8");
    let answer = office.talk().ask_as(&listing, &office.admin);
    let Body::Names(names) = &answer.plain().unwrap().body else { panic!("{answer:?}") };
    assert_eq!(names, &[b"0.NA/20.500.8.1".to_vec(), b"0.NA/20.500.8.2".to_vec()]);
    assert_eq!(office.as_who(&office.clerk, &listing), 400);
    // With its handle the prefix goes.
    block_on(client.delete("0.NA/20.500.8.1")).unwrap();
    assert_eq!(code(&office.talk().ask(&question("20.500.8.1/x"))), 301);
    block_on(client.delete("0.NA/20.500.8.2")).unwrap();
    assert_eq!(code(&office.talk().ask(&question("20.500.8.2/x"))), 301);
}

#[test]
fn changes_at_the_same_time_lose_nothing() {
    let office = Office::open();
    let name = "88.118.8/it";
    office.make(name, vec![admin(100, ADMIN)]);
    let connection = block_on(office.alone.node.admin_client().login()).unwrap();
    let adds: Vec<_> = (0..64)
        .map(|number| {
            let connection = connection.clone();
            hufu_testkit::runtime().spawn(async move {
                let value = url(1000 + number, &number.to_string());
                loop {
                    match connection.send(Operation::add(name, vec![value.clone()], false)).await {
                        // Too many at once is a refusal that nothing was done before.
                        Err(error) if error.kind() == ErrorKind::Refused(ResponseCode::SERVER_TOO_BUSY) => {}
                        done => return done.unwrap(),
                    }
                }
            })
        })
        .collect();
    adds.into_iter().for_each(|add| {
        block_on(add).unwrap();
    });
    let expected: Vec<u32> = [100].into_iter().chain(1000..1064).collect();
    assert_eq!(indexes(&office.record(name)), expected);
    // One of many makes the record.
    let creates: Vec<_> = (0..16)
        .map(|_| {
            let connection = connection.clone();
            hufu_testkit::runtime()
                .spawn(async move { connection.create("88.118.8/once", vec![url(1, "x")], false).await })
        })
        .collect();
    let outcomes: Vec<_> = creates.into_iter().map(|create| block_on(create).unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().flatten_err().all(|code| code == Some(ResponseCode::HANDLE_ALREADY_EXISTS)));
}

/// The codes of the refusals among outcomes.
trait Refusals<'a> {
    fn flatten_err(self) -> impl Iterator<Item = Option<ResponseCode>> + 'a;
}

impl<'a, T: 'a, I: Iterator<Item = &'a Result<T, hufu_client::Error>> + 'a> Refusals<'a> for I {
    fn flatten_err(self) -> impl Iterator<Item = Option<ResponseCode>> + 'a {
        self.filter_map(|outcome| outcome.as_ref().err()).map(|error| error.code())
    }
}

#[test]
fn listings_come_in_pages_and_only_if_the_operator_lets_them() {
    let mut office = Office::open();
    let connection = block_on(office.alone.node.admin_client().login()).unwrap();
    block_on(async {
        for number in 0..120 {
            connection.create(&format!("88.118.8/n{number:03}"), vec![url(1, "x")], false).await.unwrap();
        }
    });
    let mut talk = office.talk();
    let challenge = talk.ask(&with_name(OpCode::LIST_HANDLES, "88.118.8"));
    let mut answer = talk.ask(&office.admin.prove(&challenge));
    let mut pages = Vec::new();
    loop {
        let Body::Names(names) = &answer.plain().unwrap().body else { panic!("{answer:?}") };
        pages.push(names.len());
        if !answer.plain().unwrap().header.has(flag::CONT) {
            break;
        }
        answer = talk.message();
    }
    assert_eq!(pages, [50, 50, 21], "120 and the clerk");
    let listed = block_on(async { office.alone.node.admin_client().list("88.118.8").await?.collect().await }).unwrap();
    assert!(listed.is_sorted() && listed.contains(&"88.118.8/N119".to_owned()), "stored names are upper case");
    drop(connection);
    office.alone.node.stop();
    office.alone.node.config.administration.allow_listing = false;
    office.alone.node.start();
    let answer = office.talk().ask(&with_name(OpCode::LIST_HANDLES, "88.118.8"));
    assert_eq!(
        (code(&answer), text(&answer).as_str()),
        (5, "This server does not support the list handles operation.")
    );
}

#[test]
fn suffixes_are_compared_as_the_operator_says() {
    for sensitive in [false, true] {
        let mut alone = Alone::lay_out(&["88.118.8"]);
        alone.node.config.handle.case_sensitive = sensitive;
        alone.node.start();
        block_on(alone.node.admin_client().create("88.118.8/Engine é", vec![url(1, "x")], false)).unwrap();
        let mut talk = Talk::connect(alone.node.handle());
        assert_eq!(code(&talk.ask(&question("88.118.8/Engine é"))), 1);
        assert_eq!(code(&talk.ask(&question("88.118.8/ENGINE é"))), if sensitive { 100 } else { 1 });
        assert_eq!(code(&talk.ask(&question("88.118.8/Engine É"))), 100, "only a to z are folded");
        let answer = talk.ask(&question("0.na/88.118.8"));
        let Body::Values { handle, .. } = &answer.plain().unwrap().body else { panic!("{answer:?}") };
        assert_eq!(handle, b"0.na/88.118.8", "the answer spells it as the asker did");
    }
}

#[test]
fn a_node_without_records_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut node = hufu_testkit::NodeProcess::lay_out(
        crate::hufu(),
        &home.path().join("recursive"),
        hufu_node::roles::Role::Recursive,
        &[],
    );
    node.config.resolution.root = vec!["127.0.0.1:1".parse().unwrap()];
    node.start();
    let identity = Identity::read(ADMIN, b"secret").unwrap();
    let refused = block_on(node.client().with_identity(identity).create("88.118.8/x", vec![url(1, "x")], false));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Refused(ResponseCode::SERVER_NOT_RESP));
}
