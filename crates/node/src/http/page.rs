//! The pages that people see: plain HTML with one inline stylesheet, no script, no request to anybody else.
//!
//! Every page is Chinese or English, below 30 kB, and made for a phone as much as for paper.

use super::locations::{COMPONENT, PATH, target};
use super::value_json::iso_time;
use hufu_ident::systems::handle::{AdminRecord, Data, Interface, KeyParts, PublicKey, Server, Site, keys, kind, right};
use hufu_ident::{Name, Reference, Ttl, ValueRef, ValueSet, recognise};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use std::fmt::Display;

/// What a server of these pages should allow them: nothing but their own style, and to ask the same server.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    Zh,
    En,
}

impl Lang {
    /// `?lang=` decides, then `Accept-Language`; Chinese when neither says anything.
    pub fn choose(query: Option<&str>, accept_language: Option<&str>) -> Self {
        let of = |tag: &str| match tag.get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("zh") => Some(Lang::Zh),
            Some("en") => Some(Lang::En),
            _ => None,
        };
        let weighed = |part: &str| {
            let (tag, weight) = part.split_once(';').unwrap_or((part, ""));
            let weight = weight.trim().strip_prefix("q=").map_or(1.0, |q| q.parse().unwrap_or(0.0));
            of(tag.trim()).filter(|_| weight > 0.0).map(|lang| (lang, weight))
        };
        let heavier = |best: Option<(Lang, f64)>, next: (Lang, f64)| match best {
            Some(best) if best.1 >= next.1 => Some(best),
            _ => Some(next),
        };
        let accepted = || match accept_language.map(str::trim).filter(|header| !header.is_empty() && *header != "*") {
            Some(header) => header.split(',').filter_map(weighed).fold(None, heavier).map_or(Lang::En, |best| best.0),
            None => Lang::Zh,
        };
        query.and_then(of).unwrap_or_else(accepted)
    }

    pub(super) fn of<T>(self, zh: T, en: T) -> T {
        match self {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    pub(super) fn other(self) -> Self {
        self.of(Lang::En, Lang::Zh)
    }

    /// Its tag in HTML and headers.
    pub fn tag(self) -> &'static str {
        self.of("zh-CN", "en")
    }

    pub(super) fn query(self) -> &'static str {
        self.of("lang=zh", "lang=en")
    }
}

/// Where the values on a page come from.
#[derive(Debug, Clone, Copy)]
pub struct Meta<'a> {
    /// Past their time, shown because nobody above answers.
    pub stale: bool,
    pub authoritative: bool,
    /// The node that answered, in words.
    pub source: &'a str,
}

/// Octets of a page; values that would go beyond it are only counted.
const PAGE_OCTETS: usize = 29_000;
/// Characters of one text on a page.
const TEXT_CHARS: usize = 2_000;
/// Characters of an identifier where it is only shown.
const NAME_CHARS: usize = 300;

/// The public values of a record: first what people read, then the technical ones, folded.
pub fn values_page(lang: Lang, name: &str, values: &ValueSet, meta: &Meta<'_>) -> String {
    let values = values.public();
    let (technical, readable): (Vec<_>, Vec<_>) = values.iter().partition(is_technical);
    let toggle = format!("{}?noredirect&amp;{}", escape(path_of(name)), lang.other().query());
    let mut page = top(lang, name, &toggle) + &search(lang, name) + &heading(lang, name, meta);
    let foot = format!(
        "<p class=foot>{} <a href=\"/api/handles/{}\">JSON</a></p>",
        lang.of("机器可读：", "Machine-readable:"),
        escape(path_of(name).trim_start_matches('/')),
    );
    let mut room = PAGE_OCTETS.saturating_sub(page.len() + foot.len() + 1_000);
    let (cards, unread) = fill(readable.iter().map(|value| card(lang, value)), &mut room);
    let (tables, unseen) = fill(technical.iter().map(|value| technical_value(lang, value)), &mut room);
    if values.is_empty() {
        page += lang.of("<p class=note>此标识没有公开的值。</p>", "<p class=note>No public values.</p>");
    }
    page += &cards;
    if !tables.is_empty() {
        let title = lang.of("技术信息", "Technical details");
        let count = technical.len() - unseen;
        page += &format!("<details><summary>{title} <b>{count}</b></summary>{tables}</details>");
    }
    if unread + unseen > 0 {
        let count = unread + unseen;
        let (zh, en) = (format!("另有 {count} 项未在此显示。"), format!("{count} more values are not shown here."));
        page += &format!("<p class=note>{}</p>", lang.of(zh, en));
    }
    page + &foot + BOTTOM
}

/// Joins items as long as there is room, and counts the others.
fn fill(items: impl Iterator<Item = String>, room: &mut usize) -> (String, usize) {
    let (mut joined, mut left_out) = (String::new(), 0);
    for item in items {
        match room.checked_sub(item.len()) {
            Some(rest) => {
                *room = rest;
                joined += &item;
            }
            None => left_out += 1,
        }
    }
    (joined, left_out)
}

fn heading(lang: Lang, name: &str, meta: &Meta<'_>) -> String {
    let system = format!("{} {}", recognise(name).label(), lang.of("标识", "identifier"));
    let shown = clip(name, NAME_CHARS);
    let split = Name::new(&shown);
    let prefix = if shown.contains('/') { format!("{}/", split.prefix()) } else { String::new() };
    let origin = match meta.authoritative {
        true => lang.of("权威应答", "authoritative answer"),
        false => lang.of("非权威应答", "non-authoritative answer"),
    };
    let stale = match meta.stale {
        true => lang.of(
            "<p class=stale role=status><b>可能已过期。</b>上级节点暂时无应答，以下为此前保存的内容。</p>",
            "<p class=stale role=status><b>Possibly out of date.</b> The nodes above do not answer at the moment; this is what was known before.</p>",
        ),
        false => "",
    };
    format!(
        "<p class=kicker>{system}</p><h1><span>{}</span>{}</h1><p class=meta><i>{origin}</i> {}</p>{stale}",
        escape(prefix),
        escape(split.suffix()),
        escape(meta.source),
    )
}

/// Predefined types are for machines, and so is what is no text.
fn is_technical(value: &ValueRef<'_>) -> bool {
    let predefined = value.kind.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"HS_"));
    predefined || value.is_kind(kind::LOC) || !matches!(Data::decode(value.kind, value.data), Ok(Data::Text(_)))
}

fn card(lang: Lang, value: &ValueRef<'_>) -> String {
    let text = String::from_utf8_lossy(value.data);
    let kind = String::from_utf8_lossy(value.kind);
    let known = kind.to_ascii_uppercase();
    let label = match known.as_str() {
        "URL" => lang.of("网址", "Link"),
        "EMAIL" => lang.of("电子邮箱", "E-mail"),
        "DESC" => lang.of("说明", "Description"),
        "INET_HOST" => lang.of("主机", "Host"),
        _ => &kind,
    };
    let body = match known.as_str() {
        "EMAIL" => mail(&text),
        _ if known == "URL" || known.starts_with("URL.") => link(&text),
        _ => escape(clip(&text, TEXT_CHARS)),
    };
    let named = if label == kind { None } else { Some(known.as_str()) };
    let (label, small) = (escape(clip(label, NAME_CHARS)), small_print(lang, value, named));
    format!("<article><h2>{label}</h2><p class=text>{body}</p>{small}</article>")
}

/// Index, type where nothing else names it, how long it holds and when it was last changed.
fn small_print(lang: Lang, value: &ValueRef<'_>, kind: Option<&str>) -> String {
    let mut parts = vec![format!("{} {}", lang.of("索引", "Index"), value.index)];
    parts.extend(kind.map(escape));
    parts.push(match value.ttl {
        Ttl::Relative(seconds) => format!("TTL {}", duration(lang, seconds)),
        Ttl::Absolute(until) => format!("{} {}", lang.of("有效至", "valid until"), time(until)),
    });
    if value.timestamp != 0 {
        parts.push(format!("{} {}", lang.of("更新于", "changed"), time(value.timestamp)));
    }
    let items: String = parts.iter().map(|part| format!("<li>{part}")).collect();
    format!("<ul class=small>{items}</ul>")
}

fn technical_value(lang: Lang, value: &ValueRef<'_>) -> String {
    let kind = String::from_utf8_lossy(value.kind);
    let rows = match Data::decode(value.kind, value.data) {
        _ if value.is_kind(kind::SECKEY) => row(lang.of("内容", "Data"), lang.of("不显示", "not shown")),
        Ok(Data::Admin(admin)) => admin_rows(lang, &admin),
        Ok(Data::Site(site)) => site_rows(lang, &site),
        Ok(Data::PublicKey(key)) => row(lang.of("公钥", "Key"), key_words(lang, &key)),
        Ok(Data::ValueList(list)) => {
            let members: Vec<_> = list.iter().map(reference).collect();
            row(lang.of("成员", "Members"), members.join("<br>"))
        }
        Ok(Data::Name(name)) => row(lang.of("指向", "Points to"), name_link(&name, &name)),
        Ok(Data::Text(text)) => row(lang.of("内容", "Data"), code(clip(&text, TEXT_CHARS))),
        Ok(Data::Octets(octets)) => octet_rows(lang, &octets),
        Err(error) => row(lang.of("无法解码", "Undecodable"), escape(error)) + &octet_rows(lang, value.data),
    };
    let title = escape(clip(&kind, NAME_CHARS));
    format!("<section><h3>{title}</h3><table>{rows}</table>{}</section>", small_print(lang, value, None))
}

/// The twelve rights in two languages, from the lowest bit.
const RIGHTS: [(&str, &str); 12] = [
    ("新建标识", "add identifiers"),
    ("删除标识", "delete identifiers"),
    ("新建派生前缀", "add derived prefixes"),
    ("删除派生前缀", "delete derived prefixes"),
    ("修改值", "modify values"),
    ("移除值", "remove values"),
    ("添加值", "add values"),
    ("修改管理员", "modify administrators"),
    ("移除管理员", "remove administrators"),
    ("添加管理员", "add administrators"),
    ("读取值", "read values"),
    ("列出标识", "list identifiers"),
];

fn admin_rows(lang: Lang, admin: &AdminRecord) -> String {
    let granted = RIGHTS.iter().enumerate().filter(|(bit, _)| admin.grants(1 << bit));
    let words: Vec<_> = granted.map(|(_, (zh, en))| lang.of(*zh, *en)).collect();
    let words = match admin.permissions & right::ALL {
        right::ALL => lang.of("全部", "all").to_owned(),
        0 => lang.of("无", "none").to_owned(),
        _ => words.join(lang.of("、", ", ")),
    };
    row(lang.of("管理员", "Administrator"), reference(&admin.admin)) + &row(lang.of("权限", "Rights"), words)
}

fn site_rows(lang: Lang, site: &Site) -> String {
    let role = match (site.is_primary(), site.primary_mask & Site::MULTI_PRIMARY != 0) {
        (true, false) => lang.of("主站点", "primary site"),
        (true, true) => lang.of("主站点之一", "one of several primary sites"),
        (false, _) => lang.of("镜像站点", "mirror site"),
    };
    let version = format!("{}.{}", site.version.major, site.version.minor);
    let mut rows = row(lang.of("站点", "Site"), role);
    rows += &row(lang.of("协议版本", "Protocol"), version);
    rows += &row(lang.of("序列号", "Serial"), site.serial);
    for attribute in &site.attributes {
        let (name, value) = (String::from_utf8_lossy(&attribute.name), String::from_utf8_lossy(&attribute.value));
        rows += &row(escape(clip(&name, NAME_CHARS)), escape(clip(&value, NAME_CHARS)));
    }
    let title = lang.of("服务器", "Server");
    rows + &site
        .servers
        .iter()
        .map(|one| row(format!("{title} {}", one.id), server_words(lang, one)))
        .collect::<String>()
}

fn server_words(lang: Lang, server: &Server) -> String {
    let interface = |interface: &Interface| {
        let purpose = match (interface.serves(Interface::QUERY), interface.serves(Interface::ADMIN)) {
            (true, true) => lang.of("解析与管理", "resolution and administration"),
            (true, false) => lang.of("解析", "resolution"),
            (false, true) => lang.of("管理", "administration"),
            (false, false) => lang.of("停用", "out of service"),
        };
        format!("<br>{} {} · {purpose}", interface.protocol.name(), interface.port)
    };
    let interfaces: String = server.interfaces.iter().map(interface).collect();
    let key = PublicKey::decode(&server.public_key).map(|key| format!("<br>{}", key_words(lang, &key)));
    format!("{}{interfaces}{}", code(server.ip()), key.unwrap_or_default())
}

fn key_words(lang: Lang, key: &PublicKey) -> String {
    let (name, number) = match &key.parts {
        KeyParts::Rsa { n, .. } => ("RSA", n),
        KeyParts::Dsa { p, .. } => ("DSA", p),
        KeyParts::Dh { p, .. } => ("DH", p),
        KeyParts::Sm2(_) => return "SM2".to_owned(),
        KeyParts::Other(_) => return escape(clip(&String::from_utf8_lossy(&key.key_type), NAME_CHARS)),
    };
    let bare = keys::unsigned(number);
    let bits = (bare.len() * 8).saturating_sub(bare.first().map_or(0, |top| top.leading_zeros() as usize));
    format!("{name}, {bits} {}", lang.of("位", "bits"))
}

/// The first octets in hexadecimal, and how many there are.
fn octet_rows(lang: Lang, octets: &[u8]) -> String {
    let start = hex::encode(&octets[..octets.len().min(48)]);
    let more = if octets.len() > 48 { "…" } else { "" };
    row(lang.of("长度", "Length"), format!("{} {}", octets.len(), lang.of("字节", "octets")))
        + &row(lang.of("内容", "Data"), code(format!("{start}{more}")))
}

/// A table row; both cells are HTML already.
fn row(label: impl Display, cell: impl Display) -> String {
    format!("<tr><th scope=row>{label}<td>{cell}")
}

fn code(text: impl Display) -> String {
    format!("<code>{}</code>", escape(text))
}

fn reference(reference: &Reference) -> String {
    let handle = String::from_utf8_lossy(&reference.handle);
    name_link(&handle, &format!("{}:{handle}", reference.index))
}

/// A link to the page of another identifier.
fn name_link(name: &str, text: &str) -> String {
    format!("<a href=\"{}?noredirect\">{}</a>", escape(path_of(name)), escape(clip(text, NAME_CHARS)))
}

/// A link where the target may be followed, else the mere text.
fn link(url: &str) -> String {
    let text = escape(clip(url, TEXT_CHARS));
    match target(url) {
        Some(href) if href.len() <= 4 * TEXT_CHARS => {
            format!("<a href=\"{}\" rel=\"noopener nofollow noreferrer\">{text}</a>", escape(href))
        }
        _ => text,
    }
}

fn mail(address: &str) -> String {
    const ADDRESS: &AsciiSet = &COMPONENT.remove(b'@').remove(b'+');
    let text = escape(clip(address, TEXT_CHARS));
    let plausible = address.matches('@').count() == 1 && address.len() < 320 && !address.contains(char::is_whitespace);
    match plausible {
        true => format!("<a href=\"mailto:{}\">{text}</a>", utf8_percent_encode(address, ADDRESS)),
        false => text,
    }
}

/// There is no such identifier.
pub fn not_found_page(lang: Lang, name: &str) -> String {
    let toggle = format!("{}?noredirect&amp;{}", escape(path_of(name)), lang.other().query());
    let title = lang.of("未找到此标识", "Identifier not found");
    let advice = lang.of(
        "<li>请核对书写：“/”之前为前缀，之后为后缀，前缀中的前导零不可省略。<li>标识可能尚未注册，或刚刚注册、尚未生效。",
        "<li>Check the spelling: the prefix stands before the first “/”, the suffix behind it; leading zeros in a prefix count.<li>It may not be registered, or was registered only a moment ago.",
    );
    let shown = escape(clip(name, NAME_CHARS));
    let body =
        format!("<p class=kicker>404</p><h1>{title}</h1><p class=asked>{shown}</p><ul class=advice>{advice}</ul>");
    top(lang, title, &toggle) + &search(lang, name) + &body + BOTTOM
}

/// Something else went wrong; `text` says what, in the language of the page.
pub fn error_page(lang: Lang, code: u16, text: &str) -> String {
    let title = lang.of("无法完成解析", "This could not be resolved");
    let text = escape(clip(text, TEXT_CHARS));
    let body = format!("<p class=kicker>{code}</p><h1>{title}</h1><p class=note>{text}</p>");
    top(lang, title, &format!("?{}", lang.other().query())) + &search(lang, "") + &body + BOTTOM
}

/// A table of facts under a heading, such as who holds a prefix; labels are HTML already, cells are not.
pub fn facts_page(lang: Lang, kicker: &str, title: &str, facts: &[(&str, String)], toggle: &str) -> String {
    let rows: String = facts.iter().map(|(label, text)| row(label, escape(clip(text, TEXT_CHARS)))).collect();
    let body = format!(
        "<p class=kicker>{}</p><h1>{}</h1><article><table>{rows}</table></article>",
        escape(kicker),
        escape(clip(title, NAME_CHARS)),
    );
    top(lang, title, &escape(toggle)) + &search(lang, "") + &body + BOTTOM
}

/// The short page that goes with a redirect.
pub fn redirect_page(url: &str) -> String {
    let url = escape(url);
    format!("<html><head><title>Handle Redirect</title></head>\n<body><a href=\"{url}\">{url}</a></body></html>")
}

/// The front door of a node: what it is, a search box, and identifiers to try.
pub fn start_page(lang: Lang, node_name: &str, role: &str, samples: &[&str]) -> String {
    let role = match role {
        "root" => lang.of("根节点", "Root node"),
        "top-level" => lang.of("国家顶级节点", "Top-level node"),
        "secondary" => lang.of("二级节点", "Secondary node"),
        "enterprise" => lang.of("企业节点", "Enterprise node"),
        "recursive" => lang.of("递归节点", "Recursive node"),
        "backup" => lang.of("灾备节点", "Backup node"),
        other => other,
    };
    let lead =
        lang.of("输入或粘贴一个标识，查看它所指向的信息。", "Type or paste an identifier to see what it stands for.");
    let title = escape(clip(node_name, NAME_CHARS));
    let role = escape(role);
    let mut body = format!("<p class=kicker>{role}</p><h1>{title}</h1><p class=lead>{lead}</p>{}", search(lang, ""));
    if !samples.is_empty() {
        let sample = |name: &&str| format!("<li>{}", name_link(name, name));
        let items: String = samples.iter().take(20).map(sample).collect();
        let heading = lang.of("试一试", "Try one");
        body += &format!("<h2 class=try>{heading}</h2><ul class=samples>{items}</ul>");
    }
    top(lang, node_name, &format!("?{}", lang.other().query())) + &body + BOTTOM
}

pub(super) const BOTTOM: &str = "</main></body></html>\n";

/// Everything up to the content: head, brand, link to the other language (`toggle`, escaped already).
pub(super) fn top(lang: Lang, title: &str, toggle: &str) -> String {
    let other = lang.of("English", "中文");
    let title = escape(clip(title, NAME_CHARS));
    let (tag, other_tag) = (lang.tag(), lang.other().tag());
    format!(
        "<!DOCTYPE html>\n<html lang={tag}><head><meta charset=utf-8><title>{title} · {brand}</title>\
         <meta name=viewport content=\"width=device-width,initial-scale=1\"><meta name=color-scheme content=\"light dark\">\
         <meta name=referrer content=no-referrer><link rel=icon href=\"data:,\"><style>{STYLE}</style></head><body>\
         <header><a class=brand href=\"/?{lang_query}\">虎符 <small>Hufu</small></a>\
         <a lang={other_tag} hreflang={other_tag} href=\"{toggle}\">{other}</a></header><main>",
        brand = lang.of("虎符", "Hufu"),
        lang_query = lang.query(),
    )
}

fn search(lang: Lang, asked: &str) -> String {
    let (label, button) = (lang.of("标识", "Identifier"), lang.of("解析", "Resolve"));
    let hint = lang.of("例如 88.118.8/A2106023", "e.g. 88.118.8/A2106023");
    let (own, asked) = (lang.of("zh", "en"), escape(clip(asked, NAME_CHARS)));
    format!(
        "<form action=\"/\" role=search><input name=id required autocomplete=off autocapitalize=off spellcheck=false \
         enterkeyhint=search aria-label=\"{label}\" placeholder=\"{hint}\" value=\"{asked}\">\
         <input type=hidden name=lang value={own}><button>{button}</button></form>"
    )
}

/// The path of an identifier's page. A leading slash is escaped, or the rest would be taken for a host.
fn path_of(name: &str) -> String {
    let path = utf8_percent_encode(name, PATH).to_string();
    match path.strip_prefix('/') {
        Some(rest) => format!("/%2F{rest}"),
        None => format!("/{path}"),
    }
}

/// Text as HTML, in elements and quoted attributes alike.
pub(super) fn escape(text: impl Display) -> String {
    let text = text.to_string();
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            _ => out.push(character),
        }
    }
    out
}

fn clip(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `2026-11-20 16:08 UTC`.
fn time(seconds: u32) -> String {
    let iso = iso_time(seconds);
    match iso.split_once('T') {
        Some((date, clock)) => format!("{date} {} UTC", clock.get(..5).unwrap_or(clock)),
        None => iso,
    }
}

/// Seconds in the largest unit that fits without a rest.
fn duration(lang: Lang, seconds: u32) -> String {
    let units = [(86_400, "天", "d"), (3_600, "小时", "h"), (60, "分钟", "min")];
    let fitting = units.into_iter().find(|(unit, ..)| seconds >= *unit && seconds.is_multiple_of(*unit));
    let (unit, zh, en) = fitting.unwrap_or((1, "秒", "s"));
    format!("{} {}", seconds / unit, lang.of(zh, en))
}

const STYLE: &str = "\
:root{--bg:#f7f5f1;--paper:#fff;--ink:#1d1b18;--soft:#6a655d;--line:#e2ddd3;--seal:#a8321f;--link:#8f2a19;--warn:#fff3d1;--edge:#c98a00}\
@media(prefers-color-scheme:dark){:root{--bg:#171614;--paper:#211f1c;--ink:#ece8e0;--soft:#a39c91;--line:#383430;--seal:#c8452f;--link:#ff9b85;--warn:#3a2f12;--edge:#e0a92e}}\
*{box-sizing:border-box}\
body{margin:0 auto;max-width:46rem;padding:0 1rem 3rem;background:var(--bg);color:var(--ink);font:1rem/1.6 system-ui,-apple-system,\"PingFang SC\",\"Noto Sans CJK SC\",\"Microsoft YaHei\",sans-serif;overflow-wrap:anywhere}\
a{color:var(--link);text-underline-offset:.2em;text-decoration-thickness:1px}\
:focus-visible{outline:2px solid var(--seal);outline-offset:2px}\
header{display:flex;justify-content:space-between;align-items:baseline;padding:1rem 0 .75rem}\
header a{text-decoration:none;color:var(--soft)}\
.brand{font-weight:700;font-size:1.15rem;color:var(--seal)}.brand small{font-weight:400;font-size:.8rem;color:var(--soft);margin-left:.2rem}\
form{display:flex;gap:.5rem;margin-bottom:2rem}\
input,button{font:inherit;border-radius:.5rem;padding:.55rem .8rem;min-height:2.75rem}\
input{flex:1;min-width:0;color:inherit;background:var(--paper);border:1px solid var(--line)}\
button{border:0;background:var(--seal);color:#fff;font-weight:600;white-space:nowrap;cursor:pointer}\
.kicker{margin:0;color:var(--soft);font-size:.85rem}.kicker:first-child{margin-top:2rem}\
h1{margin:.1rem 0 .5rem;font-size:clamp(1.35rem,5.5vw,1.9rem);line-height:1.3}h1 span{color:var(--soft);font-weight:400}\
.meta{margin:0 0 1.25rem;color:var(--soft);font-size:.85rem}.meta i{font-style:normal;border:1px solid var(--line);border-radius:1rem;padding:.1rem .6rem;margin-right:.4rem;white-space:nowrap}\
.stale{background:var(--warn);border-left:.25rem solid var(--edge);border-radius:.25rem;padding:.7rem 1rem;margin:0 0 1.25rem}\
article,details,.note,.asked{background:var(--paper);border:1px solid var(--line);border-radius:.75rem;padding:1rem 1.1rem;margin:0 0 .75rem}\
h2{margin:0;font-size:.85rem;font-weight:600;color:var(--soft)}\
.text{margin:.15rem 0 .6rem;font-size:1.05rem;white-space:pre-wrap}\
.small{display:flex;flex-wrap:wrap;gap:.1rem .9rem;margin:0;padding:0;list-style:none;color:var(--soft);font-size:.78rem}\
summary{cursor:pointer;font-weight:600}summary b{font-weight:400;color:var(--soft);margin-left:.3rem}\
section{border-top:1px solid var(--line);margin-top:1rem;padding-top:.9rem}\
h3{margin:0 0 .3rem;font-size:.95rem}\
table{width:100%;border-collapse:collapse;font-size:.9rem;margin-bottom:.5rem}\
th,td{text-align:left;vertical-align:top;padding:.25rem 0}th{width:7.5rem;padding-right:.8rem;font-weight:400;color:var(--soft)}\
code{font:.85em/1.5 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap}\
.lead{color:var(--soft);margin:0 0 1rem}.advice{padding-left:1.2rem;color:var(--soft)}.try{margin-bottom:.5rem}\
.samples{list-style:none;margin:0;padding:0}.samples a{display:block;padding:.7rem 1.1rem;margin-bottom:.5rem;background:var(--paper);border:1px solid var(--line);border-radius:.75rem;text-decoration:none}\
.foot{color:var(--soft);font-size:.85rem;margin-top:1.25rem}\
@media(max-width:26rem){th{width:7.3rem}:lang(zh) th{width:5rem}}\
@media print{:root{--bg:#fff;--paper:#fff;--ink:#000;--soft:#444;--line:#bbb;--link:#000}body{max-width:none;padding:0;font-size:10.5pt}\
form,header a+a,.foot{display:none}details{border:0;padding:0}article,section{break-inside:avoid}details::details-content{content-visibility:visible;block-size:auto}}";

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_ident::systems::handle::Protocol;
    use hufu_ident::{Reference, Value};

    const META: Meta<'static> = Meta { stale: false, authoritative: true, source: "二级节点" };

    fn sample() -> ValueSet {
        let interfaces = [(3, Protocol::Tcp, 2641), (2, Protocol::Udp, 2641)]
            .map(|(purpose, protocol, port)| Interface { purpose, protocol, port });
        let server =
            Server::new(1, [192, 0, 2, 1].into(), PublicKey::rsa(&[3], &[0xC0; 256]).to_bytes(), interfaces.into());
        let site = Site::new(7, vec![server]).with_attribute("desc", "华东站点");
        let admin = AdminRecord::new(right::RECORD, Reference::new(300, "0.NA/88.118.8"));
        let mut values = vec![
            Value::new(1, "URL", "https://www.example.com/产品/JXDY2106023?from=scan"),
            Value::new(2, "DESC", "JX-2106 型数控机床主轴\n出厂日期 2026-06-23，编号 023"),
            Value::new(3, "EMAIL", "service@example.com"),
            Value::new(4, "制造商", "江南机械有限公司"),
            Value::new(100, "HS_ADMIN", admin.to_bytes()),
            Value::new(101, "HS_SITE", site.to_bytes()),
            Value::new(300, "HS_PUBKEY", PublicKey::rsa(&[3], &[0xC0; 256]).to_bytes()),
            Value::new(301, "HS_SECKEY", "geheim").with_permissions(0x0C),
            Value::new(302, "HS_SECKEY", "geheim"),
            Value::new(400, "photo", [0xFF; 90]),
        ];
        values.iter_mut().for_each(|value| value.timestamp = 1_795_190_911);
        ValueSet::from_values(values)
    }

    #[test]
    fn people_read_first_and_secrets_stay_away() {
        let page = values_page(Lang::Zh, "88.118.8/JXDY2106023", &sample(), &META);
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}"));
        assert!(at("<h2>说明</h2>") < at("<h2>制造商</h2>") && at("<h2>制造商</h2>") < at("<details>"));
        assert!(at("<details>") < at("华东站点"));
        assert!(page.contains("href=\"https://www.example.com/%E4%BA%A7%E5%93%81/JXDY2106023?from=scan\""));
        assert!(page.contains("mailto:service@example.com"));
        assert!(page.contains("RSA, 2048 位"));
        assert!(!page.contains("geheim") && !page.contains("<img") && !page.contains("<script"));
        assert!(page.contains("TTL 1 天") && page.contains("2026-11-20 16:08 UTC"));
        let english = values_page(Lang::En, "88.118.8/JXDY2106023", &sample(), &META);
        assert!(english.contains("modify values, remove values") && english.contains("lang=zh"));
    }

    #[test]
    fn what_records_say_is_text_and_never_html() {
        let attack = "\"'><script>alert(1)</script>&";
        let values = ["URL", "EMAIL", "DESC", "HS_ALIAS", "10320/loc", "x<b>"];
        let values = values.iter().zip(1..).map(|(kind, index)| Value::new(index, kind, attack)).collect();
        let meta = Meta { stale: true, source: attack, ..META };
        for lang in [Lang::Zh, Lang::En] {
            let set = ValueSet::from_values(Vec::clone(&values));
            let pages = [
                values_page(lang, attack, &set, &meta),
                not_found_page(lang, attack),
                error_page(lang, 400, attack),
                redirect_page(attack),
                start_page(lang, attack, attack, &[attack]),
            ];
            for page in pages {
                assert!(!page.contains("<script") && !page.contains("\"'>") && !page.contains("x<b>"), "{page}");
            }
        }
        let scripts = ValueSet::from_values(vec![Value::new(1, "URL", "javascript:alert(1)")]);
        assert!(!values_page(Lang::Zh, "1/a", &scripts, &META).contains("href=\"javascript"));
        assert!(not_found_page(Lang::Zh, "/evil.example").contains("href=\"/%2Fevil.example?"));
    }

    #[test]
    fn pages_stay_small_whatever_they_show() {
        let name = format!("1/{}", "\"".repeat(2046));
        let values =
            (1..200).map(|index| Value::new(index, if index % 2 == 0 { "DESC" } else { "HS_CERT" }, "&".repeat(2500)));
        let set = ValueSet::from_values(values.collect());
        let page = values_page(Lang::En, &name, &set, &META);
        assert!(page.len() < 30_000, "{}", page.len());
        assert!(page.contains("more values are not shown here"));
        assert!(not_found_page(Lang::Zh, &name).len() < 30_000);
    }

    #[test]
    fn the_language_is_asked_for_or_chinese() {
        assert_eq!(Lang::choose(None, None), Lang::Zh);
        assert_eq!(Lang::choose(Some("en"), Some("zh-CN")), Lang::En);
        assert_eq!(Lang::choose(Some("fr"), Some("fr, zh;q=0.4, en-GB;q=0.8")), Lang::En);
        assert_eq!(Lang::choose(None, Some("zh-TW,zh;q=0.9,en;q=0.8")), Lang::Zh);
        assert_eq!(Lang::choose(None, Some("de")), Lang::En);
    }

    #[test]
    fn a_redirect_page_is_the_usual_one() {
        assert_eq!(
            redirect_page("https://example.org/one?a=1&b"),
            "<html><head><title>Handle Redirect</title></head>\n<body><a href=\"https://example.org/one?a=1&amp;b\">https://example.org/one?a=1&amp;b</a></body></html>"
        );
    }
}
