//! How the demo's prefixes come about: as in life, through the registry of the node above.
//!
//! An enterprise applies with its subject data, a reviewer who is somebody else decides, the prefix is allocated in the
//! same act, and the publisher delegates it. A secondary node is made known to the top-level node by its key, asks for
//! its prefix through the operator interface, and tells through it what it gives out.

use super::country::Member;
use super::data::Company;
use crate::clock;
use crate::config::{Config, OperatorConfig, Span};
use crate::operator;
use crate::random;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hufu_ident::systems::handle::{Protocol, Site};
use hufu_registry::accounts::sign_in::SignIn;
use hufu_registry::onboarding::review::{Decision, Verdict};
use hufu_registry::onboarding::{Administrator, ApplicationKind, Content, NewApplication, PrefixWish};
use hufu_registry::operator::{NewOperatorClient, OperatorClientFilter, OperatorRequestFilter, OwnPrefixRequest};
use hufu_registry::organisations::{NewOrganisation, OrganisationFilter};
use hufu_registry::outbox::Server;
use hufu_registry::prefixes::{self, DelegationData, PrefixChange, PrefixRules, State};
use hufu_registry::settings::ReviewSettings;
use hufu_registry::subject::{Arrangement, ExternalWeb, Person, Subject, SystemPlace};
use hufu_registry::{Caller, Error, Listing, Registry, Time};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

/// How long the publisher may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A login to try: generated at the first start, never the same twice.
#[derive(Debug, Clone)]
pub struct Login {
    pub user: String,
    pub password: String,
    pub roles: String,
}

/// Who asks for a prefix. All numbers are invented.
pub struct Applicant {
    pub name: &'static str,
    pub credit_code: &'static str,
    /// Six digits: province, city.
    pub province: &'static str,
    pub city: &'static str,
    /// 大类 of manufacturing.
    pub industry: &'static str,
    /// Login of its first administrator.
    pub login: &'static str,
}

impl Applicant {
    /// The company as it would fill in the form.
    pub fn of(company: &Company) -> Self {
        let row = |credit_code, province, city, industry, login| Applicant {
            name: company.name,
            credit_code,
            province,
            city,
            industry,
            login,
        };
        match company.prefix {
            "88.118.8" => row("91500112MA5HUFU15U", "500000", "500100", "34", "engines"),
            "88.118.15" => row("91320602MA1HUFU26C", "320000", "320600", "38", "fibre"),
            _ => row("91370202MA3HUFU380", "370000", "370200", "13", "cold-chain"),
        }
    }

    /// The operator of a secondary node.
    pub fn secondary(prefix: &str) -> Self {
        let row = |name, credit_code, province, city, industry, login| Applicant {
            name,
            credit_code,
            province,
            city,
            industry,
            login,
        };
        match prefix {
            "88.118" => row("京硕机械标识服务有限公司", "91110108MA0HUFU401", "110000", "110100", "34", "machinery"),
            _ => row("申粟食品标识服务有限公司", "91310115MA1HUFU50R", "310000", "310100", "14", "food"),
        }
    }

    fn subject(&self) -> Subject {
        let someone = |name: &str| Person {
            name: name.into(),
            crt_type: Some(1),
            crt_no: "44030519900101123X".into(),
            phone: "13800000000".into(),
            email: format!("{}@hufu-demo.cn", self.login),
            ..Person::default()
        };
        let place = |kind| SystemPlace {
            sys_type: Some(kind),
            deploy_mode: Some(1),
            province: self.province.into(),
            city: self.city.into(),
            addr: "演示路 1 号".into(),
            ip_port: if kind == 1 { "[127.0.0.1]:8000".into() } else { String::new() },
            ..SystemPlace::default()
        };
        let own = Arrangement { mode: Some(1), ..Arrangement::default() };
        Subject {
            org_name: self.name.into(),
            org_nature: Some(2),
            org_addr: "演示路 1 号".into(),
            org_addr_province: self.province.into(),
            org_addr_city: self.city.into(),
            org_crt_type: Some(1),
            org_crt_code: self.credit_code.into(),
            industry_category: "C".into(),
            industry_specific: self.industry.into(),
            legal: someone("甲一"),
            contact: someone("乙二"),
            serv_sys_build: own.clone(),
            serv_sys_oper: own,
            systems: (1..=4).map(place).collect(),
            ext_web: ExternalWeb {
                name: "演示标识服务".into(),
                domain: "id.hufu-demo.cn".into(),
                ip: "127.0.0.1".into(),
            },
            ..Subject::default()
        }
    }
}

/// The accounts of a node's first start: the three duties, an operator, a reviewer. Their passwords are generated.
pub fn write_first_accounts(folder: &Path, name: &str) -> Result<(), String> {
    let path = folder.join("first-accounts.toml");
    if path.exists() {
        return Ok(());
    }
    let mut text = format!("organisation = \"{name}\"\n");
    for (login, person, role) in [
        ("system", "系统管理员", "system-administrator"),
        ("security", "安全管理员", "security-administrator"),
        ("audit", "审计管理员", "audit-administrator"),
        ("operator", "平台运营员", "platform-operator"),
        ("reviewer", "审核员", "reviewer"),
    ] {
        text.push_str(&format!(
            "\n[[accounts]]\nlogin = \"{login}\"\nname = \"{person}\"\nroles = [\"{role}\"]\nmust-change = false\n"
        ));
    }
    std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The logins that a node's first start has written down.
pub fn logins(folder: &Path) -> Vec<Login> {
    let text = std::fs::read_to_string(folder.join("first-logins")).unwrap_or_default();
    let rows = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut parts = line.split('\t').map(str::to_owned);
        Some(Login { user: parts.next()?, password: parts.next()?, roles: parts.next()? })
    });
    rows.collect()
}

fn now() -> Time {
    clock::millis() as Time
}

fn explain(what: &str) -> impl Fn(Error) -> String + use<'_> {
    move |error| match error.refusal() {
        Some(refusal) => {
            let fields: Vec<String> = refusal.fields.iter().map(|f| format!("{}: {}", f.field, f.en)).collect();
            format!("{what}: {refusal} {}", fields.join("; "))
        }
        None => format!("{what}: {error}"),
    }
}

/// The node below as the registry above records it: its addresses, ports and key.
fn delegation(site: &Site, below: bool) -> DelegationData {
    let servers = site.servers.iter().flat_map(|server| site.addresses(server).into_iter().map(move |at| (server, at)));
    let servers = servers.map(|(server, address)| {
        let port = |protocol| {
            let found = server.interfaces.iter().find(|interface| interface.protocol == protocol);
            found.and_then(|interface| u16::try_from(interface.port).ok())
        };
        Server {
            address: address.to_canonical().to_string(),
            udp: port(Protocol::Udp),
            tcp: port(Protocol::Tcp),
            http: port(Protocol::Http),
            public_key: Some(BASE64.encode(&server.public_key)),
        }
    });
    DelegationData { servers: servers.collect(), below, administrators: Vec::new() }
}

/// One node's registry, with the people who work there.
struct Office<'a> {
    registry: &'a Registry,
    operator: Caller,
    reviewer: Caller,
}

impl<'a> Office<'a> {
    async fn open(member: &'a Member) -> Result<Self, String> {
        let registry = member.node.parts.registry.as_ref().ok_or("the node above has no registry")?;
        let operator = sign_in(registry, member, "operator").await?;
        let reviewer = sign_in(registry, member, "reviewer").await?;
        Ok(Office { registry, operator, reviewer })
    }

    /// What a demo cannot have: photographs, public addresses, a clock that waits for checks of them.
    async fn relax(&self) -> Result<(), String> {
        let settings = ReviewSettings {
            photographs: false,
            reachability: false,
            private_addresses: true,
            ..ReviewSettings::default()
        };
        let document = serde_json::to_value(settings).map_err(|error| error.to_string())?;
        let local = Caller::local(0, "demo", now());
        let written = self.registry.write_setting(&local, "review", None, document).await;
        written.map_err(explain("settings of the review"))?;
        let rules = self.registry.prefix_rules(&local).await.map_err(explain("rules of prefixes"))?;
        let rules = PrefixRules { private_addresses: true, ..rules };
        let written = self.registry.set_prefix_rules(&local, &rules).await;
        written.map(|_| ()).map_err(explain("rules of prefixes"))
    }

    async fn state(&self, prefix: &str) -> Option<State> {
        self.registry.prefix(&self.operator, prefix).await.ok().map(|found| found.state)
    }

    /// Application, review and allocation of a company's prefix.
    async fn onboard(&self, applicant: &Applicant, prefix: &str, data: DelegationData) -> Result<(), String> {
        let administrator = Administrator {
            login: format!("admin@{}", applicant.login),
            name: "丙三".into(),
            email: format!("admin-{}@hufu-demo.cn", applicant.login),
        };
        let wish =
            PrefixWish { name: prefix.into(), servers: data.servers, below: data.below, ..PrefixWish::default() };
        let content = Content {
            subject: Some(applicant.subject()),
            prefixes: vec![wish],
            administrator: Some(administrator),
            remarks: "演示 demo".into(),
        };
        let new = NewApplication { kind: ApplicationKind::Onboarding, organisation: None, content };
        let (registry, fail) = (self.registry, explain(applicant.name));
        let filed = registry.create_application(&self.operator, &new).await.map_err(&fail)?;
        registry.submit_application(&self.operator, &filed.id, None).await.map_err(&fail)?;
        registry.claim_application(&self.reviewer, &filed.id, false).await.map_err(&fail)?;
        let decision = Decision { verdict: Verdict::Approve, reason: "材料齐全 complete".into() };
        registry.decide_application(&self.reviewer, &filed.id, None, &decision).await.map(|_| ()).map_err(&fail)
    }

    /// The organisation of that name; entered by the operator if it is not there.
    async fn organisation(&self, applicant: &Applicant) -> Result<String, String> {
        let fail = explain(applicant.name);
        let filter = OrganisationFilter { name: Some(applicant.name.into()), ..OrganisationFilter::default() };
        let page = self.registry.organisations(&self.operator, &filter, &Listing::default()).await.map_err(&fail)?;
        if let Some(organisation) = page.items.into_iter().next() {
            return Ok(organisation.id);
        }
        let new = NewOrganisation { subject: applicant.subject() };
        Ok(self.registry.create_organisation(&self.operator, &new).await.map_err(&fail)?.id)
    }

    /// The id under which the node of an organisation registers here, by its key.
    async fn client(&self, applicant: &Applicant, prefix: &str, public_key: String) -> Result<String, String> {
        let fail = explain(applicant.name);
        let organisation = self.organisation(applicant).await?;
        let filter = OperatorClientFilter { organisation: Some(organisation.clone()), state: Some("active".into()) };
        let page = self.registry.operator_clients(&self.operator, &filter, &Listing::default()).await.map_err(&fail)?;
        if let Some(client) = page.items.into_iter().find(|client| client.public_key == public_key) {
            return Ok(client.id);
        }
        let new = NewOperatorClient {
            organisation,
            name: applicant.name.into(),
            prefix: prefix.into(),
            public_key,
            addresses: vec!["127.0.0.0/8".into(), "::1".into()],
        };
        Ok(self.registry.register_operator_client(&self.operator, &new).await.map_err(&fail)?.id)
    }

    /// The node below has moved, or not.
    async fn refresh(&self, prefix: &str, data: DelegationData) -> Result<(), String> {
        let found = self.registry.prefix(&self.operator, prefix).await.map_err(explain(prefix))?;
        if found.delegation == data {
            return Ok(());
        }
        let change = PrefixChange { delegation: Some(data), auto_renew: None };
        let local = Caller::local(0, "demo", now());
        self.registry.amend_prefix(&local, prefix, None, &change).await.map(|_| ()).map_err(explain(prefix))
    }

    /// Until nothing waits in the outbox: from then on it resolves.
    async fn published(&self) -> Result<(), String> {
        let started = std::time::Instant::now();
        while self.registry.waiting_count().await.map_err(explain("outbox"))? > 0 {
            if started.elapsed() > PATIENCE {
                return Err("what was allocated is not published".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

async fn sign_in(registry: &Registry, member: &Member, user: &str) -> Result<Caller, String> {
    let fail = explain(user);
    let login = member.logins.iter().find(|login| login.user == user);
    let login =
        login.ok_or_else(|| format!("{}: no login of {user}; remove the data directory", member.node.name()))?;
    let request = SignIn { login: login.user.clone(), password: login.password.clone(), code: None };
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let id = hex::encode(random::octets::<8>());
    let anonymous = Caller::anonymous(address.to_string(), &id, now());
    let signed = registry.sign_in(&anonymous, &request, "demo").await.map_err(&fail)?;
    registry.identify(&signed.token, address, &id, now()).await.map_err(&fail)
}

/// Makes a secondary node known to the node above it, and that one to it: before it starts.
pub async fn introduce(above: &Member, applicant: &Applicant, prefix: &str, config: &mut Config) -> Result<(), String> {
    config.operator = OperatorConfig {
        url: above.http_url(),
        key_file: config.data_directory.join("operator-key.pem"),
        poll_interval: Span::seconds(1),
        ..OperatorConfig::default()
    };
    let known = operator::above(&config.operator).map_err(|error| format!("{}: {error}", applicant.name))?;
    let office = Office::open(above).await?;
    office.relax().await?;
    config.operator.client = office.client(applicant, prefix, known.public_key).await?;
    Ok(())
}

/// A secondary node asks the node above for its prefix, whose operator approves; or what is registered is brought up to
/// date.
pub async fn obtain(above: &Member, below: &Member, prefix: &str) -> Result<(), String> {
    let office = Office::open(above).await?;
    let registry = below.node.parts.registry.as_ref().ok_or("the secondary node has no registry")?;
    let local = Caller::local(0, "demo", now());
    let delegation = delegation(&below.node.parts.identity.site, true);
    let filter = OperatorRequestFilter { prefix: Some(prefix.into()), state: None };
    let asked = registry.operator_requests(&local, &filter, &Listing::default()).await.map_err(explain(prefix))?;
    if office.state(prefix).await.is_none() && asked.items.is_empty() {
        let wish =
            OwnPrefixRequest { prefix: prefix.into(), delegation: delegation.clone(), ..OwnPrefixRequest::default() };
        registry.request_own_prefix(&local, &wish).await.map_err(explain(prefix))?;
    }
    let started = std::time::Instant::now();
    loop {
        match office.state(prefix).await {
            Some(State::Pending | State::InReview) => {
                let approve = prefixes::Decision::Approve;
                let done = office.registry.decide_prefix(&office.operator, prefix, approve, "").await;
                done.map_err(explain(prefix))?;
            }
            Some(_) => break,
            None if started.elapsed() > PATIENCE => return Err(format!("{prefix} was not asked for above")),
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    office.refresh(prefix, delegation).await?;
    office.published().await
}

/// An enterprise's prefix enters the registry of the node above, or what is registered is brought up to date.
pub async fn register(above: &Member, below: &Member, prefix: &str, applicant: &Applicant) -> Result<(), String> {
    let office = Office::open(above).await?;
    let data = delegation(&below.node.parts.identity.site, false);
    match office.state(prefix).await {
        Some(_) => office.refresh(prefix, data).await?,
        None => {
            office.relax().await?;
            office.onboard(applicant, prefix, data).await?;
        }
    }
    office.published().await
}
