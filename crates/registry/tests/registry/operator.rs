//! The interface to the registry operator, both ends of it: idempotency, codes, the poll queue, the outgoing queue.

use crate::organisations::subject;
use crate::prefixes::{chosen, code, organisation, server};
use crate::{Bench, NOW, benches, operator};
use hufu_registry::operator::{
    CODE_DONE, CODE_PENDING, Command, CommandAnswer, Message, MessageKind, NewOperatorClient, OperatorClient,
    OperatorClientFilter, OperatorRequestFilter, OwnPrefixRequest, RequestState, code_of_error, operator_caller,
};
use hufu_registry::prefixes::{Decision, DelegationData, PrefixChange};
use hufu_registry::{Caller, Error, Listing, Registry};

/// 32 octets in base64; who owns the key does not matter here.
fn key(of: u8) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode([of; 32])
}

async fn client(registry: &Registry, name: &str, of: u8) -> OperatorClient {
    let organisation = organisation(registry, name).await;
    let new = NewOperatorClient { organisation, name: name.into(), public_key: key(of) };
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
) -> Result<CommandAnswer, Error> {
    registry.execute_command(client, "192.0.2.1", NOW, id, command).await
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
        assert_eq!(code_of_error(&other), 2308);
        // The same id of another client is another transaction.
        let taken = tell(&registry, &two, "tx-1", &create("88.118")).await.expect_err("taken");
        assert_eq!(code_of_error(&taken), 2302);
        for id in ["ab", "with space", &"x".repeat(65)] {
            let wrong = tell(&registry, &one, id, &create("88.120")).await.expect_err("a wrong id");
            assert_eq!(code_of_error(&wrong), 2004, "{id}");
        }
        // A refusal changed nothing: the same transaction may succeed later.
        registry.delete_prefix(&operator(), "88.118", None, "").await.expect("deleted");
        let later = tell(&registry, &two, "tx-1", &create("88.118")).await.expect("free again");
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
        assert_eq!(code_of_error(&twice), 2302);
        let nobody = create("88.118.8");
        assert_eq!(code_of_error(&tell(&registry, &one, "r-3", &nobody).await.expect_err("no holder")), 2003);

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
            assert_eq!(code_of_error(&error), 2303, "{command:?}");
        }
        let below = tell(&registry, &two, "f-9", &register("88.118.9")).await.expect_err("below another's");
        assert!(matches!(code_of_error(&below), 2302 | 2005 | 2304), "{below:?}");

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
        assert_eq!(code_of_error(&stale), 2306);
        let data = tell(&registry, &one, "r-6", &renew(NOW + day, NOW + 9 * day)).await.expect("renewed").data;
        assert_eq!(data["expires"], NOW + 9 * day);
        tell(&registry, &one, "r-7", &Command::Delete { prefix: prefix.clone(), reason: "".into() })
            .await
            .expect("gone");
        let gone = tell(&registry, &one, "r-8", &Command::Enable { prefix }).await.expect_err("deleted");
        assert_eq!(code_of_error(&gone), 2303);
        tell(&registry, &one, "r-9", &register("88.118.7")).await.expect("registered again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_client_is_nobody() {
    for bench in benches().await {
        let (registry, one, _) = top(&bench).await;
        let same = NewOperatorClient { organisation: one.organisation.clone(), name: "x".into(), public_key: key(1) };
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
        let registry = bench.registry.clone().below_operator();
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
        let (id, command) = registry.next_operator_request(NOW).await.expect("one").expect("one");
        assert!(matches!(command, Command::Create { .. }));
        registry.operator_unreachable(&id, NOW, "cut").await.expect("noted");
        assert!(registry.next_operator_request(NOW + 999).await.expect("none").is_none());
        registry.operator_unreachable(&id, NOW + 1000, "cut").await.expect("noted");
        assert!(registry.next_operator_request(NOW + 2999).await.expect("none").is_none());
        let (again, _) = registry.next_operator_request(NOW + 3000).await.expect("one").expect("one");
        assert_eq!(again, id);
        // Refused, it no longer holds up the others, and may be sent once more.
        registry.operator_refused(&Caller::node(NOW), &id, 2306, "no").await.expect("noted");
        assert_eq!(waiting(&registry).await[0].1, RequestState::Refused);
        let (next, _) = registry.next_operator_request(NOW + 3000).await.expect("one").expect("one");
        assert_ne!(next, id);
        registry.retry_operator_request(&operator(), &id).await.expect("again");
        assert_eq!(registry.next_operator_request(NOW + 3000).await.expect("one").expect("one").0, id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_prefix_is_obtained_through_the_queue_once() {
    for bench in benches().await {
        let registry = bench.registry.clone();
        let wish = OwnPrefixRequest { prefix: "88.118".into(), ..OwnPrefixRequest::default() };
        assert_eq!(code(registry.request_own_prefix(&operator(), &wish).await), "no-operator-above");
        let registry = registry.below_operator();
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
            data: serde_json::json!({"state": "enabled", "reason": ""}),
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
