//! Objects: written, read, kept through every state and version; who sees what.

use crate::prefixes::{code, member as member_of_prefixes, organisation, prepared};
use crate::{Bench, NOW, benches, operator};
use hufu_ident::{CaseRule, Prefix};
use hufu_registry::objects::change::{Mint, ObjectChange, ObjectOperation, OutcomeKind};
use hufu_registry::objects::disclosure::DisclosureFilter;
use hufu_registry::objects::grants::{GrantRequest, GrantScope, GrantState, NewGrant, NewGrantGroup};
use hufu_registry::objects::read::{Object, ObjectFilter};
use hufu_registry::objects::record::ObjectState;
use hufu_registry::objects::relation::{Relation, RelationKind};
use hufu_registry::objects::{Manner, Objects};
use hufu_registry::prefixes::{QuotaChange, Wish};
use hufu_registry::templates::Visibility;
use hufu_registry::templates::life::{NewTemplate, TemplateScopeChange, TemplateStateChange};
use hufu_registry::templates::template::{TemplateScope, TemplateState};
use hufu_registry::{Caller, Listing, Permission, PermissionSet, Registry, Scope};
use hufu_store::{Batch, DiskStore, Store, StoreOptions, Write};
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;

use ObjectOperation::{Create, Delete, Overwrite, Patch, Put, Resume, Suspend};

/// A registry with a store and two enterprises whose prefixes it hosts: 88.118.1 and 88.118.2.
pub struct Plant {
    pub registry: Registry,
    pub objects: Objects,
    pub store: Arc<dyn Store>,
    pub ours: String,
    pub theirs: String,
    _folder: tempfile::TempDir,
}

pub fn open(registry: &Registry, store: &Arc<dyn Store>) -> Objects {
    let changed: hufu_registry::objects::Changed = Arc::new(|_| {});
    Objects::new(
        registry.clone(),
        store.clone(),
        CaseRule::Insensitive,
        changed,
        hufu_registry::objects::Turn::default(),
    )
}

pub async fn plant(bench: &Bench) -> Plant {
    let (registry, ours) = prepared(bench).await;
    let theirs = organisation(&registry, "乙").await;
    let folder = tempfile::tempdir().expect("a folder");
    let store = DiskStore::open(&folder.path().join("records"), StoreOptions::default()).expect("a store");
    let store: Arc<dyn Store> = Arc::new(store);
    for (organisation, name) in [(&ours, "88.118.1"), (&theirs, "88.118.2")] {
        let wish = Wish { organisation: organisation.clone(), prefix: Some(name.into()), ..Wish::default() };
        registry.allocate_prefix(&operator(), &wish).await.expect("allocated");
        registry.request_hosting(&operator(), name).await.expect("requested");
        registry.decide_hosting(&operator(), name, true, "").await.expect("accepted");
        store.commit(Batch::new(vec![Write::Home(Prefix::folded(name))], 1)).await.expect("homed");
    }
    template(&registry).await;
    let objects = open(&registry, &store);
    Plant { registry, objects, store, ours, theirs, _folder: folder }
}

/// The published template of the objects here, for everybody.
async fn template(registry: &Registry) {
    let item = |name: &str, zh: &str, visibility: &str, unique: bool| json!({"name": name, "labels": {"zh": zh, "en": name}, "visibility": visibility, "unique": unique});
    let new = json!({
        "prefix": "88.118.1", "versionText": "1.0", "handle": TEMPLATE,
        "content": {"labels": {"zh": "产品", "en": "Product"}, "items": [
            item("name", "名称", "public", false), item("batch", "批次", "granted", false),
            item("cost", "成本", "private", false), item("serial", "序列号", "public", true),
        ]},
    });
    let new: NewTemplate = serde_json::from_value(new).expect("a template");
    let made = registry.create_template(&operator(), &new).await.expect("made");
    let published = TemplateStateChange { state: TemplateState::Published, reason: String::new() };
    registry.set_template_state(&operator(), &made.id, None, &published).await.expect("published");
    let all = TemplateScopeChange { scope: TemplateScope::All, organisations: Vec::new() };
    registry.set_template_scope(&operator(), &made.id, None, &all).await.expect("opened");
}

pub fn member(organisation: &str, at: i64) -> Caller {
    Caller { permissions: PermissionSet::all(), at, ..member_of_prefixes(organisation) }
}

pub fn values(pairs: Json) -> Map<String, Json> {
    pairs.as_object().cloned().unwrap_or_default()
}

pub fn change(operation: ObjectOperation, identifier: &str, pairs: Json) -> ObjectChange {
    ObjectChange {
        template: Some(crate::objects::TEMPLATE.into()),
        values: values(pairs),
        ..ObjectChange::of(operation, identifier)
    }
}

pub const TEMPLATE: &str = "88.118.1/META_1";

fn shown(object: &Object) -> Json {
    let fields = object.fields.iter().map(|field| (field.name.clone(), field.value.clone()));
    Json::Object(fields.collect())
}

impl Plant {
    async fn one(&self, caller: &Caller, change: ObjectChange) -> Result<i64, hufu_registry::Error> {
        Ok(self.objects.change(caller, &[change], Manner::SINGLE).await?.outcomes[0].version)
    }

    async fn see(&self, caller: &Caller, name: &str) -> Json {
        shown(&self.objects.object(caller, name, None, None).await.expect("there"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_lives_from_registration_to_its_tombstone() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let us = |at| member(&plant.ours, NOW + at);
        let name = "88.118.1/A1";
        let first = change(Create, name, json!({"name": "泵", "batch": "B7", "serial": "S1"}));
        assert_eq!(plant.one(&us(1), first.clone()).await.expect("created"), 1);
        assert_eq!(code(plant.one(&us(2), first).await), "object-exists");
        let patch = ObjectChange { version: Some(1), template: None, ..change(Patch, name, json!({"batch": "B8"})) };
        assert_eq!(plant.one(&us(10), patch.clone()).await.expect("patched"), 2);
        assert_eq!(code(plant.one(&us(11), patch).await), "stale-version");
        let none = ObjectChange { template: None, ..change(Patch, name, json!({"batch": "B8"})) };
        let same = plant.objects.change(&us(12), &[none], Manner::SINGLE).await.expect("nothing to do");
        assert_eq!(same.outcomes[0].outcome, OutcomeKind::Unchanged);
        let whole = change(Overwrite, name, json!({"name": "水泵", "serial": "S1"}));
        assert_eq!(plant.one(&us(20), whole).await.expect("overwritten"), 3);
        assert_eq!(plant.see(&us(21), name).await, json!({"name": "水泵", "serial": "S1"}));

        let then = plant.objects.object(&us(30), name, Some(NOW + 15), None).await.expect("then");
        assert_eq!((shown(&then)["batch"].clone(), then.version), (json!("B8"), 2));
        let before = plant.objects.object(&us(30), name, Some(NOW), None).await;
        assert_eq!(code(before), "object-not-found");

        let reason = Some("召回".to_owned());
        plant.one(&us(40), ObjectChange { reason, ..ObjectChange::of(Suspend, name) }).await.expect("suspended");
        let key = hufu_ident::Identifier::parse(name).expect("a name").key(CaseRule::Insensitive);
        let record = plant.store.get(key.as_bytes()).expect("read").expect("there").values;
        let open: Vec<String> =
            record.public().iter().map(|value| String::from_utf8_lossy(value.data).into_owned()).collect();
        assert!(open.contains(&"suspended: 召回".into()) && !open.contains(&"水泵".into()), "{open:?}");
        plant.one(&us(50), ObjectChange::of(Resume, name)).await.expect("resumed");
        assert_eq!(code(plant.one(&us(55), ObjectChange::of(Delete, name)).await), "missing");
        let reason = Some("报废".to_owned());
        let last = ObjectChange { reason, ..ObjectChange::of(Delete, name) };
        assert_eq!(plant.one(&us(60), last).await.expect("deleted"), 6);
        let gone = plant.objects.object(&us(61), name, None, None).await.expect("a tombstone");
        assert_eq!((gone.state, gone.reason.as_str(), gone.fields.len()), (ObjectState::Deleted, "报废", 0));
        assert_eq!(code(plant.one(&us(62), change(Put, name, json!({"name": "x"}))).await), "object-deleted");

        let history = plant.objects.object_history(&us(70), name, None).await.expect("a history");
        let versions: Vec<i64> = history.items.iter().map(|version| version.version).collect();
        assert_eq!(versions, [6, 5, 4, 3, 2, 1], "{}", bench.scratch.kind);
        assert_eq!(history.items[4].changed, ["batch"]);
        assert_eq!((history.items[4].since, history.items[4].until), (NOW + 10, Some(NOW + 20)));
        let older = plant.objects.object_history(&us(70), name, Some(4)).await.expect("a history");
        assert_eq!(older.items.iter().map(|version| version.version).collect::<Vec<_>>(), [3, 2, 1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_says_of_each_what_came_of_it_and_all_or_nothing_means_that() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let us = member(&plant.ours, NOW);
        let make = |name: &str| change(Create, name, json!({"name": "x"}));
        let changes = [make("88.118.1/a"), make("88.118.2/b"), make("88.118.1/A"), make("99.1/c"), make("88.118.1/d")];
        let manner = Manner { atomic: true, dry: false, mark: "", progress: None };
        let all = plant.objects.change(&us, &changes, manner).await.expect("an answer");
        assert_eq!((all.created, all.refused), (0, 5));
        let codes: Vec<&str> = all.outcomes.iter().map(|one| one.code.as_str()).collect();
        let expected = ["batch-refused", "object-not-found", "repeated-in-call", "not-served-here", "batch-refused"];
        assert_eq!(codes, expected);
        let some = plant.objects.change(&us, &changes, Manner { atomic: false, ..manner }).await.expect("an answer");
        assert_eq!((some.created, some.refused), (2, 3));
        let page = plant.objects.objects(&us, &ObjectFilter::default()).await.expect("a page");
        assert_eq!((page.items.len(), page.total), (2, 2));
        let dry = Manner { atomic: false, dry: true, mark: "", progress: None };
        let dry = plant.objects.change(&us, &[make("88.118.1/e")], dry).await.expect("an answer");
        assert_eq!(
            (dry.created, plant.objects.objects(&us, &ObjectFilter::default()).await.expect("a page").total),
            (1, 2)
        );
        let too_many = vec![make("88.118.1/z"); 2001];
        assert_eq!(code(plant.objects.change(&us, &too_many, manner).await), "batch-size");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unique_fields_stay_unique_through_changes_and_deletion() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let us = member(&plant.ours, NOW);
        let make = |name: &str, serial: &str| change(Put, name, json!({"name": "x", "serial": serial}));
        plant.one(&us, make("88.118.1/a", "S1")).await.expect("created");
        assert_eq!(code(plant.one(&us, make("88.118.1/b", "S1")).await), "not-unique");
        let both = [make("88.118.1/b", "S2"), make("88.118.1/c", "S2")];
        let some = Manner { atomic: false, ..Manner::SINGLE };
        let outcome = plant.objects.change(&us, &both, some).await.expect("an answer");
        assert_eq!((outcome.created, outcome.refused), (1, 1));
        plant.one(&us, make("88.118.1/a", "S3")).await.expect("changed");
        plant.one(&us, make("88.118.1/c", "S1")).await.expect("free again");
        let reason = Some("x".to_owned());
        plant.one(&us, ObjectChange { reason, ..ObjectChange::of(Delete, "88.118.1/c") }).await.expect("deleted");
        plant.one(&us, make("88.118.1/d", "S1")).await.expect("free again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn identifiers_are_minted_and_quotas_hold() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let us = member(&plant.ours, NOW);
        let mint = |pattern: &str| ObjectChange {
            identifier: None,
            mint: Some(Mint { prefix: "88.118.1".into(), pattern: pattern.into() }),
            ..change(Create, "", json!({"name": "x"}))
        };
        let changes = vec![mint("SN{n:4}"), mint("SN{n:4}"), mint("{date}-{a:8}{check}")];
        let made = plant.objects.change(&us, &changes, Manner::SINGLE).await.expect("made");
        let names: Vec<&str> = made.outcomes.iter().map(|one| one.identifier.as_str()).collect();
        assert_eq!(names[..2], ["88.118.1/SN0001", "88.118.1/SN0002"]);
        assert!(names[2].starts_with("88.118.1/20260105-") && names[2].len() == 27, "{}", names[2]);
        let quota = QuotaChange { prefixes: Some(1000), identifiers: Some(4) };
        plant.registry.set_quotas(&operator(), &plant.ours, &quota).await.expect("a quota");
        plant.one(&us, mint("SN{n:4}")).await.expect("the fourth");
        assert_eq!(code(plant.one(&us, mint("SN{n:4}")).await), "quota-exceeded");
        let used = plant.registry.quotas(&operator(), &plant.ours).await.expect("quotas");
        assert_eq!(used[1].used, Some(4));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_is_written_after_a_stop_in_between_and_only_once() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let us = |at| member(&plant.ours, NOW + at);
        plant.one(&us(1), change(Create, "88.118.1/a", json!({"name": "1"}))).await.expect("created");
        // The row of the last change is there until the next one: a new process meets it and must not do it again.
        let again = open(&plant.registry, &plant.store);
        assert_eq!(again.settle().await.expect("settled"), 1);
        assert_eq!(plant.store.last_sequence(), 3);
        assert_eq!(again.settle().await.expect("settled"), 0);
        // A store that has lost the last change, as after a kill between the two commits, has it again.
        let copy = tempfile::tempdir().expect("a folder");
        plant.store.backup(&copy.path().join("copy")).expect("a copy");
        let changed = again.change(&us(2), &[change(Put, "88.118.1/a", json!({"name": "2"}))], Manner::SINGLE).await;
        assert_eq!(changed.expect("changed").changed, 1);
        let older: Arc<dyn Store> =
            Arc::new(DiskStore::open(&copy.path().join("copy"), StoreOptions::default()).expect("a store"));
        let killed = open(&plant.registry, &older);
        assert_eq!(killed.settle().await.expect("settled"), 1);
        let found = killed.object(&us(3), "88.118.1/a", None, None).await.expect("there");
        assert_eq!((shown(&found), found.version), (json!({"name": "2"}), 2));
        assert_eq!(killed.object_history(&us(3), "88.118.1/a", None).await.expect("a history").items.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn granted_fields_are_for_the_granted_and_every_disclosure_is_written_down() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let (us, them) = (member(&plant.ours, NOW), member(&plant.theirs, NOW));
        let name = "88.118.1/a";
        let all = json!({"name": "泵", "batch": "B7", "cost": "9", "serial": "S"});
        plant.one(&us, change(Create, name, all.clone())).await.expect("created");
        assert_eq!(plant.see(&us, name).await, all);
        let public = json!({"name": "泵", "serial": "S"});
        assert_eq!(plant.see(&them, name).await, public);
        assert_eq!(code(plant.objects.object_history(&them, name, None).await), "object-not-found");

        let scope = GrantScope { fields: vec!["batch".into(), "cost".into()], ..GrantScope::default() };
        let wish = GrantRequest { about: name.into(), scope, reason: "装配核对".into() };
        let asked = plant.objects.request_grant(&them, &wish).await.expect("asked");
        assert_eq!((asked.state, asked.owner.as_str()), (GrantState::Requested, plant.ours.as_str()));
        assert_eq!(plant.see(&them, name).await, public);
        assert_eq!(code(plant.objects.decide_grant(&them, &asked.id, true, "").await), "not-found");
        let granted = plant.objects.decide_grant(&us, &asked.id, true, "同意").await.expect("granted");
        assert_eq!(granted.state, GrantState::Granted);
        // A private field is opened by no grant, though it be named in one.
        let with = json!({"name": "泵", "batch": "B7", "serial": "S"});
        assert_eq!(plant.see(&them, name).await, with);
        let disclosures =
            plant.objects.disclosures(&us, &DisclosureFilter::default(), &Listing::default()).await.expect("a log");
        assert_eq!((disclosures.total, disclosures.items[0].fields.clone()), (1, vec!["batch".to_owned()]));
        assert_eq!(disclosures.items[0].grants, std::slice::from_ref(&granted.id));
        let not_theirs = plant.objects.disclosures(&them, &DisclosureFilter::default(), &Listing::default()).await;
        assert_eq!(not_theirs.expect("a log").total, 0);
        plant.objects.revoke_grant(&us, &granted.id, "到期").await.expect("revoked");
        assert_eq!(plant.see(&them, name).await, public);
        assert_eq!(code(plant.objects.revoke_grant(&us, &granted.id, "").await), "grant-state");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_narrow_by_object_purpose_time_and_group() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let us = member(&plant.ours, NOW);
        for name in ["88.118.1/a", "88.118.1/b"] {
            plant.one(&us, change(Create, name, json!({"name": "x", "batch": "B"}))).await.expect("created");
        }
        let them = |at| member(&plant.theirs, NOW + at);
        let sees = async |at: i64, name: &str, purpose: Option<&str>| {
            let seen = plant.objects.object(&them(at), name, None, purpose).await.expect("there");
            seen.fields.iter().any(|field| field.name == "batch")
        };
        let members = vec![format!("organisation:{}", plant.theirs)];
        let group =
            plant.objects.create_group(&us, &NewGrantGroup { name: "客户".into(), members }).await.expect("a group");
        let scope = GrantScope {
            identifier: Some("88.118.1/A".into()),
            purpose: Some("审计".into()),
            starts: Some(NOW + 100),
            ends: Some(NOW + 200),
            ..GrantScope::default()
        };
        let grantee = format!("group:{}", group.id);
        let new = NewGrant { owner: None, grantee, scope, reason: String::new() };
        plant.objects.grant(&us, &new).await.expect("granted");
        assert!(sees(150, "88.118.1/a", Some("审计")).await);
        assert!(!sees(150, "88.118.1/b", Some("审计")).await);
        assert!(!sees(150, "88.118.1/a", None).await);
        assert!(!sees(99, "88.118.1/a", Some("审计")).await);
        assert!(!sees(200, "88.118.1/a", Some("审计")).await);
        let empty = NewGrantGroup { name: "客户".into(), members: Vec::new() };
        plant.objects.change_group(&us, &group.id, Some(1), &empty).await.expect("changed");
        assert!(!sees(150, "88.118.1/a", Some("审计")).await);
        for wrong in ["nobody", "organisation:", "identity:x", "prefix:", "group:grp_none"] {
            let new = NewGrant { grantee: wrong.into(), ..new.clone() };
            assert!(plant.objects.grant(&us, &new).await.is_err(), "{wrong}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn visibility_of_one_object_and_relations() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let (us, them) = (member(&plant.ours, NOW), member(&plant.theirs, NOW));
        let relation = |visibility| Relation { kind: RelationKind::Contains, to: "88.118.2/p".into(), visibility };
        let mut made = change(Create, "88.118.1/a", json!({"name": "x", "serial": "S"}));
        made.visibility.insert("serial".into(), Visibility::Private);
        made.relations = Some(vec![relation(Visibility::Public), relation(Visibility::Granted)]);
        plant.one(&us, made).await.expect("created");
        assert_eq!(plant.see(&them, "88.118.1/a").await, json!({"name": "x"}));
        let seen = plant.objects.object(&them, "88.118.1/a", None, None).await.expect("there");
        assert_eq!(seen.relations.len(), 1);
        let mut wrong = change(Create, "88.118.1/b", json!({"name": "x"}));
        wrong.visibility.insert("nothing".into(), Visibility::Private);
        assert_eq!(code(plant.one(&us, wrong).await), "unknown-field");
        let reader = Caller { permissions: [Permission::ObjectRead].into_iter().collect(), ..us.clone() };
        assert_eq!(code(plant.one(&reader, ObjectChange::of(Suspend, "88.118.1/a")).await), "not-permitted");
        let elsewhere = Caller { scope: Scope::Organisation("org-x".into()), ..us };
        assert_eq!(code(plant.one(&elsewhere, ObjectChange::of(Suspend, "88.118.1/a")).await), "object-not-found");
    }
}
