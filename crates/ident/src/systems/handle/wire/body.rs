//! Message bodies, operation by operation (RFC 3652 §3).

use super::code::{OpCode, ResponseCode, flag};
use super::envelope::Version;
use super::header::Header;
use super::reader::{Reader, WireError, put_bytes, put_u16, put_u32};
use crate::record::{SelectionBuf, Value};
use crate::systems::handle::keys::PublicKey;
use crate::systems::handle::site::Site;

/// The digest of a request, in front of an answer's body when flag RRDG is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestDigest {
    pub form: DigestForm,
    pub digest: Vec<u8>,
}

/// How a digest is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestForm {
    /// Octet 1, then 16 raw octets.
    Md5,
    /// Octet 2, then 20 raw octets.
    Sha1,
    /// Octet 3, then 32 raw octets.
    Sha256,
    /// A length and as many octets, no algorithm.
    Plain,
}

impl RequestDigest {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut ahead = reader.clone();
        let (form, length) = match ahead.u8("digest algorithm")? {
            1 => (DigestForm::Md5, 16),
            2 => (DigestForm::Sha1, 20),
            3 => (DigestForm::Sha256, 32),
            0 => return Ok(RequestDigest { form: DigestForm::Plain, digest: reader.bytes("digest")?.to_vec() }),
            _ => return Err(reader.error("digest algorithm", "must be 1 MD5, 2 SHA-1 or 3 SHA-256")),
        };
        reader.u8("digest algorithm")?;
        Ok(RequestDigest { form, digest: reader.take(length, "digest")?.to_vec() })
    }

    pub fn compose(&self, out: &mut Vec<u8>) {
        match self.form {
            DigestForm::Plain => return put_bytes(out, &self.digest),
            DigestForm::Md5 => out.push(1),
            DigestForm::Sha1 => out.push(2),
            DigestForm::Sha256 => out.push(3),
        }
        out.extend_from_slice(&self.digest);
    }
}

/// What a challenge answer says (op 200).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeAnswer {
    pub auth_type: Vec<u8>,
    pub user: Vec<u8>,
    pub index: u32,
    pub signed_response: Vec<u8>,
}

/// What a server asks the holder of a secret (op 201).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyRequest {
    pub handle: Vec<u8>,
    pub index: u32,
    pub nonce: Vec<u8>,
    pub digest: RequestDigest,
    pub signed_response: Vec<u8>,
}

/// What opens a session (op 400).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSetup {
    pub mode: u16,
    /// Seconds.
    pub timeout: u32,
    pub identity: Vec<u8>,
    pub identity_index: u32,
    pub key: SessionSetupKey,
}

/// The part of a session set-up that depends on its mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionSetupKey {
    /// Modes 1 and 4: the client's public key.
    Public(Vec<u8>),
    /// Mode 3: where the client's key is published.
    Named { handle: Vec<u8>, index: u32 },
    /// Mode 2: nothing.
    Server,
}

/// A decoded body; octets after its fields are kept by the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    Empty,
    Resolve {
        handle: Vec<u8>,
        selection: SelectionBuf,
    },
    /// Create, add, modify; the answer to a resolution.
    Values {
        handle: Vec<u8>,
        values: Vec<Value>,
    },
    /// Requests that carry just a name; the answer to create.
    Name(Vec<u8>),
    /// Remove.
    Indexes {
        handle: Vec<u8>,
        indexes: Vec<u32>,
    },
    /// Listings.
    Names(Vec<Vec<u8>>),
    Site(Box<Site>),
    /// Some servers put a length in front of the site record.
    SizedSite(Box<Site>),
    Error {
        message: Option<Vec<u8>>,
        indexes: Option<Vec<u32>>,
    },
    Referral {
        handle: Vec<u8>,
        values: Option<Vec<Value>>,
    },
    Challenge {
        nonce: Vec<u8>,
        digest: Option<Vec<u8>>,
    },
    ChallengeAnswer(ChallengeAnswer),
    Verify(VerifyRequest),
    Verified(u8),
    SessionSetup(SessionSetup),
    SessionAnswer {
        mode: u16,
        data: Vec<u8>,
    },
    ExchangeKey(Vec<u8>),
    Login {
        user: Vec<u8>,
        index: u32,
    },
    /// An operation whose body we do not know.
    Opaque(Vec<u8>),
}

/// Octets of the smallest value record.
const MIN_VALUE: usize = 26;

impl Body {
    /// Decodes the body that `header` announces; the digest, if any, comes first.
    pub fn decode(
        version: Version,
        header: &Header,
        reader: &mut Reader<'_>,
    ) -> Result<(Option<RequestDigest>, Body), WireError> {
        if header.is_request() {
            return Ok((None, Body::decode_request(header.op, reader)?));
        }
        let challenge = header.response == ResponseCode::AUTHENTICATION_NEEDED;
        if challenge && !version.at_least(2, 1) {
            let nonce = reader.bytes("nonce")?.to_vec();
            let digest = Some(reader.bytes("challenge digest")?.to_vec());
            return Ok((None, Body::Challenge { nonce, digest }));
        }
        let digest = match header.has(flag::RRDG) && reader.remaining() > 0 {
            true => Some(RequestDigest::decode(reader)?),
            false => None,
        };
        let body = match header.response {
            ResponseCode::SUCCESS => Body::decode_success(header.op, reader)?,
            ResponseCode::AUTHENTICATION_NEEDED => {
                Body::Challenge { nonce: reader.bytes("nonce")?.to_vec(), digest: None }
            }
            ResponseCode::SERVICE_REFERRAL => Body::decode_referral(reader)?,
            ResponseCode::PREFIX_REFERRAL if version.at_least(2, 5) => Body::decode_referral(reader)?,
            _ => Body::decode_error(reader)?,
        };
        Ok((digest, body))
    }

    fn decode_request(op: OpCode, reader: &mut Reader<'_>) -> Result<Body, WireError> {
        Ok(match op {
            OpCode::RESOLUTION => Body::Resolve {
                handle: reader.bytes("handle")?.to_vec(),
                selection: SelectionBuf {
                    indexes: decode_indexes(reader)?,
                    types: decode_byte_list(reader, "type list")?,
                },
            },
            OpCode::CREATE_HANDLE | OpCode::ADD_VALUE | OpCode::MODIFY_VALUE => decode_values(reader)?,
            OpCode::REMOVE_VALUE => {
                Body::Indexes { handle: reader.bytes("handle")?.to_vec(), indexes: decode_indexes(reader)? }
            }
            OpCode::GET_SITE_INFO
            | OpCode::DELETE_HANDLE
            | OpCode::LIST_HANDLES
            | OpCode::LIST_DERIVED_PREFIXES
            | OpCode::HOME_NA
            | OpCode::UNHOME_NA
            | OpCode::LIST_HOMED_NAS
            | OpCode::SESSION_TERMINATE => Body::Name(reader.bytes("handle")?.to_vec()),
            OpCode::RESPONSE_TO_CHALLENGE => Body::ChallengeAnswer(ChallengeAnswer {
                auth_type: reader.bytes("authentication type")?.to_vec(),
                user: reader.bytes("user handle")?.to_vec(),
                index: reader.u32("user index")?,
                signed_response: reader.bytes("signed response")?.to_vec(),
            }),
            OpCode::VERIFY_CHALLENGE => Body::Verify(VerifyRequest {
                handle: reader.bytes("handle")?.to_vec(),
                index: reader.u32("index")?,
                nonce: reader.bytes("nonce")?.to_vec(),
                digest: RequestDigest::decode(reader)?,
                signed_response: reader.bytes("signed response")?.to_vec(),
            }),
            OpCode::SESSION_SETUP => Body::SessionSetup(decode_session_setup(reader)?),
            OpCode::SESSION_EXCHANGEKEY => Body::ExchangeKey(reader.bytes("session key")?.to_vec()),
            OpCode::LOGIN_ID_SYSTEM => {
                Body::Login { user: reader.bytes("user handle")?.to_vec(), index: reader.u32("user index")? }
            }
            _ => Body::Opaque(reader.rest().to_vec()),
        })
    }

    fn decode_success(op: OpCode, reader: &mut Reader<'_>) -> Result<Body, WireError> {
        Ok(match op {
            OpCode::RESOLUTION => decode_values(reader)?,
            OpCode::GET_SITE_INFO => decode_site(reader)?,
            OpCode::CREATE_HANDLE if reader.remaining() > 0 => Body::Name(reader.bytes("handle")?.to_vec()),
            OpCode::LIST_HANDLES | OpCode::LIST_DERIVED_PREFIXES | OpCode::LIST_HOMED_NAS => {
                Body::Names(decode_byte_list(reader, "names")?)
            }
            OpCode::VERIFY_CHALLENGE => Body::Verified(reader.u8("verdict")?),
            OpCode::SESSION_SETUP => {
                Body::SessionAnswer { mode: reader.u16("session mode")?, data: reader.bytes("session data")?.to_vec() }
            }
            _ if reader.remaining() == 0 => Body::Empty,
            _ => Body::Opaque(reader.rest().to_vec()),
        })
    }

    fn decode_referral(reader: &mut Reader<'_>) -> Result<Body, WireError> {
        let handle = reader.bytes("referral handle")?.to_vec();
        let values = (reader.remaining() > 0).then(|| decode_value_list(reader)).transpose()?;
        Ok(Body::Referral { handle, values })
    }

    fn decode_error(reader: &mut Reader<'_>) -> Result<Body, WireError> {
        let some_left = |reader: &Reader<'_>| reader.remaining() > 0;
        let message = some_left(reader).then(|| reader.bytes("message").map(<[u8]>::to_vec)).transpose()?;
        let indexes = some_left(reader).then(|| decode_indexes(reader)).transpose()?;
        Ok(Body::Error { message, indexes })
    }

    /// Appends the body without digest.
    pub fn compose(&self, out: &mut Vec<u8>) {
        match self {
            Body::Empty => {}
            Body::Resolve { handle, selection } => {
                put_bytes(out, handle);
                selection.compose(out);
            }
            Body::Values { handle, values } => {
                put_bytes(out, handle);
                compose_values(values, out);
            }
            Body::Name(handle) => put_bytes(out, handle),
            Body::Indexes { handle, indexes } => {
                put_bytes(out, handle);
                compose_indexes(indexes, out);
            }
            Body::Names(names) => {
                put_u32(out, names.len() as u32);
                names.iter().for_each(|name| put_bytes(out, name));
            }
            Body::Site(site) => site.compose(out),
            Body::SizedSite(site) => put_bytes(out, &site.to_bytes()),
            Body::Error { message, indexes } => {
                message.iter().for_each(|message| put_bytes(out, message));
                indexes.iter().for_each(|indexes| compose_indexes(indexes, out));
            }
            Body::Referral { handle, values } => {
                put_bytes(out, handle);
                values.iter().for_each(|values| compose_values(values, out));
            }
            Body::Challenge { nonce, digest } => {
                put_bytes(out, nonce);
                digest.iter().for_each(|digest| put_bytes(out, digest));
            }
            Body::ChallengeAnswer(answer) => answer.compose(out),
            Body::Verify(request) => request.compose(out),
            Body::Verified(verdict) => out.push(*verdict),
            Body::SessionSetup(setup) => setup.compose(out),
            Body::SessionAnswer { mode, data } => {
                put_u16(out, *mode);
                put_bytes(out, data);
            }
            Body::ExchangeKey(key) => put_bytes(out, key),
            Body::Login { user, index } => {
                put_bytes(out, user);
                put_u32(out, *index);
            }
            Body::Opaque(octets) => out.extend_from_slice(octets),
        }
    }

    /// An error body with a text.
    pub fn error(message: &str) -> Body {
        Body::Error { message: Some(message.as_bytes().to_vec()), indexes: None }
    }
}

impl ChallengeAnswer {
    fn compose(&self, out: &mut Vec<u8>) {
        put_bytes(out, &self.auth_type);
        put_bytes(out, &self.user);
        put_u32(out, self.index);
        put_bytes(out, &self.signed_response);
    }
}

impl VerifyRequest {
    fn compose(&self, out: &mut Vec<u8>) {
        put_bytes(out, &self.handle);
        put_u32(out, self.index);
        put_bytes(out, &self.nonce);
        self.digest.compose(out);
        put_bytes(out, &self.signed_response);
    }
}

impl SessionSetup {
    fn compose(&self, out: &mut Vec<u8>) {
        put_u16(out, self.mode);
        put_u32(out, self.timeout);
        put_bytes(out, &self.identity);
        put_u32(out, self.identity_index);
        match &self.key {
            SessionSetupKey::Public(key) => put_bytes(out, key),
            SessionSetupKey::Named { handle, index } => {
                put_bytes(out, handle);
                put_u32(out, *index);
            }
            SessionSetupKey::Server => {}
        }
    }

    /// The client's public key of modes 1 and 4, decoded.
    pub fn public_key(&self) -> Option<PublicKey> {
        match &self.key {
            SessionSetupKey::Public(key) => PublicKey::decode(key).ok(),
            _ => None,
        }
    }
}

fn decode_session_setup(reader: &mut Reader<'_>) -> Result<SessionSetup, WireError> {
    let mode = reader.u16("session mode")?;
    let timeout = reader.u32("session timeout")?;
    let identity = reader.bytes("identity")?.to_vec();
    let identity_index = reader.u32("identity index")?;
    let key = match mode {
        1 | 4 => SessionSetupKey::Public(reader.bytes("public key")?.to_vec()),
        3 => SessionSetupKey::Named { handle: reader.bytes("key handle")?.to_vec(), index: reader.u32("key index")? },
        2 => SessionSetupKey::Server,
        _ => return Err(reader.error("session mode", "must be 1 to 4")),
    };
    Ok(SessionSetup { mode, timeout, identity, identity_index, key })
}

fn decode_site(reader: &mut Reader<'_>) -> Result<Body, WireError> {
    let mut ahead = reader.clone();
    if ahead.u32("site length").is_ok_and(|length| length as usize == ahead.remaining()) {
        reader.rest();
        return Ok(Body::SizedSite(Box::new(Site::decode(ahead.rest())?)));
    }
    Ok(Body::Site(Box::new(Site::decode_from(reader)?)))
}

fn decode_values(reader: &mut Reader<'_>) -> Result<Body, WireError> {
    Ok(Body::Values { handle: reader.bytes("handle")?.to_vec(), values: decode_value_list(reader)? })
}

fn decode_value_list(reader: &mut Reader<'_>) -> Result<Vec<Value>, WireError> {
    let count = reader.count("values", MIN_VALUE)?;
    (0..count).map(|_| Value::decode(reader)).collect()
}

fn decode_indexes(reader: &mut Reader<'_>) -> Result<Vec<u32>, WireError> {
    let count = reader.count("index list", 4)?;
    (0..count).map(|_| reader.u32("index")).collect()
}

fn decode_byte_list(reader: &mut Reader<'_>, field: &'static str) -> Result<Vec<Vec<u8>>, WireError> {
    let count = reader.count(field, 4)?;
    (0..count).map(|_| reader.bytes(field).map(<[u8]>::to_vec)).collect()
}

fn compose_values(values: &[Value], out: &mut Vec<u8>) {
    put_u32(out, values.len() as u32);
    values.iter().for_each(|value| value.compose(out));
}

fn compose_indexes(indexes: &[u32], out: &mut Vec<u8>) {
    put_u32(out, indexes.len() as u32);
    indexes.iter().for_each(|index| put_u32(out, *index));
}
