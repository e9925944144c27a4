//! The 24-octet message header (RFC 3652 §2.2.1).

use super::code::{OpCode, ResponseCode, flag};
use super::reader::{Reader, WireError, put_u16, put_u32};

pub const HEADER_OCTETS: usize = 24;
/// Seconds until a message expires, by habit; nobody enforces it.
pub const DEFAULT_LIFE_SECONDS: u32 = 43_200;
/// Site serial of a client that knows none.
pub const UNKNOWN_SERIAL: u16 = 0xFFFF;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub op: OpCode,
    /// 0 in a request; anything else makes the message a response.
    pub response: ResponseCode,
    /// See [`flag`].
    pub flags: u32,
    pub site_serial: u16,
    /// Servers that have passed the request on.
    pub hops: u8,
    pub reserved: u8,
    /// Unix seconds; carried, never enforced.
    pub expiration: u32,
}

impl Header {
    /// A request that expires the usual time after `now` (Unix seconds).
    pub fn request(op: OpCode, flags: u32, now: u64) -> Self {
        let expiration = (now as u32).wrapping_add(DEFAULT_LIFE_SECONDS);
        let response = ResponseCode::REQUEST;
        Header { op, response, flags, site_serial: UNKNOWN_SERIAL, hops: 0, reserved: 0, expiration }
    }

    /// Decodes; the second result is the announced body length.
    pub fn decode(reader: &mut Reader<'_>) -> Result<(Self, u32), WireError> {
        let header = Header {
            op: OpCode(reader.u32("op code")?),
            response: ResponseCode(reader.u32("response code")?),
            flags: reader.u32("op flags")?,
            site_serial: reader.u16("site serial")?,
            hops: reader.u8("recursion count")?,
            reserved: reader.u8("reserved octet")?,
            expiration: reader.u32("expiration")?,
        };
        Ok((header, reader.u32("body length")?))
    }

    pub fn is_request(&self) -> bool {
        self.response == ResponseCode::REQUEST
    }

    pub fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    pub fn compose(&self, body_length: u32, out: &mut Vec<u8>) {
        put_u32(out, self.op.0);
        put_u32(out, self.response.0);
        put_u32(out, self.flags);
        put_u16(out, self.site_serial);
        out.extend_from_slice(&[self.hops, self.reserved]);
        put_u32(out, self.expiration);
        put_u32(out, body_length);
    }

    /// The flags of the answer to a request with these: AUTH, CERT, CACR, ENCR, PUBL, DNRF and RRDG are repeated,
    /// RECU is always set, AUTH is set when a primary answers.
    pub fn answer_flags(request: u32, primary: bool) -> u32 {
        const REPEATED: u32 = flag::AUTH | flag::CERT | flag::CACR | flag::ENCR | flag::PUBL | flag::DNRF | flag::RRDG;
        (request & REPEATED) | flag::RECU | if primary { flag::AUTH } else { 0 }
    }
}
