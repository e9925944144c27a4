//! The identifier systems that plug in here: one folder under `systems/`, one variant, one arm.

use crate::identifier::Identifier;
use crate::refusal::Refusal;
use crate::systems::vaa;

/// An identifier system 标识体系.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    Handle,
    Vaa,
}

impl Scheme {
    pub const ALL: [Scheme; 2] = [Scheme::Handle, Scheme::Vaa];

    /// Its name in configuration, metrics and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Handle => "handle",
            Scheme::Vaa => "vaa",
        }
    }
}

impl std::fmt::Display for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Which system a name belongs to, by its prefix alone.
pub fn recognise(text: &str) -> Scheme {
    if vaa::claims(text) && text.starts_with("88") { Scheme::Vaa } else { Scheme::Handle }
}

/// Checks a name that is to be registered by the grammar of its system.
pub fn check_new(text: &str) -> Result<(Identifier, Scheme), Refusal> {
    let identifier = Identifier::parse_new(text)?;
    let scheme = recognise(text);
    if vaa::claims(text) && text.contains('/') {
        vaa::parse(text)?;
    }
    Ok((identifier, scheme))
}
