//! Changes of objects: decided in one act, then written into the store. See [`super::pending`].

use super::Objects;
use super::change::{
    CHANGES, IDENTIFIER, Mint, ObjectBatchOutcome, ObjectChange, ObjectOperation, ObjectOutcome, OutcomeKind, REASON,
    RELATIONS,
};
use super::mint::Pattern;
use super::owner::{Owner, not_here};
use super::pending::{self, Decided};
use super::record::{Held, Kept, ObjectState, Sheet};
use crate::act::Act;
use crate::caller::Caller;
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::jobs::Progress;
use crate::permission::Permission;
use crate::prefixes::{QuotaKind, quota};
use crate::templates::{self, Mode, Template};
use hufu_ident::{Identifier, RecordKey, Ttl, Value, ValueSet};
use hufu_store::Stored;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use sqlx::Row;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Tries to find a free identifier by a pattern with chance or a counter.
const MINTS: usize = 64;
/// Identifiers named in the audit entry of a batch.
const NAMED: usize = 20;
/// First octet of the rows that make fields unique: no identifier system has it.
const UNIQUE_SPACE: u8 = 0x01;

/// How the changes of one call are made.
#[derive(Clone, Copy)]
pub struct Manner<'a> {
    /// All or nothing.
    pub atomic: bool,
    /// Decide and say, but change nothing.
    pub dry: bool,
    /// The job or run that makes them; empty for a call of its own.
    pub mark: &'a str,
    /// The job that is told, in the same act, how far it is.
    pub progress: Option<Progress<'a>>,
}

impl Manner<'_> {
    pub const SINGLE: Manner<'static> = Manner { atomic: true, dry: false, mark: "", progress: None };
}

/// What the calls of one job have met: names and unique texts, as digests of eight octets, so that a file of a million
/// rows needs some ten megabytes.
#[derive(Debug, Default)]
pub struct Memory {
    names: HashSet<u64>,
    unique: HashMap<u64, u64>,
}

fn short(octets: &[u8]) -> u64 {
    let digest = Sha256::digest(octets);
    digest.first_chunk::<8>().map_or(0, |eight| u64::from_be_bytes(*eight))
}

impl Memory {
    /// A name that was met; says whether for the first time.
    fn meet(&mut self, key: &RecordKey) -> bool {
        self.names.insert(short(key.as_bytes()))
    }

    /// The name of a change that was made before.
    pub(crate) fn see(&mut self, change: &ObjectChange, rule: hufu_ident::CaseRule) {
        if let Some(identifier) = change.identifier.as_deref().and_then(|text| Identifier::parse(text).ok()) {
            self.meet(&identifier.key(rule));
        }
    }
}

/// One call under way.
struct Deciding<'a> {
    objects: &'a Objects,
    act: Act,
    mark: &'a str,
    templates: HashMap<String, Arc<Template>>,
    owners: HashMap<String, Owner>,
    memory: &'a mut Memory,
    dry: bool,
    /// Rows of the unique index that this call writes.
    taken: HashMap<RecordKey, Option<String>>,
    writes: Vec<Decided>,
    /// Per organisation: created, changed, deleted, and the first names.
    tally: BTreeMap<Option<String>, Tally>,
    /// Changes of the counts by prefix.
    counts: BTreeMap<String, (Option<String>, i64)>,
    digest: Sha256,
}

#[derive(Default)]
struct Tally {
    by_operation: BTreeMap<&'static str, usize>,
    named: Vec<String>,
    /// The one object's states before and after, where it is one.
    states: Option<(Json, Json)>,
    total: usize,
}

fn refuse(kind: Kind, code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Error {
    Refusal::new(kind, code, zh, en).into()
}

impl Objects {
    /// Makes the changes, each by itself or all together. A refusal of one is an outcome; of all together, an error.
    ///
    /// Refused as a whole: too many changes, no permission, a store that takes no writes.
    pub async fn change(
        &self,
        caller: &Caller,
        changes: &[ObjectChange],
        manner: Manner<'_>,
    ) -> Result<ObjectBatchOutcome, Error> {
        self.change_remembering(caller, changes, manner, &mut Memory::default()).await
    }

    /// As [`Objects::change`], as one of several calls that share what they have met.
    pub(crate) async fn change_remembering(
        &self,
        caller: &Caller,
        changes: &[ObjectChange],
        manner: Manner<'_>,
        memory: &mut Memory,
    ) -> Result<ObjectBatchOutcome, Error> {
        if changes.is_empty() || changes.len() > CHANGES {
            let (zh, en) = (format!("每次 1–{CHANGES} 条"), format!("a call makes 1 to {CHANGES} changes"));
            return Err(refuse(Kind::Invalid, "batch-size", zh, en));
        }
        let _turn = self.turn.write().await;
        self.make_ready().await?;
        let object = match changes {
            [one] => format!("object {}", one.identifier.as_deref().unwrap_or_default()),
            _ => "object".to_owned(),
        };
        let act = self.registry.begin(caller, Permission::ObjectWrite, &object).await?;
        let mut deciding = Deciding {
            objects: self,
            act,
            mark: manner.mark,
            templates: HashMap::new(),
            owners: HashMap::new(),
            memory,
            dry: manner.dry,
            taken: HashMap::new(),
            writes: Vec::new(),
            tally: BTreeMap::new(),
            counts: BTreeMap::new(),
            digest: Sha256::new(),
        };
        let mut outcomes = Vec::with_capacity(changes.len());
        for change in changes {
            match deciding.decide(change).await {
                Ok(outcome) => outcomes.push(outcome),
                Err(Error::Refused(refusal)) if manner.atomic && changes.len() == 1 => {
                    return Err(Error::Refused(refusal));
                }
                Err(Error::Refused(refusal)) => outcomes.push(refused(change, &refusal)),
                Err(error) => return Err(error),
            }
        }
        let answer = ObjectBatchOutcome::of(outcomes);
        if manner.dry || (manner.atomic && answer.refused > 0) {
            drop(deciding);
            self.tell_progress(&manner, &answer, caller.at).await?;
            return Ok(nothing_done(answer, manner.dry));
        }
        self.finish(deciding, answer, manner).await
    }

    /// Refuses early where the store takes no writes, and carries out what is left of earlier calls.
    async fn make_ready(&self) -> Result<(), Error> {
        if let Some(reason) = self.store.refusing_writes() {
            let (zh, en) =
                (format!("存储暂不可写：{reason}"), format!("the record store takes no writes now: {reason}"));
            return Err(refuse(Kind::Unavailable, "store-read-only", zh, en));
        }
        self.settle_in_turn().await.map(|_| ())
    }

    /// Says how far a job is where nothing was changed.
    async fn tell_progress(&self, manner: &Manner<'_>, answer: &ObjectBatchOutcome, at: i64) -> Result<(), Error> {
        let Some(progress) = &manner.progress else { return Ok(()) };
        let mut write = self.registry.database().begin_write().await?;
        progress.write(&mut write.transaction, answer, at).await?;
        Ok(write.transaction.commit().await?)
    }

    async fn finish(
        &self,
        deciding: Deciding<'_>,
        answer: ObjectBatchOutcome,
        manner: Manner<'_>,
    ) -> Result<ObjectBatchOutcome, Error> {
        let Deciding { mut act, writes, tally, counts, digest, .. } = deciding;
        if writes.is_empty() && tally.is_empty() {
            let at = act.now();
            drop(act);
            self.tell_progress(&manner, &answer, at).await?;
            return Ok(answer);
        }
        if let Some(progress) = &manner.progress {
            let at = act.now();
            progress.write(act.sql(), &answer, at).await?;
        }
        for (prefix, (organisation, more)) in counts {
            count(&mut act, &prefix, organisation.as_deref(), more).await?;
        }
        let digest = hex::encode(digest.finalize());
        for (organisation, tally) in tally {
            let object = match (&tally.named[..], tally.total) {
                ([one], 1) => format!("object {one}"),
                _ => "object".to_owned(),
            };
            let (before, after) = tally.states.filter(|_| tally.total == 1).unwrap_or_else(|| {
                let mut after = json!({"count": tally.total, "first": tally.named, "digest": digest});
                for (operation, number) in &tally.by_operation {
                    after[*operation] = json!(number);
                }
                (json!(null), after)
            });
            act.record("object.write", &object, organisation.as_deref(), before, after);
        }
        let (sequence, at) = (pending::note(self, &mut act, &writes).await?, act.now());
        let answer = act.commit(answer).await?;
        self.carry_out(&writes, at).await?;
        self.carried.store(sequence, Ordering::Release);
        Ok(answer)
    }
}

/// Identifiers below a prefix, for quotas and statistics; refused above the quota of the organisation.
async fn count(act: &mut Act, prefix: &str, organisation: Option<&str>, more: i64) -> Result<(), Error> {
    if more == 0 {
        return Ok(());
    }
    let upsert = "INSERT INTO object_count (prefix, organisation, objects) VALUES ($1, $2, $3) \
                  ON CONFLICT (prefix) DO UPDATE SET objects = object_count.objects + excluded.objects, \
                  organisation = excluded.organisation";
    let upsert = sqlx::query(upsert).bind(prefix).bind(organisation.unwrap_or_default()).bind(more);
    upsert.execute(act.sql()).await?;
    match organisation {
        Some(organisation) if more > 0 => quota::charge(act, organisation, QuotaKind::Identifiers, more).await,
        Some(organisation) => quota::refund(act, organisation, QuotaKind::Identifiers, -more).await,
        None => Ok(()),
    }
}

fn refused(change: &ObjectChange, refusal: &Refusal) -> ObjectOutcome {
    ObjectOutcome {
        identifier: change.identifier.clone().unwrap_or_default(),
        outcome: OutcomeKind::Refused,
        version: 0,
        state: None,
        code: refusal.code.into(),
        zh: refusal.zh.clone(),
        en: refusal.en.clone(),
        fields: refusal.fields.clone(),
    }
}

/// The answer where nothing was done although some could have been.
fn nothing_done(answer: ObjectBatchOutcome, dry: bool) -> ObjectBatchOutcome {
    if dry {
        return answer;
    }
    let (zh, en) = ("同批有其他错误，未执行", "not done: others of the batch are refused");
    let not_done = Refusal::new(Kind::Conflict, "batch-refused", zh, en);
    let outcomes = answer.outcomes.into_iter().map(|outcome| match outcome.outcome {
        OutcomeKind::Refused => outcome,
        _ => refused(&ObjectChange::of(ObjectOperation::Put, outcome.identifier), &not_done),
    });
    ObjectBatchOutcome::of(outcomes.collect())
}

/// Absent to whoever may not know of it.
pub(super) fn absent(name: &str) -> Refusal {
    Refusal { code: "object-not-found", ..Refusal::absent("标识", "identifier", name) }
}

/// What an object says, for the audit: names and texts, long ones cut.
fn shown(kept: Option<&Kept>) -> Json {
    let Some(kept) = kept else { return json!(null) };
    let cut = |text: &str| text.chars().take(200).collect::<String>();
    let values: serde_json::Map<_, _> =
        kept.fields.iter().map(|field| (field.name.clone(), json!(cut(&field.text)))).collect();
    json!({"state": kept.sheet.state, "reason": kept.sheet.reason, "template": kept.template, "values": values,
           "relations": kept.relations.len()})
}

impl Deciding<'_> {
    async fn decide(&mut self, change: &ObjectChange) -> Result<ObjectOutcome, Error> {
        let (identifier, owner) = match (&change.identifier, &change.mint) {
            (Some(text), None) => self.named(text, change.operation).await?,
            (None, Some(mint)) if change.operation == ObjectOperation::Create => self.mint(mint).await?,
            _ => {
                let zh = "请给出 identifier；仅 create 可改用 mint 由系统生成";
                let en = "give an identifier; only create may have the node mint one instead";
                return Err(Refusal::fields(vec![FieldRefusal::new("identifier", "missing", zh, en)]).into());
            }
        };
        let key = identifier.key(self.objects.rule);
        if !self.memory.meet(&key) {
            let (zh, en) = ("标识重复出现", "the identifier occurs twice");
            return Err(refuse(Kind::Invalid, "repeated-in-call", zh, en));
        }
        if owner.moving {
            let zh = format!("前缀 {} 正在迁移，暂停写入，请稍后重试", owner.prefix);
            let en = format!("the prefix {} is moving to another node; write again when it has", owner.prefix);
            return Err(refuse(Kind::Conflict, "prefix-moving", zh, en));
        }
        if !owner.running {
            let (zh, en) =
                ("该前缀已停用或正在迁出，不能变更其标识", "its prefix is suspended or moving out: no changes");
            return Err(refuse(Kind::Conflict, "prefix-not-running", zh, en));
        }
        let before = self.objects.store.get(key.as_bytes());
        let before = before.map_err(|error| Error::Fault(error.to_string()))?;
        let kept = before.as_ref().map(|stored| Kept::read(&stored.values)).transpose()?.flatten();
        self.check_version(change, kept.as_ref())?;
        let after = self.after(change, &identifier, &owner, before.as_ref(), kept.as_ref()).await?;
        let Some(mut after) = after else {
            return Ok(outcome(&identifier, OutcomeKind::Unchanged, kept.as_ref()));
        };
        self.index(kept.as_ref(), &after, &identifier).await?;
        after.sheet.updated = self.act.now();
        after.sheet.updated_by = self.act.caller.name.clone();
        after.sheet.version = kept.as_ref().map_or(0, |kept| kept.sheet.version) + 1;
        let old = before.as_ref().map(|stored| &stored.values);
        let values = after.compose(old, Ttl::default())?;
        self.digest.update(key.as_bytes());
        self.digest.update(values.as_bytes());
        self.tell(change.operation, &owner, &identifier, kept.as_ref(), &after);
        let created = kept.is_none();
        let keep = !created;
        self.writes.push(Decided { key, before, after: Some(values), keep });
        let kind = if created { OutcomeKind::Created } else { OutcomeKind::Changed };
        Ok(outcome(&identifier, kind, Some(&after)))
    }

    fn tell(
        &mut self,
        operation: ObjectOperation,
        owner: &Owner,
        identifier: &Identifier,
        before: Option<&Kept>,
        after: &Kept,
    ) {
        let lives = |kept: &Kept| i64::from(kept.sheet.state != ObjectState::Deleted);
        let more = lives(after) - before.map_or(0, lives);
        let count = self.counts.entry(owner.prefix.clone()).or_insert((owner.organisation.clone(), 0));
        count.1 += more;
        let tally = self.tally.entry(owner.organisation.clone()).or_default();
        tally.total += 1;
        *tally.by_operation.entry(operation.name()).or_default() += 1;
        if tally.named.len() < NAMED {
            tally.named.push(identifier.as_str().to_owned());
        }
        tally.states = Some(crate::act::difference(&shown(before), &shown(Some(after))));
    }

    /// The identifier and whose it is, if the caller may act on it.
    async fn named(&mut self, text: &str, operation: ObjectOperation) -> Result<(Identifier, Owner), Error> {
        let of = |refusal: &hufu_ident::Refusal| Refusal::fields(vec![FieldRefusal::of("identifier", refusal)]);
        if text.len() > IDENTIFIER {
            let (zh, en) =
                (format!("标识不超过 {IDENTIFIER} 字节"), format!("an identifier has at most {IDENTIFIER} octets"));
            return Err(Refusal::fields(vec![FieldRefusal::new("identifier", "too-long", zh, en)]).into());
        }
        let makes = matches!(operation, ObjectOperation::Create | ObjectOperation::Put);
        let read = if makes {
            hufu_ident::system::check_new(text).map(|(identifier, _)| identifier)
        } else {
            Identifier::parse(text)
        };
        let identifier = read.map_err(|refusal| of(&refusal))?;
        if identifier.name().is_prefix_handle() {
            let (zh, en) = ("前缀的记录由前缀管理维护", "the record of a prefix is kept by the registry of prefixes");
            return Err(refuse(Kind::Invalid, "prefix-handle", zh, en));
        }
        let owner = self.owner(&identifier).await?;
        Ok((identifier, owner))
    }

    async fn owner(&mut self, identifier: &Identifier) -> Result<Owner, Error> {
        let home = identifier.name().home().as_str().to_owned();
        if !self.owners.contains_key(&home) {
            let found = self.objects.owner_of(self.act.sql(), identifier).await?;
            let found = found.ok_or_else(|| not_here(identifier.as_str()))?;
            self.owners.insert(home.clone(), found);
        }
        let owner = self.owners.get(&home).ok_or_else(|| not_here(identifier.as_str()))?;
        match self.act.caller.reaches(owner.organisation.as_deref()) {
            true => Ok(owner.clone()),
            // Whether anybody has it is nobody else's business.
            false => Err(absent(identifier.as_str()).into()),
        }
    }

    async fn mint(&mut self, mint: &Mint) -> Result<(Identifier, Owner), Error> {
        let pattern = Pattern::parse(&mint.pattern)?;
        let date = crate::onboarding::deadlines::date_in_china(self.act.now()).strftime("%Y%m%d").to_string();
        let random = self.act.registry().random;
        let tries = if pattern.counts() || pattern.is_random() { MINTS } else { 1 };
        for _ in 0..tries {
            let number = match pattern.counts() {
                true => self.next_number(&mint.prefix, &mint.pattern).await?,
                false => 0,
            };
            let suffix = pattern.fill(number, &date, random)?;
            let text = match mint.prefix.contains(':') {
                true => format!("{}{suffix}", mint.prefix),
                false => format!("{}/{suffix}", mint.prefix),
            };
            let (identifier, owner) = self.named(&text, ObjectOperation::Create).await?;
            let key = identifier.key(self.objects.rule);
            let found = self.objects.store.get(key.as_bytes()).map_err(|error| Error::Fault(error.to_string()))?;
            if found.is_none() && !self.memory.names.contains(&short(key.as_bytes())) {
                return Ok((identifier, owner));
            }
        }
        let zh = "按该样式生成的标识均已存在，请换一个样式";
        Err(refuse(
            Kind::Conflict,
            "mint-exhausted",
            zh,
            "every identifier of that pattern is taken; change the pattern",
        ))
    }

    async fn next_number(&mut self, prefix: &str, pattern: &str) -> Result<i64, Error> {
        let upsert = "INSERT INTO object_counter (prefix, pattern, next) VALUES ($1, $2, 2) \
                      ON CONFLICT (prefix, pattern) DO UPDATE SET next = object_counter.next + 1 RETURNING next";
        let row = sqlx::query(upsert).bind(prefix).bind(pattern).fetch_one(self.act.sql()).await?;
        Ok(row.try_get::<i64, _>(0)? - 1)
    }

    fn check_version(&self, change: &ObjectChange, kept: Option<&Kept>) -> Result<(), Error> {
        let found = kept.map_or(0, |kept| kept.sheet.version);
        match change.version {
            Some(seen) if seen != found => Err(Refusal::stale(found).into()),
            _ => Ok(()),
        }
    }

    /// What the object shall be; `None` if it is that already.
    async fn after(
        &mut self,
        change: &ObjectChange,
        identifier: &Identifier,
        owner: &Owner,
        before: Option<&Stored>,
        kept: Option<&Kept>,
    ) -> Result<Option<Kept>, Error> {
        use ObjectOperation::{Create, Delete, Overwrite, Patch, Put, Resume, Suspend};
        let name = identifier.as_str();
        match (change.operation, before, kept) {
            (_, _, Some(kept)) if kept.sheet.state == ObjectState::Deleted => {
                let zh = format!("标识 {name} 已注销，不再启用");
                let en = format!("{name} was deleted; it is not given out again");
                Err(refuse(Kind::Gone, "object-deleted", zh, en))
            }
            (Create, Some(_), _) => Err(refuse(Kind::Conflict, "object-exists", "标识已存在", "the identifier exists")),
            (Create | Put, None, _) => self.fresh(change, identifier, owner).await.map(Some),
            (_, None, _) => Err(absent(name).into()),
            // Written by another door: it becomes an object when it is overwritten.
            (Put | Overwrite, Some(stored), None) => {
                let mut fresh = self.fresh(change, identifier, owner).await?;
                fresh.others = foreign_values(&stored.values);
                Ok(Some(fresh))
            }
            (Put | Overwrite, Some(_), Some(kept)) => self.changed(change, owner, kept, Mode::Overwrite).await,
            (Patch, Some(_), Some(kept)) => self.changed(change, owner, kept, Mode::Patch).await,
            (Suspend | Resume | Delete, Some(_), Some(kept)) => restated(change, kept),
            (Patch | Suspend | Resume | Delete, Some(_), None) => {
                let zh = "该标识由其他接口登记、没有模板，请先用 put 或 overwrite 为其指定模板";
                let en = "this identifier was written by another door and has no template: put or overwrite it first";
                Err(refuse(Kind::Conflict, "not-an-object", zh, en))
            }
        }
    }

    async fn template(&mut self, name: &str, owner: &Owner) -> Result<Arc<Template>, Error> {
        if let Some(known) = self.templates.get(name) {
            return Ok(known.clone());
        }
        let found = templates::usable(self.act.sql(), name, owner.organisation.as_deref()).await?;
        let template = Arc::new(found);
        self.templates.insert(name.to_owned(), template.clone());
        Ok(template)
    }

    async fn present_template(&mut self, handle: &str) -> Result<Arc<Template>, Error> {
        if let Some(known) = self.templates.get(handle) {
            return Ok(known.clone());
        }
        let template = Arc::new(templates::as_used(self.act.sql(), handle).await?);
        self.templates.insert(handle.to_owned(), template.clone());
        Ok(template)
    }

    async fn fresh(&mut self, change: &ObjectChange, identifier: &Identifier, owner: &Owner) -> Result<Kept, Error> {
        let Some(name) = &change.template else {
            let (zh, en) = ("请指定数据模板", "name a template");
            return Err(Refusal::fields(vec![FieldRefusal::new("template", "missing", zh, en)]).into());
        };
        let template = self.template(name, owner).await?;
        let fields = checked(&template, change, Mode::Create, &[])?;
        let (now, by) = (self.act.now(), self.act.caller.name.clone());
        Ok(Kept {
            sheet: Sheet {
                identifier: identifier.as_str().to_owned(),
                state: ObjectState::Active,
                version: 1,
                reason: String::new(),
                created: now,
                created_by: by.clone(),
                updated: now,
                updated_by: by,
                private: Vec::new(),
                was_open: Vec::new(),
                mark: self.mark.to_owned(),
            },
            template: template.handle.clone(),
            template_version: template.version.clone(),
            fields,
            relations: relations(change)?.unwrap_or_default(),
            others: Vec::new(),
        })
    }

    async fn changed(
        &mut self,
        change: &ObjectChange,
        owner: &Owner,
        kept: &Kept,
        mode: Mode,
    ) -> Result<Option<Kept>, Error> {
        // The template that it has serves on, though it be withdrawn meanwhile.
        let template = match &change.template {
            Some(name) if !name.eq_ignore_ascii_case(&kept.template) => self.template(name, owner).await?,
            _ => self.present_template(&kept.template).await?,
        };
        let fields = checked(&template, change, mode, &kept.fields)?;
        let relations = relations(change)?.unwrap_or_else(|| kept.relations.clone());
        let after = Kept {
            template: template.handle.clone(),
            template_version: template.version.clone(),
            fields,
            relations,
            ..kept.clone()
        };
        Ok((after != *kept).then_some(after))
    }

    /// Keeps the unique fields unique: one row for each text, in the same commit as the object.
    async fn index(&mut self, before: Option<&Kept>, after: &Kept, identifier: &Identifier) -> Result<(), Error> {
        let live = |kept: &&Kept| kept.sheet.state != ObjectState::Deleted;
        let old = self.unique_rows(before.filter(live)).await?;
        let new = self.unique_rows(Some(after).filter(live)).await?;
        for (row, _) in old.iter().filter(|(row, _)| !new.iter().any(|(other, _)| other == row)) {
            let found = self.unique(row)?;
            self.taken.insert(row.clone(), None);
            if found.is_some() {
                self.writes.push(Decided { key: row.clone(), before: found, after: None, keep: false });
            }
        }
        for (row, field) in new.into_iter().filter(|(row, _)| !old.iter().any(|(other, _)| other == row)) {
            let found = self.unique(&row)?;
            let in_call = self.taken.get(&row);
            let free = match in_call {
                Some(taken) => taken.is_none(),
                None => found.is_none(),
            };
            if !free || (in_call.is_some() && found.is_some()) {
                return Err(not_unique(&field));
            }
            if self.dry
                && self.memory.unique.insert(short(row.as_bytes()), short(identifier.as_str().as_bytes())).is_some()
            {
                return Err(not_unique(&field));
            }
            self.taken.insert(row.clone(), Some(identifier.as_str().to_owned()));
            let values = ValueSet::from_values(vec![Value::new(1, "UNIQUE", identifier.as_str()).with_permissions(0)]);
            self.writes.push(Decided { key: row, before: None, after: Some(values), keep: false });
        }
        Ok(())
    }

    fn unique(&self, row: &RecordKey) -> Result<Option<Stored>, Error> {
        self.objects.store.get(row.as_bytes()).map_err(|error| Error::Fault(error.to_string()))
    }

    /// The rows of an object in the index of unique fields, each with its field.
    async fn unique_rows(&mut self, kept: Option<&Kept>) -> Result<Vec<(RecordKey, String)>, Error> {
        let Some(kept) = kept.filter(|kept| !kept.template.is_empty()) else { return Ok(Vec::new()) };
        let indexes = match self.templates.values().find(|template| template.handle == kept.template) {
            Some(template) => template.unique_indexes(),
            None => templates::unique_indexes(self.act.sql(), &kept.template).await?,
        };
        let unique = kept.fields.iter().filter(|field| indexes.contains(&field.index));
        Ok(unique.map(|field| (unique_key(&kept.template, field), field.name.clone())).collect())
    }
}

fn not_unique(field: &str) -> Error {
    let (zh, en) = (format!("{field} 的值已被其他标识使用"), format!("another identifier has this {field}"));
    Refusal::fields(vec![FieldRefusal::new(format!("values.{field}"), "not-unique", zh, en)]).into()
}

fn unique_key(template: &str, field: &Held) -> RecordKey {
    let digest = Sha256::digest(field.text.as_bytes());
    let mut key = vec![UNIQUE_SPACE];
    key.extend_from_slice(template.to_ascii_uppercase().as_bytes());
    key.push(0);
    key.extend_from_slice(&field.index.to_be_bytes());
    key.extend_from_slice(&digest[..16]);
    RecordKey::from_bytes(key)
}

/// Values of a record that the object does not take over: below the indexes of objects, and none of its own.
fn foreign_values(values: &ValueSet) -> Vec<Value> {
    values.iter().filter(|value| value.index < super::record::TEMPLATE_ID).map(|value| value.to_value()).collect()
}

fn outcome(identifier: &Identifier, outcome: OutcomeKind, kept: Option<&Kept>) -> ObjectOutcome {
    ObjectOutcome {
        identifier: kept.map_or_else(|| identifier.as_str().to_owned(), |kept| kept.sheet.identifier.clone()),
        outcome,
        version: kept.map_or(0, |kept| kept.sheet.version),
        state: kept.map(|kept| kept.sheet.state),
        code: String::new(),
        zh: String::new(),
        en: String::new(),
        fields: Vec::new(),
    }
}

/// Suspends, resumes or deletes.
fn restated(change: &ObjectChange, kept: &Kept) -> Result<Option<Kept>, Error> {
    let state = match change.operation {
        ObjectOperation::Suspend => ObjectState::Suspended,
        ObjectOperation::Delete => ObjectState::Deleted,
        _ => ObjectState::Active,
    };
    let reason = change.reason.as_deref().unwrap_or_default().trim();
    if reason.chars().count() > REASON {
        let (zh, en) = (format!("原因不超过 {REASON} 字"), format!("a reason has at most {REASON} characters"));
        return Err(Refusal::fields(vec![FieldRefusal::new("reason", "too-long", zh, en)]).into());
    }
    if state == ObjectState::Deleted && reason.is_empty() {
        let (zh, en) = ("请说明注销原因，解析时会显示", "say why it is deleted; whoever resolves it reads that");
        return Err(Refusal::fields(vec![FieldRefusal::new("reason", "missing", zh, en)]).into());
    }
    let mut after = kept.clone();
    (after.sheet.state, after.sheet.reason) = (state, reason.to_owned());
    if state == ObjectState::Active {
        after.sheet.reason.clear();
    }
    if state == ObjectState::Deleted {
        (after.fields, after.relations) = (Vec::new(), Vec::new());
    }
    Ok((after != *kept).then_some(after))
}

fn relations(change: &ObjectChange) -> Result<Option<Vec<super::relation::Relation>>, Error> {
    let Some(relations) = &change.relations else { return Ok(None) };
    if relations.len() > RELATIONS {
        let (zh, en) = (format!("关系不超过 {RELATIONS} 条"), format!("an object has at most {RELATIONS} relations"));
        return Err(Refusal::fields(vec![FieldRefusal::new("relations", "too-many", zh, en)]).into());
    }
    let check = |(at, relation): (usize, &super::relation::Relation)| relation.check(&format!("relations[{at}].to"));
    let wrong: Vec<FieldRefusal> = relations.iter().enumerate().filter_map(check).collect();
    if wrong.is_empty() { Ok(Some(relations.clone())) } else { Err(Refusal::fields(wrong).into()) }
}

/// The fields after a change, by index.
fn checked(template: &Template, change: &ObjectChange, mode: Mode, before: &[Held]) -> Result<Vec<Held>, Error> {
    let values = templates::check_values(template, &change.values, mode).map_err(|faults| {
        let field = |fault: templates::FieldFault| {
            FieldRefusal::new(format!("values.{}", fault.field), fault.rule, fault.zh, fault.en)
        };
        Refusal::fields(faults.into_iter().map(field).collect())
    })?;
    let mut fields: BTreeMap<u32, Held> = match mode {
        Mode::Patch => before.iter().map(|held| (held.index, held.clone())).collect(),
        _ => BTreeMap::new(),
    };
    for (item, text) in values {
        let Some(text) = text else {
            fields.remove(&item.index);
            continue;
        };
        let same = before.iter().find(|held| held.index == item.index);
        let visibility = same.map_or(item.visibility, |held| held.visibility);
        fields.insert(item.index, Held { index: item.index, name: item.name.clone(), text, visibility });
    }
    let mut unknown = Vec::new();
    for (name, visibility) in &change.visibility {
        match fields.values_mut().find(|held| held.name == *name) {
            Some(held) => held.visibility = *visibility,
            None => {
                let (zh, en) = (format!("没有字段 {name}"), format!("there is no field {name}"));
                unknown.push(FieldRefusal::new(format!("visibility.{name}"), "unknown-field", zh, en));
            }
        }
    }
    if unknown.is_empty() { Ok(fields.into_values().collect()) } else { Err(Refusal::fields(unknown).into()) }
}
