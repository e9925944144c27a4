//! The audit chain: whole while nobody touches it, broken by one changed octet, and a condition of every act.

use crate::organisations::subject;
use crate::{benches, operator};
use hufu_registry::audit::AuditFilter;
use hufu_registry::organisations::NewOrganisation;
use hufu_registry::{Permission, Registry, Scope};
use sqlx::AssertSqlSafe;

async fn enter(registry: &Registry, code: &str) -> Result<(), hufu_registry::Error> {
    let new = NewOrganisation { subject: subject("公司", code) };
    registry.create_organisation(&operator(), &new).await.map(|_| ())
}

async fn run(registry: &Registry, statement: &str) {
    let done = sqlx::query(AssertSqlSafe(statement.to_owned())).execute(registry.database().reader()).await;
    done.expect("a statement");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_changed_octet_is_found_wherever_it_is() {
    for bench in benches().await {
        let registry = &bench.registry;
        for number in 0..8 {
            enter(registry, &format!("E{number}")).await.expect("entered");
        }
        let whole = registry.verify_audit(&operator()).await.expect("verified");
        assert!(whole.whole && whole.entries == 8, "{whole:?}");

        let columns = "at actor origin account address request organisation action object outcome before_state \
                       after_state hash";
        for column in columns.split_whitespace() {
            let keep = "CREATE TABLE kept AS SELECT * FROM audit_entry WHERE sequence = 4";
            run(registry, keep).await;
            let changed = if column == "at" { "at + 1".to_owned() } else { format!("{column} || ' '") };
            run(registry, &format!("UPDATE audit_entry SET {column} = {changed} WHERE sequence = 4")).await;
            let found = registry.verify_audit(&operator()).await.expect("verified");
            assert_eq!(found.breach.map(|breach| breach.sequence), Some(4), "{column}");
            run(registry, "DELETE FROM audit_entry WHERE sequence = 4").await;
            let found = registry.verify_audit(&operator()).await.expect("verified");
            assert_eq!(found.breach.map(|breach| breach.sequence), Some(4), "removed");
            run(registry, "INSERT INTO audit_entry SELECT * FROM kept").await;
            run(registry, "DROP TABLE kept").await;
            assert!(registry.verify_audit(&operator()).await.expect("verified").whole);
        }
        run(registry, "DELETE FROM audit_entry WHERE sequence = 8").await;
        assert!(!registry.verify_audit(&operator()).await.expect("verified").whole, "a cut tail");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_down_is_not_done() {
    for bench in benches().await {
        let registry = &bench.registry;
        run(registry, "ALTER TABLE audit_entry RENAME TO away").await;
        assert!(matches!(enter(registry, "F1").await, Err(hufu_registry::Error::Fault(_))));
        run(registry, "ALTER TABLE away RENAME TO audit_entry").await;
        let page = registry.organisations(&operator(), &Default::default(), &Default::default()).await.expect("a page");
        assert_eq!(page.total, 0, "{}", bench.scratch.kind);
        enter(registry, "F1").await.expect("entered");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_keeps_half_a_year_and_the_chain_whole() {
    for bench in benches().await {
        let registry = &bench.registry;
        for number in 0..3 {
            enter(registry, &format!("G{number}")).await.expect("entered");
        }
        let error = registry.prune_audit(&operator(), 179).await.expect_err("refused");
        assert_eq!(error.refusal().expect("a refusal").code, "audit-retention");
        let mut later = operator();
        later.at += 181 * hufu_registry::caller::DAY;
        assert_eq!(registry.prune_audit(&later, 180).await.expect("pruned").removed, 3);
        let found = registry.verify_audit(&operator()).await.expect("verified");
        assert!(found.whole && found.first == 4 && found.entries == 1, "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_writers_make_one_chain() {
    for bench in benches().await {
        let mut work = tokio::task::JoinSet::new();
        for number in 0..64 {
            let registry = bench.registry.clone();
            work.spawn(async move { enter(&registry, &format!("H{}", number / 2)).await.is_ok() });
        }
        let done = work.join_all().await.into_iter().filter(|done| *done).count();
        assert_eq!(done, 32, "every certificate once");
        let found = bench.registry.verify_audit(&operator()).await.expect("verified");
        assert!(found.whole && found.entries == 32, "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_whole_in_order_within_reach_and_written_down() {
    for bench in benches().await {
        let registry = &bench.registry;
        for number in 0..230 {
            enter(registry, &format!("X{number}")).await.expect("entered");
        }
        let all = AuditFilter::default();
        let last = registry.begin_audit_export(&operator(), &all, "csv").await.expect("begun");
        enter(registry, "late").await.expect("entered");
        let mut seen: Vec<i64> = Vec::new();
        loop {
            let after = seen.last().copied().unwrap_or(0);
            let stride = registry.audit_export(&operator(), &all, after, last).await.expect("entries");
            if stride.is_empty() {
                break;
            }
            seen.extend(stride.iter().map(|entry| entry.sequence));
        }
        assert_eq!(seen, (1..=230).collect::<Vec<i64>>(), "{}", bench.scratch.kind);

        let written = AuditFilter { action: Some("audit.export".into()), ..AuditFilter::default() };
        let page = registry.audit(&operator(), &written, &Default::default()).await.expect("a page");
        assert_eq!((page.total, page.items[0].after["format"].as_str()), (1, Some("csv")));

        // Who reaches one organisation does not read of another by naming it, and cuts nothing.
        let foreign = registry.audit_export(&operator(), &all, 0, 1).await.expect("entries").remove(0).organisation;
        let mut own = operator();
        own.scope = Scope::Organisation("org-own".into());
        let named = AuditFilter { organisation: Some(foreign), ..AuditFilter::default() };
        assert_eq!(registry.audit(&own, &named, &Default::default()).await.expect("a page").total, 0);
        assert!(registry.audit_export(&own, &named, 0, last).await.expect("entries").is_empty());
        assert!(registry.prune_audit(&own, 180).await.expect_err("refused").refusal().is_some());
        own.permissions = [Permission::AuditRead].into_iter().collect();
        let error = registry.begin_audit_export(&own, &all, "csv").await.expect_err("refused");
        assert_eq!(error.refusal().expect("a refusal").code, "not-permitted");
    }
}
