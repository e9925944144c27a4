//! `hufu demo`: a whole small country in one process, on loopback, with the data of three companies.
//!
//! A root, a top-level node (88 and 86), two secondary nodes, three enterprise nodes and a recursive node, each with
//! its own store below one data directory that survives restarts. Secrets are made at the first start.

mod check;
mod country;
mod data;
mod ready;
mod registration;

pub use country::{Country, Ports};

use crate::cli::{CliError, DemoArgs, Output, PortsChoice, Screen, table};
use crate::config::LogConfig;
use crate::roles::Role;
use crate::serve::Signals;
use comfy_table::Table;
use hufu_ident::systems::handle::Protocol;
use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Demos that one folder has room for at once.
const DEMOS: usize = 100;

/// What `hufu demo` was asked to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// None: `data/demo`, or the next free `data/demo-2`, … while another demo runs there.
    pub data_directory: Option<PathBuf>,
    /// Written when all is ready, readable by its owner only.
    pub ready_file: Option<PathBuf>,
    pub ports: Ports,
    /// Resolve every sample and exit.
    pub check: bool,
    /// Exit as soon as all is ready.
    pub once: bool,
    /// Print JSON instead of tables.
    pub json: bool,
}

/// Runs the demo; true means that all went well.
async fn carry_out(plan: Plan) -> Result<bool, String> {
    // Before the ready file is there: whoever sees it may stop the demo.
    let mut signals = Signals::listen().map_err(|error| error.to_string())?;
    let (directory, _lock) = claim_directory(plan.data_directory)?;
    let country = Country::start(&directory, plan.ports).await?;
    let report = ready::report(&country);
    if let Some(path) = &plan.ready_file {
        ready::write(path, &report).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if plan.check {
        let rows = check::check(&country).await;
        check::print(&rows, plan.json);
        let good = rows.iter().all(check::Row::is_good);
        country.stop().await;
        return Ok(good);
    }
    show(&country, plan.json, &report);
    if !plan.json {
        println!("{}", resolved_table(&country).await);
    }
    if plan.once {
        country.stop().await;
        return Ok(true);
    }
    signals.to_stop().await;
    country.stop().await;
    Ok(true)
}

/// The command.
pub fn run(args: DemoArgs, screen: &Screen) -> Result<ExitCode, CliError> {
    crate::telemetry::start_logging(&LogConfig { level: "warn".into(), ..LogConfig::default() });
    let plan = Plan {
        data_directory: args.data_dir,
        ready_file: args.ready_file,
        ports: match args.ports {
            PortsChoice::Fixed => Ports::Fixed,
            PortsChoice::Auto => Ports::Auto,
        },
        check: args.check,
        once: args.once,
        json: screen.output == Output::Json,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::incident(format!("cannot start: {error}")))?;
    match runtime.block_on(carry_out(plan)) {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::FAILURE),
        Err(error) => Err(CliError::incident(error)),
    }
}

/// The data directory and the lock that keeps other demos out of it.
fn claim_directory(given: Option<PathBuf>) -> Result<(PathBuf, File), String> {
    if let Some(directory) = given {
        let lock = lock(&directory)?;
        let taken = format!("{}: another demo runs there; name another --data-dir", directory.display());
        return lock.map(|lock| (directory, lock)).ok_or(taken);
    }
    for number in 1..=DEMOS {
        let directory = match number {
            1 => PathBuf::from("data/demo"),
            number => PathBuf::from(format!("data/demo-{number}")),
        };
        if let Some(lock) = lock(&directory)? {
            return Ok((directory, lock));
        }
    }
    Err(format!("{DEMOS} demos run here already; name a --data-dir"))
}

/// None if somebody else has it.
fn lock(directory: &Path) -> Result<Option<File>, String> {
    let fault = |error: std::io::Error| format!("{}: {error}", directory.display());
    std::fs::create_dir_all(directory).map_err(fault)?;
    let file = File::create(directory.join("demo.lock")).map_err(fault)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(fault(error)),
    }
}

fn show(country: &Country, json: bool, report: &serde_json::Value) {
    if json {
        // Secrets stay in the ready file.
        let mut shown = report.clone();
        if let Some(shown) = shown.as_object_mut() {
            shown.remove("logins");
        }
        shown["nodes"].as_array_mut().into_iter().flatten().for_each(|node| {
            node.as_object_mut().map(|node| node.remove("admin"));
        });
        println!("{shown}");
        return;
    }
    println!("虎符 Hufu · 演示网络已就绪 the demo country is ready\n");
    println!("{}\n", nodes_table(country));
    println!("{}\n", samples_table(country));
    println!("登录 Logins, generated at the first start:\n{}\n", logins_table(country));
    println!("{}", commands(country));
    let _ = std::io::stdout().flush();
}

fn nodes_table(country: &Country) -> Table {
    let mut table = table(&["角色 Role", "名称 Name", "前缀 Prefix", "Handle UDP+TCP", "HTTP(S)"]);
    for member in &country.members {
        let role = member.node.role();
        table.add_row([
            format!("{} {}", role.recipe().zh, role.name()),
            member.node.name().to_owned(),
            member.prefixes().join(", "),
            member.tcp().to_string(),
            member.http_url(),
        ]);
    }
    table
}

fn logins_table(country: &Country) -> Table {
    let mut table = table(&["注册管理 Registry", "登录名 User", "口令 Password", "角色 Role"]);
    for member in country.members.iter().filter(|member| member.node.role() != Role::Enterprise) {
        for login in &member.logins {
            let row = [member.console(), login.user.clone(), login.password.clone(), login.roles.clone()];
            table.add_row(row);
        }
    }
    table
}

fn samples_table(country: &Country) -> Table {
    let mut table = table(&["体系 System", "标识 Identifier", "是什么 What it is"]);
    for sample in country.samples() {
        table.add_row([sample.system.to_owned(), sample.identifier, sample.title]);
    }
    table
}

/// One identifier of every system, resolved through the recursive node.
async fn resolved_table(country: &Country) -> String {
    let mut out = String::from("经递归节点解析 Resolved through the recursive node:\n");
    let mut seen = Vec::new();
    for sample in country.samples() {
        if seen.contains(&sample.system) {
            continue;
        }
        seen.push(sample.system);
        let row = check::check_one(&sample, Protocol::Udp, country.recursive().udp()).await;
        let value = String::from_utf8_lossy(&sample.expect.data).into_owned();
        let verdict = row.fault.as_deref().map_or_else(|| format!("✓ {value}"), |fault| format!("✗ {fault}"));
        out.push_str(&format!("  {:6} {}  {verdict}\n", sample.system, sample.identifier));
    }
    out
}

fn commands(country: &Country) -> String {
    let recursive = country.recursive();
    let (via, web) = (recursive.tcp(), recursive.http_url());
    // As it was called: the binary need not be on the path.
    let hufu = std::env::args().next().unwrap_or_else(|| "hufu".into());
    format!(
        "试一试 Try:\n\
         \x20 {hufu} resolve 88.118.8/JXDY2106023 --via {via} --trace\n\
         \x20 curl '{web}/88.118.8/JXDY2106023'                     # 网关 gateway JSON\n\
         \x20 curl '{web}/api/handles/88.118.8/JXDY2106023?pretty'  # Handle JSON\n\
         \x20 {web}/?id=88.118.8/JXDY2106023                        # 浏览器 in a browser\n\
         \n控制台 Console: {web}/ （管理控制台尚未提供 the administration console comes later）\n\
         数据目录 Data: {} · Ctrl-C 结束 ends it\n",
        country.directory.display()
    )
}
