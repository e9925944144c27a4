//! Bearer tokens of the management API and whom they stand for.

use crate::config::Gs1Token;
use crate::node::StartError;
use hufu_ident::Reference;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Characters of the shortest token.
const LEAST: usize = 16;

/// Digests of the tokens, with the identity of each; the tokens themselves are not kept.
#[derive(Default)]
pub struct Tokens(Vec<([u8; 32], Reference)>);

impl Tokens {
    /// Reads the files. A token that is too short is an error: it would guard nothing.
    pub fn load(configured: &[Gs1Token]) -> Result<Self, StartError> {
        let one = |token: &Gs1Token| {
            let failed = |error| StartError::File { path: token.file.clone(), error };
            let text = std::fs::read_to_string(&token.file).map_err(failed)?;
            let invalid = |why: String| failed(std::io::Error::new(std::io::ErrorKind::InvalidData, why));
            if text.trim().chars().count() < LEAST {
                return Err(invalid(format!("a token needs at least {LEAST} characters")));
            }
            let identity = Reference::parse(&token.identity);
            let identity = identity.ok_or_else(|| invalid(format!("no identity: {}", token.identity)))?;
            Ok((Sha256::digest(text.trim()).into(), identity))
        };
        Ok(Tokens(configured.iter().map(one).collect::<Result<_, _>>()?))
    }

    /// Whom a token stands for. Every digest is compared, whole, however early one fits.
    pub fn identity(&self, token: &str) -> Option<&Reference> {
        let digest: [u8; 32] = Sha256::digest(token.trim()).into();
        let fits = |(own, identity)| bool::from(<[u8]>::ct_eq(own, &digest)).then_some(identity);
        self.0.iter().map(|(own, identity)| fits((own, identity))).fold(None, Option::or)
    }
}
