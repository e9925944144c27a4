//! The texts of notices, one per kind, with gaps in braces.

use super::{NewNotice, NoticeKind};

/// Most characters of one fact in a text.
const FACT: usize = 500;

/// A notice in both languages.
pub struct Text {
    pub title_zh: String,
    pub title_en: String,
    pub body_zh: String,
    pub body_en: String,
}

/// The letter of an invitation.
const INVITATION: [&str; 4] = [
    "邀请您启用账号：{name}",
    "已为您开通账号 {name}。请于 {due} 前通过链接设置口令；链接只能使用一次，请勿转发。",
    "Invitation to the account {name}",
    "The account {name} is ready for you. Please set its password by the link before {due}. The link works once; \
     do not pass it on.",
];

/// The letter of a reset.
const RESET: [&str; 4] = [
    "重置口令：{name}",
    "有人申请重置账号 {name} 的口令。如为本人操作，请于 {due} 前通过链接设置新口令；链接只能使用一次。如非本人\
     操作，无需处理，口令不变。",
    "Password reset: {name}",
    "Somebody asked to reset the password of the account {name}. If it was you, set a new one by the link before \
     {due}; the link works once. If it was not, do nothing: the password stays.",
];

/// Title and body in Chinese, title and body in English.
fn template(kind: NoticeKind) -> [&'static str; 4] {
    match kind {
        NoticeKind::ApplicationSubmitted => [
            "新申请待审核：{name}",
            "“{name}”已提交，请于 {due} 前审核。",
            "Application to review: {name}",
            "“{name}” was submitted. Please decide by {due}.",
        ],
        NoticeKind::ApplicationEndorsed => [
            "申请待复审：{name}",
            "“{name}”已由第一位审核员通过，请另一位审核员于 {due} 前复审。",
            "Second review wanted: {name}",
            "The first reviewer has approved “{name}”. Another reviewer please decides by {due}.",
        ],
        NoticeKind::ApplicationApproved => [
            "申请已通过：{name}",
            "“{name}”已通过审核。{reason}",
            "Application approved: {name}",
            "“{name}” was approved. {reason}",
        ],
        NoticeKind::ApplicationReturned => [
            "申请已退回，请修改：{name}",
            "“{name}”需要修改后重新提交。原因：{reason}",
            "Application returned for correction: {name}",
            "“{name}” has to be corrected and submitted again. Reason: {reason}",
        ],
        NoticeKind::ApplicationRejected => [
            "申请未通过：{name}",
            "“{name}”未通过审核。原因：{reason}",
            "Application rejected: {name}",
            "“{name}” was rejected. Reason: {reason}",
        ],
        NoticeKind::ApplicationWithdrawn => [
            "申请已撤回：{name}",
            "“{name}”已由申请方撤回。{reason}",
            "Application withdrawn: {name}",
            "“{name}” was withdrawn by the applicant. {reason}",
        ],
        NoticeKind::ApplicationDue => [
            "申请即将到期：{name}",
            "“{name}”应于 {due} 前审核完毕。",
            "Application due soon: {name}",
            "“{name}” has to be decided by {due}.",
        ],
        NoticeKind::ApplicationOverdue => [
            "申请已逾期：{name}",
            "“{name}”应于 {due} 前审核完毕，现已逾期。",
            "Application overdue: {name}",
            "“{name}” should have been decided by {due}.",
        ],
        NoticeKind::PrefixState => [
            "前缀状态变更：{name}",
            "前缀 {name} 现为“{state}”。{reason}",
            "Prefix state changed: {name}",
            "The prefix {name} is {state} now. {reason}",
        ],
        NoticeKind::PrefixExpiring => [
            "前缀即将到期：{name}",
            "前缀 {name} 将于 {due} 到期，请及时续期。",
            "Prefix expires soon: {name}",
            "The prefix {name} expires on {due}. Please renew it.",
        ],
        NoticeKind::PrefixTransfer => [
            "前缀转移：{name}",
            "前缀 {name} 的转移状态：{state}。{reason}",
            "Prefix transfer: {name}",
            "The transfer of the prefix {name} is {state}. {reason}",
        ],
        NoticeKind::SignInElsewhere => [
            "账号在新地址登录：{name}",
            "账号 {name} 于 {due} 从新地址 {address} 登录。如非本人操作，请立即修改口令。",
            "Sign-in from a new address: {name}",
            "The account {name} signed in from the new address {address} at {due}. If that was not you, change your \
             password at once.",
        ],
        NoticeKind::OperatorStuck => [
            "上级登记受阻：{name}",
            "{name} 未能送达上级或未得到处理结果。原因：{reason}。请处理后重发（hufu operator retry）或放弃（hufu operator drop）。",
            "Stuck on the way to the node above: {name}",
            "{name} gets no decision from the node above. It said: {reason}. Put it right and send it anew (hufu operator \
             retry) or drop it (hufu operator drop).",
        ],
        NoticeKind::OperatorMessage => [
            "上级消息：{name}",
            "上级关于 {name} 的消息：{state}。{reason}",
            "Message from the node above: {name}",
            "The node above says of {name}: {state}. {reason}",
        ],
        NoticeKind::AccountLocked => [
            "账号已锁定：{name}",
            "账号 {name} 已锁定。{reason}",
            "Account locked: {name}",
            "The account {name} was locked. {reason}",
        ],
        NoticeKind::AccountInvited => INVITATION,
        NoticeKind::PasswordReset => RESET,
        NoticeKind::KeyExpiring => [
            "接口密钥即将到期：{name}",
            "接口密钥 {name}（{reason}）将于 {due} 失效，请及时更换。",
            "API key ends soon: {name}",
            "The API key {name} ({reason}) ends at {due}. Please replace it in time.",
        ],
        NoticeKind::QuotaNear => [
            "配额即将用完：{name}",
            "{name}已用 {state}，接近上限。如需更多，请申请提高配额。",
            "Quota nearly used up: {name}",
            "{name}: {state} are used. Ask for a larger quota if you need more.",
        ],
    }
}

/// Fills the gaps; a gap without a fact is left out.
pub fn compose(notice: &NewNotice) -> Text {
    let [title_zh, body_zh, title_en, body_en] = template(notice.kind).map(|text| fill(text, &notice.facts));
    Text { title_zh, title_en, body_zh, body_en }
}

fn fill(template: &str, facts: &[(&'static str, String)]) -> String {
    let mut text = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((gap, after)) = after.split_once('}') else {
            rest = after;
            break;
        };
        if let Some((_, fact)) = facts.iter().find(|(name, _)| *name == gap) {
            // A fact is one line: it also goes into the subject of an e-mail.
            text.extend(fact.chars().take(FACT).map(|c| if c.is_control() { ' ' } else { c }));
        }
        rest = after;
    }
    text.push_str(rest);
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_fill_gaps_and_bring_none_of_their_own() {
        let facts = [("name", "甲{reason}\r\nBcc: x".to_owned()), ("reason", "r".to_owned())];
        assert_eq!(fill("申请 {name}：{reason} {nothing}。", &facts), "申请 甲{reason}  Bcc: x：r 。");
        assert_eq!(fill("open {", &facts), "open");
    }
}
