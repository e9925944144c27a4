//! `hufu-bench parse`: processor time of reading one code, by spelling: its own system's grammar alone, the canonical
//! name (what registration checks), and the lens that tries everything.

use hufu_ident::{Scheme, lens, system};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long each figure is taken, in each of [`ROUNDS`] rounds.
const SPAN: Duration = Duration::from_millis(200);
const ROUNDS: usize = 5;
/// Codes read between two looks at the clock.
const BATCH: usize = 256;

/// A spelling, and a code in it with a number for `#`, so that no two in a row are the same.
const SPELLINGS: [(&str, &str); 13] = [
    ("vaa", "88.118.8/JXDY2106#"),
    ("handle", "20.500.12357/A-#"),
    ("gs1 element string", "(01)09521321000018(10)ABC#(21)SN#"),
    ("gs1 scan data", "]d20109521321000018\u{1D}21SN#"),
    ("gs1 digital link", "https://id.gs1.org/01/09521321000018/10/ABC#/21/SN#"),
    ("gs1 name", "gs1:01/09521321000018/21/SN#"),
    ("oid", "1.2.156.20009.7.#"),
    ("oid urn", "urn:oid:1.2.156.20009.7.#"),
    ("ecode", "ecode:29001123456780000000121060#"),
    ("did:bid", "did:bid:ef18F9AVK4SQLZPRrPkrVWwp9kBpdXHx"),
    ("did:web", "did:web:node.example:p:88.118.#"),
    ("iso 15459", "25SVAA88.118.8/JX#"),
    ("text", "产品合格证 编号 88.118.8/JX# 请扫码"),
];

/// Numbers that stand for `#`.
const NUMBERS: std::ops::Range<u32> = 10..42;

pub fn run() {
    println!("{:<20} {:>14} {:>14} {:>14}", "spelling", "grammar ns", "check ns", "lens ns");
    for (name, pattern) in SPELLINGS {
        let texts: Vec<String> = NUMBERS.map(|number| pattern.replace('#', &number.to_string())).collect();
        let own = own_system(&texts[0]);
        let grammar = own.map(|system| nanoseconds(&texts, |text| system.read(text).is_some()));
        let checked = system::check_new(&texts[0]).is_ok();
        let check = checked.then(|| nanoseconds(&texts, |text| system::check_new(text).is_ok()));
        let lens = nanoseconds(&texts, |text| lens::read(text).is_ok());
        let cell = |figure: Option<f64>| figure.map_or_else(|| "–".into(), |ns| format!("{ns:.0}"));
        println!("{name:<20} {:>14} {:>14} {:>14}", cell(grammar), cell(check), cell(Some(lens)));
    }
}

/// The system whose own spelling it is.
fn own_system(text: &str) -> Option<&'static dyn hufu_ident::System> {
    let systems = Scheme::ALL.into_iter().filter_map(Scheme::system);
    systems.into_iter().find(|system| matches!(system.read(text), Some(Ok(_))))
}

/// The median of the rounds.
fn nanoseconds(texts: &[String], read: impl Fn(&str) -> bool) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round(texts, &read)).collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn round(texts: &[String], read: &impl Fn(&str) -> bool) -> f64 {
    let started = Instant::now();
    let mut count = 0;
    while started.elapsed() < SPAN {
        for text in texts.iter().cycle().take(BATCH) {
            black_box(read(black_box(text)));
        }
        count += BATCH;
    }
    started.elapsed().as_nanos() as f64 / count as f64
}
