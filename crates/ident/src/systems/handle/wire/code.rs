//! Operation codes, response codes and flags (RFC 3652 §2.2.2, and the Chinese extensions).

use std::fmt;

/// An operation; unknown numbers are carried, not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OpCode(pub u32);

macro_rules! codes {
    ($kind:ident { $($(#[$doc:meta])* $name:ident = $number:literal,)* }) => {
        #[allow(missing_docs)]
        impl $kind {
            $($(#[$doc])* pub const $name: $kind = $kind($number);)*

            /// The name in the specification, or none for an unknown number.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => write!(f, "{} {name}", self.0),
                    None => write!(f, "{}", self.0),
                }
            }
        }
    };
}

codes!(OpCode {
    RESERVED = 0,
    RESOLUTION = 1,
    GET_SITE_INFO = 2,
    CREATE_HANDLE = 100,
    DELETE_HANDLE = 101,
    ADD_VALUE = 102,
    REMOVE_VALUE = 103,
    MODIFY_VALUE = 104,
    LIST_HANDLES = 105,
    /// DO-IRP 3.0.
    LIST_DERIVED_PREFIXES = 106,
    RESPONSE_TO_CHALLENGE = 200,
    VERIFY_CHALLENGE = 201,
    HOME_NA = 300,
    UNHOME_NA = 301,
    LIST_HOMED_NAS = 302,
    SESSION_SETUP = 400,
    SESSION_TERMINATE = 401,
    SESSION_EXCHANGEKEY = 402,
    GET_NEXT_TXN_ID = 1000,
    RETRIEVE_TXN_LOG = 1001,
    DUMP_HANDLES = 1002,
    BACKUP_SERVER = 1003,
    /// Chinese extension: log a connection in.
    LOGIN_ID_SYSTEM = 2001,
});

impl OpCode {
    /// Operations that change something or list; they need a primary and an administrative interface.
    pub fn is_administrative(self) -> bool {
        matches!(self.0, 100..=106 | 300..=302)
    }
}

/// The outcome of an operation; 0 marks a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResponseCode(pub u32);

codes!(ResponseCode {
    REQUEST = 0,
    SUCCESS = 1,
    ERROR = 2,
    SERVER_TOO_BUSY = 3,
    PROTOCOL_ERROR = 4,
    OPERATION_NOT_SUPPORTED = 5,
    RECURSION_COUNT_TOO_HIGH = 6,
    SERVER_BACKUP = 7,
    HANDLE_NOT_FOUND = 100,
    HANDLE_ALREADY_EXISTS = 101,
    INVALID_HANDLE = 102,
    VALUES_NOT_FOUND = 200,
    VALUE_ALREADY_EXISTS = 201,
    INVALID_VALUE = 202,
    OUT_OF_DATE_SITE_INFO = 300,
    SERVER_NOT_RESP = 301,
    SERVICE_REFERRAL = 302,
    PREFIX_REFERRAL = 303,
    INVALID_ADMIN = 400,
    INSUFFICIENT_PERMISSIONS = 401,
    AUTHENTICATION_NEEDED = 402,
    AUTHENTICATION_FAILED = 403,
    INVALID_CREDENTIAL = 404,
    AUTHEN_TIMEOUT = 405,
    AUTHEN_ERROR = 406,
    SESSION_TIMEOUT = 500,
    SESSION_FAILED = 501,
    INVALID_SESSION_KEY = 502,
    NEED_RSAKEY_FOR_SESSIONEXCHANGE = 503,
    INVALID_SESSIONSETUP_REQUEST = 504,
    SESSION_MESSAGE_REJECTED = 505,
    /// Chinese extension, made inside clients.
    CLIENT_CHANNEL_ERROR = 601,
    /// Chinese extension, made inside clients.
    CLIENT_TIMEOUT = 602,
    /// Chinese extension: daily request limit.
    REQUEST_LIMIT = 603,
    /// Chinese extension: registration count limit.
    REGISTRATION_LIMIT = 604,
    /// Chinese extension: prefix limit.
    PREFIX_LIMIT = 605,
});

/// Op flags (header offset 8).
pub mod flag {
    /// Request: only primaries, bypass caches. Answer: a primary answered.
    pub const AUTH: u32 = 0x8000_0000;
    /// Sign the answer.
    pub const CERT: u32 = 0x4000_0000;
    /// Encrypt the answer.
    pub const ENCR: u32 = 0x2000_0000;
    /// The server may resolve on the client's behalf.
    pub const RECU: u32 = 0x1000_0000;
    /// A cache may sign the answer.
    pub const CACR: u32 = 0x0800_0000;
    /// More messages with the same request id follow.
    pub const CONT: u32 = 0x0400_0000;
    /// Keep the connection open.
    pub const KPAL: u32 = 0x0200_0000;
    /// Only publicly readable values.
    pub const PUBL: u32 = 0x0100_0000;
    /// Put a digest of the request in the answer.
    pub const RRDG: u32 = 0x0080_0000;
    /// Overwrite what exists; in the answer: something was overwritten.
    pub const OVRW: u32 = 0x0040_0000;
    /// The server chooses the rest of the name.
    pub const MINT: u32 = 0x0020_0000;
    /// Do not answer with a referral.
    pub const DNRF: u32 = 0x0010_0000;
    /// Our profile: append to the answer what the resolution went through (a JSON array of hops).
    pub const TRACE: u32 = 0x0000_0010;
    /// Our profile: the answer is past its time because its authority cannot be reached.
    pub const STALE: u32 = 0x0000_0008;
    /// Chinese extension: an identity travels with a recursive query.
    pub const RECU_AUTH: u32 = 0x0000_0004;

    /// What a resolution asks for by default.
    pub const DEFAULT_QUERY: u32 = RECU | CACR | PUBL;

    /// Names of the set bits, highest first.
    pub fn names(flags: u32) -> Vec<&'static str> {
        const NAMES: [(u32, &str); 15] = [
            (AUTH, "AUTH"),
            (CERT, "CERT"),
            (ENCR, "ENCR"),
            (RECU, "RECU"),
            (CACR, "CACR"),
            (CONT, "CONT"),
            (KPAL, "KPAL"),
            (PUBL, "PUBL"),
            (RRDG, "RRDG"),
            (OVRW, "OVRW"),
            (MINT, "MINT"),
            (DNRF, "DNRF"),
            (TRACE, "TRACE"),
            (STALE, "STALE"),
            (RECU_AUTH, "RECU_AUTH"),
        ];
        NAMES.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name).collect()
    }
}
