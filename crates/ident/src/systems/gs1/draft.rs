//! A data set while it is being read: elements are added, then the whole is checked in the order of the rules.

use super::ai::{self, Ai, Code, Pattern};
use super::check;
use super::data_set::{DataSet, ELEMENTS, INPUT_CHARS, Options, Slot};
use super::fault::{Fault, Finding};
use crate::refusal::Refusal;

const SHAPE: &str = "GS1 General Specifications §7.8";
const TABLE: &str = "GS1 General Specifications §3.2";
const RELATIONS: &str = "GS1 General Specifications §4.13";
const LINK: &str = "GS1 Digital Link URI Syntax";

/// How the characters of a value are written in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Plain,
    /// `\(` is one character.
    Bracketed,
    /// `%hh` is one character.
    Percent,
}

/// A data set in the making.
pub struct Draft<'a> {
    /// What positions are counted in.
    input: &'a str,
    coding: Coding,
    options: &'a Options,
    pub set: DataSet,
}

impl<'a> Draft<'a> {
    /// Begins to read `input`.
    ///
    /// # Errors
    /// `gs1-input-too-long` beyond [`INPUT_CHARS`].
    pub fn new(input: &'a str, coding: Coding, options: &'a Options) -> Result<Self, Refusal> {
        if input.len() > INPUT_CHARS && input.chars().count() > INPUT_CHARS {
            let (zh, en) = (format!("输入超过{INPUT_CHARS}个字符"), format!("longer than {INPUT_CHARS} characters"));
            return Err(Refusal::new("gs1-input-too-long", SHAPE, zh, en).at(INPUT_CHARS));
        }
        let values = String::with_capacity(input.len().min(256));
        let set = DataSet { values, slots: Vec::with_capacity(4), ..DataSet::default() };
        Ok(Draft { input, coding, options, set })
    }

    /// The character position of an octet of the input.
    pub fn position(&self, octet: usize) -> usize {
        self.input.get(..octet).unwrap_or(self.input).chars().count()
    }

    /// A refusal of the shape at that octet of the input.
    pub fn refuse(&self, octet: usize, code: &'static str, zh: &str, en: &str) -> Refusal {
        Refusal::new(code, SHAPE, zh, en).at(self.position(octet))
    }

    /// The AI written as `text` at that octet of the input.
    ///
    /// # Errors
    /// `gs1-ai-digits` if it is no AI by its looks, `gs1-ai-unknown` if the standard does not know it.
    pub fn ai(&self, text: &str, octet: usize) -> Result<(Code, Option<&'static Ai>), Refusal> {
        let Some(code) = Code::parse(text) else {
            let en = "an Application Identifier has two to four digits";
            return Err(Refusal::new("gs1-ai-digits", TABLE, "应用标识符为二至四位数字", en).at(self.position(octet)));
        };
        let known = ai::of_code(code);
        let fits = ai::code_length(text.as_bytes()).is_none_or(|length| length == text.len());
        if known.is_none() && !(self.options.allow_unknown_ai && fits) {
            let (zh, en) =
                (format!("没有应用标识符（{text}）"), format!("there is no Application Identifier ({text})"));
            return Err(Refusal::new("gs1-ai-unknown", TABLE, zh, en).at(self.position(octet)));
        }
        Ok((code, known))
    }

    /// Adds an element whose value was appended to `self.set.values` from `start` on; `source` is where it stands in the
    /// input.
    ///
    /// # Errors
    /// If it is empty, too short or too long, or there are more than [`ELEMENTS`].
    pub fn add(&mut self, (code, ai): (Code, Option<&'static Ai>), start: usize, source: usize) -> Result<(), Refusal> {
        let slot = Slot { code, ai, start, end: self.set.values.len(), source, padding: 0 };
        if self.set.slots.len() == ELEMENTS {
            let (zh, en) = (format!("超过{ELEMENTS}个要素"), format!("more than {ELEMENTS} elements"));
            return Err(Refusal::new("gs1-too-many-elements", SHAPE, zh, en).at(self.position(source)));
        }
        self.set.slots.push(slot);
        let (least, most) = ai.map_or_else(|| unknown_lengths(code), Ai::lengths);
        let value = self.value(&slot);
        let length = value.chars().count();
        if length == 0 {
            return Err(self.fault_in(&slot, "gs1-value-empty", TABLE, 0, "值为空", "the value is empty"));
        }
        if length < least {
            return Err(self.fault(&slot, Fault::TooShort.at(length, 0)));
        }
        if length > most {
            return Err(self.fault(&slot, Fault::TooLong.at(most, length - most)));
        }
        if let Some(at) = value.chars().position(|character| character == '^') {
            return Err(self.fault(&slot, Fault::NotSet82.at(at, 1)));
        }
        Ok(())
    }

    /// Takes a short GTIN in a URI: pads the last value, which began at `start`, to 14 digits.
    pub fn pad_gtin(&mut self, code: Code, start: usize) -> usize {
        let value = self.set.values.get(start..).unwrap_or_default();
        let length = value.len();
        let digits = value.bytes().all(|octet| octet.is_ascii_digit());
        if code.as_str() != "01" || !self.options.short_gtin || !digits || !matches!(length, 8 | 12 | 13) {
            return 0;
        }
        self.set.values.insert_str(start, &"00000000000000"[length..]);
        14 - length
    }

    fn value(&self, slot: &Slot) -> &str {
        self.set.values.get(slot.start..slot.end).unwrap_or_default()
    }

    /// The data set, if it holds to all rules.
    ///
    /// Of an element string with the same element twice, one is kept.
    pub fn finish(mut self) -> Result<DataSet, Refusal> {
        self.check_values()?;
        self.check_never()?;
        if self.options.check_needs {
            self.check_needs()?;
        }
        self.check_repeats()?;
        self.check_signed()?;
        Ok(self.set)
    }

    fn check_values(&self) -> Result<(), Refusal> {
        for slot in &self.set.slots {
            let value = self.value(slot);
            let checked = match slot.ai {
                Some(ai) => check::value(value, ai.parts(), self.options.century),
                None => check::characters(value, ai::Charset::Set82),
            };
            checked.map_err(|finding| self.fault(slot, finding))?;
        }
        Ok(())
    }

    fn has(&self, pattern: &Pattern) -> bool {
        self.set.slots.iter().any(|slot| pattern.matches(slot.code))
    }

    fn check_never(&self) -> Result<(), Refusal> {
        for (slot, ai) in self.known() {
            let enemy = |other: &&Slot| {
                other.code != slot.code && ai.never_with().iter().any(|pattern| pattern.matches(other.code))
            };
            if let Some(other) = self.set.slots.iter().find(enemy) {
                let other = other.code.as_str();
                let (zh, en) = (format!("不得与（{other}）同时出现"), format!("must not stand with ({other})"));
                return Err(self.fault_in(slot, "gs1-never-with", RELATIONS, 0, &zh, &en));
            }
        }
        Ok(())
    }

    fn check_needs(&self) -> Result<(), Refusal> {
        for (slot, ai) in self.known() {
            let met = |group: &Vec<Pattern>| group.iter().all(|pattern| self.has(pattern));
            if !ai.needs().is_empty() && !ai.needs().iter().any(met) {
                let group = |group: &Vec<Pattern>| {
                    group.iter().map(|pattern| format!("({})", pattern.as_str())).collect::<Vec<_>>().join("+")
                };
                let all: Vec<_> = ai.needs().iter().map(group).collect();
                let zh = format!("还须有{}", all.join("或"));
                let en = format!("needs {} as well", all.join(" or "));
                return Err(self.fault_in(slot, "gs1-needs", RELATIONS, 0, &zh, &en));
            }
        }
        Ok(())
    }

    fn known(&self) -> impl Iterator<Item = (&Slot, &'static Ai)> {
        self.set.slots.iter().filter_map(|slot| Some((slot, slot.ai?)))
    }

    fn check_repeats(&mut self) -> Result<(), Refusal> {
        let uri = self.coding == Coding::Percent;
        let mut index = 1;
        while let Some(slot) = self.set.slots.get(index).copied() {
            let earlier = self.set.slots.iter().take(index).find(|earlier| earlier.code == slot.code);
            match earlier {
                None => index += 1,
                Some(earlier) if !uri && self.value(earlier) == self.value(&slot) => {
                    self.set.slots.remove(index);
                }
                Some(_) => {
                    let clause = if uri { LINK } else { RELATIONS };
                    let (zh, en) = ("重复出现", "occurs more than once");
                    return Err(self.fault_in(&slot, "gs1-repeated", clause, 0, zh, en));
                }
            }
        }
        Ok(())
    }

    /// A digital signature signs an instance: a key whose serial part may be missing must have it.
    fn check_signed(&self) -> Result<(), Refusal> {
        if !self.set.slots.iter().any(|slot| slot.code.as_str() == "8030") {
            return Ok(());
        }
        for (slot, ai) in self.known() {
            let serial_missing =
                matches!(ai.code(), "253" | "255" | "8003") && self.value(slot).len() == ai.lengths().0;
            if serial_missing {
                let (zh, en) =
                    ("有数字签名（8030）时须含系列号", "needs its serial part with a digital signature (8030)");
                return Err(self.fault_in(slot, "gs1-signed-without-serial", RELATIONS, slot.end - slot.start, zh, en));
            }
        }
        Ok(())
    }

    /// The refusal for a finding in the value of an element.
    fn fault(&self, slot: &Slot, finding: Finding) -> Refusal {
        let Finding { fault, at, .. } = finding;
        self.fault_in(slot, fault.code(), fault.clause(), at, fault.zh(), fault.en())
    }

    fn fault_in(
        &self,
        slot: &Slot,
        code: &'static str,
        clause: &'static str,
        at: usize,
        zh: &str,
        en: &str,
    ) -> Refusal {
        let ai = slot.code.as_str();
        let position = self.position(slot.source) + self.written(slot.source, at.saturating_sub(slot.padding));
        Refusal::new(code, clause, format!("（{ai}）{zh}"), format!("({ai}) {en}")).at(position)
    }

    /// Characters of the input that the first `count` characters of a value take.
    fn written(&self, source: usize, count: usize) -> usize {
        let mut rest = self.input.get(source..).unwrap_or_default();
        let mut written = 0;
        for _ in 0..count {
            let size = match self.coding {
                Coding::Bracketed if rest.starts_with("\\(") => 2,
                Coding::Percent if escape(rest).is_some() => 3,
                _ => 1,
            };
            written += size;
            let mut characters = rest.chars();
            characters.by_ref().take(size).for_each(drop);
            rest = characters.as_str();
        }
        written
    }

    /// Notes that no place within the last value can be shown.
    pub fn unplaced(&mut self) {
        self.padded(usize::MAX);
    }

    /// Notes how many zeros were put before the last value.
    pub fn padded(&mut self, zeros: usize) {
        if let Some(slot) = self.set.slots.last_mut() {
            slot.padding = zeros;
        }
    }
}

/// Least and most characters of the value of an AI that the standard does not know.
fn unknown_lengths(code: Code) -> (usize, usize) {
    ai::preset_length(code).map_or((1, 90), |length| (length, length))
}

/// The octet that an escape at the beginning of `text` stands for.
pub fn escape(text: &str) -> Option<u8> {
    let [b'%', high, low, ..] = text.as_bytes() else { return None };
    let digit = |octet: u8| char::from(octet).to_digit(16);
    u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
}
