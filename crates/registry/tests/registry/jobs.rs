//! Jobs: files in and out with every error in its place, runs of serials, and what a stop in the middle leaves.

use crate::objects::{Plant, TEMPLATE, change, member, open, plant};
use crate::prefixes::code;
use crate::{NOW, benches};
use hufu_registry::jobs::columns::{ColumnUse, ImportSettings};
use hufu_registry::jobs::job::{BadRows, Job, JobState, Tally};
use hufu_registry::jobs::{ExportFormat, JobWish, NewExport, NewRun};
use hufu_registry::objects::change::ObjectOperation;
use hufu_registry::objects::{Manner, Objects};
use hufu_registry::{Caller, Error};
use serde_json::{Map, json};
use std::path::Path;

fn clock() -> i64 {
    NOW + 1_000
}

/// The plant with a folder for jobs.
fn with_jobs(plant: &Plant, folder: &Path) -> Objects {
    open(&plant.registry, &plant.store).with_jobs(folder).expect("a folder")
}

async fn import(objects: &Objects, caller: &Caller, name: &str, octets: &[u8]) -> Result<Job, Error> {
    let path = objects.upload_path().expect("a path");
    std::fs::write(&path, octets).expect("written");
    objects.create_import(caller, name, &path, Some(TEMPLATE), Some("88.118.1")).await
}

async fn done(objects: &Objects, caller: &Caller, id: &str) -> Job {
    while objects.work(clock).await.expect("worked") {}
    objects.job(caller, id).await.expect("a job")
}

fn tally(rows: i64, created: i64, changed: i64, unchanged: i64, refused: i64) -> Tally {
    Tally { rows, created, changed, unchanged, refused }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_checked_mended_and_applied_and_the_second_time_changes_nothing() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let folder = tempfile::tempdir().expect("a folder");
        let objects = with_jobs(&plant, folder.path());
        let us = member(&plant.ours, NOW);
        let mut text = String::from("后缀,name,Serial,备注\n");
        for number in 0..2_500 {
            text.push_str(&format!("P{number},泵{number},S{number},x\n"));
        }
        text.push_str("P7,重复,S9999,\nQ1,同序列号,S3,\n,无标识,S8888,\n");
        let (octets, _, _) = encoding_rs::GBK.encode(&text);
        let job = import(&objects, &us, "泵.csv", &octets).await.expect("a job");
        assert_eq!((job.state, job.total), (JobState::Uploaded, 2_503));
        let settings: ImportSettings = serde_json::from_value(job.settings.clone()).expect("settings");
        let field = |name: &str| ColumnUse::Field(name.into());
        assert_eq!(settings.columns, [ColumnUse::Suffix, field("name"), field("serial"), ColumnUse::Ignored]);

        objects.wish_job(&us, &job.id, JobWish::Check, BadRows::AllOrNothing).await.expect("checking");
        let checked = done(&objects, &us, &job.id).await;
        assert_eq!((checked.state, checked.tally), (JobState::Checked, tally(2_503, 2_500, 0, 0, 3)));
        let errors = objects.job_errors(&us, &job.id, 0).await.expect("errors");
        let places: Vec<(u32, u32, &str)> =
            errors.items.iter().map(|error| (error.row, error.column, error.code.as_str())).collect();
        assert_eq!(places, [(2_502, 1, "repeated-in-call"), (2_503, 3, "not-unique"), (2_504, 1, "missing")]);
        assert_eq!(plant.store.last_sequence(), 2, "a check changes nothing");
        let (path, name) = objects.job_file(&us, &job.id, true).await.expect("a file");
        assert_eq!(name, "泵-errors.csv");
        let given_back = std::fs::read_to_string(path).expect("a text");
        assert!(given_back.starts_with("\u{feff}后缀,name,Serial,备注,错误 Errors\r\nP7,重复,S9999,"), "{given_back}");
        assert_eq!(given_back.lines().count(), 4);

        objects.wish_job(&us, &job.id, JobWish::Apply, BadRows::AllOrNothing).await.expect("applying");
        let refused = done(&objects, &us, &job.id).await;
        assert_eq!((refused.state, refused.errors, plant.store.last_sequence()), (JobState::Checked, 3, 2));
        objects.wish_job(&us, &job.id, JobWish::Apply, BadRows::Skip).await.expect("applying");
        let applied = done(&objects, &us, &job.id).await;
        assert_eq!((applied.state, applied.tally), (JobState::Done, tally(2_503, 2_500, 0, 0, 3)));
        let seen = objects.object(&us, "88.118.1/p2499", None, None).await.expect("there");
        assert_eq!(seen.fields[0].value, json!("泵2499"));
        let count = objects.objects(&us, &Default::default()).await.expect("a page").total;
        assert_eq!(count, 2_500);

        let sequence = plant.store.last_sequence();
        let again = import(&objects, &us, "again.csv", &octets).await.expect("a job");
        objects.wish_job(&us, &again.id, JobWish::Apply, BadRows::Skip).await.expect("applying");
        let again = done(&objects, &us, &again.id).await;
        assert_eq!(again.tally, tally(2_503, 0, 0, 2_500, 3), "{}", bench.scratch.kind);
        assert_eq!(plant.store.last_sequence(), sequence);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_assigned_remembered_and_checked() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let folder = tempfile::tempdir().expect("a folder");
        let objects = with_jobs(&plant, folder.path());
        let (us, them) = (member(&plant.ours, NOW), member(&plant.theirs, NOW));
        let job = import(&objects, &us, "a.csv", "A,B\n88.118.1/x,泵\n".as_bytes()).await.expect("a job");
        let with = |columns: &[ColumnUse]| ImportSettings {
            template: TEMPLATE.into(),
            prefix: String::new(),
            operation: ObjectOperation::Put,
            columns: columns.to_vec(),
            headings: Vec::new(),
        };
        let name = ColumnUse::Field("name".into());
        for wrong in [
            &[name.clone(), name.clone()][..],
            &[ColumnUse::Suffix, name.clone()],
            &[ColumnUse::Identifier, ColumnUse::Identifier],
        ] {
            assert!(objects.set_import(&us, &job.id, None, &with(wrong)).await.is_err());
        }
        let right = with(&[ColumnUse::Identifier, name]);
        assert_eq!(code(objects.set_import(&them, &job.id, None, &right).await), "not-found");
        objects.set_import(&us, &job.id, Some(1), &right).await.expect("assigned");
        assert_eq!(code(objects.set_import(&us, &job.id, Some(1), &right).await), "stale-version");
        objects.wish_job(&us, &job.id, JobWish::Apply, BadRows::AllOrNothing).await.expect("applying");
        assert_eq!(done(&objects, &us, &job.id).await.tally, tally(1, 1, 0, 0, 0));
        assert_eq!(code(objects.wish_job(&us, &job.id, JobWish::Check, BadRows::Skip).await), "job-state");
        let next = import(&objects, &us, "b.csv", "A,B\n88.118.1/y,阀\n".as_bytes()).await.expect("a job");
        let settings: ImportSettings = serde_json::from_value(next.settings).expect("settings");
        assert_eq!(settings.columns, right.columns);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_rests_ends_and_goes_on_where_it_was() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let folder = tempfile::tempdir().expect("a folder");
        let objects = with_jobs(&plant, folder.path());
        let us = member(&plant.ours, NOW);
        let text: String = (0..1_500).map(|number| format!("88.118.1/r{number},x\n")).collect();
        let job = import(&objects, &us, "a.csv", format!("标识,name\n{text}").as_bytes()).await.expect("a job");
        objects.wish_job(&us, &job.id, JobWish::Apply, BadRows::Skip).await.expect("applying");
        // As if it had been killed after its first chunk: a thousand rows are written, and the job says so.
        let changes: Vec<_> = (0..1_000)
            .map(|number| change(ObjectOperation::Put, &format!("88.118.1/r{number}"), json!({"name": "x"})))
            .collect();
        objects.change(&us, &changes, Manner { atomic: false, ..Manner::SINGLE }).await.expect("changed");
        {
            let mut write = plant.registry.database().begin_write().await.expect("a transaction");
            let so_far = serde_json::to_string(&tally(1_000, 1_000, 0, 0, 0)).expect("a text");
            let update = sqlx::query("UPDATE job SET tally = $1 WHERE id = $2").bind(so_far).bind(&job.id);
            update.execute(&mut *write.transaction).await.expect("updated");
            write.transaction.commit().await.expect("committed");
        }
        objects.wish_job(&us, &job.id, JobWish::Pause, BadRows::Skip).await.expect("paused");
        assert!(!objects.work(clock).await.expect("nothing to do"));
        objects.wish_job(&us, &job.id, JobWish::Resume, BadRows::Skip).await.expect("resumed");
        let end = done(&objects, &us, &job.id).await;
        assert_eq!((end.state, end.tally), (JobState::Done, tally(1_500, 1_500, 0, 0, 0)));
        let next = import(&objects, &us, "b.csv", b"id,name\n88.118.1/z,x\n").await.expect("a job");
        let ended = objects.wish_job(&us, &next.id, JobWish::Cancel, BadRows::Skip).await.expect("cancelled");
        assert_eq!((ended.state, ended.finished), (JobState::Cancelled, Some(NOW)));
        for (octets, expected) in
            [(&b""[..], "file-empty"), (b"PK\x03\x04", "xlsx-unreadable"), (b"\xD0\xCF\x11\xE0", "old-excel")]
        {
            assert_eq!(code(import(&objects, &us, "x", octets).await), expected);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_hold_every_row_and_no_formula() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let folder = tempfile::tempdir().expect("a folder");
        let objects = with_jobs(&plant, folder.path());
        let us = member(&plant.ours, NOW);
        let changes: Vec<_> = (0..450)
            .map(|number| {
                let values = json!({"name": "=1+1", "batch": format!("B{number}")});
                change(ObjectOperation::Create, &format!("88.118.1/e{number:03}"), values)
            })
            .collect();
        objects.change(&us, &changes, Manner::SINGLE).await.expect("created");
        for (format, ending) in
            [(ExportFormat::Csv, "csv"), (ExportFormat::Xlsx, "xlsx"), (ExportFormat::Jsonl, "jsonl")]
        {
            let new =
                NewExport { format, prefix: None, template: Some(TEMPLATE.into()), state: None, name: "全部".into() };
            let job = objects.create_export(&us, &new).await.expect("a job");
            let end = done(&objects, &us, &job.id).await;
            assert_eq!((end.state, end.tally.rows), (JobState::Done, 450));
            let (path, name) = objects.job_file(&us, &job.id, false).await.expect("a file");
            assert_eq!(name, format!("全部.{ending}"));
            if format == ExportFormat::Jsonl {
                assert_eq!(std::fs::read_to_string(path).expect("a text").lines().count(), 450);
                continue;
            }
            let mut rows = Vec::new();
            let mut take = |row: hufu_registry::jobs::table::TableRow| {
                rows.push(row.cells);
                true
            };
            hufu_registry::jobs::table::read(&path, &mut take).expect("read");
            assert_eq!(rows.len(), 451);
            let formula = if format == ExportFormat::Csv { "'=1+1" } else { "=1+1" };
            assert!(rows[1][0] == "88.118.1/E000" || rows[1][0] == "88.118.1/e000", "{:?}", rows[1]);
            assert_eq!(rows[1][5..7], [formula, "B0"]);
        }
        let none =
            NewExport { format: ExportFormat::Csv, prefix: None, template: None, state: None, name: String::new() };
        assert_eq!(code(objects.create_export(&us, &none).await), "missing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_registers_every_serial_each_like_any_other() {
    for bench in benches().await {
        let plant = plant(&bench).await;
        let folder = tempfile::tempdir().expect("a folder");
        let objects = with_jobs(&plant, folder.path());
        let us = member(&plant.ours, NOW);
        let values: Map<_, _> = json!({"name": "泵", "serial": "S{n:5}"}).as_object().expect("values").clone();
        let new = NewRun {
            prefix: "88.118.1".into(),
            pattern: "RUN{n:5}{check}".into(),
            from: 1,
            to: 1_234,
            template: TEMPLATE.into(),
            values,
        };
        let job = objects.create_run(&us, &new).await.expect("a job");
        let end = done(&objects, &us, &job.id).await;
        assert_eq!((end.state, end.tally), (JobState::Done, tally(1_234, 1_234, 0, 0, 0)));
        let page = objects.objects(&us, &Default::default()).await.expect("a page");
        assert_eq!(page.total, 1_234);
        let one = &page.items[10];
        assert_eq!(one.fields.iter().find(|field| field.name == "serial").expect("a serial").value, json!("S00011"));
        let again = objects.create_run(&us, &new).await.expect("a job");
        assert_eq!(done(&objects, &us, &again.id).await.tally.created, 0);
        for wrong in [NewRun { pattern: "X{a:4}".into(), ..new.clone() }, NewRun { to: 0, ..new.clone() }] {
            assert!(objects.create_run(&us, &wrong).await.is_err());
        }
        let mut bad = NewRun { from: 5_000, to: 6_000, ..new.clone() };
        bad.values.insert("nothing".into(), json!(1));
        let refused = objects.create_run(&us, &bad).await.expect_err("refused");
        assert_eq!(refused.refusal().expect("a refusal").fields[0].field, "values.nothing");
    }
}
