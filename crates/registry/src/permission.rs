//! Permissions: the acts that the registry knows, by name. Roles are sets of them.

use serde::{Deserialize, Serialize};

macro_rules! permissions {
    ($($variant:ident = $name:literal, $zh:literal, $en:literal, $duty:ident;)*) => {
        /// One kind of act.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Permission { $(#[serde(rename = $name)] $variant),* }

        impl Permission {
            pub const ALL: &'static [Permission] = &[$(Permission::$variant),*];

            /// Its name in the API, in the audit and in custom roles.
            pub const fn name(self) -> &'static str {
                match self { $(Permission::$variant => $name),* }
            }

            pub const fn zh(self) -> &'static str {
                match self { $(Permission::$variant => $zh),* }
            }

            pub const fn en(self) -> &'static str {
                match self { $(Permission::$variant => $en),* }
            }

            /// Which of the three separated duties (三员分立) it belongs to.
            pub const fn duty(self) -> Duty {
                match self { $(Permission::$variant => Duty::$duty),* }
            }
        }
    };
}

/// The three duties that nobody holds two of (三员分立), and everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Duty {
    /// Work of the business; joins any duty but audit.
    Business,
    /// 系统管理员: the node's settings and its accounts.
    System,
    /// 安全管理员: roles, policies, locks.
    Security,
    /// 审计管理员: the audit trail.
    Audit,
}

permissions! {
    OrganisationRead = "organisation.read", "查看组织", "see organisations", Business;
    OrganisationWrite = "organisation.write", "维护组织资料", "change organisations", Business;
    OrganisationCreate = "organisation.create", "新建组织", "create organisations", Business;
    OrganisationSuspend = "organisation.suspend", "停用、恢复组织", "suspend and resume organisations", Business;
    AccountRead = "account.read", "查看账号", "see accounts", Business;
    AccountWrite = "account.write", "新建、停用账号", "create, invite and disable accounts", System;
    MemberWrite = "member.write", "管理本组织成员", "manage the members of the own organisation", Business;
    RoleRead = "role.read", "查看角色", "see roles", Business;
    RoleWrite = "role.write", "定义角色、分配角色", "define and assign roles", Security;
    LockWrite = "lock.write", "锁定、解锁账号，重置口令", "lock, unlock and reset accounts", Security;
    PolicyWrite = "policy.write", "制定口令与登录策略", "set the rules for passwords and sign-in", Security;
    KeyRead = "key.read", "查看接口密钥", "see API keys", Business;
    KeyWrite = "key.write", "发放、吊销接口密钥", "issue and revoke API keys", Business;
    ApplicationRead = "application.read", "查看申请", "see applications", Business;
    ApplicationWrite = "application.write", "填写、提交申请", "file applications", Business;
    ApplicationVerify = "application.verify", "核验申请", "record verifications", Business;
    ApplicationReview = "application.review", "审核申请", "decide on applications", Business;
    PrefixRead = "prefix.read", "查看前缀", "see prefixes", Business;
    PrefixWrite = "prefix.write", "维护本组织前缀", "change endpoints, renew, hold and delete own prefixes", Business;
    PrefixAllocate = "prefix.allocate", "分配前缀", "allocate prefixes and decide on their life", Business;
    PrefixReserve = "prefix.reserve", "保留、禁用前缀", "reserve and block prefixes", Business;
    TransferWrite = "transfer.write", "发起、确认前缀转移", "request and decide transfers", Business;
    QuotaWrite = "quota.write", "设置配额", "set quotas", Business;
    NoticeRead = "notice.read", "查看通知", "see notices", Business;
    StatisticsRead = "statistics.read", "查看统计", "see statistics", Business;
    SettingsRead = "settings.read", "查看系统设置", "see the node's settings", Business;
    SettingsWrite = "settings.write", "修改系统设置", "change the node's settings", System;
    ObjectRead = "object.read", "查看标识数据", "see objects", Business;
    ObjectWrite = "object.write", "注册、变更标识", "register and change objects", Business;
    GrantRead = "grant.read", "查看授权与读取记录", "see grants and who has read", Business;
    GrantWrite = "grant.write", "授予、撤销数据权限", "open fields to others and take that back", Business;
    GrantRequest = "grant.request", "申请数据权限", "ask to see others' fields", Business;
    TemplateRead = "template.read", "查看模板与元数据", "see templates and metadata", Business;
    TemplateWrite = "template.write", "维护模板", "make, change and publish templates", Business;
    MetadataWrite = "metadata.write", "维护、提议元数据", "make and propose metadata", Business;
    MetadataReview = "metadata.review", "维护核心与行业元数据、评审提议", "keep the metadata of the node and decide on proposals", Business;
    OperatorWrite = "operator.write", "向上级登记", "register with the node above", Business;
    AuditRead = "audit.read", "查看审计", "see the audit trail", Audit;
    AuditExport = "audit.export", "导出审计", "export the audit trail", Audit;
}

impl utoipa::PartialSchema for Permission {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let names = Permission::ALL.iter().map(|permission| permission.name());
        let builder = utoipa::openapi::schema::ObjectBuilder::new();
        builder.schema_type(utoipa::openapi::schema::Type::String).enum_values(Some(names)).into()
    }
}

impl utoipa::ToSchema for Permission {}

impl Permission {
    pub fn parse(name: &str) -> Option<Self> {
        Permission::ALL.iter().copied().find(|permission| permission.name() == name)
    }

    const fn bit(self) -> u64 {
        1 << self as u64
    }
}

const _: () = assert!(Permission::ALL.len() <= 64, "a set is one word");

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PermissionSet(u64);

impl PermissionSet {
    pub const NONE: PermissionSet = PermissionSet(0);

    pub fn all() -> Self {
        Permission::ALL.iter().copied().collect()
    }

    pub fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    pub fn union(self, other: PermissionSet) -> Self {
        PermissionSet(self.0 | other.0)
    }

    pub fn intersection(self, other: PermissionSet) -> Self {
        PermissionSet(self.0 & other.0)
    }

    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.contains(*permission))
    }

    /// The separated duties that it touches.
    pub fn duties(self) -> Vec<Duty> {
        let mut duties = Vec::new();
        for duty in self.iter().map(Permission::duty).filter(|duty| *duty != Duty::Business) {
            if !duties.contains(&duty) {
                duties.push(duty);
            }
        }
        duties
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<T: IntoIterator<Item = Permission>>(all: T) -> Self {
        PermissionSet(all.into_iter().fold(0, |set, permission| set | permission.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.name()), Some(*permission));
            assert_eq!(serde_json::to_value(permission).ok(), Some(permission.name().into()));
        }
        assert_eq!(PermissionSet::all().iter().count(), Permission::ALL.len());
    }

    #[test]
    fn a_set_names_the_separated_duties_it_touches() {
        let set: PermissionSet = [Permission::AuditRead, Permission::SettingsWrite].into_iter().collect();
        assert_eq!(set.duties(), [Duty::System, Duty::Audit]);
        let business: PermissionSet = [Permission::PrefixRead].into_iter().collect();
        assert!(business.duties().is_empty());
    }
}
