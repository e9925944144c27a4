//! Templates and metadata: made, changed, published, opened to others, taken over.

use crate::objects::{Plant, change, member, plant};
use crate::prefixes::code;
use crate::{NOW, benches, operator};
use hufu_registry::objects::Manner;
use hufu_registry::objects::change::{ObjectChange, ObjectOperation};
use hufu_registry::templates::content::TemplateContent;
use hufu_registry::templates::life::{NewTemplate, TemplateCopy, TemplateScopeChange, TemplateStateChange};
use hufu_registry::templates::metadata::{MetadataContent, MetadataFilter, MetadataState, NewMetadata};
use hufu_registry::templates::proposal::{MetadataDecision, NewMetadataProposal, ProposalFilter, ProposalState};
use hufu_registry::templates::starter::StarterTaking;
use hufu_registry::templates::template::{TemplateFilter, TemplateScope, TemplateState, TemplateView};
use hufu_registry::templates::{DataType, Item, ItemState};
use hufu_registry::{Caller, Error, Listing, Permission};
use serde_json::{Value as Json, json};

fn read<T: serde::de::DeserializeOwned>(value: Json) -> T {
    serde_json::from_value(value).expect("a request")
}

fn item(name: &str) -> Json {
    json!({"name": name, "labels": {"zh": name, "en": name}})
}

fn new(prefix: &str, version_text: &str, items: Json) -> NewTemplate {
    read(json!({"prefix": prefix, "versionText": version_text,
                "content": {"labels": {"zh": "电机", "en": "Motor"}, "industryCategory": "C", "industrySpecific": "38",
                            "items": items}}))
}

impl Plant {
    async fn draft(&self, caller: &Caller, version_text: &str, items: Json) -> Result<TemplateView, Error> {
        self.registry.create_template(caller, &new("88.118.1", version_text, items)).await
    }

    async fn move_to(&self, caller: &Caller, id: &str, state: TemplateState) -> Result<TemplateView, Error> {
        let change = TemplateStateChange { state, reason: "试".into() };
        self.registry.set_template_state(caller, id, None, &change).await
    }

    async fn amend(&self, caller: &Caller, view: &TemplateView, items: Vec<Item>) -> Result<TemplateView, Error> {
        let content = TemplateContent { items, ..view.content.clone() };
        self.registry.amend_template(caller, &view.id, Some(view.version), &content).await
    }

    async fn object(&self, caller: &Caller, name: &str, template: &str, values: Json) -> Result<(), Error> {
        let one = ObjectChange { template: Some(template.into()), ..change(ObjectOperation::Create, name, values) };
        self.objects.change(caller, &[one], Manner::SINGLE).await.map(drop)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_lives_from_draft_to_deletion() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let us = member(&plant.ours, NOW);
        let draft = plant.draft(&us, "2.0", json!([item("power"), item("serial")])).await.expect("a draft");
        assert!(draft.handle.starts_with("88.118.1/META_"), "{}", draft.handle);
        let indexes: Vec<u32> = draft.content.items.iter().map(|item| item.index).collect();
        assert_eq!((indexes, draft.revision, draft.state), (vec![2000, 2001], 0, TemplateState::Draft));
        assert_eq!(code(plant.draft(&us, "2.0", json!([item("x")])).await), "template-exists");
        let by = format!("{}@{}", draft.prefix, draft.version_text);
        assert_eq!(code(plant.object(&us, "88.118.1/m0", &by, json!({"power": "1"})).await), "template-not-published");

        // A draft is replaced altogether.
        let draft = plant.amend(&us, &draft, vec![read(item("power"))]).await.expect("amended");
        assert_eq!(draft.content.items.len(), 1);
        let stale = TemplateView { version: 1, ..draft.clone() };
        assert_eq!(code(plant.amend(&us, &stale, draft.content.items.clone()).await), "stale-version");
        assert_eq!(code(plant.move_to(&us, &draft.id, TemplateState::Withdrawn).await), "template-state");

        let first = plant.move_to(&us, &draft.id, TemplateState::Published).await.expect("published");
        assert_eq!((first.revision, first.published), (1, Some(NOW)));
        plant.object(&us, "88.118.1/m1", &by, json!({"power": "1"})).await.expect("by version");
        plant.object(&us, "88.118.1/m2", &draft.id, json!({"power": "1"})).await.expect("by id");
        plant.object(&us, "88.118.1/m3", &draft.handle.to_lowercase(), json!({"power": "1"})).await.expect("by handle");

        // From now on nothing but new items, labels, states.
        let second = plant.amend(&us, &first, vec![read(item("speed"))]).await.expect("added");
        let names: Vec<&str> = second.content.items.iter().map(|item| item.name.as_str()).collect();
        assert_eq!((names, second.revision, second.content.items[1].index), (vec!["power", "speed"], 2, 2001));
        let mut disabled = second.content.items[0].clone();
        disabled.state = ItemState::Disabled;
        disabled.labels.insert("de".into(), "Leistung".into());
        let third = plant.amend(&us, &second, vec![disabled]).await.expect("disabled");
        assert_eq!((third.revision, third.content.items.len()), (3, 2));
        assert_eq!(code(plant.object(&us, "88.118.1/m4", &by, json!({"power": "1"})).await), "disabled-field");
        let shown = plant.objects.object(&us, "88.118.1/m1", None, None).await.expect("kept");
        assert_eq!((shown.fields[0].value.clone(), shown.fields[0].labels["de"].as_str()), (json!("1"), "Leistung"));
        for (wrong, why) in [
            (json!({"name": "power", "labels": {"zh": "x"}, "dataType": "number"}), "published"),
            (json!({"name": "power", "labels": {"zh": "x"}, "required": true}), "published"),
            (json!({"name": "power", "labels": {"zh": "x"}, "rules": {"maxLength": 3}}), "published"),
            (json!({"name": "other", "labels": {"zh": "x"}, "index": 2000}), "index-taken"),
            (json!({"name": "power", "labels": {"zh": "x"}, "index": 2009}), "index-fixed"),
        ] {
            assert_eq!(code(plant.amend(&us, &third, vec![read(wrong.clone())]).await), why, "{wrong}");
        }
        let then = plant.registry.template(&us, &draft.handle, Some(1)).await.expect("the first");
        assert_eq!((then.content.items.len(), then.revision), (1, 1));
        let all = plant.registry.template_revisions(&us, &draft.id, &Listing::default()).await.expect("revisions");
        assert_eq!(all.items.iter().map(|one| one.revision).collect::<Vec<_>>(), [3, 2, 1]);

        assert_eq!(code(plant.registry.delete_template(&us, &draft.id, None).await), "template-published");
        plant.move_to(&us, &draft.id, TemplateState::Withdrawn).await.expect("withdrawn");
        assert_eq!(code(plant.object(&us, "88.118.1/m5", &by, json!({})).await), "template-not-published");
        plant.objects.object(&us, "88.118.1/m1", None, None).await.expect("kept");
        plant.move_to(&us, &draft.id, TemplateState::Published).await.expect("published again");
        plant.move_to(&us, &draft.id, TemplateState::Withdrawn).await.expect("withdrawn again");
        plant.registry.delete_template(&us, &draft.id, None).await.expect("deleted");
        let shown = plant.objects.object(&us, "88.118.1/m1", None, None).await.expect("kept");
        assert_eq!(shown.fields[0].data_type, DataType::String, "{}", bench.scratch.kind);
        assert_eq!(code(plant.object(&us, "88.118.1/m6", &by, json!({})).await), "template-not-found");
        assert_eq!(code(plant.draft(&us, "2.0", json!([item("x")])).await), "template-exists");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_template_may_not_say() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let us = member(&plant.ours, NOW);
        for (items, why) in [
            (json!([]), "wrong-count"),
            (json!([item("a"), item("A")]), "repeated"),
            (json!([item("HS_PUBKEY")]), "reserved-name"),
            (json!([item("hs_admin")]), "reserved-name"),
            (json!([item("TEMPLATE")]), "reserved-name"),
            (json!([item("10320/loc")]), "bad-name"),
            (json!([item("名称")]), "bad-name"),
            (json!([{"name": "a"}]), "missing"),
            (json!([{"name": "a", "labels": {"chinese": "x"}}]), "bad-language"),
            (json!([{"name": "a", "labels": {"zh": "x"}, "index": 1001}]), "out-of-range"),
            (json!([{"name": "a", "labels": {"zh": "x"}, "rules": {"pattern": "("}}]), "bad-pattern"),
            (json!([{"name": "a", "labels": {"zh": "x"}, "dataType": "file", "unique": true}]), "not-unique-able"),
            (json!([{"name": "a", "labels": {"zh": "x"}, "metadata": "md-none"}]), "not-found"),
            (Json::Array((0..501).map(|at| item(&format!("f{at}"))).collect()), "wrong-count"),
        ] {
            assert_eq!(code(plant.draft(&us, "9", items.clone()).await), why, "{items}");
        }
        let whole = Json::Array((0..500).map(|at| item(&format!("f{at}"))).collect());
        plant.draft(&us, "9", whole).await.expect("as many as there may be");
        let mut wrong = new("88.118.1", "10", json!([item("a")]));
        wrong.content.industry_specific = "01".into();
        assert_eq!(code(plant.registry.create_template(&us, &wrong).await), "industry-levels");
        let handle =
            NewTemplate { handle: Some("88.118.2/META_x".into()), ..new("88.118.1", "10", json!([item("a")])) };
        assert_eq!(code(plant.registry.create_template(&us, &handle).await), "not-below-prefix");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_see_what_is_opened_to_them_and_change_nothing() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let (us, them) = (member(&plant.ours, NOW), member(&plant.theirs, NOW));
        let registry = &plant.registry;
        let made = plant.draft(&us, "3", json!([item("a")])).await.expect("a draft");
        assert_eq!(code(registry.create_template(&them, &new("88.118.1", "4", json!([item("a")]))).await), "not-found");
        let sees = async |caller: &Caller| registry.template(caller, &made.id, None).await;
        assert_eq!(code(sees(&them).await), "template-not-found");
        plant.move_to(&us, &made.id, TemplateState::Published).await.expect("published");
        assert_eq!(code(sees(&them).await), "template-not-found");
        let theirs = plant.object(&them, "88.118.2/x", &made.id, json!({"a": "1"})).await;
        assert_eq!(code(theirs), "template-not-found");

        let opened = |scope, organisations: &[&String]| TemplateScopeChange {
            scope,
            organisations: organisations.iter().map(|one| (*one).clone()).collect(),
        };
        let nobody = opened(TemplateScope::Named, &[&"org-none".to_owned()]);
        assert_eq!(code(registry.set_template_scope(&us, &made.id, None, &nobody).await), "not-found");
        let named = opened(TemplateScope::Named, &[&plant.theirs]);
        registry.set_template_scope(&us, &made.id, None, &named).await.expect("opened");
        let users = registry.template_users(&us, &made.id).await.expect("users");
        assert_eq!(users, std::slice::from_ref(&plant.theirs));
        assert_eq!(code(registry.template_users(&them, &made.id).await), "template-not-found");
        sees(&them).await.expect("seen");
        plant.object(&them, "88.118.2/x", &made.id, json!({"a": "1"})).await.expect("used");
        assert_eq!(code(registry.set_template_scope(&them, &made.id, None, &named).await), "template-not-found");
        assert_eq!(code(plant.move_to(&them, &made.id, TemplateState::Withdrawn).await), "template-not-found");
        assert_eq!(code(registry.delete_template(&them, &made.id, None).await), "template-not-found");

        // A copy keeps the items as they are, for its own organisation.
        let wish = TemplateCopy { prefix: "88.118.2".into(), version_text: "1".into(), ..TemplateCopy::default() };
        let copy = registry.copy_template(&them, &made.id, &wish).await.expect("copied");
        assert_eq!((copy.base.as_str(), copy.state), (made.handle.as_str(), TemplateState::Draft));
        assert_eq!(code(plant.amend(&them, &copy, vec![read(item("b"))]).await), "template-frozen");
        let all = opened(TemplateScope::All, &[]);
        assert_eq!(code(registry.set_template_scope(&them, &copy.id, None, &all).await), "template-copy-own");
        let renamed = TemplateContent { description: "抄".into(), ..copy.content.clone() };
        registry.amend_template(&them, &copy.id, None, &renamed).await.expect("the rest may change");

        let listed = async |caller: &Caller| {
            let page =
                registry.templates(caller, &TemplateFilter::default(), &Listing::default()).await.expect("a list");
            let mut names: Vec<String> = page.items.into_iter().map(|line| line.version_text).collect();
            names.sort();
            names.join(" ")
        };
        assert_eq!(listed(&us).await, "1.0 3");
        assert_eq!(listed(&them).await, "1 1.0 3");
        let one = TemplateFilter { industry: Some("C38".into()), ..TemplateFilter::default() };
        assert_eq!(registry.templates(&operator(), &one, &Listing::default()).await.expect("a list").total, 2);
        let reader = Caller { permissions: [Permission::TemplateRead].into_iter().collect(), ..us.clone() };
        assert_eq!(code(plant.draft(&reader, "7", json!([item("a")])).await), "not-permitted");
    }
}

fn power(level: &str, base: &str, range: &str) -> NewMetadata {
    read(json!({"level": level, "content": {
        "code": format!("POWER-{level}"), "name": "power", "labels": {"zh": "功率", "en": "Power"},
        "dataType": "number", "rules": {"range": range, "unit": "kW", "decimals": 1},
        "industry": if level == "core" { "" } else { "C38" }, "base": base,
    }}))
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_made_above_and_taken_over_below() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let (us, them) = (member(&plant.ours, NOW), member(&plant.theirs, NOW));
        let registry = &plant.registry;
        assert_eq!(code(registry.create_metadata(&us, &power("core", "", "[0,)")).await), "not-found");
        let core = registry.create_metadata(&operator(), &power("core", "", "[0,1000]")).await.expect("core");
        assert_eq!(code(registry.create_metadata(&operator(), &power("core", "", "[0,)")).await), "metadata-exists");
        let wide = registry.create_metadata(&operator(), &power("industry", &core.id, "[0,2000]")).await;
        assert_eq!(code(wide), "wider-than-metadata");
        let industry = registry.create_metadata(&operator(), &power("industry", &core.id, "[0,500]")).await;
        let industry = industry.expect("narrower");
        assert_eq!(industry.content.base_version, 1);
        assert_eq!(
            code(registry.create_metadata(&operator(), &power("core", &industry.id, "[0,1]")).await),
            "wrong-level"
        );
        let ours = registry.create_metadata(&us, &power("enterprise", &industry.id, "[1,100]")).await.expect("ours");
        assert_eq!(ours.organisation, plant.ours);
        assert_eq!(code(registry.metadata(&them, &ours.id, None).await), "not-found");
        assert_eq!(code(registry.amend_metadata(&us, &core.id, None, &core.content).await), "not-found");

        // An item that only names its metadata is that metadata.
        let items = json!([{"metadata": ours.id}, {"name": "peak", "labels": {"zh": "峰值"}, "dataType": "number",
            "metadata": industry.id, "rules": {"range": "[10,20]", "unit": "kW", "decimals": 0}}]);
        let made = plant.draft(&us, "5", items).await.expect("made from metadata");
        let first = &made.content.items[0];
        assert_eq!((first.name.as_str(), first.label("zh"), first.metadata_version), ("power", "功率", 1));
        assert_eq!(first.rules, ours.content.rules);
        let wider = json!([{"name": "p", "labels": {"zh": "x"}, "dataType": "number", "metadata": ours.id,
                            "rules": {"range": "[0,101]", "unit": "W"}}]);
        let refused = plant.draft(&us, "6", wider).await.expect_err("wider");
        let fields: Vec<&str> = refused
            .refusal()
            .map(|it| it.fields.iter().map(|field| field.field.as_str()).collect())
            .unwrap_or_default();
        assert_eq!(fields, ["items[0].rules.range", "items[0].rules.decimals", "items[0].rules.unit"]);
        let other = json!([{"name": "p", "labels": {"zh": "x"}, "metadata": ours.id}]);
        assert_eq!(code(plant.draft(&us, "6", other).await), "other-than-metadata");
        assert_eq!(
            code(registry.create_template(&them, &new("88.118.2", "1", json!([{"metadata": ours.id}]))).await),
            "not-found"
        );

        // A change is a new version; the first stays.
        let narrower = MetadataContent { definition: "额定".into(), ..ours.content.clone() };
        let second = registry.amend_metadata(&us, &ours.id, Some(1), &narrower).await.expect("amended");
        assert_eq!(second.version, 2);
        assert_eq!(code(registry.amend_metadata(&us, &ours.id, Some(1), &narrower).await), "stale-version");
        let then = registry.metadata(&us, &ours.id, Some(1)).await.expect("the first");
        assert_eq!((then.version, then.content.definition.as_str()), (1, ""));
        let fixed = MetadataContent { data_type: DataType::Date, ..narrower };
        assert_eq!(code(registry.amend_metadata(&us, &ours.id, None, &fixed).await), "metadata-fixed");
        registry.set_metadata_state(&us, &ours.id, None, MetadataState::Disabled).await.expect("disabled");
        assert_eq!(code(plant.draft(&us, "6", json!([{"metadata": ours.id}])).await), "disabled");
        plant.amend(&us, &made, made.content.items.clone()).await.expect("what is made of it stays");

        let all =
            registry.metadata_entries(&them, &MetadataFilter::default(), &Listing::default()).await.expect("a list");
        assert_eq!(
            all.items.iter().map(|it| it.content.code.as_str()).collect::<Vec<_>>(),
            ["POWER-core", "POWER-industry"]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enterprise_proposes_and_the_node_decides() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let (us, them) = (member(&plant.ours, NOW), member(&plant.theirs, NOW));
        let registry = &plant.registry;
        let content = power("industry", "", "[0,9]").content;
        let new = NewMetadataProposal { content: content.clone(), reason: "行业通用".into() };
        let nowhere = MetadataContent { industry: String::new(), ..content };
        let nowhere = NewMetadataProposal { content: nowhere, ..new.clone() };
        assert_eq!(code(registry.propose_metadata(&us, &nowhere).await), "missing");
        let made = registry.propose_metadata(&us, &new).await.expect("proposed");
        let decide = async |caller: &Caller, id: &str, state, reason: &str| {
            let decision = MetadataDecision { state, reason: reason.into() };
            registry.decide_metadata_proposal(caller, id, None, &decision).await
        };
        assert_eq!(code(registry.metadata_proposal(&them, &made.id).await), "not-found");
        assert_eq!(code(decide(&us, &made.id, ProposalState::InReview, "").await), "not-found");
        assert_eq!(code(decide(&operator(), &made.id, ProposalState::Accepted, "").await), "proposal-state");
        decide(&operator(), &made.id, ProposalState::InReview, "").await.expect("in review");
        assert_eq!(code(decide(&operator(), &made.id, ProposalState::Refused, " ").await), "missing");
        let done = decide(&operator(), &made.id, ProposalState::Accepted, "同意").await.expect("accepted");
        let entry = registry.metadata(&them, &done.metadata, None).await.expect("everybody's");
        assert_eq!((entry.organisation.as_str(), entry.content.industry.as_str()), ("", "C38"));
        assert_eq!(code(decide(&operator(), &made.id, ProposalState::Refused, "x").await), "proposal-state");

        let again = registry.propose_metadata(&us, &new).await.expect("proposed");
        decide(&operator(), &again.id, ProposalState::InReview, "").await.expect("in review");
        assert_eq!(code(decide(&operator(), &again.id, ProposalState::Accepted, "").await), "metadata-exists");
        decide(&operator(), &again.id, ProposalState::Refused, "已有").await.expect("refused");
        let page =
            registry.metadata_proposals(&us, &ProposalFilter::default(), &Listing::default()).await.expect("a list");
        assert_eq!(page.total, 2, "{}", bench.scratch.kind);
        let page = registry.metadata_proposals(&them, &ProposalFilter::default(), &Listing::default()).await;
        assert_eq!(page.expect("a list").total, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_starter_set_is_taken_over_by_whoever_wants_it() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let us = member(&plant.ours, NOW);
        let set = plant.registry.starter_templates(&us).await.expect("a set");
        for starter in &set.items {
            let taking = StarterTaking {
                prefix: "88.118.1".into(),
                version_text: starter.key.clone(),
                ..StarterTaking::default()
            };
            let taken = plant.registry.take_starter(&us, &starter.key, &taking).await.expect("taken");
            assert_eq!((taken.state, taken.content.items.len()), (TemplateState::Draft, starter.content.items.len()));
            plant.move_to(&us, &taken.id, TemplateState::Published).await.expect("published");
        }
        let values = json!({"engineNumber": "E1", "model": "ZS162", "manufacturer": "宗申", "ratedPower": "8.50"});
        plant.object(&us, "88.118.1/E1", "88.118.1@engine", values.clone()).await.expect("an engine");
        assert_eq!(code(plant.object(&us, "88.118.1/E2", "88.118.1@engine", values).await), "not-unique");
        let shown = plant.objects.object(&us, "88.118.1/E1", None, None).await.expect("there");
        let power = shown.fields.iter().find(|field| field.name == "ratedPower").expect("a power");
        assert_eq!(
            (power.value.clone(), power.unit.as_str(), power.labels["zh"].as_str()),
            (json!(8.5), "kW", "额定功率")
        );
        let none = plant.registry.take_starter(&us, "none", &StarterTaking::default()).await;
        assert_eq!(code(none), "not-found");
    }
}
