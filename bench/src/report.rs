//! What people and programs read: a table, or one JSON object per case.

use crate::measure::Outcome;
use serde_json::json;
use std::fmt::Write;
use std::time::Duration;

const HEAD: [&str; 14] = [
    "case",
    "queries",
    "queries/s",
    "CPU µs",
    "user",
    "system",
    "floor µs",
    "over µs",
    "ratio",
    "least–most",
    "p50 µs",
    "p99 µs",
    "dropped",
    "MiB",
];

fn micros(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1000.0
}

/// Aligned, names to the left, numbers to the right.
pub fn table(outcomes: &[Outcome]) -> String {
    let mut rows = vec![HEAD.map(String::from)];
    rows.extend(outcomes.iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut out = String::new();
    for row in &rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(out, "{cell:<width$}"),
                _ => write!(out, "  {cell:>width$}"),
            };
        }
        out.push('\n');
    }
    if let (Some(first), Some(last)) = (outcomes.first(), outcomes.last()) {
        let (from, to) = (first.load_average[0], last.load_average[1]);
        let _ = writeln!(out, "{} processors, load average {from} before and {to} after", processors());
    }
    out
}

fn row(outcome: &Outcome) -> [String; HEAD.len()] {
    let cost = &outcome.cost;
    let range = match (outcome.ratios.first(), outcome.ratios.last()) {
        (Some(least), Some(most)) => format!("{least:.2}–{most:.2}"),
        _ => String::new(),
    };
    [
        outcome.case.to_string(),
        cost.tally.answered().to_string(),
        format!("{:.0}", cost.per_second()),
        format!("{:.2}", cost.total_micros()),
        format!("{:.2}", cost.micros(cost.cpu.user)),
        format!("{:.2}", cost.micros(cost.cpu.system)),
        format!("{:.2}", outcome.floor.total_micros()),
        format!("{:.2}", cost.total_micros() - outcome.floor.total_micros()),
        format!("{:.2}", outcome.ratio()),
        range,
        format!("{:.0}", micros(cost.tally.latency.quantile(50))),
        format!("{:.0}", micros(cost.tally.latency.quantile(99))),
        cost.tally.dropped.to_string(),
        (outcome.resident >> 20).to_string(),
    ]
}

/// One line.
pub fn json(outcome: &Outcome) -> String {
    let cost = &outcome.cost;
    let round = |number: f64| (number * 1000.0).round() / 1000.0;
    json!({
        "case": outcome.case,
        "queries": cost.tally.answered(),
        "queries_per_second": round(cost.per_second()),
        "cpu_us": round(cost.total_micros()),
        "user_us": round(cost.micros(cost.cpu.user)),
        "system_us": round(cost.micros(cost.cpu.system)),
        "floor_cpu_us": round(outcome.floor.total_micros()),
        "ratio": round(outcome.ratio()),
        "ratios": outcome.ratios.iter().map(|ratio| round(*ratio)).collect::<Vec<_>>(),
        "p50_us": round(micros(cost.tally.latency.quantile(50))),
        "p99_us": round(micros(cost.tally.latency.quantile(99))),
        "dropped": cost.tally.dropped,
        "resident_octets": outcome.resident,
        "load_average": outcome.load_average,
        "processors": processors(),
    })
    .to_string()
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
