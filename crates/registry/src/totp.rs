//! One-time passwords by time (RFC 6238): SHA-1, six digits, thirty seconds, as every authenticator app has them.

use hmac::{Hmac, Mac};
use hufu_ident::Refusal;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;
use std::fmt;
use subtle::ConstantTimeEq;

const CLAUSE: &str = "RFC 6238 §5.2";
const DIGITS: u32 = 6;
const STEP_SECONDS: u64 = 30;
/// Steps before and after the current one that are accepted.
const WINDOW: u64 = 1;
/// RFC 4226 §4: at least 128 bits; 160 are recommended.
const SECRET_OCTETS: std::ops::RangeInclusive<usize> = 16..=64;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// What stays as it is in a URI (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a server and an authenticator share.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret(Vec<u8>);

impl TotpSecret {
    /// From random octets, twenty by custom.
    pub fn new(octets: &[u8]) -> Result<TotpSecret, Refusal> {
        if SECRET_OCTETS.contains(&octets.len()) {
            return Ok(TotpSecret(octets.to_vec()));
        }
        let zh = format!("密钥须为{}至{}个字节", SECRET_OCTETS.start(), SECRET_OCTETS.end());
        let en = format!("a secret has {} to {} octets", SECRET_OCTETS.start(), SECRET_OCTETS.end());
        Err(Refusal::new("totp-secret", "RFC 4226 §4", zh, en))
    }

    /// From the text that a person types: base 32, with or without spaces, hyphens and padding, in any case.
    pub fn from_base32(text: &str) -> Result<TotpSecret, Refusal> {
        let mut octets = Vec::new();
        let (mut bits, mut held) = (0u32, 0u32);
        for (at, character) in text.chars().enumerate().filter(|(_, c)| !matches!(c, ' ' | '-' | '=')) {
            let capital = character.to_ascii_uppercase();
            let Some(value) = ALPHABET.iter().position(|&known| char::from(known) == capital) else {
                let (zh, en) = ("密钥只能使用A至Z和2至7", "a secret has A to Z and 2 to 7 only");
                return Err(Refusal::new("totp-secret", "RFC 4648 §6", zh, en).at(at));
            };
            bits = bits << 5 | value as u32;
            held += 5;
            if held >= 8 {
                held -= 8;
                octets.push((bits >> held) as u8);
                bits &= (1 << held) - 1;
            }
            if octets.len() > *SECRET_OCTETS.end() {
                break;
            }
        }
        TotpSecret::new(&octets)
    }

    /// The text to type where no camera is at hand; without padding.
    pub fn to_base32(&self) -> String {
        let mut text = String::new();
        for piece in self.0.chunks(5) {
            let mut octets = [0u8; 8];
            octets[3..3 + piece.len()].copy_from_slice(piece);
            let bits = u64::from_be_bytes(octets);
            let letters = (piece.len() * 8).div_ceil(5);
            text.extend((0..letters).map(|at| char::from(ALPHABET[(bits >> (35 - 5 * at)) as usize & 31])));
        }
        text
    }

    /// The code at a time, as the authenticator shows it.
    pub fn code_at(&self, unix_seconds: u64) -> String {
        self.code(unix_seconds / STEP_SECONDS, DIGITS)
    }

    /// Checks a code and gives the step it belongs to, which the caller keeps: a step is good once, and so no code at
    /// or before `last` is accepted.
    pub fn verify(&self, code: &str, unix_seconds: u64, last: Option<u64>) -> Result<u64, Refusal> {
        let digits: String = code.chars().filter(|c| *c != ' ').take(DIGITS as usize + 1).collect();
        if digits.len() != DIGITS as usize || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
            let (zh, en) = ("动态口令须为6位数字", "a one-time password has 6 digits");
            return Err(Refusal::new("totp-form", CLAUSE, zh, en));
        }
        let now = unix_seconds / STEP_SECONDS;
        let (mut fresh, mut used) = (None, false);
        for step in now.saturating_sub(WINDOW)..=now.saturating_add(WINDOW) {
            let equal = bool::from(self.code(step, DIGITS).as_bytes().ct_eq(digits.as_bytes()));
            let new = last.is_none_or(|last| step > last);
            used |= equal && !new;
            if equal && new && fresh.is_none() {
                fresh = Some(step);
            }
        }
        match fresh {
            Some(step) => Ok(step),
            None if used => {
                let (zh, en) = ("这个动态口令已经用过", "this one-time password was used already");
                Err(Refusal::new("totp-used", CLAUSE, zh, en))
            }
            None => {
                let (zh, en) = ("动态口令不对，请核对设备的时间", "the one-time password is wrong; check the clock");
                Err(Refusal::new("totp-wrong", CLAUSE, zh, en))
            }
        }
    }

    /// What the QR code says that an authenticator reads.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let (issuer, account) = (utf8_percent_encode(issuer, ESCAPED), utf8_percent_encode(account, ESCAPED));
        let secret = self.to_base32();
        format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}\
             &algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
        )
    }

    /// The octets, for the store that keeps them encrypted.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// RFC 4226 §5.3: four octets where the last one says, without the sign, in decimal digits.
    fn code(&self, step: u64, digits: u32) -> String {
        // HMAC takes keys of any length; an empty code would equal no six digits.
        let Ok(mut mac) = <Hmac<Sha1> as Mac>::new_from_slice(&self.0) else { return String::new() };
        mac.update(&step.to_be_bytes());
        let tag = mac.finalize().into_bytes();
        let at = usize::from(tag[19] & 0x0f);
        let number = u32::from_be_bytes([tag[at], tag[at + 1], tag[at + 2], tag[at + 3]]) & 0x7fff_ffff;
        format!("{:0width$}", number % 10u32.pow(digits), width = digits as usize)
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> TotpSecret {
        TotpSecret::new(b"12345678901234567890").unwrap()
    }

    #[test]
    fn the_vectors_of_rfc_6238() {
        for (seconds, code) in [
            (59, "94287082"),
            (1111111109, "07081804"),
            (1111111111, "14050471"),
            (1234567890, "89005924"),
            (2000000000, "69279037"),
            (20000000000, "65353130"),
        ] {
            assert_eq!(secret().code(seconds / STEP_SECONDS, 8), code);
            assert_eq!(secret().code_at(seconds), code[2..]);
        }
    }

    #[test]
    fn the_vectors_of_rfc_4226() {
        let codes =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (counter, code) in (0..).zip(codes) {
            assert_eq!(secret().code(counter, 6), code);
        }
    }

    #[test]
    fn a_code_is_good_for_its_window_and_once() {
        let code = secret().code_at(1_000_000_000);
        let step = 1_000_000_000 / 30;
        for (seconds, good) in
            [(step * 30 - 31, false), (step * 30 - 30, true), (step * 30 + 59, true), (step * 30 + 60, false)]
        {
            let found = secret().verify(&code, seconds, None);
            assert_eq!(found.ok(), good.then_some(step), "{seconds}");
        }
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        assert_eq!(secret().verify(&spaced, 1_000_000_000, Some(step - 1)), Ok(step));
        for last in [step, step + 1] {
            assert_eq!(secret().verify(&code, 1_000_000_000, Some(last)).unwrap_err().code, "totp-used");
        }
        for (code, refusal) in [
            ("12345", "totp-form"),
            ("1234567", "totp-form"),
            ("12345a", "totp-form"),
            ("", "totp-form"),
            ("１23456", "totp-form"),
        ] {
            assert_eq!(secret().verify(code, 0, None).unwrap_err().code, refusal);
        }
        let wrong = if code == "000000" { "000001" } else { "000000" };
        assert_eq!(secret().verify(wrong, 1_000_000_000, None).unwrap_err().code, "totp-wrong");
        // The ends of time.
        assert_eq!(secret().verify("755224", 0, None), Ok(0));
        assert!(secret().verify("000000", u64::MAX, None).is_err());
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        assert_eq!(secret().to_base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(TotpSecret::from_base32("gezd gnbv-gy3t qojq GEZDGNBVGY3TQOJQ==").unwrap(), secret());
        for length in 16..=64 {
            let octets: Vec<u8> = (0..length).map(|at| (at * 37 + length) as u8).collect();
            let made = TotpSecret::new(&octets).unwrap();
            assert_eq!(TotpSecret::from_base32(&made.to_base32()).unwrap().octets(), octets);
        }
        for (text, at) in [("", None), ("GEZDGNBV", None), ("GEZDGNBV1", Some(8)), ("é", Some(0))] {
            let refusal = TotpSecret::from_base32(text).unwrap_err();
            assert_eq!((refusal.code, refusal.at), ("totp-secret", at), "{text}");
        }
        assert!(TotpSecret::from_base32(&"A".repeat(1 << 20)).is_err());
        assert_eq!(format!("{:?}", secret()), "TotpSecret(…)");
    }

    #[test]
    fn the_uri_is_what_authenticators_read() {
        assert_eq!(
            secret().uri("虎符 1", "li@example.cn"),
            "otpauth://totp/%E8%99%8E%E7%AC%A6%201:li%40example.cn?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=%E8%99%8E%E7%AC%A6%201&algorithm=SHA1&digits=6&period=30"
        );
    }
}
