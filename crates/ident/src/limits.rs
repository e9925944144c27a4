//! Every bound of the identifier language, with its unit and clause.

/// Characters of a newly registered identifier, prefix and suffix together (VAA and Handle practice in China).
pub const IDENTIFIER_CHARS: usize = 255;
/// Octets of a newly registered identifier in UTF-8 (our profile: 255 characters of four octets and a few).
pub const IDENTIFIER_OCTETS: usize = 1024;
/// Characters of a prefix.
pub const PREFIX_CHARS: usize = 64;
/// Octets of a name accepted on the wire in a question (the reference accepts 2048).
pub const NAME_OCTETS: usize = 2048;
/// Octets of one protocol message without envelopes (RFC 3652 §2.1.1; the reference's maximum).
pub const MESSAGE_OCTETS: usize = 262_144;
/// Values of one record.
pub const VALUES_PER_RECORD: usize = 2048;
/// Octets of the random nonce in a challenge (RFC 3652 §3.5.1).
pub const NONCE_OCTETS: usize = 16;
/// Names in one message of a streamed listing.
pub const NAMES_PER_MESSAGE: usize = 50;
/// Servers that may pass a question on before it is refused (RC 6).
pub const SERVER_HOPS: u8 = 10;
/// Referrals that a client follows.
pub const CLIENT_HOPS: u8 = 40;
/// HS_ALIAS links followed.
pub const ALIAS_DEPTH: usize = 20;
/// HS_SERV links followed.
pub const SERVICE_DEPTH: usize = 20;
/// Longest relative TTL a cache honours, in seconds (two days; the reference client's bound).
pub const TTL_SECONDS: u32 = 172_800;
/// TTL of a value that names none, in seconds.
pub const DEFAULT_TTL_SECONDS: u32 = 86_400;
/// PBKDF2 iterations accepted in a challenge answer.
pub const PBKDF2_ITERATIONS: u32 = 1_000_000;
