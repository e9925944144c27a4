//! The identifier systems that plug in here: one folder under `systems/`, one variant, one arm.
//!
//! Handle and VAA names are the record space itself. Every other system's names carry its tag there:
//! `gs1:01/06901234567892/21/7`, `oid:1.2.156.20009.7`. What a node needs to know of such a system to keep,
//! delegate and find its identifiers is the trait [`System`]; how its identifiers are otherwise written is its own.

use crate::identifier::Identifier;
use crate::reading::Reading;
use crate::refusal::Refusal;
use crate::systems::{self, vaa};

/// An identifier system 标识体系.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    Handle,
    Vaa,
    Gs1,
    Oid,
    Ecode,
    Did,
}

impl Scheme {
    pub const ALL: [Scheme; 6] = [Scheme::Handle, Scheme::Vaa, Scheme::Gs1, Scheme::Oid, Scheme::Ecode, Scheme::Did];

    /// Its name in configuration, metrics and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Handle => "handle",
            Scheme::Vaa => "vaa",
            Scheme::Gs1 => "gs1",
            Scheme::Oid => "oid",
            Scheme::Ecode => "ecode",
            Scheme::Did => "did",
        }
    }

    /// Its name as people write it.
    pub fn label(self) -> &'static str {
        match self {
            Scheme::Handle => "Handle",
            Scheme::Vaa => "VAA",
            Scheme::Gs1 => "GS1",
            Scheme::Oid => "OID",
            Scheme::Ecode => "Ecode",
            Scheme::Did => "DID",
        }
    }

    /// The grammar behind a tag; none for the systems that share the Handle space.
    pub fn system(self) -> Option<&'static dyn System> {
        match self {
            Scheme::Handle | Scheme::Vaa => None,
            Scheme::Gs1 => Some(&systems::gs1::Gs1),
            Scheme::Oid => Some(&systems::oid::Oid),
            Scheme::Ecode => Some(&systems::ecode::Ecode),
            Scheme::Did => Some(&systems::did::Did),
        }
    }

    /// The system whose tag `text` carries (in any case), and what follows the colon.
    pub fn of_tagged(text: &str) -> Option<(Scheme, &str)> {
        let colon = text.as_bytes().iter().take(TAG_OCTETS + 1).position(|octet| *octet == b':')?;
        let tag = &text[..colon];
        let found = Scheme::ALL.into_iter().find(|scheme| scheme.system().is_some() && scheme.has_tag(tag))?;
        Some((found, &text[colon + 1..]))
    }

    fn has_tag(self, tag: &str) -> bool {
        self.name().eq_ignore_ascii_case(tag)
    }

    /// The system whose record keys begin with `space`.
    pub fn of_space(space: u8) -> Option<&'static dyn System> {
        Scheme::ALL.into_iter().filter_map(Scheme::system).find(|system| system.space() == space)
    }
}

/// Octets of the longest tag.
const TAG_OCTETS: usize = 5;

impl std::fmt::Display for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What a node must know of a system whose names carry a tag.
///
/// `rest` is a name without its tag and colon, `path` an authority path: the part of a name by which it is
/// delegated. Texts off the wire come unchecked: only [`System::canonical`], [`System::check_path`] and
/// [`System::read`] judge them, the others make the best of them and never panic.
pub trait System: Sync {
    fn scheme(&self) -> Scheme;

    /// First octet of its record keys; no two systems share one.
    fn space(&self) -> u8;

    /// The whole authority path of a name: `690123456789` of `01/06901234567892/21/7`, empty if it has none.
    fn authority<'a>(&self, rest: &'a str) -> &'a str;

    /// Octets of `path` that are left one step up; `None` above the system's own root, the empty path.
    fn parent(&self, path: &str) -> Option<usize>;

    /// What stands between a path and the next step of a longer one: `.`, `:`, or nothing where every character is
    /// a step.
    fn separator(&self) -> &'static str {
        ""
    }

    /// Checks a path that is to be delegated. The empty path stands for the whole system.
    fn check_path(&self, path: &str) -> Result<(), Refusal>;

    /// The one spelling under which an identifier is registered, from any spelling of a tagged name.
    fn canonical(&self, rest: &str) -> Result<String, Refusal>;

    /// Reads a text in any of the system's own spellings (element strings, URLs, URNs, octets in hexadecimal);
    /// `None` if it is none of this system's.
    fn read(&self, text: &str) -> Option<Result<Reading, Refusal>>;

    /// Appends the octets under which a name is kept, without the space. All names below a path begin with what
    /// [`System::write_range`] appends for it.
    fn write_key(&self, rest: &str, out: &mut Vec<u8>) {
        self.write_range(self.authority(rest), out);
        out.push(0);
        out.extend_from_slice(rest.as_bytes());
    }

    /// Appends the octets that all keys below `path` begin with.
    fn write_range(&self, path: &str, out: &mut Vec<u8>) {
        out.extend(path.bytes().map(|octet| octet.to_ascii_uppercase()));
    }

    /// The name (without tag) that was kept under `key` (without space).
    fn name_of_key(&self, key: &[u8]) -> String {
        let start = key.iter().position(|octet| *octet == 0).map_or(0, |at| at + 1);
        String::from_utf8_lossy(&key[start..]).into_owned()
    }
}

/// Which system a name of the record space belongs to.
pub fn recognise(text: &str) -> Scheme {
    match Scheme::of_tagged(text) {
        Some((scheme, _)) => scheme,
        None if vaa::claims(text) && text.starts_with("88") => Scheme::Vaa,
        None => Scheme::Handle,
    }
}

/// Checks a name that is to be registered by the grammar of its system, and gives it its canonical spelling.
pub fn check_new(text: &str) -> Result<(Identifier, Scheme), Refusal> {
    let identifier = Identifier::parse_new(text)?;
    let scheme = recognise(text);
    if vaa::claims(text) && text.contains('/') {
        vaa::parse(text)?;
    }
    Ok((identifier, scheme))
}
