//! Evidence: what was verified, by whom, when, of what, and how it came out.
//!
//! Of one verification of one aspect the newest counts, as long as the part of the content that it looked at is the
//! same. So a correction of an address leaves the evidence of the organisation as it is.

use super::application::{self, Application, absent, check_reason, identity, object, owner};
use super::checkers::{Aspect, FINDINGS, Finding, Outcome};
use super::state::State;
use crate::Act;
use crate::caller::{Caller, Origin, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// Most evidence of one application.
pub const EVIDENCE: i64 = 2000;
/// How the verification of a person is named.
const PERSON: &str = "person";

/// Evidence as the API shows it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    pub id: String,
    pub number: i64,
    pub aspect: Aspect,
    /// What verified: `organisation-form`, `reachability`, `external-…`, `person`.
    pub checker: String,
    /// `built-in`, `network`, `external` or `person`.
    pub method: String,
    pub actor: String,
    pub actor_name: String,
    pub at: Time,
    pub content_version: i64,
    /// Digest of the part of the content that was looked at.
    pub input_digest: String,
    pub outcome: Outcome,
    pub findings: Vec<Finding>,
    /// A document that shows it: its id.
    pub document: String,
    /// Why a reviewer has set it aside; empty if none has.
    pub override_reason: String,
    pub override_by: String,
    pub override_at: Time,
    /// Whether it counts: nothing newer is there, and the content is still the same.
    pub current: bool,
}

impl Evidence {
    fn blocks(&self) -> bool {
        self.current && self.outcome == Outcome::Fail && self.override_at == 0
    }
}

/// Evidence that somebody hands in.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewEvidence {
    pub aspect: Aspect,
    pub outcome: Outcome,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub findings: Vec<Finding>,
    /// The id of a document of the application.
    #[serde(default)]
    pub document: String,
}

/// How a verification was made that is no person's.
#[derive(Debug, Clone)]
pub struct Source {
    pub checker: String,
    pub method: &'static str,
    /// Of what it looked at; the content may be another one by now.
    pub input_digest: String,
}

const COLUMNS: &str = "SELECT id, number, aspect, checker, method, actor, actor_name, at, content_version, \
                       input_digest, outcome, findings, document, override_reason, override_by, override_at \
                       FROM evidence WHERE application = $1 ORDER BY number";

fn read(row: &AnyRow) -> Result<Evidence, Error> {
    let unknown = |what: &str| Error::Fault(format!("stored evidence has an unknown {what}"));
    let (aspect, outcome): (String, String) = (row.try_get(2)?, row.try_get(10)?);
    Ok(Evidence {
        id: row.try_get(0)?,
        number: row.try_get(1)?,
        aspect: Aspect::parse(&aspect).ok_or_else(|| unknown("aspect"))?,
        checker: row.try_get(3)?,
        method: row.try_get(4)?,
        actor: row.try_get(5)?,
        actor_name: row.try_get(6)?,
        at: row.try_get(7)?,
        content_version: row.try_get(8)?,
        input_digest: row.try_get(9)?,
        outcome: Outcome::parse(&outcome).ok_or_else(|| unknown("outcome"))?,
        findings: serde_json::from_str(&row.try_get::<String, _>(11)?)?,
        document: row.try_get(12)?,
        override_reason: row.try_get(13)?,
        override_by: row.try_get(14)?,
        override_at: row.try_get(15)?,
        current: false,
    })
}

/// All evidence of an application in order, those marked that count.
pub(crate) async fn of(connection: &mut AnyConnection, application: &Application) -> Result<Vec<Evidence>, Error> {
    let rows = sqlx::query(COLUMNS).bind(&application.id).fetch_all(connection).await?;
    let mut all = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut seen: Vec<(Aspect, String)> = Vec::new();
    for evidence in all.iter_mut().rev() {
        let same = evidence.input_digest == evidence.aspect.digest(&application.content);
        let name = (evidence.aspect, evidence.checker.clone());
        if same && !seen.contains(&name) {
            evidence.current = true;
            seen.push(name);
        }
    }
    Ok(all)
}

/// Why an application cannot be approved as it stands: evidence that fails, and aspects nobody has looked at.
pub(crate) fn obstacles(application: &Application, all: &[Evidence], required: &[Aspect]) -> Option<Refusal> {
    let mut wrong = Vec::new();
    for evidence in all.iter().filter(|evidence| evidence.blocks()) {
        let (zh, en) = match evidence.findings.iter().find(|finding| finding.weight == Outcome::Fail) {
            Some(finding) => (finding.zh.clone(), finding.en.clone()),
            None => ("未通过".into(), "failed".into()),
        };
        let zh = format!("{}（{}）：{zh}", evidence.aspect.zh(), evidence.checker);
        wrong.push(FieldRefusal::new(format!("evidence.{}", evidence.id), "evidence-fails", zh, en));
    }
    for aspect in required.iter().filter(|aspect| aspect.applies(application.kind)) {
        if !all.iter().any(|evidence| evidence.current && evidence.aspect == *aspect) {
            let (zh, en) = (format!("缺少{}", aspect.zh()), format!("nothing verifies {}", aspect.name()));
            wrong.push(FieldRefusal::new(format!("evidence.{}", aspect.name()), "evidence-missing", zh, en));
        }
    }
    if wrong.is_empty() {
        return None;
    }
    let zh = "核验未通过，不能批准；请退回申请，或说明理由后忽略该核验结果";
    let en = "verification stands against it: return it, or set the evidence aside with a reason";
    Some(Refusal { fields: wrong, ..Refusal::new(Kind::Conflict, "evidence-blocks", zh, en) })
}

/// Keeps what is within bounds.
fn check(new: &NewEvidence) -> Result<(), Refusal> {
    let long = |finding: &Finding| {
        let lengths = [(&finding.field, 128), (&finding.code, 64), (&finding.zh, 1000), (&finding.en, 1000)];
        lengths.into_iter().any(|(text, most)| text.chars().count() > most)
    };
    if new.findings.len() > FINDINGS || new.findings.iter().any(long) {
        let zh = format!("核验结果最多 {FINDINGS} 条，每条不超过 1000 字");
        let en = format!("at most {FINDINGS} findings of at most 1000 characters");
        return Err(Refusal::fields(vec![FieldRefusal::new("findings", "too-long", zh, en)]));
    }
    if new.findings.iter().any(|finding| finding.weight > new.outcome) {
        let (zh, en) = ("结论不能比其中任何一条更轻", "the outcome cannot be milder than one of its findings");
        return Err(Refusal::fields(vec![FieldRefusal::new("outcome", "outcome-mild", zh, en)]));
    }
    Ok(())
}

impl Act {
    pub(crate) async fn insert_evidence(
        &mut self,
        application: &Application,
        source: &Source,
        new: &NewEvidence,
    ) -> Result<Evidence, Error> {
        let count = sqlx::query("SELECT COALESCE(MAX(number), 0) FROM evidence WHERE application = $1");
        let number: i64 = count.bind(&application.id).fetch_one(self.sql()).await?.try_get(0)?;
        if number >= EVIDENCE {
            let (zh, en) = ("核验记录过多", "there is too much evidence already");
            return Err(Refusal::new(Kind::Limit, "evidence-count", zh, en).into());
        }
        let evidence = Evidence {
            id: self.fresh_id("evd"),
            number: number + 1,
            aspect: new.aspect,
            checker: source.checker.clone(),
            method: source.method.into(),
            actor: identity(&self.caller),
            actor_name: self.caller.name.clone(),
            at: self.now(),
            content_version: application.content_version,
            input_digest: source.input_digest.clone(),
            outcome: new.outcome,
            findings: new.findings.clone(),
            document: new.document.clone(),
            override_reason: String::new(),
            override_by: String::new(),
            override_at: 0,
            current: source.input_digest == new.aspect.digest(&application.content),
        };
        let insert = "INSERT INTO evidence (id, application, number, content_version, aspect, checker, method, actor, \
                      actor_name, at, input_digest, outcome, findings, document, override_reason, override_by, \
                      override_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, '', '', 0)";
        sqlx::query(insert)
            .bind(&evidence.id)
            .bind(&application.id)
            .bind(evidence.number)
            .bind(evidence.content_version)
            .bind(evidence.aspect.name())
            .bind(&evidence.checker)
            .bind(&evidence.method)
            .bind(&evidence.actor)
            .bind(&evidence.actor_name)
            .bind(evidence.at)
            .bind(&evidence.input_digest)
            .bind(evidence.outcome.name())
            .bind(serde_json::to_string(&evidence.findings)?)
            .bind(&evidence.document)
            .execute(self.sql())
            .await?;
        let after = json!({
            "evidence": evidence.id, "aspect": evidence.aspect.name(), "checker": evidence.checker,
            "outcome": evidence.outcome.name(), "document": evidence.document,
        });
        let organisation = owner(&application.organisation).map(str::to_owned);
        let name = object(&application.id);
        self.record("application.verify", &name, organisation.as_deref(), json!(null), after);
        Ok(evidence)
    }

    /// Passes if the caller may judge: somebody of the node who has written nothing of the application.
    pub(crate) async fn impartial(mut self, application: &Application) -> Result<Act, Error> {
        let (zh, en) = match self.caller.organisation() {
            Some(_) => ("核验与审核由运营机构人员进行", "applications are judged by people of the node's operator"),
            None => {
                let select = "SELECT 1 FROM application_version WHERE application = $1 AND author = $2 LIMIT 1";
                let author = sqlx::query(select).bind(&application.id).bind(identity(&self.caller));
                if author.fetch_optional(self.sql()).await?.is_none() {
                    return Ok(self);
                }
                ("不能核验、审核自己填写的申请", "nobody judges an application that they have written")
            }
        };
        Err(self.deny(&object(&application.id), Refusal::new(Kind::Denied, "not-impartial", zh, en)).await)
    }
}

impl Registry {
    /// All evidence of an application, in order.
    pub async fn evidence(&self, caller: &Caller, id: &str) -> Result<Vec<Evidence>, Error> {
        let found = self.application(caller, id).await?;
        let mut connection = self.database.reader().acquire().await?;
        of(&mut connection, &found).await
    }

    /// Hands in what a person found, with a document if there is one.
    pub async fn record_evidence(&self, caller: &Caller, id: &str, new: &NewEvidence) -> Result<Evidence, Error> {
        check(new)?;
        let act = self.begin(caller, Permission::ApplicationVerify, &object(id)).await?;
        let (act, application) = act.application(id).await?;
        let mut act = act.impartial(&application).await?;
        open(&application)?;
        if !new.aspect.applies(application.kind) {
            let (zh, en) = ("该类申请没有这一核验项", "applications of this kind have no such aspect");
            return Err(Refusal::fields(vec![FieldRefusal::new("aspect", "not-here", zh, en)]).into());
        }
        if !new.document.is_empty() {
            let select = sqlx::query("SELECT 1 FROM document WHERE id = $1 AND application = $2");
            let there = select.bind(&new.document).bind(id).fetch_optional(act.sql()).await?.is_some();
            if !there {
                let (zh, en) = ("该文件未上传到本申请", "no document of this application");
                return Err(Refusal::fields(vec![FieldRefusal::new("document", "document-unknown", zh, en)]).into());
            }
        }
        let input_digest = new.aspect.digest(&application.content);
        let source = Source { checker: PERSON.into(), method: "person", input_digest };
        let evidence = act.insert_evidence(&application, &source, new).await?;
        act.commit(evidence).await
    }

    /// Hands in what the node found out with the help of others; its job is done.
    pub async fn record_check(
        &self,
        caller: &Caller,
        id: &str,
        source: &Source,
        new: &NewEvidence,
    ) -> Result<Option<Evidence>, Error> {
        check(new)?;
        let mut act = self.begin(caller, Permission::ApplicationVerify, &object(id)).await?;
        if act.caller.origin != Origin::Node {
            let (zh, en) = ("只有节点自身可以", "only the node itself does that");
            return Err(act.deny(&object(id), Refusal::new(Kind::Denied, "not-permitted", zh, en)).await);
        }
        let application = application::find(act.sql(), id).await?.ok_or_else(|| absent(id))?;
        let job = sqlx::query("DELETE FROM check_job WHERE application = $1 AND checker = $2");
        let wanted = job.bind(id).bind(&source.checker).execute(act.sql()).await?.rows_affected() > 0;
        if !wanted || !application.state.waits() {
            return Ok(None);
        }
        let evidence = act.insert_evidence(&application, source, new).await?;
        act.commit(Some(evidence)).await
    }

    /// A reviewer sets failed evidence aside, with a reason.
    pub async fn override_evidence(
        &self,
        caller: &Caller,
        id: &str,
        evidence: &str,
        reason: &str,
    ) -> Result<Evidence, Error> {
        check_reason(reason, true)?;
        let act = self.begin(caller, Permission::ApplicationReview, &object(id)).await?;
        let (act, application) = act.application(id).await?;
        let mut act = act.impartial(&application).await?;
        super::review::holds(&act.caller, &application)?;
        let all = of(act.sql(), &application).await?;
        let found = all.into_iter().find(|other| other.id == evidence);
        let mut found = found.ok_or_else(|| Refusal::absent("核验记录", "evidence", evidence))?;
        if !found.blocks() {
            let (zh, en) = ("该核验结果并不妨碍批准", "this evidence does not stand against an approval");
            return Err(Refusal::new(Kind::Conflict, "evidence-passes", zh, en).into());
        }
        (found.override_reason, found.override_by, found.override_at) = (reason.into(), identity(caller), act.now());
        let update = "UPDATE evidence SET override_reason = $1, override_by = $2, override_at = $3 WHERE id = $4";
        let update = sqlx::query(update).bind(reason).bind(&found.override_by).bind(found.override_at);
        update.bind(evidence).execute(act.sql()).await?;
        let before = json!({"evidence": evidence, "outcome": found.outcome.name()});
        let after = json!({"evidence": evidence, "overridden": true, "reason": reason});
        act.record("application.override", &object(id), owner(&application.organisation), before, after);
        act.commit(found).await
    }
}

/// Whether evidence can be handed in.
fn open(application: &Application) -> Result<(), Refusal> {
    if matches!(application.state, State::Submitted | State::InReview) {
        return Ok(());
    }
    let zh = format!("申请现为“{}”，不能核验", application.state.zh());
    let en = format!("the application is {}: it cannot be verified", application.state.name());
    Err(Refusal::new(Kind::Conflict, "application-state", zh, en))
}
