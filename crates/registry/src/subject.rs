//! The subject data of an organisation: the field set of the interface to the top-level node (tables T1 and T6).
//!
//! One set for every place that has it: applications, organisations, the dialects, the reports upward. Which fields
//! must be there is the business of whoever asks for them.

use serde::{Deserialize, Serialize};

/// Table T6 with the photographs of T1 as documents. All fields may be absent, in a draft.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Subject {
    /// 单位名称.
    #[schema(max_length = 255)]
    pub org_name: String,
    /// 单位性质: 1 国有控股, 2 民营控股, 3 外商控股, 4 事业单位, 5 民营非盈利组织.
    #[schema(minimum = 1, maximum = 5)]
    pub org_nature: Option<u8>,
    /// 单位地址: the part after province, city and county.
    #[schema(max_length = 255)]
    pub org_addr: String,
    /// 单位地址-省, six-digit code, as the next two.
    pub org_addr_province: String,
    pub org_addr_city: String,
    pub org_addr_county: String,
    /// 单位证件类型: 1 统一社会信用代码, 2 其他.
    #[schema(minimum = 1, maximum = 2)]
    pub org_crt_type: Option<u8>,
    /// 单位证件号.
    #[schema(max_length = 32)]
    pub org_crt_code: String,
    /// 单位证件照片: the id of a document.
    pub org_crt_img: String,
    /// 单位简介, about 200 characters.
    #[schema(max_length = 1024)]
    pub org_desc: String,
    /// 行业类型: 门类 of GB/T 4754-2017.
    pub industry_category: String,
    /// 行业大类.
    pub industry_specific: String,
    pub legal: Person,
    pub contact: Person,
    /// 官方网站.
    #[schema(max_length = 255)]
    pub website: String,
    /// 注册机关.
    #[schema(max_length = 255)]
    pub reg_authority: String,
    /// 注册资本, in ten thousand yuan.
    pub reg_capital: Option<i64>,
    /// 成立日期, `yyyy-MM-dd`.
    pub establish_date: String,
    /// 有效期, `yyyy-MM-dd`; empty for no end.
    pub period_validity: String,
    /// 域名相关许可.
    pub licences: Vec<Licence>,
    /// 服务系统建设 and 服务系统运营.
    pub serv_sys_build: Arrangement,
    pub serv_sys_oper: Arrangement,
    /// 标识注册系统, 注册数据, 数据备份, 解析服务器, 系统备份: where each is.
    pub systems: Vec<SystemPlace>,
    /// 数据托管单位 and 服务托管单位.
    pub data_hosting: Arrangement,
    pub serv_hosting: Arrangement,
    /// 标识注册实名核验实施 and 标识注册名称合规实施.
    pub real_name_check: Arrangement,
    pub name_compliance: String,
    /// 服务行业.
    pub ser_industries: Vec<Industry>,
    /// 对外提供标识服务的网站名称、域名、IP.
    pub ext_web: ExternalWeb,
}

/// 法定代表人 or 联系人.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Person {
    #[schema(max_length = 128)]
    pub name: String,
    /// 证件类型: 1 中国居民身份证, 2 护照, 3 其他.
    #[schema(minimum = 1, maximum = 3)]
    pub crt_type: Option<u8>,
    #[schema(max_length = 32)]
    pub crt_no: String,
    /// 证件照片: ids of documents.
    pub crt_front_img: String,
    pub crt_back_img: String,
    #[schema(max_length = 16)]
    pub phone: String,
    #[schema(max_length = 128)]
    pub email: String,
    #[schema(max_length = 255)]
    pub fax: String,
}

/// A licence under the rules for domain names and telecommunication.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Licence {
    /// 1 域名根服务器运行机构, 2 域名注册管理机构, 3 域名注册服务机构, 4 增值电信业务经营.
    #[schema(minimum = 1, maximum = 4)]
    pub licence_type: Option<u8>,
    #[schema(max_length = 255)]
    pub licence_no: String,
}

/// Who does something: 自营 or 委托, with contract.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Arrangement {
    /// 1 自营, 2 委托.
    #[schema(minimum = 1, maximum = 2)]
    pub mode: Option<u8>,
    #[schema(max_length = 255)]
    pub org: String,
    /// The contract: the id of a document.
    pub contract: String,
}

/// Where one of the systems is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SystemPlace {
    /// 1 注册系统, 2 注册数据, 3 数据备份, 4 解析服务器, 5 系统备份.
    #[schema(minimum = 1, maximum = 5)]
    pub sys_type: Option<u8>,
    /// 1 local, 2 cloud.
    #[schema(minimum = 1, maximum = 2)]
    pub deploy_mode: Option<u8>,
    pub province: String,
    pub city: String,
    pub county: String,
    #[schema(max_length = 255)]
    pub addr: String,
    /// The cloud provider.
    #[schema(max_length = 255)]
    pub provider: String,
    /// `[ip]:port`, several parted by `;`; of system 1 only.
    #[schema(max_length = 255)]
    pub ip_port: String,
}

/// A class of GB/T 4754-2017, as deep as it is known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Industry {
    pub category: String,
    pub specific: String,
    pub trade: String,
    pub subclass: String,
}

/// The public service's website.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ExternalWeb {
    #[schema(max_length = 255)]
    pub name: String,
    #[schema(max_length = 255)]
    pub domain: String,
    /// IPv4 and IPv6, parted by `;`.
    #[schema(max_length = 255)]
    pub ip: String,
}
