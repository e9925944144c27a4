//! Settings that are changed while the node runs: one typed document per name, with defaults.
//!
//! A secret in a setting is written and never read: whoever reads sees [`HIDDEN`] in its place, and whoever sends
//! [`HIDDEN`] back leaves it as it is. In the database it lies sealed ([`crate::seal`]).

use crate::calendar::Calendar;
use crate::caller::{Caller, Time};
use crate::checks::Reach;
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::names::WordList;
use crate::permission::Permission;
use crate::registry::Registry;
use crate::{act::difference, notices::settings::NoticeSettings};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sqlx::{AnyConnection, Row};

/// What stands in place of a secret.
pub const HIDDEN: &str = "********";
/// What a sealed secret begins with in the stored document.
const SEALED: &str = "sealed:";
/// Most octets of a secret.
const SECRET: usize = 256;
/// Most characters of a setting.
const DOCUMENT: usize = 512 << 10;

/// One document of settings.
pub trait Setting: Serialize + DeserializeOwned + Default + Clone + Send {
    const NAME: &'static str;

    /// What is wrong with it.
    fn check(&self) -> Vec<FieldRefusal>;

    /// Its secrets, each with what it is for; the same name for the same use.
    fn secrets(&mut self) -> Vec<(String, &mut String)> {
        Vec::new()
    }

    /// Puts [`HIDDEN`] in place of every secret.
    fn hide(&mut self) {
        for (_, secret) in self.secrets().into_iter().filter(|(_, secret)| !secret.is_empty()) {
            *secret = HIDDEN.into();
        }
    }

    /// Takes the secrets that are [`HIDDEN`] from `old`, sealed as they are there; says whether any was given anew.
    fn keep_secrets(&mut self, old: &mut Self) -> bool {
        let old = old.secrets();
        let mut changed = false;
        for (about, secret) in self.secrets() {
            let kept = old.iter().find(|(other, _)| *other == about).map_or("", |(_, kept)| kept.as_str());
            if secret == HIDDEN {
                *secret = kept.to_owned();
            }
            changed |= secret != kept;
        }
        changed
    }
}

/// A document of settings as the API shows it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettingView {
    pub name: String,
    #[schema(value_type = Option<Object>)]
    pub document: Json,
    /// When it was changed, in milliseconds since 1970; 0 while it is the default. Increases with every change; the
    /// ETag.
    pub version: Time,
}

/// Deadlines in working days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Deadlines {
    #[schema(minimum = 1, maximum = 250)]
    pub onboarding: u32,
    #[schema(minimum = 1, maximum = 250)]
    pub prefix: u32,
    #[schema(minimum = 1, maximum = 250)]
    pub amendment: u32,
}

impl Default for Deadlines {
    fn default() -> Self {
        Deadlines { onboarding: 5, prefix: 5, amendment: 5 }
    }
}

/// A reason that reviewers pick from a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReasonTemplate {
    #[schema(max_length = 32)]
    pub code: String,
    #[schema(max_length = 500)]
    pub zh: String,
    #[schema(max_length = 500)]
    pub en: String,
}

/// Somebody else's verification: gets what is to be verified by POST, answers findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalChecker {
    /// Letters, digits and hyphens; evidence names it `external-…`.
    #[schema(max_length = 32)]
    pub name: String,
    #[schema(max_length = 512)]
    pub url: String,
    /// Signs the requests; written, never read.
    #[serde(default)]
    #[schema(max_length = 256)]
    pub secret: String,
    /// What it looks at: `organisation`, `legal-person`, `contact`, `resources`, `name`, `industry`, `prefixes`.
    pub aspect: crate::onboarding::checkers::Aspect,
}

/// How applications are verified and decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ReviewSettings {
    /// How many reviewers have to approve: 1 or 2.
    #[schema(minimum = 1, maximum = 2)]
    pub reviewers: u8,
    pub deadlines: Deadlines,
    /// Reviewers are reminded so long before a deadline.
    #[schema(minimum = 0, maximum = 240)]
    pub remind_hours: u32,
    /// Aspects that need evidence that does not fail before an approval.
    pub required: Vec<crate::onboarding::checkers::Aspect>,
    /// Whether the photographs of table T1 must be attached.
    pub photographs: bool,
    /// Fields of the subject that an enterprise changes by an amendment only.
    pub reviewed_fields: Vec<String>,
    /// Words beside the built-in ones, in the format of that list: `word, tab, category` per line.
    pub words: String,
    /// Days beside the built-in ones: `2027-01-01, tab, off|work, tab, what for` per line.
    pub calendar: String,
    /// Whether private and reserved addresses are fine: in an isolated network.
    pub private_addresses: bool,
    /// Whether the node tries the declared addresses and domains.
    pub reachability: bool,
    #[schema(max_items = 8)]
    pub external_checkers: Vec<ExternalChecker>,
    #[schema(max_items = 50)]
    pub reasons: Vec<ReasonTemplate>,
    /// Megabytes of documents per organisation.
    #[schema(minimum = 1, maximum = 10240)]
    pub document_megabytes: u32,
}

impl Default for ReviewSettings {
    fn default() -> Self {
        use crate::onboarding::checkers::Aspect;
        let reason =
            |code: &str, zh: &str, en: &str| ReasonTemplate { code: code.into(), zh: zh.into(), en: en.into() };
        ReviewSettings {
            reviewers: 1,
            deadlines: Deadlines::default(),
            remind_hours: 24,
            required: vec![Aspect::Organisation, Aspect::LegalPerson, Aspect::Contact, Aspect::Resources, Aspect::Name],
            photographs: true,
            reviewed_fields: ["orgName", "orgNature", "orgCrtType", "orgCrtCode", "orgCrtImg", "legal", "licences"]
                .map(str::to_owned)
                .to_vec(),
            words: String::new(),
            calendar: String::new(),
            private_addresses: false,
            reachability: true,
            external_checkers: Vec::new(),
            reasons: vec![
                reason(
                    "licence-unclear",
                    "证件照片不清晰，请重新上传",
                    "the photograph of the certificate cannot be read",
                ),
                reason("licence-differs", "单位名称与证件不一致", "the name differs from the certificate"),
                reason("person-differs", "人员证件信息与照片不一致", "a person's data differ from the photograph"),
                reason("contact-unreachable", "无法联系到联系人", "the contact person cannot be reached"),
                reason("address-unreachable", "登记的网络地址无法访问", "a declared address does not answer"),
                reason("name-unsuitable", "名称不合规", "the name is not compliant"),
                reason("proof-missing", "缺少前缀持有证明", "there is no proof that the prefix is held"),
                reason("contract-missing", "缺少委托或托管合同", "the contract is missing"),
            ],
            document_megabytes: 200,
        }
    }
}

impl ReviewSettings {
    /// The built-in words and those of the setting.
    pub fn word_list(&self) -> Result<WordList, hufu_ident::Refusal> {
        WordList::parse([WordList::built_in_text(), &self.words])
    }

    /// The built-in calendar and the days of the setting.
    pub fn working_days(&self) -> Result<Calendar, hufu_ident::Refusal> {
        Ok(Calendar::china().clone().amended_by(Calendar::parse(&self.calendar)?))
    }

    pub fn reach(&self) -> Reach {
        if self.private_addresses { Reach::Anywhere } else { Reach::Public }
    }
}

/// Whether a text is a name of a webhook or checker.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// What is wrong with the address of a service that the node calls.
pub(crate) fn check_url(field: String, url: &str, wrong: &mut Vec<FieldRefusal>) {
    let web = url.starts_with("https://") || url.starts_with("http://");
    if !web || url.len() > 512 || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        let (zh, en) = (
            "应为 http:// 或 https:// 地址，不超过 512 字符",
            "must be an http:// or https:// URL of at most 512 characters",
        );
        wrong.push(FieldRefusal::new(field, "url", zh, en));
    }
}

impl Setting for ReviewSettings {
    const NAME: &'static str = "review";

    fn check(&self) -> Vec<FieldRefusal> {
        let mut wrong = Vec::new();
        let mut range = |field: &str, value: u32, least: u32, most: u32| {
            if !(least..=most).contains(&value) {
                let (zh, en) = (format!("应为 {least}–{most}"), format!("must be {least} to {most}"));
                wrong.push(FieldRefusal::new(field, "range", zh, en));
            }
        };
        range("reviewers", u32::from(self.reviewers), 1, 2);
        range("deadlines.onboarding", self.deadlines.onboarding, 1, 250);
        range("deadlines.prefix", self.deadlines.prefix, 1, 250);
        range("deadlines.amendment", self.deadlines.amendment, 1, 250);
        range("remindHours", self.remind_hours, 0, 240);
        range("documentMegabytes", self.document_megabytes, 1, 10_240);
        range("externalCheckers", u32::try_from(self.external_checkers.len()).unwrap_or(u32::MAX), 0, 8);
        range("reasons", u32::try_from(self.reasons.len()).unwrap_or(u32::MAX), 0, 50);
        if let Err(refusal) = self.word_list() {
            wrong.push(FieldRefusal::of("words", &refusal));
        }
        if let Err(refusal) = self.working_days() {
            wrong.push(FieldRefusal::of("calendar", &refusal));
        }
        let fields = serde_json::to_value(crate::subject::Subject::default()).unwrap_or_default();
        for (at, field) in self.reviewed_fields.iter().enumerate() {
            if fields.get(field).is_none() {
                let (zh, en) = (format!("没有字段 {field}"), format!("a subject has no field {field}"));
                wrong.push(FieldRefusal::new(format!("reviewedFields[{at}]"), "unknown-field", zh, en));
            }
        }
        let mut seen = Vec::new();
        for (at, checker) in self.external_checkers.iter().enumerate() {
            check_url(format!("externalCheckers[{at}].url"), &checker.url, &mut wrong);
            if !is_name(&checker.name) || seen.contains(&&checker.name) {
                let (zh, en) = (
                    "名称应为 1–32 个小写字母、数字或连字符，且不重复",
                    "a name is 1 to 32 small letters, digits or hyphens, and unique",
                );
                wrong.push(FieldRefusal::new(format!("externalCheckers[{at}].name"), "name", zh, en));
            }
            seen.push(&checker.name);
        }
        for (at, reason) in self.reasons.iter().enumerate() {
            if !is_name(&reason.code) || reason.zh.chars().count() > 500 || reason.en.chars().count() > 500 {
                let (zh, en) = (
                    "代码应为小写字母、数字或连字符，文字不超过 500 字",
                    "a code is small letters, digits or hyphens, a text at most 500 characters",
                );
                wrong.push(FieldRefusal::new(format!("reasons[{at}]"), "reason", zh, en));
            }
        }
        wrong
    }

    fn secrets(&mut self) -> Vec<(String, &mut String)> {
        let checkers = self.external_checkers.iter_mut();
        checkers.map(|checker| (format!("checker {}", checker.name), &mut checker.secret)).collect()
    }
}

/// Secrets that nobody could have meant.
fn check_secrets<S: Setting>(setting: &mut S) -> Vec<FieldRefusal> {
    let mut wrong = Vec::new();
    for (about, secret) in setting.secrets() {
        if secret.starts_with(SEALED) || secret.len() > SECRET {
            let zh = format!("“{about}”的密钥不应以 {SEALED} 开头，最多 {SECRET} 字节");
            let en = format!("the secret of {about} has at most {SECRET} octets and does not begin with {SEALED}");
            wrong.push(FieldRefusal::new("secret", "secret-form", zh, en));
        }
    }
    wrong
}

/// The document of a setting, or its default, its secrets sealed; and when it was changed.
pub(crate) async fn read<S: Setting>(connection: &mut AnyConnection) -> Result<(S, Time), Error> {
    let select = sqlx::query("SELECT document, updated FROM setting WHERE name = $1").bind(S::NAME);
    match select.fetch_optional(connection).await? {
        Some(row) => Ok((serde_json::from_str(&row.try_get::<String, _>(0)?)?, row.try_get(1)?)),
        None => Ok((S::default(), 0)),
    }
}

/// What a sealed secret is about: it opens in no other place.
fn about_setting<S: Setting>(about: &str) -> String {
    format!("setting {} {about}", S::NAME)
}

fn unknown(name: &str) -> Refusal {
    Refusal::absent("设置", "setting", name)
}

/// Calls `$method` with the type that has the name.
macro_rules! by_name {
    ($name:expr, $self:ident.$method:ident($($argument:expr),*)) => {
        match $name {
            ReviewSettings::NAME => $self.$method::<ReviewSettings>($($argument),*).await,
            NoticeSettings::NAME => $self.$method::<NoticeSettings>($($argument),*).await,
            other => Err(unknown(other).into()),
        }
    };
}

/// The names of all settings.
pub const NAMES: [&str; 2] = [ReviewSettings::NAME, NoticeSettings::NAME];

impl Registry {
    /// A setting for the node's own use, with its secrets.
    pub async fn setting<S: Setting>(&self) -> Result<S, Error> {
        let mut connection = self.database.reader().acquire().await?;
        let (mut setting, _) = read::<S>(&mut connection).await?;
        drop(connection);
        for (about, secret) in setting.secrets() {
            // One that is not sealed yet was written before there were seals.
            let Some(sealed) = secret.strip_prefix(SEALED) else { continue };
            let opened = self.sealed()?.open(&about_setting::<S>(&about), sealed);
            let opened = opened.and_then(|octets| String::from_utf8(octets).ok());
            let lost = || Error::Fault(format!("the secret of {about} cannot be read; was the seal's key changed?"));
            *secret = opened.ok_or_else(lost)?;
        }
        Ok(setting)
    }

    /// Seals what is not sealed yet; says whether there was anything.
    fn seal_secrets<S: Setting>(&self, setting: &mut S) -> Result<bool, Error> {
        let mut any = false;
        for (about, secret) in setting.secrets() {
            if !secret.is_empty() && !secret.starts_with(SEALED) {
                let sealed = self.sealed()?.close(&about_setting::<S>(&about), secret.as_bytes(), self.random)?;
                *secret = format!("{SEALED}{sealed}");
                any = true;
            }
        }
        Ok(any)
    }

    /// Seals the secrets of settings that were written before there were seals. For the start of a node; says how many
    /// settings had some.
    pub async fn seal_settings(&self, caller: &Caller) -> Result<usize, Error> {
        let mut sealed = 0;
        for name in NAMES {
            sealed += usize::from(by_name!(name, self.seal_setting(caller))?);
        }
        Ok(sealed)
    }

    async fn seal_setting<S: Setting>(&self, caller: &Caller) -> Result<bool, Error> {
        let object = format!("setting {}", S::NAME);
        let mut act = self.begin(caller, Permission::SettingsWrite, &object).await?;
        let (mut setting, _) = read::<S>(act.sql()).await?;
        if !self.seal_secrets(&mut setting)? {
            return Ok(false);
        }
        let update = sqlx::query("UPDATE setting SET document = $1 WHERE name = $2");
        update.bind(serde_json::to_string(&setting)?).bind(S::NAME).execute(act.sql()).await?;
        act.record("settings.seal", &object, None, Json::Null, serde_json::json!({"secrets": "sealed"}));
        act.commit(true).await
    }

    /// All settings, secrets hidden.
    pub async fn settings(&self, caller: &Caller) -> Result<Vec<SettingView>, Error> {
        let mut all = Vec::new();
        for name in NAMES {
            all.push(self.read_setting(caller, name).await?);
        }
        Ok(all)
    }

    /// One setting by its name, secrets hidden.
    pub async fn read_setting(&self, caller: &Caller, name: &str) -> Result<SettingView, Error> {
        self.authorise(caller, Permission::SettingsRead, &format!("setting {name}")).await?;
        only_of_the_node(self, caller, Permission::SettingsRead, name).await?;
        by_name!(name, self.view_setting())
    }

    /// Replaces a setting. `updated` is what the caller has seen, if it minds.
    pub async fn write_setting(
        &self,
        caller: &Caller,
        name: &str,
        updated: Option<Time>,
        document: Json,
    ) -> Result<SettingView, Error> {
        self.authorise(caller, Permission::SettingsWrite, &format!("setting {name}")).await?;
        only_of_the_node(self, caller, Permission::SettingsWrite, name).await?;
        by_name!(name, self.replace_setting(caller, updated, document))
    }

    async fn view_setting<S: Setting>(&self) -> Result<SettingView, Error> {
        let mut connection = self.database.reader().acquire().await?;
        let (mut setting, updated) = read::<S>(&mut connection).await?;
        setting.hide();
        Ok(SettingView { name: S::NAME.into(), document: serde_json::to_value(setting)?, version: updated })
    }

    async fn replace_setting<S: Setting>(
        &self,
        caller: &Caller,
        updated: Option<Time>,
        document: Json,
    ) -> Result<SettingView, Error> {
        let mut setting: S = serde_json::from_value(document).map_err(|error| {
            let (zh, en) = (format!("设置格式有误：{error}"), format!("the setting cannot be read: {error}"));
            Refusal::new(Kind::Invalid, "setting-format", zh, en)
        })?;
        let object = format!("setting {}", S::NAME);
        let mut act = self.begin(caller, Permission::SettingsWrite, &object).await?;
        let (mut old, seen) = read::<S>(act.sql()).await?;
        if updated.is_some_and(|updated| updated != seen) {
            return Err(Refusal::stale(seen).into());
        }
        let mut wrong = check_secrets(&mut setting);
        let secrets = setting.keep_secrets(&mut old);
        wrong.extend(setting.check());
        if !wrong.is_empty() {
            return Err(Refusal::fields(wrong).into());
        }
        self.seal_secrets(&mut setting)?;
        let text = serde_json::to_string(&setting)?;
        if text.len() > DOCUMENT {
            let (zh, en) = ("设置过大（最多 512 KB）", "the setting is too large (at most 512 KB)");
            return Err(Refusal::new(Kind::Limit, "setting-size", zh, en).into());
        }
        // Two changes in one millisecond are two versions.
        let now = act.now().max(seen + 1);
        let write = "INSERT INTO setting (name, document, updated) VALUES ($1, $2, $3) \
                     ON CONFLICT (name) DO UPDATE SET document = excluded.document, updated = excluded.updated";
        sqlx::query(write).bind(S::NAME).bind(text).bind(now).execute(act.sql()).await?;
        old.hide();
        setting.hide();
        let (before, mut after) = difference(&old, &setting);
        if secrets {
            after["secrets"] = "changed".into();
        }
        act.record("settings.write", &object, None, before, after);
        let view = SettingView { name: S::NAME.into(), document: serde_json::to_value(setting)?, version: now };
        act.commit(view).await
    }
}

/// Settings are the node's: a caller of one organisation has none.
async fn only_of_the_node(
    registry: &Registry,
    caller: &Caller,
    permission: Permission,
    name: &str,
) -> Result<(), Error> {
    registry.reach(caller, permission, None, &format!("setting {name}"), unknown(name)).await
}
