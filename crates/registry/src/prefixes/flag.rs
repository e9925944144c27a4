//! Status flags of a prefix, as in EPP (RFC 5731 §2.3), and what they forbid.

use crate::error::{Kind, Refusal};
use serde::{Deserialize, Serialize};

macro_rules! flags {
    ($($variant:ident = $name:literal, $words:literal, $zh:literal;)*) => {
        /// One status flag.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum Flag { $(#[serde(rename = $name)] $variant),* }

        impl Flag {
            pub const ALL: &'static [Flag] = &[$(Flag::$variant),*];

            /// Its name in the API.
            pub const fn name(self) -> &'static str {
                match self { $(Flag::$variant => $name),* }
            }

            /// Its name in RDAP (RFC 8056).
            pub const fn words(self) -> &'static str {
                match self { $(Flag::$variant => $words),* }
            }

            pub const fn zh(self) -> &'static str {
                match self { $(Flag::$variant => $zh),* }
            }
        }
    };
}

flags! {
    ClientHold = "clientHold", "client hold", "持有方暂停解析";
    ClientUpdateProhibited = "clientUpdateProhibited", "client update prohibited", "持有方禁止变更";
    ClientDeleteProhibited = "clientDeleteProhibited", "client delete prohibited", "持有方禁止删除";
    ClientRenewProhibited = "clientRenewProhibited", "client renew prohibited", "持有方禁止续期";
    ClientTransferProhibited = "clientTransferProhibited", "client transfer prohibited", "持有方禁止转移";
    ServerHold = "serverHold", "server hold", "节点暂停解析";
    ServerUpdateProhibited = "serverUpdateProhibited", "server update prohibited", "节点禁止变更";
    ServerDeleteProhibited = "serverDeleteProhibited", "server delete prohibited", "节点禁止删除";
    ServerRenewProhibited = "serverRenewProhibited", "server renew prohibited", "节点禁止续期";
    ServerTransferProhibited = "serverTransferProhibited", "server transfer prohibited", "节点禁止转移";
    PendingCreate = "pendingCreate", "pending create", "待批准注册";
    PendingUpdate = "pendingUpdate", "pending update", "待批准变更";
    PendingRenew = "pendingRenew", "pending renew", "待批准续期";
    PendingTransfer = "pendingTransfer", "pending transfer", "待转移";
    PendingDelete = "pendingDelete", "pending delete", "待删除";
}

/// What a prohibition forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Update,
    Delete,
    Renew,
    Transfer,
}

/// Who sets a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setter {
    /// The holder or the sponsor.
    Client,
    /// The node's operator.
    Server,
    /// Nobody: it follows from what is under way.
    Node,
}

impl Flag {
    pub fn parse(name: &str) -> Option<Self> {
        Flag::ALL.iter().copied().find(|flag| flag.name() == name)
    }

    pub fn setter(self) -> Setter {
        match self.name().get(..6) {
            Some("client") => Setter::Client,
            Some("server") => Setter::Server,
            _ => Setter::Node,
        }
    }

    /// What it forbids, if it is a prohibition.
    fn forbids(self) -> Option<Action> {
        match self {
            Flag::ClientUpdateProhibited | Flag::ServerUpdateProhibited => Some(Action::Update),
            Flag::ClientDeleteProhibited | Flag::ServerDeleteProhibited => Some(Action::Delete),
            Flag::ClientRenewProhibited | Flag::ServerRenewProhibited => Some(Action::Renew),
            Flag::ClientTransferProhibited | Flag::ServerTransferProhibited => Some(Action::Transfer),
            _ => None,
        }
    }

    /// The action that is waited for, if it is a pending one.
    fn awaits(self) -> Option<Action> {
        match self {
            Flag::PendingUpdate => Some(Action::Update),
            Flag::PendingDelete => Some(Action::Delete),
            Flag::PendingRenew => Some(Action::Renew),
            Flag::PendingTransfer => Some(Action::Transfer),
            _ => None,
        }
    }

    fn is_pending(self) -> bool {
        self.setter() == Setter::Node
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// A set of flags; none of them is what EPP calls `ok`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(u32);

impl Flags {
    pub const NONE: Flags = Flags(0);

    pub fn contains(self, flag: Flag) -> bool {
        self.0 & flag.bit() != 0
    }

    #[must_use]
    pub fn with(self, flag: Flag) -> Flags {
        Flags(self.0 | flag.bit())
    }

    #[must_use]
    pub fn without(self, flag: Flag) -> Flags {
        Flags(self.0 & !flag.bit())
    }

    /// Without what holder or sponsor have set.
    #[must_use]
    pub fn without_client(self) -> Flags {
        self.iter().filter(|flag| flag.setter() != Setter::Client).collect()
    }

    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.iter().copied().filter(move |flag| self.contains(*flag))
    }

    pub fn on_hold(self) -> bool {
        self.contains(Flag::ClientHold) || self.contains(Flag::ServerHold)
    }

    /// Names with a space between, as they are kept.
    pub fn text(self) -> String {
        self.iter().map(Flag::name).collect::<Vec<_>>().join(" ")
    }

    pub fn parse(text: &str) -> Flags {
        text.split(' ').filter_map(Flag::parse).collect()
    }

    /// Refused while the action is prohibited or something else is waited for.
    pub fn permit(self, action: Action) -> Result<(), Refusal> {
        let prohibited = self.iter().find(|flag| flag.forbids() == Some(action));
        let stands = prohibited.or_else(|| self.iter().find(|flag| flag.is_pending()));
        let Some(flag) = stands else { return Ok(()) };
        let zh = format!("前缀带有“{}”标志（{}），不能进行此操作", flag.zh(), flag.name());
        let en = format!("the prefix is marked {}; this cannot be done", flag.name());
        Err(Refusal::new(Kind::Conflict, "prefix-flag", zh, en))
    }

    /// The set with `add` and without `remove`, as `setter` may do it.
    ///
    /// Clients set client flags only, the node's operator server flags too; pending ones nobody. Under an own
    /// `clientUpdateProhibited` the only change possible is to remove that.
    pub fn change(self, add: &[Flag], remove: &[Flag], server: bool) -> Result<Flags, Refusal> {
        for flag in add.iter().chain(remove) {
            match flag.setter() {
                Setter::Client => {}
                Setter::Server if server => {}
                _ => {
                    let zh = format!("不能设置或取消“{}”", flag.name());
                    let en = format!("{} is not yours to set or remove", flag.name());
                    return Err(Refusal::new(Kind::Denied, "flag-not-yours", zh, en));
                }
            }
        }
        let unlocks = add.is_empty() && remove == [Flag::ClientUpdateProhibited];
        if !server && !unlocks {
            self.permit(Action::Update)?;
        }
        let kept = remove.iter().fold(self, |set, flag| set.without(*flag));
        let set = add.iter().fold(kept, |set, flag| set.with(*flag));
        set.check().map(|()| set)
    }

    /// The constraints of RFC 5731: one pending action at most, and none together with its prohibition.
    pub fn check(self) -> Result<(), Refusal> {
        let pending: Vec<Flag> = self.iter().filter(|flag| flag.is_pending()).collect();
        let clash = self.iter().find(|flag| {
            let forbids = flag.forbids();
            forbids.is_some() && pending.iter().any(|pending| pending.awaits() == forbids)
        });
        if pending.len() < 2 && clash.is_none() {
            return Ok(());
        }
        let zh = "标志相互冲突：同一时间只能有一个待办操作，且不能同时禁止该操作";
        let en = "these flags exclude each other: one pending action at a time, and not with its prohibition";
        Err(Refusal::new(Kind::Conflict, "flags-conflict", zh, en))
    }
}

impl FromIterator<Flag> for Flags {
    fn from_iter<T: IntoIterator<Item = Flag>>(flags: T) -> Self {
        flags.into_iter().fold(Flags::NONE, Flags::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_kept_as_their_names() {
        for flag in Flag::ALL {
            assert_eq!(Flag::parse(flag.name()), Some(*flag));
            assert_eq!(serde_json::to_value(flag).ok(), Some(flag.name().into()));
        }
        let set: Flags = [Flag::ServerHold, Flag::ClientHold].into_iter().collect();
        assert_eq!(set.text(), "clientHold serverHold");
        assert_eq!(Flags::parse(&set.text()), set);
        assert_eq!(Flags::parse(""), Flags::NONE);
    }

    #[test]
    fn clients_never_touch_server_or_pending_flags() {
        for flag in Flag::ALL {
            let client = flag.setter() == Setter::Client;
            let pending = flag.setter() == Setter::Node;
            assert_eq!(Flags::NONE.change(&[*flag], &[], false).is_ok(), client, "{flag:?}");
            assert_eq!(Flags::NONE.change(&[], &[*flag], false).is_ok(), client, "{flag:?}");
            assert_eq!(Flags::NONE.change(&[*flag], &[], true).is_ok(), !pending, "{flag:?}");
        }
    }

    #[test]
    fn a_prohibition_forbids_its_action_and_nothing_else() {
        use Action::{Delete, Renew, Transfer, Update};
        for flag in Flag::ALL.iter().filter(|flag| flag.forbids().is_some()) {
            for action in [Update, Delete, Renew, Transfer] {
                let permitted = Flags::NONE.with(*flag).permit(action).is_ok();
                assert_eq!(permitted, flag.forbids() != Some(action), "{flag:?} {action:?}");
            }
        }
        for flag in Flag::ALL.iter().filter(|flag| flag.is_pending()) {
            for action in [Update, Delete, Renew, Transfer] {
                assert!(Flags::NONE.with(*flag).permit(action).is_err(), "{flag:?} {action:?}");
            }
        }
        assert!(Flags::NONE.with(Flag::ClientHold).permit(Update).is_ok());
    }

    #[test]
    fn the_own_update_prohibition_can_always_be_removed() {
        let locked = Flags::NONE.with(Flag::ClientUpdateProhibited);
        assert_eq!(locked.change(&[], &[Flag::ClientUpdateProhibited], false), Ok(Flags::NONE));
        assert!(locked.change(&[Flag::ClientHold], &[], false).is_err());
        assert!(locked.change(&[Flag::ClientHold], &[Flag::ClientUpdateProhibited], false).is_err());
        assert!(locked.change(&[Flag::ServerHold], &[], true).is_ok());
    }

    #[test]
    fn pending_and_prohibited_exclude_each_other() {
        let pending = Flags::NONE.with(Flag::PendingTransfer);
        assert!(pending.with(Flag::ServerTransferProhibited).check().is_err());
        assert!(pending.with(Flag::ServerDeleteProhibited).check().is_ok());
        assert!(pending.with(Flag::PendingDelete).check().is_err());
        assert!(pending.change(&[Flag::ClientTransferProhibited], &[], false).is_err());
    }
}
