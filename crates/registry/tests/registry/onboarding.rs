//! Onboarding: from a draft to an organisation, and every way in which an application does not get there.

use crate::{Bench, NOW, benches, operator};
use hufu_registry::accounts::credential::NewPassword;
use hufu_registry::onboarding::checkers::{Aspect, Outcome};
use hufu_registry::onboarding::content::Origin;
use hufu_registry::onboarding::documents::Attachment;
use hufu_registry::onboarding::evidence::NewEvidence;
use hufu_registry::onboarding::review::{Decision, Verdict};
use hufu_registry::onboarding::{
    Administrator, Application, ApplicationFilter, ApplicationKind, Content, NewApplication, PrefixWish, State,
};
use hufu_registry::organisations::OrganisationFilter;
use hufu_registry::settings::ReviewSettings;
use hufu_registry::subject::{Arrangement, ExternalWeb, Person, Subject, SystemPlace};
use hufu_registry::{Caller, Error, Listing, Permission, Registry, Scope, caller};
use std::path::Path;

/// The smallest PNG that is one.
pub fn png() -> Vec<u8> {
    let mut octets = b"\x89PNG\r\n\x1a\n".to_vec();
    octets.extend(b"\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55");
    octets.extend(b"\0\0\0\0IEND\xaeB`\x82");
    octets
}

/// Somebody of the node with an account.
pub fn person(account: &str) -> Caller {
    let origin = caller::Origin::Session { account: account.into(), session: "ses-1".into() };
    Caller { origin, name: account.into(), ..operator() }
}

/// Somebody of an organisation, with all permissions there.
pub fn member(account: &str, organisation: &str) -> Caller {
    Caller { scope: Scope::Organisation(organisation.into()), ..person(account) }
}

fn at(caller: Caller, at: i64) -> Caller {
    Caller { at, ..caller }
}

pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.expect_err("refused");
    error.refusal().unwrap_or_else(|| panic!("no refusal: {error:?}")).code.to_owned()
}

fn fields<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<(String, String)> {
    let error = result.expect_err("refused");
    let refusal = error.refusal().unwrap_or_else(|| panic!("no refusal: {error:?}"));
    refusal.fields.iter().map(|field| (field.field.clone(), field.code.clone())).collect()
}

fn place(kind: u8) -> SystemPlace {
    SystemPlace {
        sys_type: Some(kind),
        deploy_mode: Some(1),
        province: "440000".into(),
        city: "440300".into(),
        addr: "示例路 1 号".into(),
        ip_port: if kind == 1 { "[1.2.3.4]:2641".into() } else { String::new() },
        ..SystemPlace::default()
    }
}

/// Everything that is required, with an invented credit code and invented citizen numbers.
pub fn content(name: &str) -> Content {
    let someone = |name: &str| Person {
        name: name.into(),
        crt_type: Some(1),
        crt_no: "44030519900101123X".into(),
        phone: "13800000000".into(),
        email: "someone@hufu-demo.cn".into(),
        ..Person::default()
    };
    let own = Arrangement { mode: Some(1), ..Arrangement::default() };
    let subject = Subject {
        org_name: name.into(),
        org_nature: Some(2),
        org_addr: "示例路 1 号".into(),
        org_addr_province: "440000".into(),
        org_addr_city: "440300".into(),
        org_crt_type: Some(1),
        org_crt_code: "91440300MA5EXA1P7G".into(),
        industry_category: "C".into(),
        industry_specific: "34".into(),
        legal: someone("甲一"),
        contact: someone("乙二"),
        serv_sys_build: own.clone(),
        serv_sys_oper: own,
        systems: (1..=4).map(place).collect(),
        ext_web: ExternalWeb {
            name: "示例标识服务".into(), domain: "id.hufu-demo.cn".into(), ip: "1.2.3.4".into()
        },
        ..Subject::default()
    };
    let administrator =
        Administrator { login: "admin@pump".into(), name: "丙三".into(), email: "admin@hufu-demo.cn".into() };
    Content { subject: Some(subject), administrator: Some(administrator), ..Content::default() }
}

/// Settings that ask for no photographs and try no addresses.
pub async fn simple(registry: &Registry, change: impl FnOnce(&mut ReviewSettings)) {
    let mut settings = ReviewSettings { photographs: false, reachability: false, ..ReviewSettings::default() };
    change(&mut settings);
    let document = serde_json::to_value(settings).expect("JSON");
    registry.write_setting(&operator(), "review", None, document).await.expect("settings");
}

async fn file(registry: &Registry, caller: &Caller, content: Content) -> Application {
    let new = NewApplication { kind: ApplicationKind::Onboarding, organisation: None, content };
    registry.create_application(caller, &new).await.expect("filed")
}

fn decision(verdict: Verdict, reason: &str) -> Decision {
    Decision { verdict, reason: reason.into() }
}

/// Filed, submitted and claimed by `acc-reviewer`.
async fn in_review(registry: &Registry, name: &str, change: impl FnOnce(&mut Content)) -> Application {
    let mut content = content(name);
    change(&mut content);
    let draft = file(registry, &person("acc-clerk"), content).await;
    registry.submit_application(&person("acc-clerk"), &draft.id, None).await.expect("submitted");
    registry.claim_application(&person("acc-reviewer"), &draft.id, false).await.expect("claimed")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_becomes_an_organisation() {
    for bench in benches().await {
        let (registry, reviewer) = (&bench.registry, person("acc-reviewer"));
        simple(registry, |_| {}).await;
        registry.declare_own_prefixes(&operator(), &["88.118".into()]).await.expect("declared");
        let claimed = in_review(registry, "示例泵业有限公司", |content| {
            let chosen = PrefixWish { name: "88.118.77".into(), hosted: true, ..PrefixWish::default() };
            let next = PrefixWish { parent: "88.118".into(), ..PrefixWish::default() };
            content.prefixes = vec![chosen, next];
        });
        let claimed = claimed.await;
        assert_eq!((claimed.state, claimed.claimed_by.as_str()), (State::InReview, "acc-reviewer"));
        let seen = registry.evidence(&reviewer, &claimed.id).await.expect("evidence");
        let failing: Vec<_> = seen.iter().filter(|evidence| evidence.outcome == Outcome::Fail).collect();
        assert!(failing.is_empty(), "{failing:#?}");

        let yes = decision(Verdict::Approve, "齐全");
        let approved = registry.decide_application(&reviewer, &claimed.id, None, &yes).await.expect("approved");
        assert_eq!(approved.state, State::Approved);
        let organisation = approved.result["organisation"].as_str().expect("an organisation").to_owned();
        assert_eq!(approved.organisation, organisation);
        let entered = registry.organisation(&operator(), &organisation).await.expect("entered");
        assert_eq!(entered.name, "示例泵业有限公司");

        let prefixes = approved.result["prefixes"].as_array().expect("prefixes");
        assert_eq!((prefixes.len(), prefixes[0].as_str()), (2, Some("88.118.77")));
        // The first administrator sets a password with the token, which is nowhere but here.
        let token = approved.invitation.clone().expect("a token");
        let set = NewPassword { token: token.clone(), password: "correct horse battery 9".into() };
        let anonymous = Caller::anonymous("192.0.2.1", "req-1", NOW);
        let account = registry.accept_invitation(&anonymous, &set).await.expect("accepted");
        assert_eq!((account.login.as_str(), account.organisation.as_str()), ("admin@pump", organisation.as_str()));
        let audit = registry.audit(&operator(), &Default::default(), &Listing::default()).await.expect("the audit");
        assert!(!serde_json::to_string(&audit).expect("JSON").contains(&token));

        // The enterprise sees its application now, and what became of it.
        let own = member("acc-own", &organisation);
        assert_eq!(registry.application(&own, &claimed.id).await.expect("seen").state, State::Approved);
        let steps = registry.application_steps(&own, &claimed.id).await.expect("steps");
        let events: Vec<_> = steps.iter().map(|step| (step.event.as_str(), step.actor.as_str())).collect();
        assert_eq!(events, [("submit", "acc-clerk"), ("claim", "acc-reviewer"), ("approve", "acc-reviewer")]);
        assert_eq!(steps[2].reason, "齐全");
        assert!(registry.verify_audit(&operator()).await.expect("checked").whole, "{}", bench.scratch.kind);

        // What is decided stays decided.
        let again = registry.decide_application(&reviewer, &claimed.id, None, &decision(Verdict::Reject, "x")).await;
        assert_eq!(code(again), "application-state");
        let again = registry.save_application(&person("acc-clerk"), &claimed.id, None, &content("乙")).await;
        assert_eq!(code(again), "application-state");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_cannot_be_carried_out_changes_nothing() {
    for bench in benches().await {
        let (registry, reviewer) = (&bench.registry, person("acc-reviewer"));
        simple(registry, |_| {}).await;
        let claimed = in_review(registry, "示例泵业", |content| {
            let elsewhere = PrefixWish { name: "88.119.1".into(), ..PrefixWish::default() };
            content.prefixes = vec![elsewhere];
        });
        let claimed = claimed.await;
        let approve = decision(Verdict::Approve, "");
        let failed = fields(registry.decide_application(&reviewer, &claimed.id, None, &approve).await);
        assert_eq!(failed, [("prefixes[0]".to_owned(), "prefix-not-below-own".to_owned())]);
        let same = registry.application(&reviewer, &claimed.id).await.expect("there");
        assert_eq!((same.state, same.version), (State::InReview, claimed.version));
        let none = registry.organisations(&operator(), &Default::default(), &Listing::default()).await.expect("a page");
        assert_eq!(none.total, 0, "{}", bench.scratch.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_may_be_anything_and_submitting_names_everything_that_is_missing() {
    for bench in benches().await {
        let (registry, clerk) = (&bench.registry, person("acc-clerk"));
        let draft = file(registry, &clerk, Content::default()).await;
        let missing = fields(registry.submit_application(&clerk, &draft.id, None).await);
        let names: Vec<_> = missing.iter().map(|(field, _)| field.as_str()).collect();
        for field in [
            "subject.orgName",
            "subject.orgNature",
            "subject.orgAddr",
            "subject.orgAddrProvince",
            "subject.orgAddrCity",
            "subject.orgCrtType",
            "subject.orgCrtCode",
            "subject.orgCrtImg",
            "subject.industryCategory",
            "subject.industrySpecific",
            "subject.legal.name",
            "subject.legal.crtType",
            "subject.legal.crtNo",
            "subject.legal.crtFrontImg",
            "subject.contact.name",
            "subject.contact.crtType",
            "subject.contact.crtNo",
            "subject.contact.phone",
            "subject.contact.email",
            "subject.servSysBuild.mode",
            "subject.servSysOper.mode",
            "subject.systems",
            "administrator.login",
            "administrator.name",
            "administrator.email",
        ] {
            assert!(names.contains(&field), "{field} is not named in {names:?}");
        }
        assert!(missing.iter().all(|(_, code)| code == "missing"), "{missing:?}");
        assert_eq!(names.iter().filter(|name| **name == "subject.systems").count(), 4);
        assert!(!names.contains(&"subject.orgDesc"));

        let mut wrong = content("示例");
        let subject = wrong.subject.as_mut().expect("a subject");
        subject.org_nature = Some(9);
        subject.contact.email = "nobody".into();
        subject.org_addr_city = "9999".into();
        subject.serv_sys_build.mode = Some(2);
        subject.org_crt_img = "doc-of-somebody-else".into();
        subject.establish_date = "2020/1/1".into();
        simple(registry, |_| {}).await;
        // A number out of its table is no draft at all.
        assert_eq!(fields(registry.save_application(&clerk, &draft.id, None, &wrong).await)[0].0, "subject.orgNature");
        wrong.subject.as_mut().expect("a subject").org_nature = Some(1);
        let saved = registry.save_application(&clerk, &draft.id, Some(1), &wrong).await.expect("saved");
        assert_eq!((saved.version, saved.content_version), (2, 2));
        let found = fields(registry.submit_application(&clerk, &draft.id, None).await);
        let names: Vec<_> = found.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(
            names,
            [
                "subject.orgAddrCity",
                "subject.orgCrtImg",
                "subject.contact.email",
                "subject.establishDate",
                "subject.servSysBuild.org",
                "subject.servSysBuild.contract",
            ]
        );
        let rehearsal = registry.rehearse_application(&clerk, &draft.id).await.expect("rehearsed");
        assert_eq!((rehearsal.complete, rehearsal.fields.len()), (false, 6));
        assert_eq!(code(registry.save_application(&clerk, &draft.id, Some(1), &wrong).await), "stale-version");
        let first = registry.application_version(&clerk, &draft.id, 1).await.expect("kept");
        assert_eq!(first.content, Content::default());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_returned_is_corrected_and_submitted_again() {
    for bench in benches().await {
        let (registry, clerk, reviewer) = (&bench.registry, person("acc-clerk"), person("acc-reviewer"));
        simple(registry, |_| {}).await;
        let claimed = in_review(registry, "示例泵业", |_| {}).await;
        let without = registry.decide_application(&reviewer, &claimed.id, None, &decision(Verdict::Return, " ")).await;
        assert_eq!(fields(without), [("reason".to_owned(), "missing".to_owned())]);
        let back = decision(Verdict::Return, "地址不详");
        let back = registry.decide_application(&reviewer, &claimed.id, None, &back).await.expect("returned");
        assert_eq!((back.state, back.claimed_by.as_str()), (State::Returned, ""));

        let mut better = content("示例泵业");
        better.subject.as_mut().expect("a subject").org_addr = "示例路 2 号".into();
        registry.save_application(&clerk, &claimed.id, None, &better).await.expect("saved");
        let later = at(clerk.clone(), NOW + caller::DAY);
        let again = registry.submit_application(&later, &claimed.id, None).await.expect("submitted again");
        assert_eq!((again.state, again.content_version), (State::Submitted, 2));
        assert!(again.due > claimed.due);
        // What looked at the address does not count any more; what looked at the contact was made again.
        let seen = registry.evidence(&reviewer, &claimed.id).await.expect("evidence");
        let first = seen.iter().find(|evidence| evidence.aspect == Aspect::Organisation).expect("there");
        assert!(!first.current && first.content_version == 1);
        registry.claim_application(&reviewer, &claimed.id, false).await.expect("claimed again");
        let approve = decision(Verdict::Approve, "");
        let approved = registry.decide_application(&reviewer, &claimed.id, None, &approve).await.expect("approved");
        assert_eq!(approved.state, State::Approved);

        let rejected = in_review(registry, "另一家", |_| {}).await;
        let no = decision(Verdict::Reject, "名称不合规");
        let rejected = registry.decide_application(&reviewer, &rejected.id, None, &no).await.expect("rejected");
        assert_eq!((rejected.state, rejected.decided), (State::Rejected, NOW));
        let filter = OrganisationFilter { name: Some("另一家".into()), ..Default::default() };
        let none = registry.organisations(&operator(), &filter, &Listing::default()).await.expect("a page");
        assert_eq!(none.total, 0);
        assert_eq!(code(registry.withdraw_application(&clerk, &rejected.id, "").await), "application-state");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_reviewers_are_two_people_and_neither_has_written_it() {
    for bench in benches().await {
        let registry = &bench.registry;
        simple(registry, |settings| settings.reviewers = 2).await;
        let approve = decision(Verdict::Approve, "");
        let (one, two) = (person("acc-reviewer"), person("acc-second"));
        let claimed = in_review(registry, "示例泵业", |_| {}).await;

        // Whoever filed it, and whoever has only saved it once, decides nothing.
        for caller in [person("acc-clerk"), member("acc-x", "org-x")] {
            let claim = registry.claim_application(&caller, &claimed.id, true).await;
            assert!(["not-impartial", "not-found"].contains(&code(claim).as_str()));
            let decide = registry.decide_application(&caller, &claimed.id, None, &approve).await;
            assert!(["not-impartial", "not-found"].contains(&code(decide).as_str()));
        }
        let unclaimed = registry.decide_application(&two, &claimed.id, None, &approve).await;
        assert_eq!(code(unclaimed), "not-claimed");
        assert_eq!(code(registry.claim_application(&two, &claimed.id, false).await), "claimed");

        let first = registry.decide_application(&one, &claimed.id, None, &approve).await.expect("endorsed");
        assert_eq!((first.state, first.result.is_null()), (State::Submitted, true));
        assert_eq!(code(registry.claim_application(&one, &claimed.id, false).await), "second-reviewer");
        // An API key of the same account is the same person.
        let key = caller::Origin::Key { account: "acc-reviewer".into(), key: "key-1".into() };
        let key = Caller { origin: key, name: "key of acc-reviewer".into(), ..operator() };
        assert_eq!(code(registry.claim_application(&key, &claimed.id, false).await), "second-reviewer");

        registry.claim_application(&two, &claimed.id, false).await.expect("claimed");
        let second = registry.decide_application(&two, &claimed.id, None, &approve).await.expect("approved");
        assert_eq!(second.state, State::Approved);

        // An approval before a correction does not count after it.
        let other = in_review(registry, "第二家", |content| {
            content.subject.as_mut().expect("a subject").org_crt_type = Some(2);
        });
        let other = other.await;
        registry.decide_application(&one, &other.id, None, &approve).await.expect("endorsed");
        registry.claim_application(&two, &other.id, false).await.expect("claimed");
        let back = decision(Verdict::Return, "请补充");
        registry.decide_application(&two, &other.id, None, &back).await.expect("returned");
        registry.submit_application(&person("acc-clerk"), &other.id, None).await.expect("again");
        registry.claim_application(&two, &other.id, false).await.expect("claimed");
        let endorsed = registry.decide_application(&two, &other.id, None, &approve).await.expect("endorsed");
        assert_eq!(endorsed.state, State::Submitted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_released_or_taken_over() {
    for bench in benches().await {
        let registry = &bench.registry;
        simple(registry, |_| {}).await;
        let claimed = in_review(registry, "示例泵业", |_| {}).await;
        let (one, two) = (person("acc-reviewer"), person("acc-second"));
        assert_eq!(code(registry.release_application(&two, &claimed.id).await), "not-claimed");
        let taken = registry.claim_application(&two, &claimed.id, true).await.expect("taken over");
        assert_eq!(taken.claimed_by, "acc-second");
        assert_eq!(code(registry.release_application(&one, &claimed.id).await), "not-claimed");
        let free = registry.release_application(&two, &claimed.id).await.expect("released");
        assert_eq!((free.state, free.claimed_by.as_str()), (State::Submitted, ""));
        let gone = registry.withdraw_application(&person("acc-clerk"), &claimed.id, "不需要了").await;
        assert_eq!(gone.expect("withdrawn").state, State::Withdrawn);
        assert_eq!(code(registry.claim_application(&one, &claimed.id, false).await), "application-state");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_evidence_blocks_until_it_is_set_aside_with_a_reason() {
    for bench in benches().await {
        let (registry, reviewer) = (&bench.registry, person("acc-reviewer"));
        simple(registry, |settings| settings.words = "@own\trefused\t自有词表\town list\n秘宝\town\n".into()).await;
        let approve = decision(Verdict::Approve, "");
        let claimed = in_review(registry, "示例秘宝泵业", |content| {
            let subject = content.subject.as_mut().expect("a subject");
            subject.legal.crt_no = "440305199001011230".into();
            subject.industry_specific = "99".into();
        });
        let claimed = claimed.await;
        let blocked = registry.decide_application(&reviewer, &claimed.id, None, &approve).await;
        let refusal = blocked.expect_err("blocked");
        let refusal = refusal.refusal().expect("a refusal");
        assert_eq!((refusal.code, refusal.fields.len()), ("evidence-blocks", 3), "{refusal:?}");

        let all = registry.evidence(&reviewer, &claimed.id).await.expect("evidence");
        for evidence in all.iter().filter(|evidence| evidence.outcome == Outcome::Fail) {
            let id = evidence.id.as_str();
            let without = registry.override_evidence(&reviewer, &claimed.id, id, "").await;
            assert_eq!(code(without), "invalid-fields");
            let stranger = registry.override_evidence(&person("acc-second"), &claimed.id, id, "x").await;
            assert_eq!(code(stranger), "not-claimed");
            let aside = registry.override_evidence(&reviewer, &claimed.id, id, "已电话核实").await.expect("set aside");
            assert_eq!((aside.override_by.as_str(), aside.override_at), ("acc-reviewer", NOW));
            let twice = registry.override_evidence(&reviewer, &claimed.id, id, "x").await;
            assert_eq!(code(twice), "evidence-passes");
        }
        // A person's word counts as well.
        let verifier = person("acc-verifier");
        let fail = NewEvidence {
            aspect: Aspect::Contact,
            outcome: Outcome::Fail,
            findings: Vec::new(),
            document: String::new(),
        };
        registry.record_evidence(&verifier, &claimed.id, &fail).await.expect("recorded");
        assert_eq!(code(registry.decide_application(&reviewer, &claimed.id, None, &approve).await), "evidence-blocks");
        let own = registry.record_evidence(&person("acc-clerk"), &claimed.id, &fail).await;
        assert_eq!(code(own), "not-impartial");
        let pass = NewEvidence { outcome: Outcome::Pass, ..fail };
        registry.record_evidence(&verifier, &claimed.id, &pass).await.expect("recorded");
        let approved = registry.decide_application(&reviewer, &claimed.id, None, &approve).await.expect("approved");
        assert_eq!(approved.state, State::Approved, "{}", bench.scratch.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aspect_that_nobody_verified_blocks_as_well() {
    for bench in benches().await {
        let (registry, reviewer) = (&bench.registry, person("acc-reviewer"));
        simple(registry, |_| {}).await;
        let organisation = bench.organisation("甲").await;
        let own = member("acc-own", &organisation);
        let wish = PrefixWish { name: "88.118.8".into(), ..PrefixWish::default() };
        let content = Content { prefixes: vec![wish], ..Content::default() };
        let new = NewApplication { kind: ApplicationKind::Prefix, organisation: None, content };
        let draft = registry.create_application(&own, &new).await.expect("filed");
        registry.submit_application(&own, &draft.id, None).await.expect("submitted");
        registry.claim_application(&reviewer, &draft.id, false).await.expect("claimed");
        simple(registry, |settings| settings.required = vec![Aspect::Industry, Aspect::Prefixes]).await;
        let seen = registry.evidence(&reviewer, &draft.id).await.expect("evidence");
        // Industry is no aspect of a prefix; the prefix was looked at.
        assert!(seen.iter().any(|evidence| evidence.aspect == Aspect::Prefixes && evidence.current));
        assert!(!seen.iter().any(|evidence| evidence.aspect == Aspect::Industry));
        let held = PrefixWish { origin: Origin::Held, name: "GS1:6901234".into(), ..PrefixWish::default() };
        let content = Content { prefixes: vec![held], ..Content::default() };
        let new = NewApplication { kind: ApplicationKind::Prefix, organisation: None, content };
        let draft = registry.create_application(&own, &new).await.expect("filed");
        let missing = fields(registry.submit_application(&own, &draft.id, None).await);
        assert_eq!(missing, [("prefixes[0].proof".to_owned(), "missing".to_owned())]);
    }
}

impl Bench {
    /// An organisation entered by the operator; its id.
    pub async fn organisation(&self, name: &str) -> String {
        let subject = Subject { org_name: name.into(), ..content(name).subject.expect("a subject") };
        let subject = Subject { org_crt_code: format!("code of {name}"), ..subject };
        let new = hufu_registry::organisations::NewOrganisation { subject };
        self.registry.create_organisation(&operator(), &new).await.expect("entered").id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_compared_with_the_word_list_and_the_own_words() {
    for bench in benches().await {
        let registry = &bench.registry;
        simple(registry, |_| {}).await;
        let bad = ReviewSettings { words: "no tab".into(), ..ReviewSettings::default() };
        let bad = registry.write_setting(&operator(), "review", None, serde_json::to_value(bad).expect("JSON")).await;
        assert_eq!(code(bad), "invalid-fields");
        let draft = file(registry, &person("acc-clerk"), content("中国国家示例泵业")).await;
        let rehearsal = registry.rehearse_application(&person("acc-clerk"), &draft.id).await.expect("rehearsed");
        let named = |code: &str| {
            rehearsal.findings.iter().any(|finding| finding.field == "subject.orgName" && finding.code == code)
        };
        assert!(named("name-review") || named("name-refused"), "{:#?}", rehearsal.findings);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amendment_is_the_only_way_to_change_what_was_reviewed() {
    for bench in benches().await {
        let (registry, reviewer) = (&bench.registry, person("acc-reviewer"));
        simple(registry, |settings| settings.required = vec![Aspect::Organisation]).await;
        let id = bench.organisation("示例泵业").await;
        let own = member("acc-own", &id);
        let before = registry.organisation(&own, &id).await.expect("there").subject;

        let website = Subject { website: "https://hufu-demo.cn".into(), ..before.clone() };
        let other_name = Subject { org_name: "示例泵业集团".into(), ..before.clone() };
        let refused = fields(registry.amend_organisation(&own, &id, None, &other_name).await);
        assert_eq!(refused, [("subject.orgName".to_owned(), "needs-review".to_owned())]);

        let mut wanted = other_name.clone();
        wanted.org_crt_type = Some(2);
        let content = Content { subject: Some(wanted), remarks: "更名".into(), ..Content::default() };
        let new = NewApplication { kind: ApplicationKind::Amendment, organisation: None, content };
        let draft = registry.create_application(&own, &new).await.expect("filed");
        registry.submit_application(&own, &draft.id, None).await.expect("submitted");
        // What needs no review is changed meanwhile, and stays.
        registry.amend_organisation(&own, &id, None, &website).await.expect("changed");
        registry.claim_application(&reviewer, &draft.id, false).await.expect("claimed");
        let approve = decision(Verdict::Approve, "");
        let approved = registry.decide_application(&reviewer, &draft.id, None, &approve).await.expect("approved");
        assert_eq!(approved.result["changed"], serde_json::json!(["orgName", "orgCrtType"]));
        let after = registry.organisation(&own, &id).await.expect("there");
        assert_eq!(after.name, "示例泵业集团");
        assert_eq!(after.subject.website, "https://hufu-demo.cn", "{}", bench.scratch.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_organisation_sees_and_does_nothing() {
    for bench in benches().await {
        let registry = bench.registry.clone();
        let folder = tempfile::TempDir::new().expect("a folder");
        let registry = registry.with_documents(folder.path()).expect("a folder");
        simple(&registry, |_| {}).await;
        let (one, two) = (bench.organisation("甲").await, bench.organisation("乙").await);
        let (own, stranger) = (member("acc-own", &one), member("acc-two", &two));
        let draft = file(&registry, &own, content("丙")).await;
        assert_eq!(draft.organisation, one);
        let to = Attachment::Application(draft.id.clone());
        let document = registry.attach_document(&own, &to, "a.png", png()).await.expect("attached");
        let id = draft.id.as_str();

        assert_eq!(code(registry.application(&stranger, id).await), "not-found");
        assert_eq!(code(registry.save_application(&stranger, id, None, &content("丁")).await), "not-found");
        assert_eq!(code(registry.submit_application(&stranger, id, None).await), "not-found");
        assert_eq!(code(registry.withdraw_application(&stranger, id, "").await), "not-found");
        assert_eq!(code(registry.evidence(&stranger, id).await), "not-found");
        assert_eq!(code(registry.application_steps(&stranger, id).await), "not-found");
        assert_eq!(code(registry.application_version(&stranger, id, 1).await), "not-found");
        assert_eq!(code(registry.rehearse_application(&stranger, id).await), "not-found");
        assert_eq!(code(registry.attach_document(&stranger, &to, "a.png", png()).await), "not-found");
        assert_eq!(code(registry.document(&stranger, &document.id).await), "not-found");
        assert_eq!(code(registry.read_document(&stranger, &document.id).await), "not-found");
        assert_eq!(code(registry.remove_document(&stranger, &document.id).await), "not-found");
        assert_eq!(code(registry.documents(&stranger, &to).await), "not-found");
        for kind in [ApplicationKind::Onboarding, ApplicationKind::Prefix, ApplicationKind::Amendment] {
            let new = NewApplication { kind, organisation: Some(one.clone()), content: Content::default() };
            assert_eq!(code(registry.create_application(&stranger, &new).await), "not-found");
        }
        let filter = ApplicationFilter { organisation: Some(one.clone()), ..Default::default() };
        let page = registry.applications(&stranger, &filter, &Listing::default()).await.expect("a page");
        assert_eq!(page.total, 0);
        // Its own members see it, but do not judge it, whatever permissions they hold.
        assert_eq!(registry.applications(&own, &filter, &Listing::default()).await.expect("a page").total, 1);
        registry.submit_application(&own, id, None).await.expect("submitted");
        assert_eq!(code(registry.claim_application(&own, id, false).await), "not-impartial");
        assert_eq!(code(registry.verify_application(&own, id).await), "not-impartial");

        let mut reader = person("acc-reader");
        reader.permissions = [Permission::ApplicationRead].into_iter().collect();
        assert_eq!(code(registry.claim_application(&reader, id, false).await), "not-permitted");
        assert!(registry.verify_audit(&operator()).await.expect("checked").whole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_what_their_octets_say_and_no_row_is_without_its_file() {
    for bench in benches().await {
        let folder = tempfile::TempDir::new().expect("a folder");
        let registry = bench.registry.clone().with_documents(folder.path()).expect("a folder");
        let clerk = person("acc-clerk");
        let draft = file(&registry, &clerk, Content::default()).await;
        let to = Attachment::Application(draft.id.clone());
        let script = b"#!/bin/sh\necho hello\n".to_vec();
        assert_eq!(code(registry.attach_document(&clerk, &to, "photo.jpg", script).await), "invalid-fields");
        let page = b"<html><script>alert(1)</script></html>".to_vec();
        assert_eq!(code(registry.attach_document(&clerk, &to, "photo.png", page).await), "invalid-fields");
        assert_eq!(files(folder.path()).len(), 0);

        let made = registry.attach_document(&clerk, &to, "../../etc/营业执照.exe", png()).await.expect("attached");
        assert_eq!((made.name.as_str(), made.media_type.as_str()), ("营业执照.png", "image/png"));
        let (seen, octets) = registry.read_document(&clerk, &made.id).await.expect("read");
        assert_eq!((seen.digest, octets), (made.digest.clone(), png()));
        // The same octets again are another document and the same file.
        let twin = registry.attach_document(&clerk, &to, "b.png", png()).await.expect("attached");
        assert_eq!(files(folder.path()).len(), 1);

        // Killed between the file and the row: an act that is not committed leaves a file and no row.
        let orphan = "ab".repeat(32);
        std::fs::create_dir_all(folder.path().join("ab")).expect("a folder");
        std::fs::write(folder.path().join("ab").join(&orphan), b"x").expect("a file");
        std::fs::write(folder.path().join(".new-0000"), b"x").expect("a file");
        assert_eq!(registry.documents(&clerk, &to).await.expect("a list").len(), 2);
        let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().expect("a clock").as_millis()).expect("a moment");
        assert_eq!(registry.sweep_documents(now).await.expect("swept"), 0, "what is young may get its row yet");
        assert_eq!(registry.sweep_documents(now + 2 * caller::DAY).await.expect("swept"), 2);
        registry.read_document(&clerk, &made.id).await.expect("still there");
        registry.remove_document(&clerk, &made.id).await.expect("removed");
        assert_eq!(registry.sweep_documents(now + 2 * caller::DAY).await.expect("swept"), 0, "its twin needs it");
        registry.remove_document(&clerk, &twin.id).await.expect("removed");
        assert_eq!(registry.sweep_documents(now + 2 * caller::DAY).await.expect("swept"), 1);
        assert_eq!(code(registry.read_document(&clerk, &made.id).await), "not-found");
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_document_is_a_fault_and_a_full_organisation_is_refused() {
    for bench in benches().await {
        let folder = tempfile::TempDir::new().expect("a folder");
        let registry = bench.registry.clone().with_documents(folder.path()).expect("a folder");
        simple(&registry, |settings| settings.document_megabytes = 1).await;
        let id = bench.organisation("甲").await;
        let own = member("acc-own", &id);
        let to = Attachment::Organisation(id.clone());
        let made = registry.attach_document(&own, &to, "a.png", png()).await.expect("attached");
        std::fs::write(&files(folder.path())[0], b"changed").expect("a file");
        assert!(matches!(registry.read_document(&own, &made.id).await, Err(Error::Fault(_))));
        let mut large = b"%PDF-1.7\n".to_vec();
        large.resize((1 << 20) - 10, b' ');
        large.extend(b"%%EOF");
        assert_eq!(code(registry.attach_document(&own, &to, "a.pdf", large).await), "documents-full");
        assert_eq!(registry.documents(&own, &to).await.expect("a list").len(), 1);
        // Without a folder there are no documents, and everything else works.
        assert_eq!(code(bench.registry.attach_document(&own, &to, "a.png", png()).await), "documents-off");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_pass_over_holidays_and_reviewers_are_reminded_once_each() {
    for bench in benches().await {
        let registry = &bench.registry;
        simple(registry, |settings| settings.calendar = "2026-01-06\toff\tstock-taking".into()).await;
        let claimed = in_review(registry, "示例泵业", |_| {}).await;
        // Monday 5 January + 5 working days without Tuesday the 6th: Tuesday the 13th, to its end in China.
        assert_eq!(claimed.due, 1_768_320_000_000);
        assert_eq!(registry.remind_reviewers(&Caller::node(NOW)).await.expect("looked"), 0);
        let soon = Caller::node(claimed.due - caller::DAY / 2);
        assert_eq!(registry.remind_reviewers(&soon).await.expect("reminded"), 1);
        assert_eq!(registry.remind_reviewers(&soon).await.expect("once"), 0);
        let late = Caller::node(claimed.due);
        assert_eq!(registry.remind_reviewers(&late).await.expect("reminded"), 1);
        assert_eq!(registry.remind_reviewers(&late).await.expect("once"), 0);
        let overdue = ApplicationFilter { overdue: Some(true), ..Default::default() };
        let asking = at(operator(), claimed.due + 1);
        assert_eq!(registry.applications(&asking, &overdue, &Listing::default()).await.expect("a page").total, 1);
        assert_eq!(registry.applications(&operator(), &overdue, &Listing::default()).await.expect("a page").total, 0);
    }
}
