//! Enterprises: the list, and one with its three objects.

use super::Call;
use super::envelope::{Answered, Failure};
use super::input::{moment, paged};
use hufu_registry::organisations::Organisation;
use hufu_registry::subject::{Arrangement, Subject, SystemPlace};
use serde_json::{Value as Json, json};

/// `GET /snms/api/v3/ent/page`.
pub async fn page(call: &Call<'_>) -> Answered {
    let (name, span, page) = (call.input.text("orgName")?, call.input.span()?, call.input.page()?);
    let found = call.registry.enterprises_numbered(&call.caller, name.as_deref(), span, page).await?;
    Ok(paged(found.0.iter().map(row).collect(), found.1, page))
}

fn row(found: &Organisation) -> Json {
    let subject = &found.subject;
    json!({
        "id": found.id, "orgName": subject.org_name, "orgNature": subject.org_nature,
        "orgCrtType": subject.org_crt_type, "orgCrtCode": subject.org_crt_code, "orgDesc": subject.org_desc,
        "website": subject.website, "entGeneralId": found.id, "openIds": [],
        "createDate": moment(found.created), "updateDate": moment(found.updated),
    })
}

/// `GET /snms/api/v3/ent/detail`; without `id`, the caller's own.
pub async fn detail(call: &Call<'_>) -> Answered {
    let own = call.caller.organisation().filter(|id| !id.is_empty()).map(str::to_owned);
    let id = call.input.text("id")?.or(own).ok_or_else(|| Failure::missing("id"))?;
    let found = call.registry.organisation(&call.caller, &id).await?;
    // The subject has one field more than the dialect for some things, and none for others.
    Ok(json!({
        "entBasicInfo": basic(&found.subject),
        "entRegisterManageInfo": systems(&found.subject),
        "entHostingAndIdentifyServeInfo": services(&found.subject),
    }))
}

fn basic(subject: &Subject) -> Json {
    let (contact, legal) = (&subject.contact, &subject.legal);
    json!({
        "orgName": subject.org_name, "orgNature": subject.org_nature, "orgAddr": subject.org_addr,
        "orgAddrProvince": subject.org_addr_province, "orgAddrCity": subject.org_addr_city,
        "orgAddrCounty": subject.org_addr_county, "orgCrtType": subject.org_crt_type,
        "orgCrtCode": subject.org_crt_code, "orgCrtImgRid": subject.org_crt_img, "orgDesc": subject.org_desc,
        "industryCategory": subject.industry_category, "industrySpecific": subject.industry_specific,
        "website": subject.website, "regAuthority": subject.reg_authority, "regCapital": subject.reg_capital,
        "establishDate": subject.establish_date, "periodValidity": subject.period_validity,
        "contactName": contact.name, "contactCrtType": contact.crt_type, "contactCrtNo": contact.crt_no,
        "contactCrtFrontImgRid": contact.crt_front_img, "contactCrtBackImgRid": contact.crt_back_img,
        "contactEmail": contact.email, "contactPhone": contact.phone,
        "legalName": legal.name, "legalCrtType": legal.crt_type, "legalCrtNo": legal.crt_no,
        "legalCrtFrontImgRid": legal.crt_front_img, "legalCrtBackImgRid": legal.crt_back_img,
        "legalEmail": legal.email, "legalFax": legal.fax, "legalPhone": legal.phone,
    })
}

fn systems(subject: &Subject) -> Json {
    let place = |system: &SystemPlace| {
        json!({
            "sysType": system.sys_type, "deployMode": system.deploy_mode, "deployAddrProvince": system.province,
            "deployAddrCity": system.city, "deployAddrCounty": system.county, "deployAddr": system.addr,
            "name": system.provider, "ipPort": system.ip_port,
        })
    };
    let (build, run) = (&subject.serv_sys_build, &subject.serv_sys_oper);
    json!({
        "entInfoSyses": subject.systems.iter().map(place).collect::<Vec<_>>(),
        "servSysBuildType": build.mode, "servSysBuildName": build.org, "servSysBuildContractFileRid": build.contract,
        "servSysOperType": run.mode, "servSysOperName": run.org, "servSysOperContractFileRid": run.contract,
    })
}

fn services(subject: &Subject) -> Json {
    let Arrangement { org: data, contract: data_contract, .. } = &subject.data_hosting;
    let Arrangement { org: service, contract: service_contract, .. } = &subject.serv_hosting;
    let industries = subject.ser_industries.iter().map(|industry| {
        json!({
            "industryCategory": industry.category, "industrySpecific": industry.specific,
            "industryTrade": industry.trade, "industrySubclass": industry.subclass,
        })
    });
    let licences = subject.licences.iter();
    let licences = licences.map(|one| json!({"licenceType": one.licence_type, "licenceNo": one.licence_no}));
    json!({
        "extWebName": subject.ext_web.name, "extDomain": subject.ext_web.domain, "extIpAddr": subject.ext_web.ip,
        "dataHostingOrg": data, "dataHostingContractFileRid": data_contract,
        "servHostingOrg": service, "servHostingContractFileRid": service_contract,
        "entInfoSerIndustries": industries.collect::<Vec<_>>(), "entInfoLicenses": licences.collect::<Vec<_>>(),
    })
}
