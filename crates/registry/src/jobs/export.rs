//! Exports: all objects that a filter names, as CSV, xlsx or JSON Lines.
//!
//! CSV and xlsx need a template, whose fields are their columns; JSON Lines take whatever there is. Who exports gets
//! what he would see one by one.

use super::job::{Job, JobKind, JobState, Kept, Tally};
use super::write_table::{TableWriter, WriteFormat};
use super::{Clock, faulty};
use crate::caller::Caller;
use crate::error::{Error, FieldRefusal, Refusal};
use crate::objects::Objects;
use crate::objects::read::{Object, ObjectFilter};
use crate::permission::Permission;
use crate::templates::{self, Template};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Name of the file that is made.
pub(super) const RESULT: &str = "result";
/// Objects of one step.
const STEP: usize = 200;

/// The format of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// RFC 4180 with a byte order mark, so that Excel reads the Chinese.
    #[default]
    Csv,
    Xlsx,
    /// One object a line, as the API shows it.
    Jsonl,
}

/// What to export.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewExport {
    #[serde(default)]
    pub format: ExportFormat,
    /// Below one prefix; all of the caller's unless given.
    #[serde(default)]
    #[schema(max_length = 255)]
    pub prefix: Option<String>,
    /// Handle or id of the template; needed but for JSON Lines.
    #[serde(default)]
    #[schema(max_length = 255)]
    pub template: Option<String>,
    /// `active`, `suspended` or `deleted`; the first two unless given.
    #[serde(default)]
    #[schema(max_length = 20)]
    pub state: Option<String>,
    /// Name of the file.
    #[serde(default)]
    #[schema(max_length = 255)]
    pub name: String,
}

/// What an export job is told.
pub type ExportSettings = NewExport;

impl Objects {
    /// Makes a job that exports.
    pub async fn create_export(&self, caller: &Caller, new: &NewExport) -> Result<Job, Error> {
        let mut act = self.registry.begin(caller, Permission::ObjectRead, "job").await?;
        let mut settings = new.clone();
        match &new.template {
            Some(named) => {
                settings.template = Some(templates::usable(act.sql(), named, caller.organisation()).await?.handle);
            }
            None if new.format == ExportFormat::Jsonl => {}
            None => {
                let zh = "CSV 和 xlsx 导出须指定模板，其字段即为列；混合导出请用 jsonl";
                let en = "CSV and xlsx need a template, whose fields are the columns; jsonl takes all";
                return Err(Refusal::fields(vec![FieldRefusal::new("template", "missing", zh, en)]).into());
            }
        }
        self.owners_in_reach(caller, new.prefix.as_deref()).await?;
        let name = if new.name.is_empty() { "objects" } else { &new.name };
        let mut kept = Objects::new_job(&act, JobKind::Export, JobState::Applying, name);
        kept.job.settings = serde_json::to_value(&settings)?;
        let folder = self.job_folder(&kept.job.id)?;
        std::fs::create_dir_all(&folder).map_err(faulty)?;
        self.enter_job(act, kept).await
    }

    /// Exports are made from the start: a file that is not whole is not kept.
    pub(super) async fn work_export(&self, kept: Kept, clock: Clock) -> Result<(), Error> {
        let settings: ExportSettings = serde_json::from_value(kept.job.settings.clone())?;
        let folder = self.job_folder(&kept.job.id)?;
        let template = match &settings.template {
            Some(handle) => {
                let mut connection = self.registry.database().reader().acquire().await?;
                Some(templates::as_used(&mut connection, handle).await?)
            }
            None => None,
        };
        let format = match settings.format {
            ExportFormat::Csv => WriteFormat::Csv,
            ExportFormat::Xlsx => WriteFormat::Xlsx,
            ExportFormat::Jsonl => WriteFormat::Lines,
        };
        let mut out = TableWriter::create(&folder, RESULT, format)?;
        if let Some(template) = template.as_ref().filter(|_| format != WriteFormat::Lines) {
            out.row(&headings(template))?;
        }
        let mut filter = ObjectFilter {
            prefix: settings.prefix.clone(),
            template: settings.template.clone(),
            state: settings.state.clone(),
            limit: Some(STEP),
            ..ObjectFilter::default()
        };
        let mut tally = Tally::default();
        loop {
            let page = self.objects(&kept.caller(clock()), &filter).await?;
            for object in &page.items {
                match (&template, format) {
                    (_, WriteFormat::Lines) => out.line(object)?,
                    (Some(template), _) => out.row(&cells(template, object))?,
                    (None, _) => {}
                }
            }
            tally.rows += i64::try_from(page.items.len()).unwrap_or(0);
            let going =
                self.alter_job(&kept.job.id, clock(), |job| (job.tally, job.total) = (tally, page.total)).await?;
            if going.is_none() {
                return Ok(());
            }
            match page.next {
                Some(next) => filter.after = Some(next),
                None => break,
            }
        }
        tokio::task::spawn_blocking(move || out.finish()).await.map_err(faulty)??;
        let at = clock();
        let done = |job: &mut Job| {
            (job.state, job.finished, job.total) = (JobState::Done, Some(at), tally.rows);
        };
        self.alter_job(&kept.job.id, at, done).await.map(|_| ())
    }
}

fn headings(template: &Template) -> Vec<String> {
    let mut headings: Vec<String> = ["标识", "状态", "版本", "登记时间", "更新时间"].map(str::to_owned).into();
    let label = |labels: &std::collections::BTreeMap<String, String>, name: &String| {
        labels.get("zh").filter(|label| !label.is_empty()).unwrap_or(name).clone()
    };
    headings.extend(template.items.iter().map(|item| label(&item.labels, &item.name)));
    headings
}

fn cells(template: &Template, object: &Object) -> Vec<String> {
    let moment = |at: i64| {
        let at = jiff::Timestamp::from_millisecond(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        at.to_string()
    };
    let mut cells = vec![
        object.identifier.clone(),
        object.state.name().to_owned(),
        object.version.to_string(),
        moment(object.created),
        moment(object.updated),
    ];
    let value = |index: u32| object.fields.iter().find(|field| field.index == index).map(|field| &field.value);
    cells.extend(template.items.iter().map(|item| match value(item.index) {
        None => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }));
    cells
}
