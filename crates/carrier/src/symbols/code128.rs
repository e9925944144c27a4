//! Code 128 (ISO/IEC 15417): code sets A, B and C switched so that the symbol is as short as can be, and FNC1.

use crate::matrix::Matrix;
use crate::payload::{GS, Payload};
use hufu_ident::Refusal;

/// Characters of a symbol: 48 in GS1-128 (GS1 General Specifications §5.4.1), more than any label holds otherwise.
const GS1_CHARACTERS: usize = 48;
const CHARACTERS: usize = 128;

const FNC1: u8 = 102;
const STOP: &str = "2331112";
/// Widths of the bars and spaces of the values 0 to 105, bar first (table 1).
const WIDTHS: [&str; 106] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213", "221312",
    "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132", "221231", "213212",
    "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211", "212123", "212321", "232121",
    "111323", "131123", "131321", "112313", "132113", "132311", "211313", "231113", "231311", "112133", "112331",
    "132131", "113123", "113321", "133121", "313121", "211331", "231131", "213113", "213311", "213131", "311123",
    "311321", "331121", "312113", "312311", "332111", "314111", "221411", "431111", "111224", "111422", "121124",
    "121421", "141122", "141221", "112214", "112412", "122114", "122411", "142112", "142211", "241211", "221114",
    "413111", "241112", "134111", "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112",
    "421211", "212141", "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311",
    "113141", "114131", "311141", "411131", "211412", "211214", "211232",
];

/// A code set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    A,
    B,
    C,
}

impl Set {
    const ALL: [Set; 3] = [Set::A, Set::B, Set::C];

    fn start(self) -> u8 {
        103 + self as u8
    }

    /// The value that switches to this set from another one.
    fn latch(self) -> u8 {
        101 - self as u8
    }
}

/// One symbol character behind the start character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Fnc1,
    Latch(Set),
    /// A character in set A or B.
    One(Set, u8),
    /// Two digits in set C.
    Two(u8, u8),
}

impl Step {
    fn value(self) -> u8 {
        match self {
            Step::Fnc1 => FNC1,
            Step::Latch(set) => set.latch(),
            Step::One(Set::A, octet) if octet < 32 => octet + 64,
            Step::One(_, octet) => octet.wrapping_sub(32),
            Step::Two(tens, ones) => (tens - b'0') * 10 + (ones - b'0'),
        }
    }
}

pub fn encode(payload: &Payload) -> Result<Matrix, Refusal> {
    let (start, steps) = plan(payload)?;
    let values: Vec<u8> = std::iter::once(start.start()).chain(steps.iter().map(|step| step.value())).collect();
    let weighted = values.iter().enumerate().map(|(at, value)| at.max(1) * usize::from(*value));
    let check = weighted.sum::<usize>() % 103;
    let widths = values.iter().map(|value| usize::from(*value)).chain([check]);
    let widths = widths.filter_map(|value| WIDTHS.get(value)).copied().chain([STOP]).flat_map(str::bytes);
    let modules: Vec<bool> = widths
        .enumerate()
        .flat_map(|(at, width)| std::iter::repeat_n(at % 2 == 0, usize::from(width - b'0')))
        .collect();
    Ok(Matrix::new(modules.len(), modules))
}

/// The code set to start with and the characters that follow, as few as possible.
pub fn plan(payload: &Payload) -> Result<(Set, Vec<Step>), Refusal> {
    check(payload)?;
    let octets = match payload {
        Payload::Text(text) => text.as_bytes().to_vec(),
        Payload::Elements(data) => std::iter::once(GS).chain(data.bytes()).collect(),
    };
    let gs1 = matches!(payload, Payload::Elements(_));
    let costs = costs(&octets, gs1);
    let mut at = 0;
    let mut set = cheapest(&costs[0]);
    let start = set;
    let mut steps = Vec::with_capacity(octets.len());
    while at < octets.len() {
        match step(&octets[at..], gs1, set) {
            Some((step, length)) if costs[at][set as usize] == costs[at + length][set as usize] + 1 => {
                steps.push(step);
                at += length;
            }
            _ => {
                set = cheapest(&costs[at]);
                steps.push(Step::Latch(set));
            }
        }
    }
    Ok((start, steps))
}

/// What the next character is in a set, and how many octets it takes; none if the set cannot write it.
fn step(rest: &[u8], gs1: bool, set: Set) -> Option<(Step, usize)> {
    match (set, rest) {
        (_, [GS, ..]) if gs1 => Some((Step::Fnc1, 1)),
        (Set::C, [tens @ b'0'..=b'9', ones @ b'0'..=b'9', ..]) => Some((Step::Two(*tens, *ones), 2)),
        (Set::A, [octet @ 0..=95, ..]) | (Set::B, [octet @ 32..=127, ..]) => Some((Step::One(set, *octet), 1)),
        _ => None,
    }
}

/// For every place and set: how many characters the rest takes. A switch costs one.
fn costs(octets: &[u8], gs1: bool) -> Vec<[usize; 3]> {
    const NEVER: usize = usize::MAX / 2;
    let mut costs = vec![[0; 3]; octets.len() + 1];
    for at in (0..octets.len()).rev() {
        let straight = Set::ALL.map(|set| match step(&octets[at..], gs1, set) {
            Some((_, length)) => costs[at + length][set as usize] + 1,
            None => NEVER,
        });
        let least = straight.into_iter().min().unwrap_or(NEVER);
        costs[at] = straight.map(|cost| cost.min(least + 1));
    }
    costs
}

/// The set in which the rest is shortest; B before the others, as people read it.
fn cheapest(costs: &[usize; 3]) -> Set {
    [Set::B, Set::C, Set::A].into_iter().min_by_key(|set| costs[*set as usize]).unwrap_or(Set::B)
}

fn check(payload: &Payload) -> Result<(), Refusal> {
    let data = payload.data();
    if let Some(position) = data.chars().position(|character| !character.is_ascii()) {
        let zh = "Code 128只能承载ASCII字符；可改用网址内容（百分号编码）或二维码";
        let en = "Code 128 carries ASCII only; write it as a URL (percent-encoded), or take a two-dimensional symbol";
        return Err(Refusal::new("code128-character", "ISO/IEC 15417 §4.3", zh, en).at(position));
    }
    let (limit, clause) = match payload {
        Payload::Text(_) => (CHARACTERS, "our profile"),
        Payload::Elements(_) => (GS1_CHARACTERS, "GS1 General Specifications §5.4.1"),
    };
    if data.len() > limit {
        let zh = format!("超过{limit}个字符，一维码无法可靠识读");
        let en = format!("more than {limit} characters, which no linear symbol should carry");
        return Err(Refusal::new("symbol-capacity", clause, zh, en).at(limit));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(payload: Payload) -> Vec<u8> {
        let (start, steps) = plan(&payload).unwrap();
        std::iter::once(start.start()).chain(steps.into_iter().map(Step::value)).collect()
    }

    #[test]
    fn every_character_is_eleven_modules() {
        assert!(WIDTHS.iter().all(|widths| widths.bytes().map(|width| width - b'0').sum::<u8>() == 11));
        let distinct: std::collections::HashSet<_> = WIDTHS.iter().collect();
        assert_eq!(distinct.len(), WIDTHS.len());
        // Bars of an even number of modules: the parity of the symbology (§4.3.1).
        let bars = |widths: &&str| widths.bytes().step_by(2).map(|width| width - b'0').sum::<u8>();
        assert!(WIDTHS.iter().all(|widths| bars(widths) % 2 == 0));
    }

    #[test]
    fn sets_are_switched_where_it_is_shorter() {
        assert_eq!(values(Payload::Text("Wikipedia".into()))[..3], [104, 55, 73]);
        assert_eq!(values(Payload::Text("123456".into())), [105, 12, 34, 56]);
        assert_eq!(values(Payload::Text("12345".into())).len(), 5);
        assert_eq!(values(Payload::Text("a\tb".into())), [104, 65, 101, 73, 100, 66]);
        let gs1 = Payload::elements("^0109521321000018").unwrap();
        assert_eq!(values(gs1), [105, 102, 1, 9, 52, 13, 21, 0, 0, 18]);
    }

    #[test]
    fn only_ascii_and_not_too_much() {
        let refusal = plan(&Payload::Text("88.1/虎".into())).unwrap_err();
        assert_eq!((refusal.code, refusal.at), ("code128-character", Some(5)));
        assert!(plan(&Payload::Text("x".repeat(128))).is_ok());
        assert_eq!(plan(&Payload::Text("x".repeat(129))).unwrap_err().at, Some(128));
        assert_eq!(plan(&Payload::Elements("1".repeat(49))).unwrap_err().at, Some(48));
    }
}
