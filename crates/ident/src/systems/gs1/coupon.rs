//! North American coupon codes: AI 8110 and AI 8112.

use super::check::{self, Century};
use super::fault::{Fault, Finding};

type Checked<T> = Result<T, Finding>;

/// A walk over digits from left to right.
struct Walk<'a> {
    digits: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    fn new(digits: &'a str) -> Checked<Self> {
        check::only_digits(digits)?;
        Ok(Walk { digits, at: 0 })
    }

    fn left(&self) -> &'a str {
        self.digits.get(self.at..).unwrap_or_default()
    }

    fn ended(&self) -> bool {
        self.at == self.digits.len()
    }

    /// Something is missing: all that was read is what is too short.
    fn missing(&self, fault: Fault) -> Finding {
        fault.at(0, self.digits.len())
    }

    /// `count` digits; a fault names those that are there, or everything if there are none.
    fn take(&mut self, count: usize, cut: Fault) -> Checked<&'a str> {
        let left = self.left();
        match left.get(..count) {
            Some(taken) => {
                self.at += count;
                Ok(taken)
            }
            None if left.is_empty() => Err(self.missing(cut)),
            None => Err(cut.at(self.at, left.len())),
        }
    }

    /// One digit out of `allowed`.
    fn one(&mut self, allowed: &str, missing: Fault, bad: Fault) -> Checked<u8> {
        let Some(digit) = self.left().bytes().next() else { return Err(self.missing(missing)) };
        if !allowed.as_bytes().contains(&digit) {
            return Err(bad.at(self.at, 1));
        }
        self.at += 1;
        Ok(digit - b'0')
    }

    /// A length out of `allowed`, then `more` digits beyond it.
    fn sized(&mut self, allowed: &str, more: usize, [missing, bad, cut]: [Fault; 3]) -> Checked<&'a str> {
        let length = self.one(allowed, missing, bad)?;
        self.take(usize::from(length) + more, cut)
    }

    /// A company prefix of the length given before it.
    fn prefix(&mut self, allowed: &str, faults: [Fault; 3]) -> Checked<()> {
        let prefix = self.sized(allowed, 6, faults)?;
        self.plausible(prefix)
    }

    /// As [`Walk::prefix`]; 9 stands for none.
    fn prefix_or_none(&mut self, faults: [Fault; 3]) -> Checked<()> {
        if self.left().starts_with('9') {
            self.at += 1;
            return Ok(());
        }
        self.prefix("0123456", faults)
    }

    fn plausible(&self, prefix: &str) -> Checked<()> {
        let start = self.at - prefix.len();
        check::company_prefix(prefix, 0).map_err(|finding| Finding { at: finding.at + start, ..finding })
    }

    /// Skips the tag of an optional group, if it stands here.
    fn tag(&mut self, tag: char) -> bool {
        let here = self.left().starts_with(tag);
        self.at += usize::from(here);
        here
    }

    fn date(&mut self, century: Century, short: Fault, bad: Fault) -> Checked<&'a str> {
        let date = self.take(6, short)?;
        check::date(date, check::Years::Two(century), check::Days::Real)
            .map_err(|_| bad.at(self.at - date.len(), date.len()))?;
        Ok(date)
    }

    fn end(self) -> Checked<()> {
        if self.ended() { Ok(()) } else { Err(Fault::Excess.at(self.at, self.left().len())) }
    }
}

/// Length 1 to 5, as many digits.
const AMOUNT: &str = "12345";
const REQUIREMENT: &str = "012349";

/// AI 8110: prefix, offer, save value, purchase requirements, then optional groups in the order of their tags.
pub fn coupon(digits: &str, century: Century) -> Checked<()> {
    use Fault::*;
    let mut walk = Walk::new(digits)?;
    walk.prefix("0123456", [NoGcpLength, BadGcpLength, CutGcp])?;
    walk.take(6, CutOffer)?;
    walk.sized(AMOUNT, 0, [NoSaveLength, BadSaveLength, CutSave])?;
    walk.sized(AMOUNT, 0, [NoFirstLength, BadFirstLength, CutFirst])?;
    walk.one(REQUIREMENT, NoFirstCode, BadFirstCode)?;
    walk.take(3, CutFirstFamily)?;
    if walk.tag('1') {
        walk.one("0123", NoRules, BadRules)?;
        walk.sized(AMOUNT, 0, [NoSecondLength, BadSecondLength, CutSecond])?;
        walk.one(REQUIREMENT, NoSecondCode, BadSecondCode)?;
        walk.take(3, CutSecondFamily)?;
        walk.prefix_or_none([NoSecondGcpLength, BadSecondGcpLength, CutSecondGcp])?;
    }
    if walk.tag('2') {
        walk.sized(AMOUNT, 0, [NoThirdLength, BadThirdLength, CutThird])?;
        walk.one(REQUIREMENT, NoThirdCode, BadThirdCode)?;
        walk.take(3, CutThirdFamily)?;
        walk.prefix_or_none([NoThirdGcpLength, BadThirdGcpLength, CutThirdGcp])?;
    }
    validity(&mut walk, century)?;
    if walk.tag('5') {
        walk.sized("0123456789", 6, [NoSerialLength, NoSerialLength, CutSerial])?;
    }
    if walk.tag('6') {
        walk.prefix("1234567", [NoRetailerLength, BadRetailerLength, CutRetailer])?;
    }
    if walk.tag('9') {
        walk.one("01256", NoSaveCode, BadSaveCode)?;
        walk.one("012", NoApplies, BadApplies)?;
        walk.take(1, NoStore)?;
        walk.one("01", NoMultiply, BadMultiply)?;
    }
    walk.end()
}

/// Expiry and start; if there are both they are compared as texts.
fn validity(walk: &mut Walk<'_>, century: Century) -> Checked<()> {
    let from = walk.at;
    let mut expiry = None;
    if walk.tag('3') {
        expiry = Some(walk.date(century, Fault::ShortExpiry, Fault::BadExpiry)?);
    }
    if walk.tag('4') {
        let start = walk.date(century, Fault::ShortStart, Fault::BadStart)?;
        if expiry.is_some_and(|expiry| expiry < start) {
            return Err(Fault::ExpiryBeforeStart.at(from, walk.at - from));
        }
    }
    Ok(())
}

/// AI 8112: format, funder, offer and serial number.
pub fn positive_offer(digits: &str) -> Checked<()> {
    use Fault::*;
    let mut walk = Walk::new(digits)?;
    walk.one("01", NoFormat, BadFormat)?;
    walk.sized("0123456", 6, [NoFunderLength, BadFunderLength, CutFunder])?;
    walk.take(6, CutOffer)?;
    walk.sized("0123456789", 6, [NoSerialLength, NoSerialLength, CutSerial])?;
    walk.end()
}
