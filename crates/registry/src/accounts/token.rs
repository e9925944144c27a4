//! Secrets that are handed out once: sessions, API keys, invitations, resets. What is kept is a digest.
//!
//! `<kind>_<id>_<secret>`: the id finds the row, 256 random bits prove the bearer. A digest without salt is enough for
//! so much randomness.

use crate::id;
use crate::registry::Random;
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// Characters of 5 bits each: 80 and 260 bits.
const ID: usize = 16;
const SECRET: usize = 52;

/// What a bearer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    Session,
    Key,
    Invitation,
    Reset,
    /// Stands for an API key, for a day.
    Day,
}

impl TokenKind {
    const ALL: [TokenKind; 5] =
        [TokenKind::Session, TokenKind::Key, TokenKind::Invitation, TokenKind::Reset, TokenKind::Day];

    fn word(self) -> &'static str {
        match self {
            TokenKind::Session => "hufus",
            TokenKind::Key => "hufu",
            TokenKind::Invitation => "hufui",
            TokenKind::Reset => "hufur",
            TokenKind::Day => "hufud",
        }
    }

    /// Kind of the row's id.
    fn id(self) -> &'static str {
        match self {
            TokenKind::Session => "ses",
            TokenKind::Key => "key",
            TokenKind::Invitation => "inv",
            TokenKind::Reset => "rst",
            TokenKind::Day => "day",
        }
    }
}

/// A token as it is handed out or shown. Never printed whole by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    /// Id of the row, such as `key-3k7…`.
    pub id: String,
    secret: String,
}

impl Token {
    pub(crate) fn fresh(kind: TokenKind, random: Random) -> Self {
        let id = format!("{}-{}", kind.id(), id::text(random, ID));
        Token { kind, id, secret: id::text(random, SECRET) }
    }

    /// The same row with another secret.
    pub(crate) fn renewed(kind: TokenKind, id: &str, random: Random) -> Self {
        Token { kind, id: id.to_owned(), secret: id::text(random, SECRET) }
    }

    /// Reads what a bearer shows; `None` if it is no token of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once('_')?;
        let (id, secret) = rest.split_once('_')?;
        let kind = TokenKind::ALL.into_iter().find(|kind| kind.word() == word)?;
        let plain = |text: &str| text.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit());
        let whole = id.len() == ID && secret.len() == SECRET && plain(id) && plain(secret);
        whole.then(|| Token { kind, id: format!("{}-{id}", kind.id()), secret: secret.to_owned() })
    }

    /// What is handed out.
    pub fn text(&self) -> String {
        let id = self.id.split_once('-').map_or("", |(_, id)| id);
        format!("{}_{id}_{}", self.kind.word(), self.secret)
    }

    /// What is kept.
    pub(crate) fn digest(&self) -> String {
        digest(&self.secret)
    }

    /// Whether the kept digest is that of this secret, in constant time.
    pub(crate) fn proves(&self, kept: &str) -> bool {
        same(&self.digest(), kept)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}, …)", self.id)
    }
}

/// Whether two digests are equal, in constant time.
pub(crate) fn same(one: &str, other: &str) -> bool {
    bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

pub(crate) fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(octets: &mut [u8]) {
        for (at, octet) in octets.iter_mut().enumerate() {
            *octet = (at * 7 + 3) as u8;
        }
    }

    #[test]
    fn tokens_read_back_and_are_not_printed() {
        for kind in TokenKind::ALL {
            let token = Token::fresh(kind, random);
            let read = Token::parse(&token.text()).expect("a token");
            assert_eq!(read, token);
            assert!(read.proves(&token.digest()) && !read.proves("") && !read.proves(&digest("x")));
            assert!(!format!("{token:?}").contains(&token.secret));
        }
        let text = Token::fresh(TokenKind::Key, random).text();
        for wrong in ["", "hufu", "hufu__", &text[1..], &text[..text.len() - 1], &text.to_uppercase(), "é_é_é"] {
            assert!(Token::parse(wrong).is_none(), "{wrong}");
        }
    }
}
