//! One node as a process: `hufu serve` with a configuration of its own.

use crate::{eventually, keys, shell, web};
use hufu_client::{Client, Endpoint, Identity};
use hufu_ident::systems::handle::Protocol;
use hufu_node::config::Config;
use hufu_node::roles::Role;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a node may take to be ready, or to stop, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A node: its files, and its process while it runs.
pub struct NodeProcess {
    pub config: Config,
    hufu: PathBuf,
    home: PathBuf,
    secret: String,
    child: Option<Child>,
}

impl NodeProcess {
    /// Lays out the files of a node in `home`, with free ports on both loopbacks. It is not started.
    pub fn lay_out(hufu: &Path, home: &Path, role: Role, prefixes: &[&str]) -> Self {
        std::fs::create_dir_all(home).expect("a directory for the node");
        let name = home.file_name().expect("a name").to_string_lossy().into_owned();
        let mut config = Config::new(role, &name, "data".into());
        config.prefixes = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
        let mut listen = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
        if crate::ports::has_ipv6() {
            listen.push(IpAddr::V6(Ipv6Addr::LOCALHOST));
        }
        let (handle, http, admin) = (crate::ports::free(), crate::ports::free(), crate::ports::free());
        config.handle.listen = listen.clone();
        (config.handle.udp_port, config.handle.tcp_port) = (handle, handle);
        config.http.listen = listen;
        config.http.port = http;
        config.admin.port = admin;
        keys::put_server_key(&home.join("server-key.pem"));
        let secret = hufu_node::random::secret();
        if role.recipe().authority {
            std::fs::write(home.join("admin-secret"), format!("{secret}\n")).expect("a secret file");
            config.administration.secret_file = Some("admin-secret".into());
        }
        NodeProcess { config, hufu: hufu.into(), home: home.into(), secret, child: None }
    }

    /// Serves HTTPS as well, with a certificate that [`crate::Web`] trusts.
    pub fn with_tls(mut self) -> Self {
        std::fs::write(self.home.join("certificate.pem"), keys::certificate()).expect("a certificate file");
        self.config.http.certificate = Some("certificate.pem".into());
        self.config.http.key = Some("server-key.pem".into());
        self
    }

    /// Gives the first administrator a secret of the test's choice.
    pub fn with_secret(mut self, secret: &str) -> Self {
        std::fs::write(self.home.join("admin-secret"), secret).expect("a secret file");
        self.secret = secret.into();
        self
    }

    /// The configuration file.
    pub fn path(&self) -> PathBuf {
        self.home.join("node.toml")
    }

    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where the secret of the first administrator is.
    pub fn secret_file(&self) -> PathBuf {
        self.home.join("admin-secret")
    }

    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Writes the configuration.
    pub fn write(&self) {
        let text = toml::to_string(&self.config).expect("a configuration is TOML");
        std::fs::write(self.path(), text).expect("the configuration is written");
    }

    /// Writes the configuration, starts the node and waits until it is ready.
    pub fn start(&mut self) -> &mut Self {
        self.launch();
        self.wait_ready();
        self
    }

    /// Starts the node without waiting for it.
    pub fn launch(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.config.name);
        self.write();
        let log = OpenOptions::new().create(true).append(true).open(self.home.join("log")).expect("a log file");
        let path = self.path();
        let mut command = shell::command(&self.hufu, &["serve", "--config", &path.to_string_lossy()]);
        command.stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().expect("the node starts"));
    }

    /// Waits until `/readyz` says so.
    pub fn wait_ready(&mut self) {
        let started = Instant::now();
        let admin = self.admin();
        while !web::Web::plain(admin).try_get("/readyz").is_ok_and(|answer| answer.status == 200) {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().expect("a child"));
            let gone = ended.is_some() || started.elapsed() > PATIENCE;
            assert!(!gone, "{} is not ready ({ended:?}):\n{}", self.config.name, self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().expect("a child").is_none())
    }

    /// SIGKILL: no goodbye.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("the node runs");
        child.kill().expect("the node is killed");
        child.wait().expect("the node is gone");
    }

    /// SIGTERM, then waits for the end.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait_end()
    }

    pub fn signal(&self, name: &str) {
        shell::signal(self.child.as_ref().expect("the node runs"), name);
    }

    pub fn wait_end(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the node runs");
        let mut ended = None;
        eventually("the node ends", PATIENCE, || {
            ended = child.try_wait().expect("a child");
            ended.is_some()
        });
        ended.expect("an end")
    }

    /// What the node has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }

    /// The address of the Handle protocol, UDP and TCP, on IPv4.
    pub fn handle(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.config.handle.tcp_port))
    }

    pub fn handle_v6(&self) -> SocketAddr {
        SocketAddr::from((Ipv6Addr::LOCALHOST, self.config.handle.tcp_port))
    }

    pub fn http(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.config.http.port))
    }

    pub fn http_v6(&self) -> SocketAddr {
        SocketAddr::from((Ipv6Addr::LOCALHOST, self.config.http.port))
    }

    pub fn admin(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.config.admin.port))
    }

    /// Every way to ask this node, with a name for messages.
    pub fn ways(&self) -> Vec<(&'static str, Endpoint)> {
        let mut ways = vec![
            ("UDP over IPv4", Endpoint::udp(self.handle())),
            ("TCP over IPv4", Endpoint::tcp(self.handle())),
            ("HTTP tunnel over IPv4", Endpoint::new(Protocol::Http, self.http())),
        ];
        if crate::ports::has_ipv6() {
            ways.push(("UDP over IPv6", Endpoint::udp(self.handle_v6())));
            ways.push(("TCP over IPv6", Endpoint::tcp(self.handle_v6())));
            ways.push(("HTTP tunnel over IPv6", Endpoint::new(Protocol::Http, self.http_v6())));
        }
        ways
    }

    /// A client without identity, over TCP.
    pub fn client(&self) -> Client {
        Client::new(Endpoint::tcp(self.handle())).with_deadline(Duration::from_secs(20))
    }

    /// Its first administrator, `301:0.NA/<prefix>`.
    pub fn administrator(&self) -> String {
        let prefix = self.config.prefixes.first().expect("a prefix");
        hufu_node::provision::first_administrator(prefix).to_string()
    }

    /// The first administrator, with the secret.
    pub fn identity(&self) -> Identity {
        Identity::read(&self.administrator(), self.secret.as_bytes()).expect("an identity")
    }

    /// A client that acts as the first administrator.
    pub fn admin_client(&self) -> Client {
        self.client().with_identity(self.identity())
    }

    /// The arguments that make a command act at this node as its first administrator.
    pub fn as_admin(&self) -> Vec<String> {
        let secret = self.secret_file().to_string_lossy().into_owned();
        let (server, who) = (self.handle().to_string(), self.administrator());
        ["--server", &server, "--identity", &who, "--secret-file", &secret].map(String::from).to_vec()
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let log = self.log();
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "--- log of {}\n{log}", self.config.name);
            return;
        }
        assert!(!log.contains("panicked"), "{} panicked:\n{log}", self.config.name);
    }
}
