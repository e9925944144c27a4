//! The 20-octet envelope before every message, and before every packet on UDP (RFC 3652 §2.1).

use super::reader::{Reader, WireError, put_u32};

pub const ENVELOPE_OCTETS: usize = 20;

/// Protocol version, major then minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    pub major: u8,
    pub minor: u8,
}

/// The version this implementation speaks and suggests.
pub const OWN_VERSION: Version = Version::new(2, 11);

impl Version {
    pub const fn new(major: u8, minor: u8) -> Self {
        Version { major, minor }
    }

    /// Position in the history of the protocol: the historic "5.0" counts as older than every 2.x.
    fn age(self) -> (u8, u8) {
        if self.major >= 5 { (0, self.minor) } else { (self.major, self.minor) }
    }

    pub fn at_least(self, major: u8, minor: u8) -> bool {
        self.age() >= (major, minor)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The version an answer carries: the lower of ours and what the asker suggests, or the asker's own label when it
/// is a historic peer.
pub fn answer_version(request: &Envelope) -> Version {
    if !request.version.at_least(2, 1) {
        return request.version;
    }
    let suggested = request.suggested_version();
    if suggested.at_least(OWN_VERSION.major, OWN_VERSION.minor) { OWN_VERSION } else { suggested }
}

/// The envelope. `flags` holds the three high bits of its third octet, `suggested` the five low bits and the fourth octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    pub version: Version,
    pub flags: u8,
    pub suggested: Version,
    /// 0 = none; the challenge id in a challenge and its answer.
    pub session_id: u32,
    /// Chosen by the client, echoed by the server.
    pub request_id: u32,
    /// Packet number from 0; 0 on streams.
    pub sequence: u32,
    /// Octets of the whole message without envelopes, over all packets.
    pub length: u32,
}

impl Envelope {
    pub const COMPRESSED: u8 = 0x80;
    pub const ENCRYPTED: u8 = 0x40;
    pub const TRUNCATED: u8 = 0x20;
    const FLAGS: u8 = 0xE0;

    /// An envelope of our own version for a new request.
    pub fn new(request_id: u32) -> Self {
        Envelope {
            version: OWN_VERSION,
            flags: 0,
            suggested: OWN_VERSION,
            session_id: 0,
            request_id,
            sequence: 0,
            length: 0,
        }
    }

    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let version = Version::new(reader.u8("major version")?, reader.u8("minor version")?);
        let mixed = reader.u8("envelope flags")?;
        let suggested = Version::new(mixed & !Self::FLAGS, reader.u8("suggested minor version")?);
        Ok(Envelope {
            version,
            flags: mixed & Self::FLAGS,
            suggested,
            session_id: reader.u32("session id")?,
            request_id: reader.u32("request id")?,
            sequence: reader.u32("sequence number")?,
            length: reader.u32("message length")?,
        })
    }

    /// The suggested version; the message's own when none is suggested, and at most major 3.
    pub fn suggested_version(&self) -> Version {
        match self.suggested.major {
            0 => self.version,
            major => Version::new(major.min(3), self.suggested.minor),
        }
    }

    pub fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub fn compose(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.version.major, self.version.minor]);
        out.extend_from_slice(&[self.flags | (self.suggested.major & !Self::FLAGS), self.suggested.minor]);
        for field in [self.session_id, self.request_id, self.sequence, self.length] {
            put_u32(out, field);
        }
    }
}
