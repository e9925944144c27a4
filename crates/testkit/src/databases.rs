//! Scratch databases of both kinds that the registry runs on. PostgreSQL is Debian's, started once per test process
//! on a socket in a folder of its own, and stopped when the process ends, however it ends.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// An empty database; an SQLite file goes with its scratch folder.
pub struct Scratch {
    pub kind: &'static str,
    pub url: String,
    _folder: Option<TempDir>,
}

impl Scratch {
    pub fn sqlite() -> Self {
        let folder = TempDir::new().expect("a scratch folder");
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("registry.db").display());
        Scratch { kind: "sqlite", url, _folder: Some(folder) }
    }

    pub fn postgres() -> Self {
        let server = server();
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("scratch_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let made = server.tool("createdb").arg(&name).output().expect("createdb runs");
        assert!(made.status.success(), "createdb: {}", String::from_utf8_lossy(&made.stderr));
        let url = format!("postgres://postgres@localhost/{name}?host={}", server.folder.display());
        Scratch { kind: "postgres", url, _folder: None }
    }

    /// One of each kind.
    pub fn both() -> [Scratch; 2] {
        [Scratch::sqlite(), Scratch::postgres()]
    }
}

/// A running server. The keeper is a shell that stops it when this process' end of its input closes.
struct Server {
    folder: PathBuf,
    programs: PathBuf,
    _keeper: Child,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(start)
}

impl Server {
    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.arg("-h").arg(&self.folder).arg("-U").arg("postgres");
        command
    }
}

fn programs() -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.retain(|bin| bin.join("initdb").exists());
    versions.sort();
    versions.pop().expect("PostgreSQL is not installed; run `make setup`, or apt install postgresql")
}

fn start() -> Server {
    let programs = programs();
    let folder = TempDir::with_prefix("hufu-pg-").expect("a scratch folder").keep();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).expect("a folder for the server");
    // The server refuses to run as root; its package made a user for it.
    let as_user = if is_root() { "setpriv --reuid=postgres --regid=postgres --clear-groups " } else { "" };
    let script = format!(
        "{as_user}{bin}/initdb -D {data} -U postgres -A trust -E UTF8 --locale=C --no-sync >{log} 2>&1 || exit 1; \
         {as_user}{bin}/postgres -D {data} -k {folder} -c listen_addresses= -c fsync=off -c max_connections=400 \
         >>{log} 2>&1 & server=$!; cat >/dev/null; kill -INT $server; wait $server; rm -rf {folder}",
        bin = programs.display(),
        data = folder.join("data").display(),
        log = folder.join("log").display(),
        folder = folder.display(),
    );
    let keeper = Command::new("sh").arg("-c").arg(script).stdin(Stdio::piped()).spawn().expect("a shell");
    let server = Server { folder, programs, _keeper: keeper };
    wait(&server);
    server
}

fn wait(server: &Server) {
    let started = Instant::now();
    loop {
        let ready = server.tool("pg_isready").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if ready.is_ok_and(|status| status.success()) {
            return;
        }
        let log = || std::fs::read_to_string(server.folder.join("log")).unwrap_or_default();
        assert!(started.elapsed() < Duration::from_secs(60), "PostgreSQL does not start:\n{}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0)
}
