//! What must be filled in, and how long it may be.
//!
//! Required is what the interface marks so for an enterprise (tables T1 and T6, `r` in the form of SNMS). Everything
//! that is wrong is named at once. Whether what is filled in is true is the business of [`super::checkers`].

use super::application::ApplicationKind;
use super::content::{Administrator, Content, Origin, PrefixWish};
use crate::checks::contact::{MailAddress, Phone};
use crate::checks::division::Division;
use crate::checks::{Reach, address};
use crate::error::FieldRefusal;
use crate::subject::{Arrangement, Person, Subject, SystemPlace};
use jiff::civil::Date;
use std::collections::HashSet;

/// Octets of a content as JSON.
pub const CONTENT: usize = 64 << 10;
/// Most wished prefixes, servers of one, places, licences, industries.
pub const PREFIXES: usize = 20;
pub const SERVERS: usize = 8;
const PLACES: usize = 20;
const LICENCES: usize = 10;
const INDUSTRIES: usize = 20;
/// Characters of texts; as the interface has them where it does.
const NAME: usize = 128;
const LINE: usize = 255;
const CODE: usize = 8;
const REMARKS: usize = 2000;
/// The systems whose place must be known: registration, its data, their backup, resolution.
const SYSTEMS: [(u8, &str, &str); 4] = [
    (1, "标识注册系统", "the registration system"),
    (2, "标识注册数据", "the registration data"),
    (3, "注册数据备份", "the backup of the registration data"),
    (4, "解析服务器", "the resolution servers"),
];

/// Collects what is wrong.
struct Form<'a> {
    wrong: Vec<FieldRefusal>,
    /// Whether what is required must be there.
    whole: bool,
    /// Ids of the documents of this application; none are looked for in a draft.
    documents: &'a HashSet<String>,
}

/// What is wrong with a draft: only what is too long or too many.
pub fn check_draft(content: &Content) -> Vec<FieldRefusal> {
    let mut form = Form { wrong: Vec::new(), whole: false, documents: &HashSet::new() };
    if let Some(subject) = &content.subject {
        form.subject(subject, false);
    }
    form.rest(ApplicationKind::Onboarding, content, Reach::Anywhere);
    form.wrong
}

/// What is wrong with an application that is to be submitted.
pub fn check(
    kind: ApplicationKind,
    content: &Content,
    documents: &HashSet<String>,
    photographs: bool,
    reach: Reach,
) -> Vec<FieldRefusal> {
    let mut form = Form { wrong: Vec::new(), whole: true, documents };
    match (kind, &content.subject) {
        (ApplicationKind::Prefix, Some(_)) => {
            let (zh, en) = (
                "前缀申请不含主体信息，变更请另提变更申请",
                "an application for a prefix has no subject; file an amendment",
            );
            form.refuse("subject", "not-here", zh, en);
        }
        (ApplicationKind::Prefix, None) => {}
        (_, subject) => form.subject(subject.as_ref().unwrap_or(&Subject::default()), photographs),
    }
    if kind == ApplicationKind::Amendment && !content.prefixes.is_empty() {
        let (zh, en) =
            ("变更申请不含前缀，请另提前缀申请", "an amendment has no prefixes; file an application for them");
        form.refuse("prefixes", "not-here", zh, en);
    }
    if kind == ApplicationKind::Prefix && content.prefixes.is_empty() {
        form.refuse("prefixes", "missing", "请至少填写一个前缀", "name at least one prefix");
    }
    form.rest(kind, content, reach);
    form.wrong
}

impl Form<'_> {
    fn refuse(&mut self, field: impl Into<String>, code: &str, zh: impl Into<String>, en: impl Into<String>) {
        self.wrong.push(FieldRefusal::new(field, code, zh, en));
    }

    fn missing(&mut self, field: &str, zh: &str) {
        self.refuse(field, "missing", format!("请填写{zh}"), format!("{field} is missing"));
    }

    /// A text of at most `most` characters.
    fn text(&mut self, field: &str, zh: &str, value: &str, most: usize, required: bool) {
        if value.trim().is_empty() {
            if required && self.whole {
                self.missing(field, zh);
            }
        } else if value.chars().count() > most {
            let en = format!("{field} has more than {most} characters");
            self.refuse(field, "too-long", format!("{zh}不能超过 {most} 字"), en);
        } else if value.chars().any(|c| c.is_control() && c != '\n') {
            self.refuse(
                field,
                "control-character",
                format!("{zh}含有控制字符"),
                format!("{field} has control characters"),
            );
        }
    }

    /// A number from a table of the interface.
    fn choice(&mut self, field: &str, zh: &str, value: Option<u8>, most: u8, required: bool) {
        match value {
            None if required && self.whole => self.missing(field, zh),
            Some(number) if !(1..=most).contains(&number) => {
                self.refuse(field, "range", format!("{zh}应为 1–{most}"), format!("{field} must be 1 to {most}"));
            }
            _ => {}
        }
    }

    /// The id of a document that is attached.
    fn document(&mut self, field: &str, zh: &str, id: &str, required: bool) {
        self.text(field, zh, id, 64, required);
        if self.whole && !id.trim().is_empty() && !self.documents.contains(id) {
            self.refuse(
                field,
                "document-unknown",
                format!("{zh}未上传到本申请"),
                format!("{field}: no document of this application"),
            );
        }
    }

    /// What a pure check says of a text that is there.
    fn parsed<T>(&mut self, field: &str, value: &str, parse: impl FnOnce(&str) -> Result<T, hufu_ident::Refusal>) {
        if self.whole
            && !value.trim().is_empty()
            && let Err(refusal) = parse(value.trim())
        {
            self.wrong.push(FieldRefusal::of(field, &refusal));
        }
    }

    fn date(&mut self, field: &str, value: &str) {
        if self.whole && !value.is_empty() && value.parse::<Date>().is_err() {
            self.refuse(field, "date", "日期格式应为 yyyy-MM-dd", "a date is written yyyy-MM-dd");
        }
    }

    fn count(&mut self, field: &str, count: usize, most: usize) {
        if count > most {
            self.refuse(field, "too-many", format!("最多 {most} 项"), format!("{field} has more than {most} items"));
        }
    }

    fn subject(&mut self, subject: &Subject, photographs: bool) {
        self.text("subject.orgName", "单位名称", &subject.org_name, LINE, true);
        self.choice("subject.orgNature", "单位性质", subject.org_nature, 5, true);
        self.text("subject.orgAddr", "单位地址", &subject.org_addr, LINE, true);
        self.text("subject.orgAddrProvince", "所在省", &subject.org_addr_province, CODE, true);
        self.text("subject.orgAddrCity", "所在市", &subject.org_addr_city, CODE, true);
        self.text("subject.orgAddrCounty", "所在区县", &subject.org_addr_county, CODE, false);
        self.parsed("subject.orgAddrProvince", &subject.org_addr_province, Division::parse);
        self.parsed("subject.orgAddrCity", &subject.org_addr_city, Division::parse);
        self.parsed("subject.orgAddrCounty", &subject.org_addr_county, Division::parse);
        self.choice("subject.orgCrtType", "单位证件类型", subject.org_crt_type, 2, true);
        self.text("subject.orgCrtCode", "单位证件号", &subject.org_crt_code, 32, true);
        self.document("subject.orgCrtImg", "单位证件照片", &subject.org_crt_img, photographs);
        self.text("subject.orgDesc", "单位简介", &subject.org_desc, 1024, false);
        self.text("subject.industryCategory", "行业类型", &subject.industry_category, CODE, true);
        self.text("subject.industrySpecific", "行业大类", &subject.industry_specific, CODE, true);
        self.person("subject.legal", "法定代表人", &subject.legal, photographs, false);
        self.person("subject.contact", "联系人", &subject.contact, false, true);
        self.text("subject.website", "官方网站", &subject.website, LINE, false);
        self.text("subject.regAuthority", "注册机关", &subject.reg_authority, LINE, false);
        if subject.reg_capital.is_some_and(|capital| capital < 0) {
            self.refuse("subject.regCapital", "range", "注册资本不能为负数", "the capital is not negative");
        }
        self.text("subject.establishDate", "成立日期", &subject.establish_date, 10, false);
        self.text("subject.periodValidity", "有效期", &subject.period_validity, 10, false);
        self.date("subject.establishDate", &subject.establish_date);
        self.date("subject.periodValidity", &subject.period_validity);
        self.service(subject);
    }

    /// What the enterprise runs, where, and who does it.
    fn service(&mut self, subject: &Subject) {
        self.count("subject.licences", subject.licences.len(), LICENCES);
        for (at, licence) in subject.licences.iter().enumerate().take(LICENCES) {
            self.choice(&format!("subject.licences[{at}].licenceType"), "许可类型", licence.licence_type, 4, true);
            self.text(&format!("subject.licences[{at}].licenceNo"), "许可证号", &licence.licence_no, LINE, true);
        }
        self.arrangement("subject.servSysBuild", "服务系统建设", &subject.serv_sys_build, true);
        self.arrangement("subject.servSysOper", "服务系统运营", &subject.serv_sys_oper, true);
        self.arrangement("subject.dataHosting", "数据托管", &subject.data_hosting, false);
        self.arrangement("subject.servHosting", "服务托管", &subject.serv_hosting, false);
        self.arrangement("subject.realNameCheck", "注册实名核验实施", &subject.real_name_check, false);
        self.text("subject.nameCompliance", "标识注册名称合规实施", &subject.name_compliance, LINE, false);
        self.count("subject.systems", subject.systems.len(), PLACES);
        for (at, system) in subject.systems.iter().enumerate().take(PLACES) {
            self.place(&format!("subject.systems[{at}]"), system);
        }
        for (kind, zh, en) in SYSTEMS {
            if self.whole && !subject.systems.iter().any(|system| system.sys_type == Some(kind)) {
                let en = format!("say where {en} is (sysType {kind})");
                self.refuse("subject.systems", "missing", format!("请填写{zh}所在地或云服务商"), en);
            }
        }
        self.count("subject.serIndustries", subject.ser_industries.len(), INDUSTRIES);
        for (at, industry) in subject.ser_industries.iter().enumerate().take(INDUSTRIES) {
            for code in [&industry.category, &industry.specific, &industry.trade, &industry.subclass] {
                self.text(&format!("subject.serIndustries[{at}]"), "服务行业", code, CODE, false);
            }
        }
        self.text("subject.extWeb.name", "网站名称", &subject.ext_web.name, LINE, false);
        self.text("subject.extWeb.domain", "网站域名", &subject.ext_web.domain, LINE, false);
        self.text("subject.extWeb.ip", "网站 IP", &subject.ext_web.ip, LINE, false);
    }

    fn person(&mut self, field: &str, zh: &str, person: &Person, photographs: bool, reachable: bool) {
        self.text(&format!("{field}.name"), &format!("{zh}姓名"), &person.name, NAME, true);
        self.choice(&format!("{field}.crtType"), &format!("{zh}证件类型"), person.crt_type, 3, true);
        self.text(&format!("{field}.crtNo"), &format!("{zh}证件号"), &person.crt_no, 32, true);
        let back = photographs && person.crt_type == Some(1);
        self.document(
            &format!("{field}.crtFrontImg"),
            &format!("{zh}证件照片（正面）"),
            &person.crt_front_img,
            photographs,
        );
        self.document(&format!("{field}.crtBackImg"), &format!("{zh}证件照片（反面）"), &person.crt_back_img, back);
        let (phone, email) = (format!("{field}.phone"), format!("{field}.email"));
        self.text(&phone, &format!("{zh}手机号"), &person.phone, 16, reachable);
        self.parsed(&phone, &person.phone, Phone::parse);
        self.text(&email, &format!("{zh}邮箱"), &person.email, NAME, reachable);
        self.parsed(&email, &person.email, |text| MailAddress::parse(text, Reach::Anywhere));
        self.text(&format!("{field}.fax"), &format!("{zh}传真"), &person.fax, LINE, false);
    }

    /// Done by the enterprise, or by somebody else with a contract.
    fn arrangement(&mut self, field: &str, zh: &str, arrangement: &Arrangement, required: bool) {
        self.choice(&format!("{field}.mode"), zh, arrangement.mode, 2, required);
        let commissioned = arrangement.mode == Some(2);
        self.text(&format!("{field}.org"), &format!("{zh}的受托单位"), &arrangement.org, LINE, commissioned);
        self.document(&format!("{field}.contract"), &format!("{zh}的委托合同"), &arrangement.contract, commissioned);
    }

    fn place(&mut self, field: &str, system: &SystemPlace) {
        self.choice(&format!("{field}.sysType"), "系统类型", system.sys_type, 5, true);
        self.choice(&format!("{field}.deployMode"), "部署方式", system.deploy_mode, 2, true);
        let (local, cloud) = (system.deploy_mode == Some(1), system.deploy_mode == Some(2));
        for (name, zh, code, required) in [
            ("province", "所在省", &system.province, local),
            ("city", "所在市", &system.city, local),
            ("county", "所在区县", &system.county, false),
        ] {
            let field = format!("{field}.{name}");
            self.text(&field, zh, code, CODE, required);
            self.parsed(&field, code, Division::parse);
        }
        self.text(&format!("{field}.addr"), "详细地址", &system.addr, LINE, local);
        self.text(&format!("{field}.provider"), "云服务商", &system.provider, LINE, cloud);
        self.text(&format!("{field}.ipPort"), "IP 及端口", &system.ip_port, LINE, false);
        if self.whole && !system.ip_port.is_empty() && system.sys_type != Some(1) {
            let (zh, en) =
                ("只有标识注册系统填写 IP 及端口", "addresses and ports are of the registration system only");
            self.refuse(format!("{field}.ipPort"), "not-here", zh, en);
        }
        self.parsed(&format!("{field}.ipPort"), &system.ip_port, |text| address::endpoints(text, Reach::Anywhere));
    }

    /// Everything beside the subject.
    fn rest(&mut self, kind: ApplicationKind, content: &Content, reach: Reach) {
        self.text("remarks", "备注", &content.remarks, REMARKS, kind == ApplicationKind::Amendment);
        self.count("prefixes", content.prefixes.len(), PREFIXES);
        for (at, wish) in content.prefixes.iter().enumerate().take(PREFIXES) {
            self.wish(&format!("prefixes[{at}]"), wish, reach);
        }
        match &content.administrator {
            Some(administrator) => self.administrator(administrator),
            None if self.whole && kind == ApplicationKind::Onboarding => self.administrator(&Administrator::default()),
            None => {}
        }
    }

    fn administrator(&mut self, administrator: &Administrator) {
        self.text("administrator.login", "管理员账号", &administrator.login, 64, true);
        self.text("administrator.name", "管理员姓名", &administrator.name, NAME, true);
        self.text("administrator.email", "管理员邮箱", &administrator.email, NAME, true);
        self.parsed("administrator.email", &administrator.email, |text| MailAddress::parse(text, Reach::Anywhere));
    }

    fn wish(&mut self, field: &str, wish: &PrefixWish, reach: Reach) {
        let held = wish.origin == Origin::Held;
        let chosen = held || (wish.parent.is_empty() && wish.pattern.is_empty());
        self.text(&format!("{field}.name"), "前缀（或选择上级前缀由系统分配）", &wish.name, LINE, chosen);
        self.parsed(&format!("{field}.name"), &wish.name, hufu_ident::Prefix::parse);
        self.text(&format!("{field}.parent"), "上级前缀", &wish.parent, LINE, false);
        self.parsed(&format!("{field}.parent"), &wish.parent, hufu_ident::Prefix::parse);
        self.text(&format!("{field}.pattern"), "前缀模式", &wish.pattern, 64, false);
        self.text(&format!("{field}.purpose"), "用途", &wish.purpose, 500, false);
        self.document(&format!("{field}.proof"), "前缀持有证明", &wish.proof, held);
        self.count(&format!("{field}.servers"), wish.servers.len(), SERVERS);
        if self.whole && wish.hosted && !wish.servers.is_empty() {
            let (zh, en) = ("委托部署的前缀不填写服务器", "a hosted prefix has no servers of its own");
            self.refuse(format!("{field}.servers"), "not-here", zh, en);
        }
        for (at, server) in wish.servers.iter().enumerate().take(SERVERS) {
            let field = format!("{field}.servers[{at}]");
            self.text(&format!("{field}.address"), "服务器地址", &server.address, 64, true);
            self.parsed(&format!("{field}.address"), &server.address, |text| address::address(text, reach));
            if self.whole && server.udp.is_none() && server.tcp.is_none() && server.http.is_none() {
                self.refuse(&field, "missing", "请至少填写一个端口", "name at least one port");
            }
        }
    }
}
