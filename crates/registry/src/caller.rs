//! Who asks: a person's session, a machine's key, the operator on the node's own machine, or the node itself.

use crate::error::{Kind, Refusal};
use crate::permission::{Permission, PermissionSet};

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
pub type Time = i64;

/// Milliseconds of a day.
pub const DAY: Time = 86_400_000;

/// Whose things the caller reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those of every organisation of the node.
    Everywhere,
    /// Those of one organisation.
    Organisation(String),
}

/// How the caller has proven itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody has.
    Anonymous,
    /// A person's session.
    Session { account: String, session: String },
    /// An API key, by its id.
    Key { account: String, key: String },
    /// The Unix socket of the node's own machine, by user id.
    Local { user: u32 },
    /// The node itself: time passed, a queue was worked off.
    Node,
}

/// What somebody who is signed in must do before anything else is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pending {
    /// Change the password: it was set by another, or is too old.
    Password,
    /// Enrol a second factor: a role asks for one.
    Totp,
}

/// Who asks, with what rights, from where, when.
#[derive(Debug, Clone)]
pub struct Caller {
    pub origin: Origin,
    /// How the audit and screens name whoever asks.
    pub name: String,
    pub permissions: PermissionSet,
    /// Until it is done, there are no permissions.
    pub pending: Option<Pending>,
    pub scope: Scope,
    /// Network address, or empty for the node itself.
    pub address: String,
    /// Id of the request, for the audit and the log.
    pub request: String,
    pub at: Time,
    /// Key and digest of the request, if it may be repeated.
    pub idempotency: Option<Idempotency>,
}

/// What makes a repeated request recognisable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// As the caller sent it, 1–255 characters; unique per account.
    pub key: String,
    /// Digest of method, path and body.
    pub digest: String,
}

impl Caller {
    /// The node itself, for what time brings about.
    pub fn node(at: Time) -> Self {
        Caller {
            origin: Origin::Node,
            name: "node".into(),
            permissions: PermissionSet::all(),
            pending: None,
            scope: Scope::Everywhere,
            address: String::new(),
            request: String::new(),
            at,
            idempotency: None,
        }
    }

    /// Somebody who has proven nothing.
    pub fn anonymous(address: impl Into<String>, request: impl Into<String>, at: Time) -> Self {
        Caller {
            origin: Origin::Anonymous,
            name: "anonymous".into(),
            permissions: PermissionSet::NONE,
            scope: Scope::Organisation(String::new()),
            address: address.into(),
            request: request.into(),
            ..Caller::node(at)
        }
    }

    /// The operator on the node's own machine.
    pub fn local(user: u32, request: impl Into<String>, at: Time) -> Self {
        Caller {
            origin: Origin::Local { user },
            name: format!("local:{user}"),
            address: "unix".into(),
            request: request.into(),
            ..Caller::node(at)
        }
    }

    /// The account behind a session or key.
    pub fn account(&self) -> Option<&str> {
        match &self.origin {
            Origin::Session { account, .. } | Origin::Key { account, .. } => Some(account),
            _ => None,
        }
    }

    /// Under what the answers to repeat are kept for the caller: its account, or its user on this machine. Strangers and
    /// the node itself have none: they could not be told apart from each other.
    pub(crate) fn repeater(&self) -> Option<&str> {
        match &self.origin {
            Origin::Session { account, .. } | Origin::Key { account, .. } => Some(account),
            Origin::Local { .. } => Some(&self.name),
            Origin::Anonymous | Origin::Node => None,
        }
    }

    /// The only organisation whose things the caller reaches; `None` reaches all.
    pub fn organisation(&self) -> Option<&str> {
        match &self.scope {
            Scope::Everywhere => None,
            Scope::Organisation(id) => Some(id),
        }
    }

    /// Whether things of `organisation` are within the caller's scope. Things of no organisation are the node's.
    pub fn reaches(&self, organisation: Option<&str>) -> bool {
        match &self.scope {
            Scope::Everywhere => true,
            Scope::Organisation(own) => organisation.is_some_and(|other| other == own),
        }
    }

    /// The refusal of somebody without `permission`; `None` if the caller holds it.
    pub fn lacks(&self, permission: Permission) -> Option<Refusal> {
        if self.permissions.contains(permission) {
            return None;
        }
        Some(match self.origin {
            _ if self.pending == Some(Pending::Password) => {
                Refusal::new(Kind::Denied, "password-change-needed", "请先修改口令", "change the password first")
            }
            _ if self.pending == Some(Pending::Totp) => {
                Refusal::new(Kind::Denied, "totp-enrolment-needed", "请先启用双因素认证", "enrol a second factor first")
            }
            Origin::Anonymous => Refusal::new(
                Kind::Unauthenticated,
                "not-signed-in",
                "请先登录或提供接口密钥",
                "sign in, or send an API key",
            ),
            _ => Refusal::new(
                Kind::Denied,
                "not-permitted",
                format!("没有“{}”权限（{}），请联系安全管理员", permission.zh(), permission.name()),
                format!("this needs the permission to {} ({})", permission.en(), permission.name()),
            ),
        })
    }
}
