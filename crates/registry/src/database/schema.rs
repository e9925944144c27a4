//! The schema in steps. A step is never changed once it was released; a change is a new step.

/// Name and text of every step, in order.
pub const STEPS: &[(&str, &str)] = &[
    ("foundation", include_str!("schema/0001_foundation.sql")),
    ("accounts", include_str!("schema/0002_accounts.sql")),
    ("onboarding", include_str!("schema/0003_onboarding.sql")),
    ("prefixes", include_str!("schema/0004_prefixes.sql")),
    ("operator", include_str!("schema/0005_operator.sql")),
    ("letters", include_str!("schema/0006_letters.sql")),
    ("operator-interface", include_str!("schema/0007_operator_interface.sql")),
];

/// The statements of a step: parted by `;` at the end of a line; lines that begin with `--` are remarks.
pub fn statements(text: &'static str) -> impl Iterator<Item = &'static str> {
    let bare = |part: &&str| part.lines().any(|line| !line.trim().is_empty() && !line.trim().starts_with("--"));
    text.split(";\n").filter(bare)
}
