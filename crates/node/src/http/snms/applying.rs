//! Enterprises that want in: `apply`, `upgrade-apply`, and the files that they name by number.
//!
//! What the dialect calls done is filed and submitted here: reviewers decide, as for every application.

use super::Call;
use super::envelope::{Answered, Failure};
use super::input::Input;
use axum::http::header;
use hufu_registry::accounts::account::AccountFilter;
use hufu_registry::onboarding::content::{Administrator, Content, PrefixWish};
use hufu_registry::onboarding::documents::Attachment;
use hufu_registry::onboarding::{ApplicationKind, NewApplication};
use hufu_registry::subject::{Arrangement, ExternalWeb, Industry, Licence, Person, Subject, SystemPlace};
use hufu_registry::{Caller, Error, Listing, Registry};
use serde_json::json;

/// Characters of fields, as the interface has them.
const USER: usize = 50;
const PASSWORD: usize = 64;
const PREFIX: usize = 64;
/// What the ids of documents begin with that are no numbers.
const DOCUMENT: &str = "doc-";

/// `POST /snms/api/file/upload`: the field `file` of a form.
pub async fn upload(call: &Call<'_>) -> Answered {
    let kind = call.asked.header(header::CONTENT_TYPE).unwrap_or_default();
    let octets = file_of_form(kind, &call.asked.body).ok_or_else(|| Failure::missing("file"))?;
    let upload = call.registry.upload(&call.caller, octets.to_vec()).await.map_err(told)?;
    Ok(json!({"id": upload.id, "path": upload.name}))
}

/// `POST /snms/api/v3/ent/apply`: by an administrator, for an enterprise that is not there yet.
pub async fn apply(call: &Call<'_>) -> Answered {
    if call.caller.organisation().is_some() {
        return Err(Failure::denied("没有权限：企业接入由节点管理员代为申请"));
    }
    let user = |name: &str, most| call.input.required(&format!("sysUser.{name}"), most);
    let (login, email, mobile) = (user("userName", USER)?, user("email", USER)?, user("mobile", USER)?);
    // Nobody sets a password for another: the account is invited by e-mail.
    user("password", PASSWORD)?;
    let (subject, files) = subject(&call.input)?;
    let name = Some(subject.contact.name.clone()).filter(|name| !name.is_empty()).unwrap_or_else(|| login.clone());
    let remarks = call.input.text("sysUser.remarks")?.unwrap_or_default();
    let content = Content {
        subject: Some(subject),
        prefixes: vec![wish(&call.input)?],
        administrator: Some(Administrator { login, name, email }),
        remarks: format!("手机 {mobile} {remarks}").trim().to_owned(),
    };
    let new = NewApplication { kind: ApplicationKind::Onboarding, organisation: None, content };
    file(call.registry, &call.caller, new, &files).await?;
    Ok(json!(true))
}

/// `POST /snms/api/v3/ent/upgrade-apply`: the organisation of a user changes what was reviewed of it, and asks for a
/// prefix that it has not got yet.
pub async fn upgrade(call: &Call<'_>) -> Answered {
    let login = call.input.required("username", USER)?;
    let organisation = organisation_of(call, &login).await?;
    let (subject, files) = subject(&call.input)?;
    let wish = wish(&call.input)?;
    let held = match call.registry.prefix(&call.caller, &wish.name).await {
        Ok(prefix) => prefix.organisation == organisation && prefix.enabled.is_some(),
        Err(Error::Refused(_)) => false,
        Err(fault) => return Err(fault.into()),
    };
    let before = call.registry.organisation(&call.caller, &organisation).await?;
    let mut filed = Vec::new();
    if !held {
        let content = Content { prefixes: vec![wish], ..Content::default() };
        let new = NewApplication { kind: ApplicationKind::Prefix, organisation: Some(organisation.clone()), content };
        filed.push(file(call.registry, &call.caller, new, &[]).await?);
    }
    if before.subject != subject || !files.is_empty() {
        let remarks = "经 SNMS 接口提交的变更".to_owned();
        let content = Content { subject: Some(subject), remarks, ..Content::default() };
        let new = NewApplication { kind: ApplicationKind::Amendment, organisation: Some(organisation), content };
        match file(call.registry, &call.caller, new, &files).await {
            Ok(id) => filed.push(id),
            Err(failure) => {
                for id in filed {
                    call.registry.withdraw_application(&call.caller, &id, "变更申请未被受理").await?;
                }
                return Err(failure);
            }
        }
    }
    match filed.is_empty() {
        true => Err(Failure::business("没有需要变更的内容")),
        false => Ok(json!(true)),
    }
}

/// The organisation of a user that the caller may see.
async fn organisation_of(call: &Call<'_>, login: &str) -> Result<String, Failure> {
    let filter = AccountFilter { login: Some(login.to_owned()), ..AccountFilter::default() };
    let found = call.registry.accounts(&call.caller, &filter, &Listing::default()).await?;
    let account = found.items.into_iter().find(|account| account.login.eq_ignore_ascii_case(login));
    let account = account.ok_or_else(|| Failure::business(format!("没有该用户：{login}")))?;
    Ok(account.organisation)
}

/// Files an application with its documents and submits it; if it is refused, nothing of it is left to do.
async fn file(
    registry: &Registry,
    caller: &Caller,
    new: NewApplication,
    files: &[(String, i64)],
) -> Result<String, Failure> {
    let made = registry.create_application(caller, &new).await.map_err(told)?;
    let id = made.id.clone();
    match complete(registry, caller, &id, new.content, files).await {
        Ok(()) => Ok(id),
        Err(error) => {
            registry.withdraw_application(caller, &id, "未能提交").await?;
            registry.release_uploads(caller, &id).await?;
            Err(told(error))
        }
    }
}

async fn complete(
    registry: &Registry,
    caller: &Caller,
    id: &str,
    content: Content,
    files: &[(String, i64)],
) -> Result<(), Error> {
    if !files.is_empty() {
        let numbers: Vec<i64> = files.iter().map(|(_, number)| *number).collect();
        registry.claim_uploads(caller, &numbers, id).await?;
        let mut text = serde_json::to_value(&content.subject)?;
        for (pointer, number) in files {
            let (name, octets) = registry.claimed_upload(*number, id).await?;
            let document =
                registry.attach_document(caller, &Attachment::Application(id.to_owned()), &name, octets).await?;
            if let Some(place) = text.pointer_mut(pointer) {
                *place = document.id.into();
            }
        }
        let content = Content { subject: serde_json::from_value(text)?, ..content };
        registry.save_application(caller, id, None, &content).await?;
    }
    registry.submit_application(caller, id, None).await?;
    Ok(())
}

/// A refusal names every field that it is about.
fn told(error: Error) -> Failure {
    match &error {
        Error::Refused(refusal) if !refusal.fields.is_empty() => {
            let fields = refusal.fields.iter().map(|field| format!("{}: {}", field.field, field.zh));
            Failure::business(fields.collect::<Vec<_>>().join("；"))
        }
        _ => error.into(),
    }
}

fn wish(input: &Input) -> Result<PrefixWish, Failure> {
    let name = input.required("entBasicInfo.entPrefix", PREFIX)?;
    Ok(PrefixWish { name, ..PrefixWish::default() })
}

/// The three objects as a subject; files by number, with the place in the subject that names them.
fn subject(input: &Input) -> Result<(Subject, Vec<(String, i64)>), Failure> {
    let mut files = Files { input, found: Vec::new() };
    let mut subject = basic(input, &mut files)?;
    let at = "entRegisterManageInfo";
    subject.systems = input.list(&format!("{at}.entInfoSyses"), place)?;
    for (name, pointer, arrangement) in [
        ("servSysBuild", "/servSysBuild/contract", &mut subject.serv_sys_build),
        ("servSysOper", "/servSysOper/contract", &mut subject.serv_sys_oper),
    ] {
        arrangement.mode = input.choice(&format!("{at}.{name}Type"))?;
        arrangement.org = input.text(&format!("{at}.{name}Name"))?.unwrap_or_default();
        arrangement.contract = files.take(&format!("{at}.{name}ContractFileRid"), pointer)?;
    }
    let at = "entHostingAndIdentifyServeInfo";
    let text = |name: &str| -> Result<String, Failure> { Ok(input.text(&format!("{at}.{name}"))?.unwrap_or_default()) };
    subject.ext_web = ExternalWeb { name: text("extWebName")?, domain: text("extDomain")?, ip: text("extIpAddr")? };
    for (name, pointer, arrangement) in [
        ("dataHosting", "/dataHosting/contract", &mut subject.data_hosting),
        ("servHosting", "/servHosting/contract", &mut subject.serv_hosting),
    ] {
        let contract = files.take(&format!("{at}.{name}ContractFileRid"), pointer)?;
        let org = text(&format!("{name}Org"))?;
        // Whoever names somebody does not do it alone: 2 is 委托.
        let mode = (!org.is_empty()).then_some(2);
        *arrangement = Arrangement { mode, org, contract };
    }
    subject.ser_industries = input.list(&format!("{at}.entInfoSerIndustries"), |one| {
        let text = |name: &str| -> Result<String, Failure> { Ok(one.text(name)?.unwrap_or_default()) };
        Ok(Industry {
            category: text("industryCategory")?,
            specific: text("industrySpecific")?,
            trade: text("industryTrade")?,
            subclass: text("industrySubclass")?,
        })
    })?;
    subject.licences = input.list(&format!("{at}.entInfoLicenses"), |one| {
        let licence_no = one.text("licenceNo")?.unwrap_or_default();
        Ok(Licence { licence_type: one.choice("licenceType")?, licence_no })
    })?;
    Ok((subject, files.found))
}

fn basic(input: &Input, files: &mut Files<'_>) -> Result<Subject, Failure> {
    let text = |name: &str| -> Result<String, Failure> {
        Ok(input.text(&format!("entBasicInfo.{name}"))?.unwrap_or_default())
    };
    let choice = |name: &str| input.choice(&format!("entBasicInfo.{name}"));
    let mut person = |role: &str, pointer: &str| -> Result<Person, Failure> {
        let mut image = |name: &str, place: &str| {
            files.take(&format!("entBasicInfo.{role}{name}Rid"), &format!("/{pointer}/{place}"))
        };
        Ok(Person {
            crt_front_img: image("CrtFrontImg", "crtFrontImg")?,
            crt_back_img: image("CrtBackImg", "crtBackImg")?,
            name: text(&format!("{role}Name"))?,
            crt_type: choice(&format!("{role}CrtType"))?,
            crt_no: text(&format!("{role}CrtNo"))?,
            phone: text(&format!("{role}Phone"))?,
            email: text(&format!("{role}Email"))?,
            fax: text(&format!("{role}Fax"))?,
        })
    };
    let (contact, legal) = (person("contact", "contact")?, person("legal", "legal")?);
    Ok(Subject {
        org_name: text("orgName")?,
        org_nature: choice("orgNature")?,
        org_addr: text("orgAddr")?,
        org_addr_province: text("orgAddrProvince")?,
        org_addr_city: text("orgAddrCity")?,
        org_addr_county: text("orgAddrCounty")?,
        org_crt_type: choice("orgCrtType")?,
        org_crt_code: text("orgCrtCode")?,
        org_crt_img: files.take("entBasicInfo.orgCrtImgRid", "/orgCrtImg")?,
        org_desc: text("orgDesc")?,
        industry_category: text("industryCategory")?,
        industry_specific: text("industrySpecific")?,
        website: text("website")?,
        reg_authority: text("regAuthority")?,
        reg_capital: input.number("entBasicInfo.regCapital")?,
        establish_date: text("establishDate")?,
        period_validity: text("periodValidity")?,
        contact,
        legal,
        ..Subject::default()
    })
}

fn place(one: &Input) -> Result<SystemPlace, Failure> {
    let text = |name: &str| -> Result<String, Failure> { Ok(one.text(name)?.unwrap_or_default()) };
    Ok(SystemPlace {
        sys_type: one.choice("sysType")?,
        deploy_mode: one.choice("deployMode")?,
        province: text("deployAddrProvince")?,
        city: text("deployAddrCity")?,
        county: text("deployAddrCounty")?,
        addr: text("deployAddr")?,
        provider: text("name")?,
        ip_port: text("ipPort")?,
    })
}

/// The files that a request names.
struct Files<'a> {
    input: &'a Input,
    /// Place in the subject, and number.
    found: Vec<(String, i64)>,
}

impl Files<'_> {
    /// A number is noted and filled in later; the id of a document stays as it is.
    fn take(&mut self, path: &str, pointer: &str) -> Result<String, Failure> {
        match self.input.text(path)? {
            Some(text) if text.starts_with(DOCUMENT) => Ok(text),
            Some(text) => {
                let number = text.parse().map_err(|_| Failure::wrong_type(path))?;
                self.found.push((pointer.to_owned(), number));
                Ok(String::new())
            }
            None => Ok(String::new()),
        }
    }
}

/// The octets of the part `file` of `multipart/form-data` (RFC 7578).
fn file_of_form<'a>(content_type: &str, body: &'a [u8]) -> Option<&'a [u8]> {
    let (kind, parameters) = content_type.split_once(';')?;
    let boundary = parameters.split(';').find_map(|one| one.trim().strip_prefix("boundary="))?;
    let boundary = boundary.trim_matches('"');
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") || !(1..=70).contains(&boundary.len()) {
        return None;
    }
    let (opening, closing) = (format!("--{boundary}"), format!("\r\n--{boundary}"));
    let mut rest = &body[find(body, opening.as_bytes())? + opening.len()..];
    loop {
        rest = rest.strip_prefix(b"\r\n")?;
        let head = find(rest, b"\r\n\r\n")?;
        let content = &rest[head + 4..];
        let end = find(content, closing.as_bytes())?;
        if is_file(&rest[..head]) {
            return Some(&content[..end]);
        }
        rest = &content[end + closing.len()..];
    }
}

fn is_file(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let disposition = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"));
    disposition.is_some_and(|line| line.split(';').any(|one| matches!(one.trim(), "name=\"file\"" | "name=file")))
}

fn find(body: &[u8], what: &[u8]) -> Option<usize> {
    body.windows(what.len()).position(|here| here == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_form_is_found_among_other_fields() {
        let kind = "multipart/form-data; boundary=----x";
        let body = b"------x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nfile\r\n------x\r\n\
                     Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\
                     Content-Type: image/png\r\n\r\n\x89PNG\r\n--\r\n------x--\r\n";
        assert_eq!(file_of_form(kind, body), Some(&b"\x89PNG\r\n--"[..]));
        for (kind, body) in [
            ("application/json", &body[..]),
            ("multipart/form-data", body),
            ("multipart/form-data; boundary=other", body),
            (kind, &body[..60]),
            (kind, b"------x--\r\n"),
            (kind, b""),
        ] {
            assert_eq!(file_of_form(kind, body), None, "{kind}");
        }
    }

    #[test]
    fn numbers_name_files_and_places_are_where_the_subject_has_them() {
        let body = json!({
            "entBasicInfo": {"orgName": "甲", "orgNature": "2", "orgCrtImgRid": 834, "legalCrtFrontImgRid": "835",
                             "legalCrtBackImgRid": "doc-1"},
            "entRegisterManageInfo": {"servSysBuildType": 2, "servSysBuildContractFileRid": 836},
            "entHostingAndIdentifyServeInfo": {"dataHostingOrg": "乙", "dataHostingContractFileRid": 837},
        });
        let (subject, files) = subject(&Input::of(body)).ok().expect("a subject");
        assert_eq!((subject.org_nature, subject.legal.crt_back_img.as_str()), (Some(2), "doc-1"));
        let text = serde_json::to_value(&subject).expect("JSON");
        let numbers: Vec<i64> = files.iter().map(|(_, number)| *number).collect();
        assert_eq!(numbers, [835, 834, 836, 837]);
        for (pointer, _) in files {
            assert_eq!(text.pointer(&pointer), Some(&serde_json::Value::from("")), "{pointer}");
        }
    }
}
