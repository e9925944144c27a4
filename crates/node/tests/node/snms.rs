//! The SNMS dialect: calls with the field names and examples of its manual, answered in its envelope.

use crate::control::command;
use crate::hufu;
use hufu_node::roles::Role;
use hufu_testkit::{NodeProcess, Web};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

struct Office {
    node: NodeProcess,
    web: Web,
    _home: TempDir,
}

/// An access key with its secret key.
struct Pair {
    access: String,
    secret: String,
    organisation: String,
}

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

impl Office {
    /// A secondary node of 88.101 that looks at credentials over plain HTTP from its own machine.
    fn open() -> Self {
        let home = tempfile::tempdir().expect("a scratch directory");
        let mut node = NodeProcess::lay_out(hufu(), &home.path().join("secondary"), Role::Secondary, &["88.101"]);
        node.config.http.plain_credentials_on_loopback = true;
        node.write();
        node.start();
        let web = Web::plain(node.http());
        Office { node, web, _home: home }
    }

    fn make(&self, command_line: &[&str], data: &Json) -> Json {
        let all: Vec<&str> = command_line.iter().copied().chain(["--data", "-"]).collect();
        command(&self.node, &all, &data.to_string()).expect(0).json()
    }

    fn enterprise(&self, name: &str, code: &str) -> Pair {
        let subject = json!({
            "orgName": name, "orgCrtType": 1, "orgCrtCode": code, "website": "www.example.cn",
            "industryCategory": "C", "industrySpecific": "34", "orgAddr": "科技路1号",
        });
        let organisation = self.make(&["org", "create"], &json!({"subject": subject}))["id"].clone();
        let account = json!({
            "kind": "machine", "organisation": organisation, "login": format!("machine-{code}").to_lowercase(),
            "name": "接口", "roles": ["enterprise-administrator"],
        });
        let account = self.make(&["user", "create"], &account)["account"]["id"].clone();
        let key = json!({
            "account": account, "note": "snms", "expires": now() + 86_400_000,
            "permissions": ["organisation.read", "prefix.read", "prefix.write"],
        });
        let issued = self.make(&["key", "create"], &key);
        let secret = issued["secret"].as_str().expect("a secret").rsplit('_').next().expect("a part").to_owned();
        let access = issued["key"]["id"].as_str().expect("an id").to_owned();
        Pair { access, secret, organisation: organisation.as_str().expect("an id").to_owned() }
    }

    fn ask(&self, method: &str, path: &str, token: &str, body: &Json) -> (i64, String, Json) {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("content-type", "application/json")];
        if !token.is_empty() {
            headers.push(("authorization", &bearer));
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.web.send(method.parse().expect("a method"), path, &headers, body.as_bytes());
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let envelope = answer.json();
        let message = envelope["message"].as_str().expect("a message").to_owned();
        (envelope["status"].as_i64().expect("a status"), message, envelope["data"].clone())
    }

    #[track_caller]
    fn done(&self, method: &str, path: &str, token: &str, body: &Json) -> Json {
        let (status, message, data) = self.ask(method, path, token, body);
        assert_eq!((status, message.as_str()), (1, "success"), "{path}");
        data
    }

    fn token(&self, pair: &Pair) -> String {
        let body = json!({"username": pair.access, "password": pair.secret});
        self.done("POST", "/identity/token", "", &body)["token"].as_str().expect("a token").to_owned()
    }
}

#[test]
fn tokens_are_given_for_both_forms_of_the_password_and_for_nothing_else() {
    let office = Office::open();
    let pair = office.enterprise("示例泵业", "N1");
    let ask = |path: &str, user: &str, password: &str| {
        office.ask("POST", path, "", &json!({"userName": user, "password": password}))
    };
    let dated = |days: i64| {
        let china = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
        let at = jiff::Timestamp::from_millisecond(now() + days * 86_400_000).expect("a moment").to_zoned(china);
        sha256(&format!("{}{}", sha256(&pair.secret), at.strftime("%Y-%m-%d")))
    };
    let (status, _, data) = ask("/identity/token/v1", &pair.access, &dated(0));
    assert_eq!(status, 1);
    let token = data["token"].as_str().expect("a token").to_owned();
    assert_eq!(office.done("GET", "/snms/api/prefix/page", &token, &Json::Null)["totalElements"], 0);

    for (path, user, password) in [
        ("/identity/token", pair.access.as_str(), "wrong"),
        ("/identity/token", "nobody", "wrong"),
        ("/identity/token", "key-0000000000000000", pair.secret.as_str()),
        ("/identity/token/v1", &pair.access, &dated(2)),
        ("/identity/token/v1", &pair.access, &pair.secret),
        ("/identity/token/v1", "nobody", &dated(0)),
    ] {
        let (status, message, data) = ask(path, user, password);
        assert_eq!((status, message.as_str(), data), (-2, "用户名/密码错误！", Json::Null), "{path} {user}");
    }
    let (status, message, _) = office.ask("POST", "/identity/token", "", &json!({"username": "x"}));
    assert_eq!((status, message.as_str()), (-2, "缺少必要的请求参数: password"));

    // Somebody with a password: the first administrators of the node.
    let logins = std::fs::read_to_string(office.node.home().join("data/first-logins"));
    let logins = logins.or_else(|_| std::fs::read_to_string(office.node.home().join("first-logins"))).expect("logins");
    let line = logins.lines().find(|line| !line.starts_with('#')).expect("a login");
    let parts: Vec<&str> = line.split('\t').collect();
    let (status, message, data) = ask("/identity/token", parts[0], parts[1]);
    assert_eq!(status, 1, "{message}");
    assert!(data["token"].is_string());

    // A key that is revoked takes its tokens with it.
    command(&office.node, &["key", "revoke", &pair.access], "").expect(0);
    assert_eq!(office.ask("GET", "/snms/api/prefix/page", &token, &Json::Null).0, -1);
    assert_eq!(office.ask("GET", "/snms/api/prefix/page", "", &Json::Null).0, -1);
    assert_eq!(office.ask("GET", "/snms/api/prefix/page", "hufud_x", &Json::Null).0, -1);
}

#[test]
fn an_enterprise_sees_itself_and_says_where_its_prefix_is_served() {
    let office = Office::open();
    let (own, other) = (office.enterprise("示例泵业", "N1"), office.enterprise("另一家", "N2"));
    for (pair, prefix) in [(&own, "88.101.1304"), (&other, "88.101.1305")] {
        office.make(&["prefix", "allocate"], &json!({"organisation": pair.organisation, "prefix": prefix}));
    }
    let token = office.token(&own);
    let get = |path: &str| office.done("GET", path, &token, &Json::Null);

    let page = get("/snms/api/v3/ent/page?orgName=&currentPage=1&pageSize=10");
    assert_eq!((page["totalElements"].as_i64(), page["number"].as_i64()), (Some(1), Some(1)));
    assert_eq!(page["content"][0]["orgName"], "示例泵业");
    assert_eq!(get("/snms/api/v3/ent/detail")["entBasicInfo"]["orgCrtCode"], "N1");
    let (status, _, data) =
        office.ask("GET", &format!("/snms/api/v3/ent/detail?id={}", other.organisation), &token, &Json::Null);
    assert_eq!((status, data), (-2, Json::Null));

    let prefix = get("/snms/api/prefix/query?prefix=88.101.1304");
    assert_eq!((prefix["status"].as_i64(), prefix["entNameCn"].as_str()), (Some(1), Some("示例泵业")));
    assert_eq!(prefix["createDate"].as_str().map(str::len), Some("yyyy-MM-dd HH:mm:ss".len()));
    assert_eq!(office.ask("GET", "/snms/api/prefix/query?prefix=88.101.1305", &token, &Json::Null).0, -2);
    let page = get("/snms/api/prefix/page?startDate=2019-01-01%2000:00:00&entName=%E6%B3%B5%E4%B8%9A");
    assert_eq!((page["content"][0]["entPrefix"].as_str(), page["totalPages"].as_i64()), (Some("88.101.1304"), Some(1)));
    let (status, message, _) = office.ask("GET", "/snms/api/prefix/query", &token, &Json::Null);
    assert_eq!((status, message.as_str()), (-2, "缺少必要的请求参数: prefix"));
    assert_eq!(office.ask("GET", "/snms/api/prefix/page?pageSize=x", &token, &Json::Null).0, -2);
    assert_eq!(office.ask("DELETE", "/snms/api/prefix/page", &token, &Json::Null).0, -2);

    // Its own server: numbers as texts, an empty text for no port.
    let mut config = json!({"entPrefixConfig": {
        "entPrefix": "88.101.1304", "hdlType": "HS_SITE", "ipType": "4", "ip": "36.112.25.8",
        "tcpPort": "2641", "udpPort": "2641", "httpPort": "",
    }});
    assert_eq!(office.done("POST", "/snms/api/ent/config", &token, &config), true);
    let shown = command(&office.node, &["prefix", "show", "88.101.1304"], "").expect(0).json();
    let server = &shown["delegation"]["servers"][0];
    assert_eq!((server["address"].as_str(), server["tcp"].as_i64()), (Some("36.112.25.8"), Some(2641)));
    assert!(server["http"].is_null());
    for (member, value) in
        [("ipType", json!(6)), ("hdlType", json!("X")), ("tcpPort", json!("70000")), ("ip", json!("x"))]
    {
        let mut wrong = config.clone();
        wrong["entPrefixConfig"][member] = value;
        assert_eq!(office.ask("POST", "/snms/api/ent/config", &token, &wrong).0, -2, "{member}");
    }
    config["entPrefixConfig"]["entPrefix"] = "88.101.1305".into();
    assert_eq!(office.ask("POST", "/snms/api/ent/config", &token, &config).0, -2, "somebody else's");

    // Hosted: asked for by the enterprise.
    let hosted = json!({"proxyServerId": 1, "entPrefixConfig": {"entPrefix": "88.101.1304"}});
    assert_eq!(office.done("POST", "/snms/api/ent/config", &token, &hosted), true);
    assert_eq!(get("/snms/api/prefix/page")["content"][0]["proxyState"], 2);
    let unknown = json!({"proxyServerId": 2, "entPrefixConfig": {"entPrefix": "88.101.1304"}});
    assert_eq!(office.ask("POST", "/snms/api/ent/config", &token, &unknown).0, -2);
}

/// The smallest PNG that is one.
fn png() -> Vec<u8> {
    let mut octets = b"\x89PNG\r\n\x1a\n".to_vec();
    octets.extend(b"\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55");
    octets.extend(b"\0\0\0\0IEND\xaeB`\x82");
    octets
}

/// The body of an application with the members of the manual, numbers as numbers and as texts as its examples have
/// them.
fn application(user: &str, prefix: &str, file: i64) -> Json {
    json!({
        "sysUser": {
            "email": "admin@hufu-demo.cn", "mobile": "13800000000", "password": sha256("123456"), "userName": user,
            "remarks": "接入",
        },
        "entBasicInfo": {
            "orgName": "示例泵业有限公司", "orgNature": 2, "orgAddr": "示例路 1 号", "orgAddrProvince": "440000",
            "orgAddrCity": "440300", "orgAddrCounty": "", "orgCrtType": "1", "orgCrtCode": "91440300MA5EXA1P7G",
            "orgCrtImgRid": file, "orgDesc": "泵", "industryCategory": "C", "industrySpecific": "34",
            "website": "www.hufu-demo.cn", "regAuthority": "示例市监局", "regCapital": 1000,
            "establishDate": "2016-01-01", "periodValidity": "2036-01-01", "contactName": "乙二", "contactCrtType": 1,
            "contactCrtNo": "44030519900101123X", "contactEmail": "someone@hufu-demo.cn",
            "contactPhone": "13800000000", "legalName": "甲一", "legalCrtType": "1",
            "legalCrtNo": "44030519900101123X", "legalCrtFrontImgRid": file + 1, "legalCrtBackImgRid": file + 2,
            "entPrefix": prefix,
        },
        "entRegisterManageInfo": {
            "entInfoSyses": (1..=4).map(|kind| json!({
                "sysType": kind, "deployMode": 1, "deployAddrProvince": "440000", "deployAddrCity": "440300",
                "deployAddrCounty": "", "deployAddr": "示例路 1 号", "name": "",
                "ipPort": if kind == 1 { "[36.112.25.8]:2641" } else { "" },
            })).collect::<Vec<_>>(),
            "servSysBuildType": 1, "servSysBuildName": "", "servSysBuildContractFileRid": null,
            "servSysOperType": 1, "servSysOperName": "", "servSysOperContractFileRid": null,
        },
        "entHostingAndIdentifyServeInfo": {
            "extWebName": "示例标识服务", "extDomain": "id.hufu-demo.cn", "extIpAddr": "36.112.25.8",
            "dataHostingOrg": "", "dataHostingContractFileRid": null, "servHostingOrg": "",
            "servHostingContractFileRid": null, "entInfoSerIndustries": [], "entInfoLicenses": [],
        },
    })
}

impl Office {
    /// A key of somebody of the node who files applications.
    fn clerk(&self) -> Pair {
        let account = json!({"kind": "machine", "login": "clerk", "name": "接口", "roles": ["platform-operator"]});
        let account = self.make(&["user", "create"], &account)["account"]["id"].clone();
        let permissions = ["organisation.read", "account.read", "prefix.read", "application.read", "application.write"];
        let key = json!({
            "account": account, "note": "snms", "expires": now() + 86_400_000, "permissions": permissions,
        });
        let issued = self.make(&["key", "create"], &key);
        let secret = issued["secret"].as_str().expect("a secret").rsplit('_').next().expect("a part").to_owned();
        let access = issued["key"]["id"].as_str().expect("an id").to_owned();
        Pair { access, secret, organisation: String::new() }
    }

    fn upload(&self, token: &str, octets: &[u8]) -> (i64, Json) {
        let mut body = b"--snms-x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"licence.png\"\r\n\
                         Content-Type: image/png\r\n\r\n"
            .to_vec();
        body.extend(octets);
        body.extend(b"\r\n--snms-x--\r\n");
        let bearer = format!("Bearer {token}");
        let headers = [("content-type", "multipart/form-data; boundary=snms-x"), ("authorization", bearer.as_str())];
        let path = "/snms/api/file/upload";
        let answer = self.web.send("POST".parse().expect("a method"), path, &headers, &body).json();
        (answer["status"].as_i64().expect("a status"), answer["data"].clone())
    }

    fn files(&self, token: &str) -> i64 {
        let mut ids = (0..3).map(|_| {
            let (status, data) = self.upload(token, &png());
            assert_eq!(status, 1);
            let path = data["path"].as_str().expect("a name");
            assert!(path.ends_with(".png") && path.len() > 20, "{path}");
            data["id"].as_i64().expect("a number")
        });
        let first = ids.next().expect("an id");
        assert_eq!(ids.collect::<Vec<_>>(), [first + 1, first + 2]);
        first
    }
}

#[test]
fn an_enterprise_applies_with_its_files_and_later_for_more() {
    let office = Office::open();
    let token = office.token(&office.clerk());
    assert_eq!(office.upload(&token, b"no image").0, -2);
    let first = office.files(&token);

    // What is wrong is named, and the files can be used again.
    let mut wrong = application("pump", "88.101.77", first);
    wrong["entBasicInfo"]["orgCrtCode"] = "".into();
    let (status, message, _) = office.ask("POST", "/snms/api/v3/ent/apply", &token, &wrong);
    assert!(status == -2 && message.contains("orgCrtCode"), "{message}");
    wrong["sysUser"]["userName"] = Json::Null;
    let (status, message, _) = office.ask("POST", "/snms/api/v3/ent/apply", &token, &wrong);
    assert_eq!((status, message.as_str()), (-2, "缺少必要的请求参数: sysUser.userName"));
    assert_eq!(office.ask("POST", "/snms/api/v3/ent/apply", "", &wrong).0, -1);

    let body = application("pump", "88.101.77", first);
    assert_eq!(office.done("POST", "/snms/api/v3/ent/apply", &token, &body), true);
    let again = application("other", "88.101.78", first);
    assert_eq!(office.ask("POST", "/snms/api/v3/ent/apply", &token, &again).0, -2, "a file is used once");

    let submitted = ["application", "list", "--state", "submitted"];
    let waiting = command(&office.node, &submitted, "").expect(0).json();
    assert_eq!(waiting["total"], 1);
    let id = waiting["items"][0]["id"].as_str().expect("an id").to_owned();
    let shown = command(&office.node, &["application", "show", &id], "").expect(0).json();
    let subject = &shown["content"]["subject"];
    assert_eq!((subject["orgNature"].as_i64(), subject["legal"]["name"].as_str()), (Some(2), Some("甲一")));
    let documents = command(&office.node, &["document", "list", &id], "").expect(0).json();
    let documents: Vec<&str> =
        documents.as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(documents.len(), 3);
    assert!(documents.contains(&subject["orgCrtImg"].as_str().expect("an id")), "{subject}");
    command(&office.node, &["application", "claim", &id], "").expect(0);
    office.make(&["application", "decide", &id], &json!({"verdict": "approve", "reason": ""}));
    let prefix = office.done("GET", "/snms/api/prefix/query?prefix=88.101.77", &token, &Json::Null);
    assert_eq!((prefix["status"].as_i64(), prefix["entNameCn"].as_str()), (Some(1), Some("示例泵业有限公司")));

    // The user's organisation changes its data and asks for another prefix.
    let mut body = application("", "88.101.79", 0);
    body["username"] = "pump".into();
    for name in ["orgCrtImgRid", "legalCrtFrontImgRid", "legalCrtBackImgRid"] {
        body["entBasicInfo"][name] = Json::Null;
    }
    body["entBasicInfo"]["website"] = "new.hufu-demo.cn".into();
    assert_eq!(office.done("POST", "/snms/api/v3/ent/upgrade-apply", &token, &body), true);
    let waiting = command(&office.node, &submitted, "").expect(0).json();
    let mut kinds: Vec<_> = waiting["items"].as_array().expect("rows").iter().map(|row| row["kind"].clone()).collect();
    kinds.sort_by_key(|kind| kind.to_string());
    assert_eq!(kinds, ["amendment", "prefix"]);
    body["username"] = "nobody".into();
    assert_eq!(office.ask("POST", "/snms/api/v3/ent/upgrade-apply", &token, &body).0, -2);
}

#[test]
fn an_enterprise_does_not_apply_for_others() {
    let office = Office::open();
    let token = office.token(&office.enterprise("示例泵业", "N1"));
    let body = application("pump", "88.101.77", 1);
    assert_eq!(office.ask("POST", "/snms/api/v3/ent/apply", &token, &body).0, -3);
    assert_eq!(office.upload(&token, &png()).0, -3, "its key may not file applications");
}
