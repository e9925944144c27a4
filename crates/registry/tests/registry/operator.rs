//! The interface to the registry operator, both ends of it: idempotency, codes, the poll queue, the outgoing queue.

use crate::organisations::subject;
use crate::prefixes::{chosen, code, organisation, server};
use crate::{Bench, NOW, benches, operator};
use hufu_registry::notices::NoticeFilter;
use hufu_registry::operator::{
    CODE_DONE, CODE_PENDING, Command, CommandAnswer, CommandRefusal, Contact, Disbelieved, Message, MessageKind,
    NewOperatorClient, OperatorAbove, OperatorClient, OperatorClientFilter, OperatorRequestFilter, OwnPrefixRequest,
    ReceivedMessageFilter, RequestState, code_of_error, operator_caller,
};
use hufu_registry::prefixes::{Decision, DelegationData, PrefixChange};
use hufu_registry::{Caller, Listing, Registry};

/// 32 octets in base64; who owns the key does not matter here.
fn key(of: u8) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode([of; 32])
}

async fn client(registry: &Registry, name: &str, of: u8) -> OperatorClient {
    let organisation = organisation(registry, name).await;
    let new = NewOperatorClient {
        organisation,
        name: name.into(),
        prefix: String::new(),
        public_key: key(of),
        addresses: Vec::new(),
    };
    registry.register_operator_client(&operator(), &new).await.expect("registered")
}

/// A top-level node with the prefix 88, and two secondary nodes.
async fn top(bench: &Bench) -> (Registry, OperatorClient, OperatorClient) {
    let registry = bench.registry.clone();
    registry.declare_own_prefixes(&operator(), &["88".into()]).await.expect("declared");
    (registry.clone(), client(&registry, "甲", 1).await, client(&registry, "乙", 2).await)
}

fn create(prefix: &str) -> Command {
    let delegation = DelegationData { servers: vec![server()], below: true, ..DelegationData::default() };
    Command::Create { prefix: prefix.into(), under: String::new(), delegation, subject: None, expires: None }
}

fn register(prefix: &str) -> Command {
    Command::Create {
        prefix: prefix.into(),
        under: String::new(),
        delegation: DelegationData::default(),
        subject: Some(Box::new(subject("丙", "丙"))),
        expires: Some(NOW + 86_400_000),
    }
}

async fn tell(
    registry: &Registry,
    client: &OperatorClient,
    id: &str,
    command: &Command,
) -> Result<CommandAnswer, CommandRefusal> {
    match registry.execute_command(client, "192.0.2.1", NOW, id, command).await {
        Ok(answer) => answer,
        Err(error) => {
            let refusal = error.refusal().unwrap_or_else(|| panic!("{error}"));
            let (zh, en) = (refusal.zh.clone(), refusal.en.clone());
            let (code, refusal) = (code_of_error(&error), refusal.code.to_owned());
            Err(CommandRefusal { code, refusal, zh, en, server_transaction: String::new() })
        }
    }
}

fn caller(client: &OperatorClient) -> Caller {
    operator_caller(client, "192.0.2.1", "test", NOW)
}

async fn approved(registry: &Registry, client: &OperatorClient, prefix: &str) {
    tell(registry, client, &format!("create-{prefix}"), &create(prefix)).await.expect("accepted");
    registry.decide_prefix(&operator(), prefix, Decision::Approve, "").await.expect("approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_carried_out_once_per_transaction() {
    for bench in benches().await {
        let (registry, one, two) = top(&bench).await;
        let first = tell(&registry, &one, "tx-1", &create("88.118")).await.expect("accepted");
        assert_eq!((first.code, first.client_transaction.as_str()), (CODE_PENDING, "tx-1"));
        let again = tell(&registry, &one, "tx-1", &create("88.118")).await.expect("the first answer");
        assert_eq!(again, first, "{}", bench.scratch.kind);
        // Decided meanwhile, the first answer stays what it was.
        registry.decide_prefix(&operator(), "88.118", Decision::Approve, "").await.expect("approved");
        assert_eq!(tell(&registry, &one, "tx-1", &create("88.118")).await.expect("the first answer"), first);

        let other = tell(&registry, &one, "tx-1", &create("88.119")).await.expect_err("another content");
        assert_eq!(other.code, 2308);
        // The same id of another client is another transaction.
        let taken = tell(&registry, &two, "tx-1", &create("88.118")).await.expect_err("taken");
        assert_eq!(taken.code, 2302);
        for id in ["ab", "with space", &"x".repeat(65)] {
            let wrong = tell(&registry, &one, id, &create("88.120")).await.expect_err("a wrong id");
            assert_eq!(wrong.code, 2004, "{id}");
        }
        // A refusal is an answer like any other: what has changed meanwhile changes nothing of it.
        registry.delete_prefix(&operator(), "88.118", None, "").await.expect("deleted");
        assert_eq!(tell(&registry, &two, "tx-1", &create("88.118")).await.expect_err("the first answer"), taken);
        let reused = tell(&registry, &two, "tx-1", &create("88.119")).await.expect_err("another content");
        assert_eq!(reused.code, 2308);
        let later = tell(&registry, &two, "tx-2", &create("88.118")).await.expect("free again");
        assert_eq!(later.code, CODE_PENDING);
        assert!(registry.verify_audit(&operator()).await.expect("verified").whole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_in_order_until_they_are_acknowledged() {
    for bench in benches().await {
        let (registry, one, two) = top(&bench).await;
        approved(&registry, &one, "88.118").await;
        registry.decide_prefix(&operator(), "88.118", Decision::Suspend, "欠费").await.expect("suspended");
        // What the client does itself it is not told.
        tell(&registry, &one, "tx-d", &create("88.120")).await.expect("accepted");

        let queue = registry.operator_queue(&one).await.expect("a queue");
        let first = queue.message.expect("a message");
        assert_eq!((queue.count, first.kind), (2, MessageKind::PendingActionDecided));
        assert_eq!((first.object.as_str(), first.data["state"].as_str()), ("88.118", Some("enabled")));
        let same = registry.operator_queue(&one).await.expect("a queue").message.expect("a message");
        assert_eq!(same, first, "reading removes nothing");

        // A stranger neither sees nor removes it.
        assert_eq!(registry.operator_queue(&two).await.expect("a queue").count, 0);
        registry.acknowledge_message(&two, &caller(&two), &first.id).await.expect("nothing");
        assert_eq!(registry.operator_queue(&one).await.expect("a queue").count, 2);

        assert_eq!(registry.acknowledge_message(&one, &caller(&one), &first.id).await.expect("gone"), 1);
        assert_eq!(registry.acknowledge_message(&one, &caller(&one), &first.id).await.expect("gone before"), 1);
        let second = registry.operator_queue(&one).await.expect("a queue").message.expect("a message");
        assert_eq!((second.kind, second.data["reason"].as_str()), (MessageKind::StatusSet, Some("欠费")));
        assert_eq!(registry.acknowledge_message(&one, &caller(&one), &second.id).await.expect("gone"), 0);
        // Numbers are not used again when the queue was empty.
        registry.decide_prefix(&operator(), "88.118", Decision::Resume, "").await.expect("resumed");
        let third = registry.operator_queue(&one).await.expect("a queue").message.expect("a message");
        assert!(third.id != first.id && third.id != second.id);

        let late = Caller { at: NOW + 31 * 86_400_000, ..operator() };
        let listing = Listing::default();
        let clients = registry.operator_clients(&late, &OperatorClientFilter::default(), &listing).await.expect("two");
        let alarms: Vec<_> = clients.items.iter().filter(|client| client.alarm).map(|client| &client.id).collect();
        assert_eq!(alarms, [&one.id]);
        assert_eq!(registry.silent_operator_clients(late.at).await.expect("one"), std::slice::from_ref(&one.id));
        assert!(registry.silent_operator_clients(NOW).await.expect("none").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_registers_below_its_own_prefix_only() {
    for bench in benches().await {
        let (registry, one, two) = top(&bench).await;
        approved(&registry, &one, "88.118").await;
        let done = tell(&registry, &one, "r-1", &register("88.118.7")).await.expect("registered");
        assert_eq!((done.code, done.data["parent"].as_str()), (CODE_DONE, Some("88.118")));
        let twice = tell(&registry, &one, "r-2", &register("88.118.7")).await.expect_err("exists");
        assert_eq!(twice.code, 2302);
        let nobody = create("88.118.8");
        assert_eq!(tell(&registry, &one, "r-3", &nobody).await.expect_err("no holder").code, 2003);

        // A foreign client learns nothing, and changes nothing.
        let query = registry.query_command(&two, &caller(&two), "88.118.7").await.expect_err("not its own");
        assert_eq!(code_of_error(&query), 2303);
        for (at, command) in [
            Command::Enable { prefix: "88.118.7".into() },
            Command::Disable { prefix: "88.118.7".into(), reason: String::new() },
            Command::Delete { prefix: "88.118".into(), reason: String::new() },
            Command::UpdateRoutes { prefix: "88.118".into(), delegation: DelegationData::default() },
        ]
        .iter()
        .enumerate()
        {
            let error = tell(&registry, &two, &format!("f-{at}"), command).await.expect_err("not its own");
            assert_eq!(error.code, 2303, "{command:?}");
        }
        let below = tell(&registry, &two, "f-9", &register("88.118.9")).await.expect_err("below another's");
        assert!(matches!(below.code, 2302 | 2005 | 2304), "{below:?}");

        let disable = Command::Disable { prefix: "88.118.7".into(), reason: "停用".into() };
        let data = tell(&registry, &one, "r-4", &disable).await.expect("disabled").data;
        assert_eq!((data["state"].as_str(), data["reason"].as_str()), (Some("disabled"), Some("停用")));
        let renew = |current_expires, expires| Command::Renew {
            prefix: "88.118.7".into(),
            current_expires,
            expires: Some(expires),
        };
        let (day, prefix) = (86_400_000, "88.118.7".to_owned());
        let stale = tell(&registry, &one, "r-5", &renew(NOW, NOW + 9 * day)).await.expect_err("another expiry");
        assert_eq!(stale.code, 2306);
        let data = tell(&registry, &one, "r-6", &renew(NOW + day, NOW + 9 * day)).await.expect("renewed").data;
        assert_eq!(data["expires"], NOW + 9 * day);
        tell(&registry, &one, "r-7", &Command::Delete { prefix: prefix.clone(), reason: "".into() })
            .await
            .expect("gone");
        let gone = tell(&registry, &one, "r-8", &Command::Enable { prefix }).await.expect_err("deleted");
        assert_eq!(gone.code, 2303);
        tell(&registry, &one, "r-9", &register("88.118.7")).await.expect("registered again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_client_is_nobody() {
    for bench in benches().await {
        let (registry, one, _) = top(&bench).await;
        let same = NewOperatorClient {
            organisation: one.organisation.clone(),
            name: "x".into(),
            prefix: String::new(),
            public_key: key(1),
            addresses: Vec::new(),
        };
        assert_eq!(code(registry.register_operator_client(&operator(), &same).await), "key-registered");
        let short = NewOperatorClient { public_key: "AAAA".into(), ..same };
        assert_eq!(code(registry.register_operator_client(&operator(), &short).await), "malformed");
        let denied = registry.register_operator_client(&crate::prefixes::member(&one.organisation), &short).await;
        assert_eq!(code(denied), "not-permitted");
        assert!(registry.operator_client(&one.id).await.expect("found").is_some());
        registry.revoke_operator_client(&operator(), &one.id).await.expect("revoked");
        assert!(registry.operator_client(&one.id).await.expect("none").is_none());
    }
}

/// What waits for the node above, oldest first.
async fn waiting(registry: &Registry) -> Vec<(String, RequestState)> {
    let listing = Listing { sort: Some("sequence".into()), ..Listing::default() };
    let page = registry.operator_requests(&operator(), &OperatorRequestFilter::default(), &listing).await;
    page.expect("requests").items.into_iter().map(|request| (request.kind, request.state)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_below_is_told_above_in_order() {
    for bench in benches().await {
        let registry = bench.registry.clone().below_operator(OperatorAbove::default());
        registry.declare_own_prefixes(&operator(), &["88.118".into()]).await.expect("declared");
        let org = organisation(&registry, "甲").await;
        registry.allocate_prefix(&operator(), &chosen(&org, "88.118.1")).await.expect("allocated");
        let change = PrefixChange { delegation: Some(DelegationData::default()), auto_renew: None };
        registry.amend_prefix(&operator(), "88.118.1", None, &change).await.expect("amended");
        registry.decide_prefix(&operator(), "88.118.1", Decision::Suspend, "x").await.expect("suspended");
        registry.decide_prefix(&operator(), "88.118.1", Decision::Resume, "").await.expect("resumed");
        let other = subject("甲二", "甲");
        registry.amend_organisation(&operator(), &org, None, &other).await.expect("amended");
        registry.delete_prefix(&operator(), "88.118.1", None, "").await.expect("deleted");
        let kinds: Vec<_> = waiting(&registry).await.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, ["create", "update-routes", "disable", "enable", "update-subject", "delete"]);

        // The oldest is sent again and again, later each time, before any other.
        let first = registry.next_operator_request(NOW).await.expect("one").expect("one");
        assert!(matches!(first.command, Command::Create { .. }));
        let id = first.id;
        assert_eq!(first.transaction, id);
        registry.operator_undecided(&id, NOW, 0, "cut").await.expect("noted");
        assert!(registry.next_operator_request(NOW + 999).await.expect("none").is_none());
        registry.operator_undecided(&id, NOW + 1000, 0, "cut").await.expect("noted");
        assert!(registry.next_operator_request(NOW + 2999).await.expect("none").is_none());
        let again = registry.next_operator_request(NOW + 3000).await.expect("one").expect("one");
        assert_eq!((&again.id, &again.transaction), (&id, &id));
        // Refused, it no longer holds up the others, and may be sent once more.
        registry.operator_refused(&Caller::node(NOW), &id, 2306, "no").await.expect("noted");
        assert_eq!(waiting(&registry).await[0].1, RequestState::Refused);
        let next = registry.next_operator_request(NOW + 3000).await.expect("one").expect("one");
        assert_ne!(next.id, id);
        registry.retry_operator_request(&operator(), &id).await.expect("again");
        let anew = registry.next_operator_request(NOW + 3000).await.expect("one").expect("one");
        assert_eq!(anew.id, id);
        assert_ne!(anew.transaction, id, "under the old id the refusal would only be repeated");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_prefix_is_obtained_through_the_queue_once() {
    for bench in benches().await {
        let registry = bench.registry.clone();
        let wish = OwnPrefixRequest { prefix: "88.118".into(), ..OwnPrefixRequest::default() };
        assert_eq!(code(registry.request_own_prefix(&operator(), &wish).await), "no-operator-above");
        let registry = registry.below_operator(OperatorAbove::default());
        let request = registry.request_own_prefix(&operator(), &wish).await.expect("queued");
        let (node, answer) = (Caller::node(NOW), |code| CommandAnswer {
            code,
            client_transaction: request.id.clone(),
            server_transaction: "sv-1".into(),
            data: serde_json::json!({"name": "88.118", "state": "pending"}),
        });
        registry.operator_accepted(&node, &request.id, &answer(CODE_PENDING)).await.expect("noted");
        assert!(registry.own_prefixes(&operator()).await.expect("none").is_empty());
        let message = Message {
            id: "opc-1-1".into(),
            kind: MessageKind::PendingActionDecided,
            object: "88.118".into(),
            zh: String::new(),
            en: String::new(),
            data: serde_json::json!({"state": "enabled", "reason": "", "decision": "approved", "yours": true,
                "clientTransaction": request.transaction}),
            queued: NOW,
        };
        assert!(registry.receive_operator_message(&node, &message).await.expect("new"));
        assert!(!registry.receive_operator_message(&node, &message).await.expect("known"));
        let own = registry.own_prefixes(&operator()).await.expect("one");
        assert_eq!(own.iter().map(|own| own.name.as_str()).collect::<Vec<_>>(), ["88.118"]);
        assert_eq!(registry.obtained_prefixes().await.expect("one"), ["88.118"]);
        assert_eq!(waiting(&registry).await, [("create".to_owned(), RequestState::Done)]);
        // Below it, this node gives out at once.
        let org = organisation(&registry, "甲").await;
        registry.allocate_prefix(&operator(), &chosen(&org, "88.118.1")).await.expect("allocated");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_longer_prefix_of_a_client_is_no_registration_below_its_shorter_one() {
    for bench in benches().await {
        let registry = bench.registry.clone();
        registry.declare_own_prefixes(&operator(), &["GS1:6".into()]).await.expect("declared");
        let (one, two) = (client(&registry, "甲", 1).await, client(&registry, "乙", 2).await);
        approved(&registry, &one, "GS1:690").await;
        // The longer one is wished for without a holder: it is a prefix too, not a registration below the shorter one.
        let wished = tell(&registry, &one, "w-1", &create("GS1:6901")).await.expect("accepted");
        assert_eq!((wished.code, wished.data["state"].as_str()), (CODE_PENDING, Some("pending")));
        registry.decide_prefix(&operator(), "GS1:6901", Decision::Approve, "").await.expect("approved");
        let below = tell(&registry, &one, "w-2", &register("GS1:69012")).await.expect("registered");
        assert_eq!(below.data["parent"], "GS1:6901");
        let beside = tell(&registry, &one, "w-3", &register("GS1:6902")).await.expect("registered");
        assert_eq!(beside.data["parent"], "GS1:690");
        let routes = Command::UpdateRoutes { prefix: "GS1:6901".into(), delegation: DelegationData::default() };
        let told = tell(&registry, &one, "w-4", &routes).await.expect("changed");
        assert_eq!(told.data["origin"], "allocated", "{}", told.data);
        let delete = Command::Delete { prefix: "GS1:6901".into(), reason: String::new() };
        let told = tell(&registry, &one, "w-5", &delete).await.expect("deleted");
        assert_eq!(told.data["state"], "deleted", "{}", told.data);
        // What is registered is not a prefix of its own besides, and the reverse.
        let twice = tell(&registry, &one, "w-6", &create("GS1:6902")).await.expect_err("registered");
        assert_eq!(twice.code, 2302);
        let stranger = tell(&registry, &two, "w-7", &register("GS1:6903")).await.expect_err("below another's");
        assert!(matches!(stranger.code, 2302 | 2304), "{stranger:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_for_one_prefix_has_nothing_to_do_with_others() {
    for bench in benches().await {
        let registry = bench.registry.clone();
        registry.declare_own_prefixes(&operator(), &["88".into()]).await.expect("declared");
        let organisation = organisation(&registry, "甲").await;
        let new = NewOperatorClient {
            organisation,
            name: "甲".into(),
            prefix: "88.118".into(),
            public_key: key(1),
            addresses: vec!["192.0.2.0/24".into(), "2001:db8::7".into()],
        };
        let wrong = NewOperatorClient { addresses: vec!["x".into()], ..new.clone() };
        assert_eq!(code(registry.register_operator_client(&operator(), &wrong).await), "address-form");
        let one = registry.register_operator_client(&operator(), &new).await.expect("registered");
        assert_eq!(one.addresses, ["192.0.2.0/24", "2001:db8::7/128"]);
        for (address, heard) in [("192.0.2.9", true), ("::ffff:192.0.2.9", true), ("198.51.100.1", false)] {
            assert_eq!(one.comes_from(address.parse().expect("an address")), heard, "{address}");
        }
        let other = tell(&registry, &one, "c-1", &create("88.119")).await.expect_err("another prefix");
        assert_eq!((other.code, other.refusal.as_str()), (2201, "client-prefix"));
        approved(&registry, &one, "88.118").await;
        tell(&registry, &one, "c-2", &register("88.118.1")).await.expect("registered");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_gets_no_decision_is_stuck_seen_and_passed_by_others() {
    for bench in benches().await {
        let registry = bench.registry.clone().below_operator(OperatorAbove::default());
        registry.declare_own_prefixes(&operator(), &["88.118".into(), "88.119".into()]).await.expect("declared");
        let org = organisation(&registry, "甲").await;
        let wish = OwnPrefixRequest { prefix: "88.118".into(), ..OwnPrefixRequest::default() };
        let own = registry.request_own_prefix(&operator(), &wish).await.expect("queued");
        registry.allocate_prefix(&operator(), &chosen(&org, "88.118.1")).await.expect("allocated");
        registry.allocate_prefix(&operator(), &chosen(&org, "88.119.1")).await.expect("allocated");
        let mut now = NOW;
        for attempt in 1..=5 {
            // What is below it waits for it; what has nothing to do with it would go at once.
            let state = registry.operator_undecided(&own.id, now, 2200, "who are you").await.expect("noted");
            assert_eq!(state == RequestState::Stuck, attempt == 5, "{attempt}");
            let next = registry.next_operator_request(now).await.expect("read").expect("another");
            assert_eq!(next.command.prefix(), "88.119.1");
            now += 20_000;
        }
        let other = registry.next_operator_request(now).await.expect("read").expect("another");
        registry.operator_refused(&Caller::node(now), &other.id, 2306, "no").await.expect("noted");
        assert!(registry.next_operator_request(now).await.expect("read").is_none());
        let rare = registry.next_operator_request(now + 300_000).await.expect("read").expect("tried again");
        assert_eq!(rare.transaction, own.id);
        let state = registry.operator_connection(&operator()).await.expect("a state");
        assert_eq!((state.stuck, state.waiting, state.refused), (1, 1, 1));
        let all = NoticeFilter::default();
        let notices = registry.notices(&operator(), &all, &Listing::default()).await.expect("notices");
        assert!(notices.items.iter().any(|notice| notice.body_en.contains("who are you")), "{:?}", notices.items);

        // Given up, it bars nobody any more; an answer that comes nevertheless counts.
        let dropped = registry.drop_operator_request(&operator(), &own.id).await.expect("dropped");
        assert_eq!(dropped.state, RequestState::Dropped);
        assert_eq!(code(registry.retry_operator_request(&operator(), &own.id).await), "request-accepted");
        let next = registry.next_operator_request(now).await.expect("read").expect("free to go");
        assert_eq!(next.command.prefix(), "88.118.1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_out_before_the_interface_was_there_is_told_once() {
    for bench in benches().await {
        let before = bench.registry.clone();
        before.declare_own_prefixes(&operator(), &["88.118".into()]).await.expect("declared");
        let org = organisation(&before, "甲").await;
        for name in ["88.118.1", "88.118.2", "88.118.3"] {
            before.allocate_prefix(&operator(), &chosen(&org, name)).await.expect("allocated");
        }
        before.decide_prefix(&operator(), "88.118.2", Decision::Suspend, "欠费").await.expect("suspended");
        before.delete_prefix(&operator(), "88.118.3", None, "").await.expect("deleted");
        assert_eq!(before.catch_up_above(&Caller::node(NOW)).await.expect("nobody above"), 0);
        let registry = before.below_operator(OperatorAbove::default());
        assert_eq!(registry.catch_up_above(&Caller::node(NOW)).await.expect("told"), 2);
        assert_eq!(registry.catch_up_above(&Caller::node(NOW)).await.expect("told before"), 0);
        let kinds: Vec<_> = waiting(&registry).await.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, ["create", "create", "disable"]);
        // Deleted and given out again, it is another registration.
        registry.delete_prefix(&operator(), "88.118.1", None, "").await.expect("deleted");
        bench.registry.allocate_prefix(&operator(), &chosen(&org, "88.118.1")).await.expect("allocated");
        assert_eq!(registry.catch_up_above(&Caller::node(NOW)).await.expect("told"), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_overtakes_its_answer_is_not_lost() {
    for bench in benches().await {
        let registry = bench.registry.clone().below_operator(OperatorAbove::default());
        let wish = OwnPrefixRequest { under: "88".into(), ..OwnPrefixRequest::default() };
        let request = registry.request_own_prefix(&operator(), &wish).await.expect("queued");
        let node = Caller::node(NOW);
        let message = |number: u8, data: serde_json::Value| Message {
            id: format!("opc-1-{number}"),
            kind: MessageKind::PendingActionDecided,
            object: "88.118".into(),
            zh: "申请已通过".into(),
            en: String::new(),
            data,
            queued: NOW,
        };
        // One about something else that went before does not decide this one.
        let other = serde_json::json!({"state": "rejected", "decision": "rejected", "clientTransaction": "opr-other"});
        registry.receive_operator_message(&node, &message(1, other)).await.expect("new");
        assert_eq!(waiting(&registry).await[0].1, RequestState::Waiting);
        let approved = serde_json::json!({"state": "enabled", "decision": "approved", "yours": true,
            "clientTransaction": request.transaction});
        registry.receive_operator_message(&node, &message(2, approved)).await.expect("new");
        assert_eq!(registry.obtained_prefixes().await.expect("one"), ["88.118"]);
        assert!(registry.next_operator_request(NOW).await.expect("none").is_none());
        let lost = serde_json::json!({"state": "enabled", "decision": "approved", "yours": false});
        registry.receive_operator_message(&node, &message(3, lost)).await.expect("new");
        assert!(registry.obtained_prefixes().await.expect("none").is_empty());
        let own = registry.own_prefixes(&operator()).await.expect("one");
        assert!(own.iter().all(|own| !own.active), "transferred away, it is no longer this node's");
        let all = ReceivedMessageFilter::default();
        let kept = registry.operator_messages(&operator(), &all, &Listing::default()).await.expect("messages");
        assert_eq!(kept.total, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn disbelieved_requests_are_written_down_and_a_signature_is_taken_once() {
    for bench in benches().await {
        let registry = bench.registry.clone();
        assert!(registry.take_nonce("opc-1", "n1", NOW + 600, NOW).await.expect("taken"));
        assert!(!registry.take_nonce("opc-1", "n1", NOW + 600, NOW).await.expect("again"));
        assert!(registry.take_nonce("opc-2", "n1", NOW + 600, NOW).await.expect("another's"));
        assert!(registry.take_nonce("opc-1", "n1", NOW + 9000, NOW + 601).await.expect("forgotten"));
        let attempt = Disbelieved {
            client: "opc-1",
            transaction: "tx\u{0}-1",
            method: "POST",
            path: "/operator/v1/prefixes",
            reason: "wrong-signature",
        };
        registry.note_disbelieved("192.0.2.66", NOW, &attempt).await.expect("written");
        let filter =
            hufu_registry::audit::AuditFilter { action: Some("operator.request".into()), ..Default::default() };
        let trail = registry.audit(&operator(), &filter, &Listing::default()).await.expect("a trail");
        assert_eq!((trail.total, trail.items[0].address.as_str()), (1, "192.0.2.66"));
        assert_eq!(trail.items[0].after["reason"], "wrong-signature");
        assert!(registry.verify_audit(&operator()).await.expect("verified").whole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_fails_is_told_once() {
    for bench in benches().await {
        let registry = bench.registry.clone().below_operator(OperatorAbove::default());
        let told = async || {
            let filter = NoticeFilter::default();
            registry.notices(&operator(), &filter, &Listing::default()).await.expect("notices").total
        };
        let cut = Contact::Failed { code: 0, fault: "cut" };
        registry.note_contact(NOW, cut).await.expect("noted");
        registry.note_contact(NOW + 599_999, cut).await.expect("noted");
        assert_eq!(told().await, 0);
        registry.note_contact(NOW + 600_000, cut).await.expect("noted");
        registry.note_contact(NOW + 900_000, cut).await.expect("noted");
        assert_eq!(told().await, 1);
        let state = registry.operator_connection(&operator()).await.expect("a state");
        assert_eq!((state.failing_since, state.fault.as_str(), state.last_answer), (Some(NOW), "cut", None));
        registry.note_contact(NOW + 900_001, Contact::Answered { queue: 3 }).await.expect("noted");
        let state = registry.operator_connection(&operator()).await.expect("a state");
        assert_eq!((state.failing_since, state.queue, state.last_answer), (None, 3, Some(NOW + 900_001)));
        registry.note_contact(NOW + 900_002, Contact::Failed { code: 2200, fault: "who" }).await.expect("noted");
        assert_eq!(told().await, 2, "not believed: at once");
    }
}
