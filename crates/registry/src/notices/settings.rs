//! Where notices go beside the screens: e-mail and webhooks; and where the links of letters lead.

use super::NoticeKind;
use crate::checks::{Reach, contact::MailAddress};
use crate::error::FieldRefusal;
use crate::settings::{Setting, check_url, is_name};
use serde::{Deserialize, Serialize};

/// Who is told what, and by which way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NoticeSettings {
    /// Absent: no e-mail is sent.
    pub smtp: Option<Smtp>,
    #[schema(max_items = 16)]
    pub webhooks: Vec<Webhook>,
    /// Where people open the console, such as `https://console.hufu-demo.cn`: the links in invitations and resets are
    /// `<console>/invitation#<token>` and `<console>/reset#<token>`. Empty: no such letters are sent.
    #[schema(max_length = 512)]
    pub console: String,
}

impl NoticeSettings {
    /// Whether letters with links can be sent.
    pub fn writes_letters(&self) -> bool {
        self.smtp.is_some() && !self.console.is_empty()
    }

    /// Where a letter leads. The token stands behind the `#`, so that no server on the way writes it into its log.
    pub fn link(&self, kind: NoticeKind, token: &str) -> Option<String> {
        let page = match kind {
            NoticeKind::AccountInvited => "invitation",
            NoticeKind::PasswordReset => "reset",
            _ => return None,
        };
        (!self.console.is_empty()).then(|| format!("{}/{page}#{token}", self.console.trim_end_matches('/')))
    }
}

/// The mail server that takes the node's e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Smtp {
    #[schema(max_length = 255)]
    pub host: String,
    pub port: u16,
    pub security: SmtpSecurity,
    #[serde(default)]
    #[schema(max_length = 128)]
    pub user: String,
    /// Written, never read.
    #[serde(default)]
    #[schema(max_length = 256)]
    pub password: String,
    /// The sender.
    #[schema(max_length = 128)]
    pub from: String,
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SmtpSecurity {
    /// TLS from the start (465).
    Tls,
    /// TLS after STARTTLS, or no connection (587).
    Starttls,
    /// None; for a relay on this machine.
    None,
}

/// A service that gets notices by POST.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    #[schema(max_length = 32)]
    pub name: String,
    #[schema(max_length = 512)]
    pub url: String,
    /// Signs what is sent; written, never read.
    #[serde(default)]
    #[schema(max_length = 256)]
    pub secret: String,
    /// Which kinds it gets; all if empty.
    #[serde(default)]
    pub kinds: Vec<NoticeKind>,
}

impl Webhook {
    pub fn takes(&self, kind: NoticeKind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

impl Setting for NoticeSettings {
    const NAME: &'static str = "notices";

    fn check(&self) -> Vec<FieldRefusal> {
        let mut wrong = Vec::new();
        if let Some(smtp) = &self.smtp {
            if smtp.host.is_empty() || smtp.host.len() > 255 || smtp.port == 0 {
                wrong.push(FieldRefusal::new(
                    "smtp.host",
                    "missing",
                    "请填写邮件服务器和端口",
                    "name the mail server and its port",
                ));
            }
            if let Err(refusal) = MailAddress::parse(&smtp.from, Reach::Anywhere) {
                wrong.push(FieldRefusal::of("smtp.from", &refusal));
            }
            if smtp.security == SmtpSecurity::None && !smtp.password.is_empty() {
                let (zh, en) = ("不加密的连接不能发送口令", "a password is not sent without encryption");
                wrong.push(FieldRefusal::new("smtp.password", "not-encrypted", zh, en));
            }
        }
        if !self.console.is_empty() {
            check_url("console".into(), &self.console, &mut wrong);
            if self.console.contains(['#', '?']) {
                let (zh, en) = ("地址中不应有 # 或 ?", "there is no # or ? in this address");
                wrong.push(FieldRefusal::new("console", "url", zh, en));
            }
        }
        if self.webhooks.len() > 16 {
            wrong.push(FieldRefusal::new("webhooks", "range", "最多 16 个", "at most 16"));
        }
        let mut seen = Vec::new();
        for (at, webhook) in self.webhooks.iter().enumerate() {
            check_url(format!("webhooks[{at}].url"), &webhook.url, &mut wrong);
            if !is_name(&webhook.name) || seen.contains(&&webhook.name) {
                let zh = "名称应为 1–32 个小写字母、数字或连字符，且不重复";
                let en = "a name is 1 to 32 small letters, digits or hyphens, and unique";
                wrong.push(FieldRefusal::new(format!("webhooks[{at}].name"), "name", zh, en));
            }
            // Whoever receives it must be able to tell that it is ours.
            if webhook.secret.len() < 16 {
                let (zh, en) = ("密钥至少 16 字符", "a secret has at least 16 characters");
                wrong.push(FieldRefusal::new(format!("webhooks[{at}].secret"), "secret-short", zh, en));
            }
            seen.push(&webhook.name);
        }
        wrong
    }

    fn secrets(&mut self) -> Vec<(String, &mut String)> {
        let mut secrets = Vec::new();
        if let Some(smtp) = &mut self.smtp {
            // A secret goes to the server that it was given for, not to another one.
            secrets.push((format!("smtp {}:{}", smtp.host, smtp.port), &mut smtp.password));
        }
        for webhook in &mut self.webhooks {
            secrets.push((format!("webhook {}", webhook.name), &mut webhook.secret));
        }
        secrets
    }
}
