//! Identification links (IEC 61406): what a link on a nameplate should be, finding by finding.

use crate::refusal::Refusal;

const CLAUSE: &str = "IEC 61406-1 (limits unverified)";
/// Characters of a link.
pub const LINK_CHARS: usize = 255;
/// Query parameters that track people and identify nothing.
const TRACKING: [&str; 8] =
    ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "gclid", "fbclid", "spm"];

/// What speaks against `text` as an identification link; empty if nothing does. What cannot be seen in a text
/// (that it is unique and never used again) is not judged.
pub fn check_il(text: &str) -> Vec<Refusal> {
    let mut findings = Vec::new();
    let mut find = |code, at: Option<usize>, zh: &str, en: &str| {
        let refusal = Refusal::new(code, CLAUSE, zh, en);
        findings.push(Refusal { at, ..refusal });
    };
    let Some(rest) = address(text) else {
        find("il-scheme", Some(0), "须为http或https网址", "it must be an http or https URL");
        return findings;
    };
    let start = text.len() - rest.len();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        find("il-host", Some(start), "缺少主机名", "the host is missing");
    }
    if text.chars().count() > LINK_CHARS {
        find("il-length", Some(LINK_CHARS), "超过255个字符", "longer than 255 characters");
    }
    let safe = |c: char| c.is_ascii_alphanumeric() || "-._~/?=&%:+#@,;!$'()*".contains(c);
    if let Some(at) = text.chars().position(|c| !safe(c)) {
        find("il-character", Some(at), "含网址中须转义的字符", "a character would have to be escaped in a URL");
    }
    if let Some(at) = text.chars().position(|c| c == '#') {
        find("il-fragment", Some(at), "不应含片段（#）", "it should have no fragment");
    }
    if authority.contains('@') {
        find("il-user", Some(start), "不应含用户信息", "it should have no user information");
    }
    if authority.bytes().any(|octet| octet.is_ascii_uppercase()) {
        find("il-case", Some(start), "主机名应为小写", "the host should be in lower case");
    }
    let query = rest.split('#').next().and_then(|rest| rest.split_once('?')).map_or("", |(_, query)| query);
    let tracked = query.split('&').any(|pair| TRACKING.contains(&pair.split('=').next().unwrap_or_default()));
    if tracked {
        find("il-tracking", None, "不应含跟踪参数", "it should have no tracking parameters");
    }
    findings
}

/// What follows `http://` or `https://`; none for other texts.
pub fn address(text: &str) -> Option<&str> {
    let colon = text.find("://").filter(|colon| *colon <= 5)?;
    let known = ["http", "https"].iter().any(|scheme| scheme.eq_ignore_ascii_case(&text[..colon]));
    known.then(|| &text[colon + 3..])
}
