//! Proposals: what enterprises want as metadata of their industry, and what became of it.
//!
//! ```text
//! proposed ──► in-review ──accept──► accepted (the entry is there)
//!     └────────────┴───────refuse──► refused
//! ```

use super::metadata::{MetadataContent, MetadataLevel};
use crate::act::difference;
use crate::caller::{Caller, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// Most proposals of an organisation that wait.
const WAITING: i64 = 200;
/// Longest reason, in characters.
const REASON: usize = 1000;

/// Where a proposal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProposalState {
    Proposed,
    InReview,
    Accepted,
    Refused,
}

impl ProposalState {
    const fn name(self) -> &'static str {
        match self {
            ProposalState::Proposed => "proposed",
            ProposalState::InReview => "in-review",
            ProposalState::Accepted => "accepted",
            ProposalState::Refused => "refused",
        }
    }

    fn of(text: &str) -> Self {
        match text {
            "in-review" => ProposalState::InReview,
            "accepted" => ProposalState::Accepted,
            "refused" => ProposalState::Refused,
            _ => ProposalState::Proposed,
        }
    }
}

/// A proposal as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetadataProposal {
    pub id: String,
    pub organisation: String,
    pub state: ProposalState,
    pub content: MetadataContent,
    /// Why it is needed.
    pub reason: String,
    /// Why it was decided so.
    pub decision: String,
    pub decided_by: String,
    /// The entry that came of it.
    pub metadata: String,
    /// Milliseconds since 1970.
    pub created: Time,
    pub updated: Time,
    /// Increases with every change; the ETag.
    pub version: i64,
}

/// A proposal to be.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewMetadataProposal {
    pub content: MetadataContent,
    #[schema(max_length = 1000)]
    pub reason: String,
}

/// A step of the review.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetadataDecision {
    /// `in-review`, `accepted` or `refused`.
    pub state: ProposalState,
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub reason: String,
}

/// Which proposals are wanted.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ProposalFilter {
    /// `proposed`, `in-review`, `accepted` or `refused`.
    pub state: Option<String>,
    /// Begins so: `C`, `C36`.
    pub industry: Option<String>,
    pub organisation: Option<String>,
}

const COLUMNS: &str = "id, organisation, state, content, reason, decision, decided_by, metadata, created, updated, \
                       version";

fn read(row: &AnyRow) -> Result<MetadataProposal, Error> {
    Ok(MetadataProposal {
        id: row.try_get(0)?,
        organisation: row.try_get(1)?,
        state: ProposalState::of(&row.try_get::<String, _>(2)?),
        content: serde_json::from_str(&row.try_get::<String, _>(3)?)?,
        reason: row.try_get(4)?,
        decision: row.try_get(5)?,
        decided_by: row.try_get(6)?,
        metadata: row.try_get(7)?,
        created: row.try_get(8)?,
        updated: row.try_get(9)?,
        version: row.try_get(10)?,
    })
}

async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<MetadataProposal>, Error> {
    let select = "SELECT id, organisation, state, content, reason, decision, decided_by, metadata, created, updated, \
                  version FROM metadata_proposal WHERE id = $1";
    let row = sqlx::query(select).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

fn absent(id: &str) -> Refusal {
    Refusal::absent("元数据提议", "metadata proposal", id)
}

fn check_reason(reason: &str) -> Result<(), Refusal> {
    if reason.chars().count() <= REASON {
        return Ok(());
    }
    let (zh, en) = (format!("理由不超过 {REASON} 字"), format!("a reason has at most {REASON} characters"));
    Err(Refusal::fields(vec![FieldRefusal::new("reason", "too-long", zh, en)]))
}

impl MetadataProposal {
    fn owner(&self) -> Option<&str> {
        (!self.organisation.is_empty()).then_some(self.organisation.as_str())
    }
}

impl Registry {
    /// Proposes metadata for an industry.
    pub async fn propose_metadata(
        &self,
        caller: &Caller,
        new: &NewMetadataProposal,
    ) -> Result<MetadataProposal, Error> {
        let mut act = self.begin(caller, Permission::MetadataWrite, "metadata-proposal").await?;
        check_reason(&new.reason)?;
        new.content.check(MetadataLevel::Industry)?;
        let organisation = act.caller.organisation().unwrap_or_default().to_owned();
        let count = "SELECT COUNT(*) FROM metadata_proposal WHERE organisation = $1 \
                     AND state IN ('proposed', 'in-review')";
        let count = sqlx::query(count).bind(&organisation);
        if count.fetch_one(act.sql()).await?.try_get::<i64, _>(0)? >= WAITING {
            let (zh, en) =
                (format!("待评审的提议已达 {WAITING} 条"), format!("{WAITING} proposals wait, which is the most"));
            return Err(Refusal::new(Kind::Limit, "proposal-quota", zh, en).into());
        }
        let proposal = MetadataProposal {
            id: act.fresh_id("mdp"),
            organisation,
            state: ProposalState::Proposed,
            content: new.content.clone(),
            reason: new.reason.clone(),
            decision: String::new(),
            decided_by: String::new(),
            metadata: String::new(),
            created: act.now(),
            updated: act.now(),
            version: 1,
        };
        let insert = "INSERT INTO metadata_proposal (id, organisation, code, industry, state, content, reason, decision, \
                      decided_by, metadata, created, updated, version) \
                      VALUES ($1, $2, $3, $4, 'proposed', $5, $6, '', '', '', $7, $8, 1)";
        let insert = sqlx::query(insert)
            .bind(&proposal.id)
            .bind(&proposal.organisation)
            .bind(&proposal.content.code)
            .bind(&proposal.content.industry)
            .bind(serde_json::to_string(&proposal.content)?)
            .bind(&proposal.reason)
            .bind(proposal.created)
            .bind(proposal.updated);
        insert.execute(act.sql()).await?;
        let object = format!("metadata-proposal {}", proposal.id);
        let after = serde_json::to_value(&proposal)?;
        act.record("metadata.propose", &object, proposal.owner(), json!(null), after);
        act.commit(proposal).await
    }

    pub async fn metadata_proposal(&self, caller: &Caller, id: &str) -> Result<MetadataProposal, Error> {
        let object = format!("metadata-proposal {id}");
        self.authorise(caller, Permission::TemplateRead, &object).await?;
        let mut connection = self.database.reader().acquire().await?;
        let found = find(&mut connection, id).await?.ok_or_else(|| absent(id))?;
        drop(connection);
        self.reach(caller, Permission::TemplateRead, found.owner(), &object, absent(id)).await?;
        Ok(found)
    }

    /// The caller's own; for the node, all.
    pub async fn metadata_proposals(
        &self,
        caller: &Caller,
        filter: &ProposalFilter,
        listing: &Listing,
    ) -> Result<Page<MetadataProposal>, Error> {
        self.authorise(caller, Permission::TemplateRead, "metadata-proposal").await?;
        let mut wanted = Filter::new("metadata_proposal", COLUMNS);
        wanted.equal("organisation", caller.organisation());
        wanted.equal("organisation", filter.organisation.as_deref());
        wanted.equal("state", filter.state.as_deref());
        wanted.prefixed("industry", filter.industry.as_deref());
        let order = [Column::Number("created"), Column::Number("updated")];
        wanted.page(self, listing, &order, "-created", Column::Text("id"), read).await
    }

    /// Takes a proposal into review, accepts it, which makes the entry, or refuses it. For the node.
    pub async fn decide_metadata_proposal(
        &self,
        caller: &Caller,
        id: &str,
        version: Option<i64>,
        decision: &MetadataDecision,
    ) -> Result<MetadataProposal, Error> {
        let object = format!("metadata-proposal {id}");
        let act = self.begin(caller, Permission::MetadataReview, &object).await?;
        let mut act = act.reach(None, &object, absent(id)).await?;
        let before = find(act.sql(), id).await?.ok_or_else(|| absent(id))?;
        if version.is_some_and(|seen| seen != before.version) {
            return Err(Refusal::stale(before.version).into());
        }
        check_reason(&decision.reason)?;
        use ProposalState::{Accepted, InReview, Proposed, Refused};
        if !matches!(
            (before.state, decision.state),
            (Proposed, InReview) | (InReview, Accepted) | (Proposed | InReview, Refused)
        ) {
            let (from, to) = (before.state.name(), decision.state.name());
            let (zh, en) =
                (format!("提议不能由 {from} 变为 {to}"), format!("a proposal that is {from} cannot be {to}"));
            return Err(Refusal::new(Kind::Conflict, "proposal-state", zh, en).into());
        }
        if decision.state == Refused && decision.reason.trim().is_empty() {
            let (zh, en) = ("请说明不采纳的理由", "say why it is refused");
            return Err(Refusal::fields(vec![FieldRefusal::new("reason", "missing", zh, en)]).into());
        }
        let mut after = MetadataProposal { state: decision.state, ..before.clone() };
        if decision.state == Accepted {
            after.metadata = act.enter_metadata(MetadataLevel::Industry, None, &before.content).await?.id;
        }
        (after.decision, after.decided_by) = (decision.reason.clone(), act.caller.name.clone());
        (after.updated, after.version) = (act.now(), before.version + 1);
        let update = "UPDATE metadata_proposal SET state = $1, decision = $2, decided_by = $3, metadata = $4, \
                      updated = $5, version = $6 WHERE id = $7";
        let update = sqlx::query(update)
            .bind(after.state.name())
            .bind(&after.decision)
            .bind(&after.decided_by)
            .bind(&after.metadata)
            .bind(after.updated)
            .bind(after.version)
            .bind(id);
        update.execute(act.sql()).await?;
        let (old, new) = difference(&before, &after);
        act.record("metadata.decide", &object, after.owner(), old, new);
        act.commit(after).await
    }
}
